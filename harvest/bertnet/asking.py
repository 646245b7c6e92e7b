"""One relation while it is harvested: prompts, candidates, what the model knows of it, what goes into the graph.

What the model does not know by the card's own seeds is not asked. Everything that a harvest found out is a step under a key made from its
content: one that was killed goes on where it was, and one that is made again adds what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import chain
from typing import Any

from harvest.bertnet import candidates
from harvest.bertnet.calibrate import MIN_CORRUPTED, MIN_SEEDS, OTHERS, Knowledge, corrupted, knowledge, undecided
from harvest.bertnet.candidates import Judged, Kinds
from harvest.bertnet.deadline import Deadline, TimeOver
from harvest.bertnet.grounds import grounded, says, told_in
from harvest.bertnet.judging import RIVALS, Judging
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.promptfile import PromptFile
from harvest.bertnet.prompts import Origin, Prompt, PromptSet, prompt_set
from harvest.bertnet.proposing import Asked
from harvest.bertnet.rounds import Round, Rounds
from harvest.bertnet.scoring import POOL, Company, Judge, sample
from harvest.bertnet.sending import Telling, linked
from kgplatform import names
from kgplatform.cards import fits, slots
from kgplatform.difference import Before
from kgplatform.errors import BadFile, BudgetExceeded
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Steps
from kgplatform.lm.ports import ChatModel
from kgplatform.ports import Progress
from kgplatform.types import Claim, Entity, FactQuery, Kind, Receipt, Relation, Words

READ = 2_000
"""Facts of the graph that are read at most, to tell proposers what is known."""
OVER = "the time that was given is over"
UNTESTED = "what the model knows could not be tested: the log says why"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one relation: ``found`` are all candidates that were judged, best first, of which ``kept`` were likely enough.

    ``prompts`` are (prompt, weight). ``notes`` say what did not go as it should, ``reason`` why it was not asked for, or not to the end.
    It is ``cut`` when time or a budget ended it: there may be more.
    """

    relation: str
    found: tuple[Judged, ...]
    kept: tuple[Judged, ...]
    learnt: Knowledge | None
    prompts: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    receipt: Receipt = field(default_factory=Receipt)
    reason: str = ""
    cut: bool = False

    @property
    def known(self) -> bool:
        """Whether the model knows the relation, as far as was tested."""
        return self.learnt is not None and not self.learnt.doubt


class Asking:
    """Harvests one relation."""

    def __init__(self, kg: KnowledgeGraph, card: Relation, models: Models, limits: Limits, steps: Steps, before: Before) -> None:
        self._kg, self._card, self._models, self._limits, self._steps, self._before = kg, card, models, limits, steps, before
        self._revision = f"{card.name}@{names.digest(repr(card), *models.names, *(['free'] if models.free else []))}"
        self._kept_prompts = PromptFile(models.prompts, card, models.names) if models.prompts else None
        self._either_way = not card.symmetric and not apart(card, kg.kinds())
        self._origins: dict[str, Origin] = {}
        self._notes: list[str] = []
        self._cut = False
        self._rounds: Rounds | None = None
        self._found: list[Judged] = []
        self._kept: list[Judged] = []
        self._receipt = Receipt()
        self._prompts: list[str] = []
        self._knows: Knowledge | None = None
        self._progress: Progress = steps.progress

    def go(self, entities: Callable[[], Iterable[Entity]], deadline: Deadline) -> Outcome:
        """All of it, with the graph's ``entities``, or what was judged before the ``deadline``."""
        if deadline.over:
            self._cut = True
            return self._outcome(None, (), f"it was not asked: {OVER}")
        self._progress = deadline.heeded(self._steps.progress)
        try:
            return self._asked(entities, deadline)
        except TimeOver:
            self._cut = True
            self._steps.log(f"{self._card.name}: {OVER}", "warning")
            return self._outcome(self._knows, self._prompts, f"{OVER}; the same command goes on")

    def _asked(self, entities: Callable[[], Iterable[Entity]], deadline: Deadline) -> Outcome:
        if len(self._card.seeds) < MIN_SEEDS:  # more candidates would not help
            known = undecided(self._card.name, len(self._card.seeds), 0, 0)
            return self._outcome(known, (), known.doubt)
        ends, prompts = self._ends(entities), self._worded()
        self._prompts = prompts
        asked = Asked(self._card, tuple(prompts), tuple(ends["head"]), tuple(ends["tail"]), self._limits.size, self._held())
        proposers = self._models.proposers(self._note)
        rounds = self._rounds = Rounds(proposers, asked, self._steps, self._revision, self._note, progress=self._progress)
        coming = iter(rounds)
        first = list(self._enough(coming, ends))
        if not first:
            return self._outcome(None, prompts, self._nothing())
        pools = self._company(ends, [words for _, tuples in first for words in tuples])
        judge, learnt = self._learnt(pools, prompts)
        self._knows = learnt
        if learnt is None or learnt.doubt:
            return self._outcome(learnt, prompts, learnt.doubt if learnt else UNTESTED)
        if not self._limits.held:
            self._kg.learn([self._card])
        judging = Judging(judge, prompts, learnt, pools["tail"][: RIVALS + 1], self._either_way)
        for by, tuples in chain(first, coming):
            deadline.check()
            found = self._judged(by, tuples, judging, ends)
            rounds.barren(by, len(tuples), all(one.score <= learnt.floor for one in found))
        return self._outcome(learnt, prompts)

    def _enough(self, coming: Iterator[Round], ends: Mapping[str, Iterable[str]]) -> Iterator[Round]:
        """Rounds until there are words enough to corrupt seeds with; at least one, if there is any."""
        told: list[Words] = []
        for by, tuples in coming:
            yield by, tuples
            told += tuples
            if len(corrupted(self._card.seeds, dict(enumerate(self._company(ends, told).values())))) >= MIN_CORRUPTED:
                return

    def _outcome(self, learnt: Knowledge | None, prompts: Sequence[str], why: str = "") -> Outcome:
        """What there is; ``why`` it is nothing, or not all."""
        self._notes += [why] if why else []
        found, kept = (tuple(sorted(listed, key=lambda one: -one.probability)) for listed in (self._found, self._kept))
        weighed = tuple(zip(prompts, learnt.weights, strict=True)) if learnt and prompts else ()
        cut = self._cut or bool(self._rounds and self._rounds.cut)
        return Outcome(self._card.name, found, kept, learnt, weighed, tuple(self._notes), self._receipt, why, cut)

    def _nothing(self) -> str:
        if not (self._card.domain and self._card.range):
            lacking = (
                "the card does not say what kinds its heads and tails are (domain and range; thing is any), so none of the graph's are"
            )
        else:
            lacking = f"the graph holds no two entities of the kinds {' or '.join(self._card.domain)} and {' or '.join(self._card.range)}"
        return f"nobody proposes anything for {self._card.name!r}: {lacking}; mend that, or name a chat model that proposes"

    def _note(self, line: str) -> None:
        self._steps.log(f"{self._card.name}: {line}", "warning")
        self._notes.append(line)

    def _ends(self, entities: Callable[[], Iterable[Entity]]) -> dict[str, dict[str, str]]:
        """Names of the graph's entities that may be head or tail, with their kinds, as they were when the harvest began."""
        found = self._steps.step(f"{self._revision}/entities", lambda: fitting(entities(), self._card, self._kg.kinds())) or {}
        return {end: dict(found.get(end, {})) for end in ("head", "tail")}

    def _held(self) -> tuple[Words, ...]:
        """The facts of the relation that the graph holds on other grounds than models' memories, in words, those that people accepted last.

        In an order that a harvest does not change, lest the next one ask a chat model other questions.
        """
        card = self._card

        def read() -> dict[str, Any]:
            facts = self._kg.store.facts(FactQuery(relation=card.name, limit=READ))
            told = [fact for fact in facts if grounded(fact) and says(fact, slots(card))]
            return {
                "held": [list(told_in(fact, slots(card))) for fact in sorted(told, key=lambda fact: (fact.verdict == "accepted", fact.key))]
            }

        found = self._steps.step(f"{self._revision}/held", read) or {"held": []}
        return tuple(tuple(words) for words in found["held"])

    def _worded(self) -> list[str]:
        """The card's prompts and those made of them, by the chat model if that answers."""

        def made(chat: ChatModel | None = self._models.chat) -> dict[str, Any]:
            found = PromptSet((self._kept_prompts and self._kept_prompts.read()) or ())
            if not found.prompts:
                found = prompt_set(self._card, chat, self._models.quarantine)
            refused = [f"{one.text!r} is no prompt: {one.why}" for one in found.refused]
            return {"prompts": [[prompt.template, prompt.origin] for prompt in found.prompts], "refused": refused}

        self._steps.stage(f"{self._card.name}: wording prompts")
        try:
            found = self._steps.step(f"{self._revision}/prompts", made)
        except BudgetExceeded as error:
            self._note(f"prompts are not reworded: {error}")
            found, self._cut = None, True
        if found is None:  # a poor set that must not stay
            found, self._kept_prompts = made(None), None
        for line in found["refused"]:
            self._steps.log(f"{self._card.name}: {line}")
        self._origins = dict(found["prompts"])
        self._revision += f"/{names.digest(*self._origins)}"
        return list(self._origins)

    def _learnt(self, pools: Mapping[str, Sequence[str]], prompts: Sequence[str]) -> tuple[Judge, Knowledge | None]:
        """The judge, in the company of words that are known now, and what it knows; nothing where it could not be tested."""
        card = self._card
        judge = self._models.judge(Company(slots(card), card.seeds, {slot: tuple(words[:POOL]) for slot, words in pools.items()}))
        others = dict(enumerate(pools.values()))

        def tested() -> dict[str, Any]:
            self._steps.stage(f"{card.name}: testing what the model knows")
            return asdict(knowledge(card.name, judge, prompts, card.seeds, others, self._progress))

        found = self._steps.step(f"{self._revision}/known", tested)
        learnt = Knowledge.read(found) if found else None
        if learnt and not learnt.doubt and self._kept_prompts:
            weighed = [Prompt(text, self._origins[text], weight) for text, weight in zip(prompts, learnt.weights, strict=True)]
            try:
                self._kept_prompts.keep(weighed)
            except BadFile as error:  # the next run makes them again
                self._note(f"the prompts are not kept: {error}")
        return judge, learnt

    def _company(self, ends: Mapping[str, Iterable[str]], first: Sequence[Words]) -> dict[str, tuple[str, ...]]:
        """For each slot words of its kind: of the first candidates, of the graph, and the examples of the kind."""
        kinds, wanted = self._kg.kinds(), {"head": self._card.domain, "tail": self._card.range}
        return {
            slot: sample(
                [
                    *(words[at] for words in first),
                    *ends.get(slot, ()),
                    *(word for kind in wanted.get(slot, ()) if kind in kinds for word in kinds[kind].examples),
                ],
                OTHERS,
            )
            for at, slot in enumerate(slots(self._card))
        }

    def _judged(self, by: str, tuples: Sequence[Words], judging: Judging, kinds: Kinds) -> list[Judged]:
        """Judge candidates and put those that are likely enough, as one step."""
        card, key = self._card, f"{self._revision}/put {names.digest(*map(str, tuples))}"
        notes: list[str] = []

        @cache
        def found() -> tuple[list[Judged], list[Judged]]:
            self._steps.stage(f"{card.name}: scoring {len(tuples):,} candidates")
            judged = judging.of(tuples, by, self._progress)
            if lost := len(tuples) - len(judged):
                notes.append(f"{lost:,} candidates have words that {judging.judge.name} cannot read")
            return judged, candidates.chosen(judged, card, self._limits.confidence, self._kept)

        @cache
        def claims() -> tuple[Claim, ...]:
            made, unlinked = linked(self._kg, found()[1], Telling(card, kinds, judging.judge.name, self._steps.run))
            notes.extend(f"not linked: {one.why}" for one in unlinked)
            return tuple(made.values())

        def put() -> dict[str, Any]:
            done = Receipt() if self._limits.held else self._kg.put(claims())
            notes.extend(f"refused: {refused.why}" for refused in done.refused)
            counts = {"new": done.new, "merged": done.merged, "unchanged": done.unchanged, "notes": notes}
            return {**counts, "model": judging.judge.name, "judged": [one.record() for one in found()[0]]}

        if not self._limits.held:
            self._before.look(key, claims)
        done = self._steps.step(key, put)
        if done is None:
            self._note(f"{len(tuples):,} candidates were not judged: the log says why")
            return []
        for line in done["notes"]:
            self._note(line)
        judged = [Judged.read(one) for one in done["judged"]]
        self._kept += candidates.chosen(judged, card, self._limits.confidence, self._kept)
        self._found += judged
        self._receipt += Receipt(done["new"], done["merged"], done["unchanged"])
        return judged


def apart(card: Relation, kinds: Mapping[str, Kind]) -> bool:
    """Whether heads and tails are things of different kinds, so that no tuple can be turned round."""
    return bool(card.domain and card.range) and not any(
        fits(one, [other], kinds) or fits(other, [one], kinds) for one in card.domain for other in card.range
    )


def known_entities(kg: KnowledgeGraph) -> list[Entity]:
    """The entities of the graph by id, without those that only models' memories and graph models speak of.

    A harvest would else feed on what harvests before it made up.
    """
    facts = filter(grounded, kg.facts())
    found = {end.id: end for fact in facts for end in (fact.head, fact.tail) if isinstance(end, Entity)}
    return [found[id] for id in sorted(found)]


def fitting(entities: Iterable[Entity], card: Relation, kinds: Mapping[str, Kind]) -> dict[str, dict[str, str]]:
    """Of those that may be ``head`` and of those that may be ``tail`` the kind, by name; of a card that names no kind none."""
    listed, ends = list(entities), {"head": card.domain, "tail": card.range}
    return {
        end: {entity.name: kind for entity in listed for kind in entity.kinds if wanted and fits(kind, wanted, kinds)}
        for end, wanted in ends.items()
    }
