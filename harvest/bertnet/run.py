"""Harvest a relation out of a language model: who proposes names candidates, who scores says how well they fit, the graph gets the likely ones.

For each card: its prompts (``prompts``), candidates round by round (``proposing``), whether the model knows the relation and what its scores are
worth by the card's seeds (``calibrate``), a probability for each candidate (``candidates``), links to the entities that are there, and ``put``.
What the model does not know by its own seeds is not asked. Every round is a step under a key made from its words: a harvest that
was killed goes on where it was, and one that is made again adds what is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harvest.bertnet import candidates, scoring
from harvest.bertnet.calibrate import Knowledge, knowledge
from harvest.bertnet.candidates import Judged
from harvest.bertnet.prompts import prompt_set
from harvest.bertnet.proposing import Asked, Proposer, proposers
from harvest.bertnet.scoring import CausalJudge, Company, Judge
from kgplatform import names
from kgplatform.cards import datatype, fits, slots
from kgplatform.difference import Before, Difference
from kgplatform.errors import BadCard, BudgetExceeded
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Steps
from kgplatform.linking import link
from kgplatform.lm.ports import ChatModel, Encoder, TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Claim, Entity, Kind, Receipt, Relation, Words

ROUND = 500
"""Candidates that are judged and put together."""
OTHERS = 24
"""Words of each slot that corrupted seeds are made with."""
BARREN = 2
"""Rounds of one proposer in a row with nothing above what corrupted seeds score, after which it is asked no more."""
LEAST = 0.5
"""Probability from which a candidate goes into the graph."""


@dataclass(frozen=True, slots=True)
class Models:
    """Who scores, who finds what is near, and who, if anyone, proposes whole lists and rewords prompts; what it says amiss is kept in ``quarantine``."""

    scorer: TokenScorer
    encoder: Encoder
    chat: ChatModel | None = None
    quarantine: Path = Path("quarantine")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a harvest ends, whatever is left: candidates that a chat model is asked for, and minutes.

    Candidates less likely than ``confidence`` are not put. ``held`` puts none: they stand in the outcome, for a person to look at.
    """

    size: int = 200
    minutes: float | None = None
    confidence: float = LEAST
    held: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one relation: ``found`` are all candidates that were judged, best first. ``notes`` say what did not go as it should."""

    relation: str
    found: tuple[Judged, ...] = ()
    kept: int = 0
    learnt: Knowledge | None = None
    prompts: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        return "; ".join(self.notes)


@dataclass(frozen=True, slots=True)
class Report:
    """What a harvest out of a model did."""

    outcomes: tuple[Outcome, ...]
    receipt: Receipt
    changed: Difference = field(default_factory=Difference)


def harvest(
    kg: KnowledgeGraph,
    cards: Relation | Sequence[Relation],
    models: Models,
    *,
    limits: Limits | None = None,
    run: str = "",
    progress: Progress | None = None,
    steps: Steps | None = None,
) -> Report:
    """Ask the model for each relation, and put what it finds likely. Raises ``BadCard`` for a relation whose tails are values."""
    asked = [cards] if isinstance(cards, Relation) else list(cards)
    for card in asked:
        if datatype(card):
            raise BadCard(f"{card.name!r} leads to values of type {datatype(card)}: a model's memory is asked for entities only")
    given = limits or Limits()
    if not given.held:
        kg.learn(asked)
    steps = steps or Direct(run, progress)
    steps.inputs(names.digest(*map(repr, asked), models.scorer.name, models.encoder.name, models.chat.name if models.chat else ""))
    before, until = Before(kg, steps), time.monotonic() + 60 * given.minutes if given.minutes else None
    done = [_Harvest(kg, card, models, given, steps, before, until).go() for card in asked]
    return Report(tuple(outcome for outcome, _ in done), sum((receipt for _, receipt in done), Receipt()), before.difference())


class _Harvest:
    """One relation while it is harvested."""

    def __init__(
        self,
        kg: KnowledgeGraph,
        card: Relation,
        models: Models,
        limits: Limits,
        steps: Steps,
        before: Before,
        until: float | None,
    ) -> None:
        self._kg, self._card, self._models, self._limits, self._steps = kg, card, models, limits, steps
        self._before, self._until = before, until
        self._revision = f"{card.name}@{names.digest(repr(card), models.scorer.name)}"
        self._notes: list[str] = []
        self._found: list[Judged] = []
        self._taken: dict[tuple[int, str], str] = {}
        self._receipt, self._kept = Receipt(), 0

    def go(self) -> tuple[Outcome, Receipt]:
        card, kinds = self._card, self._kinds()
        prompts = self._prompts()
        asked = Asked(card, tuple(prompts), tuple(kinds["heads"]), tuple(kinds["tails"]), self._limits.size)
        rounds = self._rounds(asked)
        first = next(rounds, None)
        if first is None:
            return self._outcome(), self._receipt
        judge, learnt = self._learnt(asked, first[1])
        if learnt.doubt:
            self._notes.append(learnt.doubt)
            return self._outcome(learnt, prompts), self._receipt
        known = {**kinds["heads"], **kinds["tails"]}
        barren: dict[str, int] = {}
        for by, tuples in _chained(first, rounds, lambda by: barren.get(by, 0) >= BARREN):
            found = self._round(by, tuples, judge, learnt, prompts, known)
            best = max((one.score for one in found), default=learnt.floor)
            barren[by] = 0 if best > learnt.floor else barren.get(by, 0) + 1
            if self._late():
                break
        return self._outcome(learnt, prompts), self._receipt

    def _kinds(self) -> dict[str, dict[str, str]]:
        """Names of the graph's entities that fit the card's ends, with their kinds, as they were when the harvest began."""

        def looked() -> dict[str, dict[str, str]]:
            entities, kinds = _entities(self._kg), self._kg.kinds()
            return {"heads": _fitting(entities, self._card.domain, kinds), "tails": _fitting(entities, self._card.range, kinds)}

        found = self._steps.step(f"{self._revision}/entities", looked)
        return {name: dict(found[name]) if found else {} for name in ("heads", "tails")}

    def _prompts(self) -> list[str]:
        """The card's prompts, and those made of them; the outcome says which were refused."""

        def made() -> dict[str, Any]:
            found = prompt_set(self._card, self._models.chat, self._models.quarantine)
            return {"prompts": [prompt.template for prompt in found.prompts], "refused": [f"{one.template!r}: {one.why}" for one in found.refused]}

        found = self._steps.step(f"{self._revision}/prompts", made) or {"prompts": list(self._card.prompts), "refused": []}
        for line in found["refused"]:
            self._steps.log(f"{self._card.name}: the prompt {line}")
        return list(found["prompts"])

    def _rounds(self, asked: Asked) -> Iterator[tuple[Proposer, list[Words]]]:
        """Candidates of one proposer after the other, each only once in a harvest."""
        held: set[Words] = set(self._card.seeds)
        for proposer in self._proposers():
            for tuples in self._of(proposer, asked):
                new = [words for words in dict.fromkeys(tuples) if words not in held]
                held.update(new)
                for at in range(0, len(new), ROUND):
                    yield proposer, new[at : at + ROUND]

    def _of(self, proposer: Proposer, asked: Asked) -> Iterator[list[Words]]:
        """The rounds of one proposer, each a step: what was proposed before is not asked for again, unless what follows hangs on it."""
        source: Iterator[list[Words]] | None = None
        for number in count():

            def proposed(number: int = number) -> dict[str, Any]:
                nonlocal source
                try:
                    source = source or islice(proposer.rounds(asked), number, None)
                    return {"tuples": [list(words) for words in next(source, ())]}
                except KgError:
                    source = None  # a generator that raised is at its end
                    raise

            try:
                found = self._steps.step(f"{self._revision}/{proposer.name}/{number}", proposed)
            except BudgetExceeded as error:
                self._notes.append(f"{proposer.name} was asked no more: {error}")
                return
            if found is None:
                self._notes.append(f"{proposer.name} gave no more candidates for {self._card.name!r}: the log says why")
                return
            if not found["tuples"]:
                return
            yield [tuple(words) for words in found["tuples"]]

    def _proposers(self) -> list[Proposer]:
        """Those that the models allow, the cheapest first."""
        models = self._models
        found: list[Proposer] = [Nearest(models.encoder)]
        if isinstance(models.scorer, Decoder):
            found.append(Decoded(models.scorer))
        if models.chat:
            found.append(Listed(models.chat, models.quarantine, self._note))
        return found

    def _note(self, line: str) -> None:
        self._steps.log(f"{self._card.name}: {line}", "warning")

    def _learnt(self, asked: Asked, first: Sequence[Words]) -> tuple[Judge, Knowledge]:
        """The judge in the company of words that are known now, and what it knows."""
        card, places = self._card, slots(self._card)
        examples = {kind.name: kind.examples for kind in self._kg.kinds().values()}
        ends = [[*names_, *(word for kind in wanted for word in examples.get(kind, ()))] for names_, wanted in ((asked.heads, card.domain), (asked.tails, card.range))]
        known = {
            slot: sampled([*(words[at] for words in first), *(ends[at] if at < len(ends) else ())], OTHERS) for at, slot in enumerate(places)
        }
        pools = {slot: words[: scoring.POOL] for slot, words in known.items()}
        judge = CausalJudge(self._models.scorer, Company(places, card.seeds, pools))
        self._steps.stage(f"{card.name}: testing what the model knows")
        learnt = knowledge(card.name, judge, asked.prompts, card.seeds, dict(enumerate(known.values())), self._steps.progress)
        return judge, learnt

    def _round(
        self, by: Proposer, tuples: Sequence[Words], judge: Judge, learnt: Knowledge, prompts: Sequence[str], known: Mapping[str, str]
    ) -> list[Judged]:
        """Judge candidates and put those that are likely enough, as one step."""
        card, key = self._card, f"{self._revision}/put {names.digest(*map(str, tuples))}"

        @cache
        def found() -> list[Judged]:
            self._steps.stage(f"{card.name}: scoring {len(tuples):,} candidates")
            matrix = judge.scores(prompts, tuples, self._steps.progress)
            return candidates.judged(tuples, matrix, learnt, prompts, by.name)

        @cache
        def claims() -> tuple[Claim, ...]:
            kept = candidates.chosen(found(), card, self._limits.confidence, self._taken)
            linked = link([candidates.candidate(one, card, known, judge.name, self._steps.run) for one in kept], self._kg.store, self._kg.kinds())
            for one in linked.unlinked:
                self._note(f"{one.candidate.head.name}: {one.why}")
            return linked.claims

        def put() -> dict[str, Any]:
            done = Receipt() if self._limits.held else self._kg.put(claims())
            counts = {"new": done.new, "merged": done.merged, "unchanged": done.unchanged}
            return {**counts, "kept": len(claims()), "judged": [one.record() for one in found()]}

        if not self._limits.held:
            self._before.look(key, claims)
        done = self._steps.step(key, put)
        if done is None:
            self._notes.append(f"{len(tuples):,} candidates of {card.name!r} were not judged: the log says why")
            return []
        judged = [Judged.read(one) for one in done["judged"]]
        for one in candidates.chosen(judged, card, self._limits.confidence, self._taken):
            self._taken.update({(0, one.words[0]): one.words[1], (1, one.words[1]): one.words[0]})
        self._found += judged
        self._kept += done["kept"]
        self._receipt += Receipt(done["new"], done["merged"], done["unchanged"])
        return judged
