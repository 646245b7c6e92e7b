"""One relation while it is harvested: prompts, candidates, what the model knows of it, what goes into the graph.

What the model does not know by the card's own seeds is not asked. Everything that a harvest found out is a step under a key made from its
content: one that was killed goes on where it was, and one that is made again adds what is new.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from harvest.bertnet import candidates, scoring
from harvest.bertnet.calibrate import Knowledge, knowledge
from harvest.bertnet.candidates import Judged
from harvest.bertnet.prompts import prompt_set
from harvest.bertnet.proposing import Asked, Nearest, Proposer
from harvest.bertnet.rounds import Rounds
from harvest.bertnet.scoring import CausalJudge, Company, Judge
from kgplatform import names
from kgplatform.cards import fits, slots
from kgplatform.difference import Before
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Steps
from kgplatform.linking import link
from kgplatform.lm.ports import ChatModel, Encoder, TokenScorer
from kgplatform.types import Candidate, Claim, Entity, Kind, Receipt, Relation, Words

OTHERS = 24
"""Words of each slot that corrupted seeds are made with."""
LEAST = 0.5
"""Probability from which a candidate goes into the graph."""


@dataclass(frozen=True, slots=True)
class Models:
    """Who scores, who finds what is near, and who, if anyone, proposes whole lists and rewords prompts.

    What the chat model says amiss is kept in the folder ``quarantine``.
    """

    scorer: TokenScorer
    encoder: Encoder
    chat: ChatModel | None = None
    quarantine: Path = Path("quarantine")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.scorer.name, self.encoder.name, self.chat.name if self.chat else "")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a harvest ends, whatever is left: ``size`` candidates that a chat model is asked for, ``minutes``.

    Candidates less likely than ``confidence`` are not put. ``held`` puts none: they stand in the outcome, for a person to look at.
    """

    size: int = 200
    minutes: float | None = None
    confidence: float = LEAST
    held: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one relation: ``found`` are all candidates that were judged, best first, of which ``kept`` were likely enough.

    ``prompts`` are (prompt, weight). ``notes`` say what did not go as it should.
    """

    relation: str
    found: tuple[Judged, ...]
    kept: tuple[Judged, ...]
    learnt: Knowledge | None
    prompts: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    receipt: Receipt = field(default_factory=Receipt)


class Asking:
    """Harvests one relation."""

    def __init__(self, kg: KnowledgeGraph, card: Relation, models: Models, limits: Limits, steps: Steps, before: Before) -> None:
        self._kg, self._card, self._models, self._limits, self._steps, self._before = kg, card, models, limits, steps, before
        self._revision = f"{card.name}@{names.digest(repr(card), *models.names)}"
        self._notes: list[str] = []
        self._found: list[Judged] = []
        self._kept: list[Judged] = []
        self._receipt = Receipt()

    def go(self, until: float | None = None) -> Outcome:
        """All of it; ``until`` is when, by the monotonic clock, no further round begins."""
        ends, prompts = self._ends(), self._prompts()
        asked = Asked(self._card, tuple(prompts), tuple(ends["head"]), tuple(ends["tail"]), self._limits.size)
        rounds = Rounds(self._proposers(), asked, self._steps, self._revision, self._note)
        coming = iter(rounds)
        first = next(coming, None)
        judge, learnt = self._learnt(ends, prompts, first[1] if first else ())
        if learnt.doubt or first is None:
            self._notes.append(learnt.doubt or self._nothing())
            return self._outcome(learnt, prompts)
        for by, tuples in chain([first], coming):
            found = self._judged(by, tuples, judge, learnt, prompts, {**ends["head"], **ends["tail"]})
            rounds.barren(all(one.score <= learnt.floor for one in found))
            if until and time.monotonic() > until:
                self._note("the time that was given is over; the same command goes on")
                break
        return self._outcome(learnt, prompts)

    def _outcome(self, learnt: Knowledge, prompts: Sequence[str]) -> Outcome:
        found, kept = (tuple(sorted(listed, key=lambda one: -one.probability)) for listed in (self._found, self._kept))
        weighed = tuple(zip(prompts, learnt.weights, strict=True))
        return Outcome(self._card.name, found, kept, learnt, weighed, tuple(self._notes), self._receipt)

    def _nothing(self) -> str:
        wanted = f"{' or '.join(self._card.domain) or 'thing'} and {' or '.join(self._card.range) or 'thing'}"
        return (
            f"nobody proposes anything for {self._card.name!r}: the graph holds no two entities of the kinds {wanted}; "
            "fill it, or name a chat model that proposes"
        )

    def _note(self, line: str) -> None:
        self._steps.log(f"{self._card.name}: {line}", "warning")
        self._notes.append(line)

    def _ends(self) -> dict[str, dict[str, str]]:
        """Names of the graph's entities that may be head or tail, with their kinds, as they were when the harvest began."""

        def looked() -> dict[str, dict[str, str]]:
            entities, kinds = _entities(self._kg), self._kg.kinds()
            return {"head": _fitting(entities, self._card.domain, kinds), "tail": _fitting(entities, self._card.range, kinds)}

        found = self._steps.step(f"{self._revision}/entities", looked) or {}
        return {end: dict(found.get(end, {})) for end in ("head", "tail")}

    def _prompts(self) -> list[str]:
        """The card's prompts and those made of them."""

        def made() -> dict[str, Any]:
            found = prompt_set(self._card, self._models.chat, self._models.quarantine)
            refused = [f"{one.text!r} is no prompt: {one.why}" for one in found.refused]
            return {"prompts": [prompt.template for prompt in found.prompts], "refused": refused}

        self._steps.stage(f"{self._card.name}: wording prompts")
        found = self._steps.step(f"{self._revision}/prompts", made) or {"prompts": list(self._card.prompts), "refused": []}
        for line in found["refused"]:
            self._steps.log(f"{self._card.name}: {line}")
        return list(found["prompts"])

    def _proposers(self) -> list[Proposer]:
        """Those that the models allow, the cheapest first."""
        models = self._models
        found: list[Proposer] = [Nearest(models.encoder)]
        return found

    def _learnt(self, ends: Mapping[str, Iterable[str]], prompts: Sequence[str], first: Sequence[Words]) -> tuple[Judge, Knowledge]:
        """The judge, in the company of words that are known now, and what it knows."""
        card, kinds = self._card, self._kg.kinds()
        examples = {"head": card.domain, "tail": card.range}
        known = {
            slot: scoring.sample(
                [
                    *(words[at] for words in first),
                    *ends.get(slot, ()),
                    *(word for kind in examples.get(slot, ()) if kind in kinds for word in kinds[kind].examples),
                ],
                OTHERS,
            )
            for at, slot in enumerate(slots(card))
        }
        judge = CausalJudge(
            self._models.scorer, Company(slots(card), card.seeds, {slot: words[: scoring.POOL] for slot, words in known.items()})
        )
        self._steps.stage(f"{card.name}: testing what the model knows")
        return judge, knowledge(card.name, judge, prompts, card.seeds, dict(enumerate(known.values())), self._steps.progress)

    def _judged(
        self, by: str, tuples: Sequence[Words], judge: Judge, learnt: Knowledge, prompts: Sequence[str], kinds: Mapping[str, str]
    ) -> list[Judged]:
        """Judge candidates and put those that are likely enough, as one step."""
        card, key = self._card, f"{self._revision}/put {names.digest(*map(str, tuples))}"

        @cache
        def found() -> tuple[list[Judged], list[Judged]]:
            self._steps.stage(f"{card.name}: scoring {len(tuples):,} candidates")
            judged = candidates.judged(tuples, judge.scores(prompts, tuples, self._steps.progress), learnt, prompts, by)
            return judged, candidates.chosen(judged, card, self._limits.confidence, self._kept)

        @cache
        def claims() -> tuple[Claim, ...]:
            return self._linked([candidates.candidate(one, card, kinds, judge.name, self._steps.run) for one in found()[1]])

        def put() -> dict[str, Any]:
            done = Receipt() if self._limits.held else self._kg.put(claims())
            for refused in done.refused:
                self._note(f"refused: {refused.why}")
            counts = {"new": done.new, "merged": done.merged, "unchanged": done.unchanged}
            return {**counts, "judged": [one.record() for one in found()[0]]}

        if not self._limits.held:
            self._before.look(key, claims)
        done = self._steps.step(key, put)
        if done is None:
            self._note(f"{len(tuples):,} candidates were not judged: the log says why")
            return []
        judged = [Judged.read(one) for one in done["judged"]]
        self._kept += candidates.chosen(judged, card, self._limits.confidence, self._kept)
        self._found += judged
        self._receipt += Receipt(done["new"], done["merged"], done["unchanged"])
        return judged

    def _linked(self, found: Sequence[Candidate]) -> tuple[Claim, ...]:
        linked = link(found, self._kg.store, self._kg.kinds())
        for one in linked.unlinked:
            self._note(f"not linked: {one.why}")
        return linked.claims


def _entities(kg: KnowledgeGraph) -> list[Entity]:
    ends = {end.id: end for fact in kg.facts() for end in (fact.head, fact.tail) if isinstance(end, Entity)}
    return [ends[identity] for identity in sorted(ends)]


def _fitting(entities: Iterable[Entity], wanted: Sequence[str], kinds: Mapping[str, Kind]) -> dict[str, str]:
    """By name the kind of those that may stand where ``wanted`` kinds are asked for."""
    return {entity.name: kind for entity in entities for kind in entity.kinds if fits(kind, wanted, kinds)}
