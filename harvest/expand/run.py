"""The loop: ask, put what the answers say, ask what the graph as it now stands makes one ask; until a limit or until nothing is new.

A round is five steps: its questions, the answers, what they mean, what was believed before, and what was put. A run that was killed, or
ended by a limit, goes on from the last, and comes to what it would have come to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from time import monotonic
from typing import Any

from harvest.expand import grounding, merging, years
from harvest.expand.answering import SPARE, candidates, nameless, request
from harvest.expand.grown import Grown, Question, Record, Round, stages
from harvest.expand.known import Known
from harvest.expand.limits import Limits, Way
from harvest.expand.strategies import STRATEGIES
from kgplatform import names
from kgplatform.difference import Before, Difference
from kgplatform.errors import AnswerUnusable, BadRequest, BudgetExceeded
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Steps
from kgplatform.linking.linker import Linker
from kgplatform.lm import structured
from kgplatform.lm.deadline import DeadlineChat
from kgplatform.lm.ports import ChatModel, Encoder
from kgplatform.lm.schemas import Leave
from kgplatform.ports import Progress
from kgplatform.store.ahead import ahead
from kgplatform.types import Candidate, Receipt

ROUND = "round "
"""The keys of the steps that keep the records of rounds begin so."""
_SHOWN = 120
_TOLD = 3
"""Reasons that are told, the most frequent first, why no answer said anything."""
_LINKLESS, _UNKEPT = "it links no two things", "the model gave none"
_NOTHING: Mapping[str, Any] = {"value": None, "why": "", "response": "", "tokens": 0, "usd": 0.0, "sources": ()}
"""What a step keeps of a question without a usable answer. By their ``sources`` answers go when one of these is forgotten."""
_UNASKED: Mapping[str, Any] = {**_NOTHING, "asked": False}
"""Of one that no model was asked."""


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers, and who says which names are alike. What cannot be used is kept in the folder ``quarantine``."""

    chat: ChatModel
    encoder: Encoder
    quarantine: Path = Path("quarantine")


Watch = Callable[[int, Grown], None]
"""Told after each iteration, or of each span of years, counted from 1, what has grown; once, also when a run is taken up."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, and ``ended``: why it ended. ``cut`` says that a limit ended it, so that it can go on within others.

    ``merges`` are (id, what stays, what was merged into it); ``asked`` (a thing, another that it may be, how likely, why).
    """

    rounds: tuple[Round, ...]
    receipt: Receipt
    ended: str
    cut: bool
    calls: int
    tokens: int
    usd: float
    notes: tuple[str, ...] = ()
    changed: Difference = field(default_factory=Difference)
    merges: tuple[tuple[str, str, str], ...] = ()
    asked: tuple[tuple[str, str, float, str], ...] = ()
    lasting: tuple[years.Lasting, ...] = ()


def harvest(
    kg: KnowledgeGraph,
    question: str,
    models: Models,
    way: Way | None = None,
    limits: Limits | None = None,
    *,
    run: str = "",
    progress: Progress | None = None,
    steps: Steps | None = None,
    watch: Watch | None = None,
) -> Report:
    """Ask a question, then those that the answers raise, so many at a time. What it puts is proposed: a model alone says so.

    What is ``grounded`` in a document's words is current.
    """
    way, limits = way or Way(), limits or Limits()
    check(question, way, limits)
    if way.grounded:
        grounding.check(kg)
    return _Expansion(kg, names.clean(question), models, way, steps or Direct(run, progress)).go(limits, watch)


def check(question: str, way: Way, limits: Limits) -> None:
    """Raises ``BadRequest`` for what cannot be asked so."""
    if not question.strip() or len(question) > 1_000:
        raise BadRequest("a question has from 1 to 1,000 characters")
    way.check()
    limits.check()


def _usable(asked: Mapping[str, Any]) -> bool:
    """Whether any answer of a round was: if none, a run that is taken up again asks again."""
    return any(one["value"] for one in asked["answers"])


class _Expansion:
    """Goes round after round and adds up what came of them."""

    def __init__(self, kg: KnowledgeGraph, topic: str, models: Models, way: Way, steps: Steps) -> None:
        self._kg, self._topic, self._models, self._way, self._steps = kg, topic, models, way, steps
        self._linker, self._vectors = Linker(kg.store, models.encoder), Known(models.encoder.encode)
        self._grown, self._rounds, self._before = Grown(), list[Round](), Before(kg, steps)
        self._records: list[Record] = []
        self._used: dict[str, float] = dict.fromkeys(("calls", "tokens", "usd"), 0)
        self._whys: list[str] = []
        self._reasons: list[str] = []
        self._lasting: tuple[years.Lasting, ...] = ()

    def go(self, limits: Limits, watch: Watch | None) -> Report:
        self._steps.inputs(names.digest(self._topic, repr(self._way), self._models.chat.name, self._models.encoder.name))
        if limits.minutes is not None:
            chat = DeadlineChat(self._models.chat, 60 * limits.minutes, limits.over({"minutes": limits.minutes}))
            self._models = replace(self._models, chat=chat)
        ended, cut = self._years(limits, watch) if self._way.years else self._rounds_of(limits, watch)
        return self._report(ended, cut)

    def _rounds_of(self, limits: Limits, watch: Watch | None) -> tuple[str, bool]:
        """Why they ended, and whether by a limit."""
        begun, barren = monotonic(), 0
        for iteration in range(1, limits.iterations + 1):
            if ended := limits.over({**self._used, "minutes": (monotonic() - begun) / 60}):
                return ended, True
            if not (questions := self._chosen(iteration, limits)):
                return ("nothing is left to ask" if self._grown.names else self._silence()), False
            grown = f"{len(self._grown.names):,} things, {len(self._grown.links):,} links"
            self._tell(iteration, limits.iterations, f"round {iteration} ({grown}): {questions[0].text}")
            try:
                one = self._round(iteration, questions)
            except BudgetExceeded as error:
                return str(error), True
            if watch:
                self._steps.step(f"watch {iteration}", partial(watch, iteration, self._grown))
            barren = barren + 1 if one.new <= limits.floor * one.named else 0
            if barren >= limits.patience:
                return (
                    self._silence()
                    if not self._grown.names
                    else f"the last {f'{barren} rounds' if barren > 1 else 'round'} brought nothing new",
                    False,
                )
        self._steps.progress(limits.iterations, limits.iterations)
        return f"after round {limits.iterations}, as asked", True

    def _silence(self) -> str:
        """That nothing was said, and why."""
        told = [f"{why} ({count:,} of {len(self._reasons):,})" for why, count in Counter(self._reasons).most_common(_TOLD)]
        return f"no answer said anything: {'; '.join(told)}"

    def _years(self, limits: Limits, watch: Watch | None) -> tuple[str, bool]:
        """The topic for one span after the other, and what was said put once with the years in which it holds."""
        begun, said, answers = monotonic(), list[tuple[years.Span, list[Candidate]]](), list[merging.Answer]()
        for number, span in enumerate(self._way.years, 1):
            if ended := limits.over({**self._used, "minutes": (monotonic() - begun) / 60}):
                return f"{ended} before {span}: nothing was put", True
            question = years.question(self._topic, span, said[-1][1] if said else ())
            self._tell(number, len(self._way.years), f"{span}: {self._topic}")
            try:
                answers += self._ask(f"{span}/{names.digest(question.text)}", [question])
            except BudgetExceeded as error:
                return f"{error}; nothing was put", True
            said.append((span, self._candidates(number, *answers[-1])))
        self._put(f"years/{names.digest(*(one.text for one, _ in answers))}", answers, years.dated(said))
        self._lasting = years.lasting(said)
        for number, grown in enumerate(stages(self._records[-1]), 1):
            if watch:
                self._steps.step(f"watch {number}", partial(watch, number, grown))
        self._steps.progress(len(said), len(said))
        return (f"all {len(said)} spans of years are asked for" if self._grown.names else self._silence()), False

    def _tell(self, number: int, of: int, words: str) -> None:
        self._steps.words(words[:_SHOWN])
        self._steps.progress(number - 1, of)

    def _chosen(self, iteration: int, limits: Limits) -> list[Question]:
        """What this round asks; other limits, when the run is taken up again, do not change what a round before asked."""
        kept = self._steps.step(
            f"choose {iteration}",
            lambda: {"questions": [[one.text, list(one.about), one.depth] for one in self._questions(limits)]},
            lambda result: bool(result["questions"]),
        )
        return [Question(text, tuple(about), depth) for text, about, depth in (kept or {"questions": []})["questions"]]

    def _questions(self, limits: Limits) -> list[Question]:
        if not self._rounds:
            return [Question(self._topic)]
        many = self._way.fan_out if limits.calls is None else min(self._way.fan_out, limits.calls - int(self._used["calls"]))
        chosen: dict[str, Question] = {}
        for one in STRATEGIES[self._way.strategy](self._grown, self._vectors):
            if self._grown.fresh(one):
                chosen.setdefault(names.normalise(one.text), one)
            if len(chosen) == many:
                break
        return list(chosen.values())

    def _round(self, iteration: int, questions: Sequence[Question]) -> Round:
        """Answers are merged in the order of their questions, whichever came first."""
        key = f"{iteration}/{names.digest(*(question.text for question in questions))}"
        answers = self._ask(key, questions)
        return self._put(key, answers, [self._candidates(iteration, *one) for one in answers])

    def _ask(self, key: str, questions: Sequence[Question]) -> list[merging.Answer]:
        asked = self._steps.step(f"ask {key}", lambda: {"answers": list(ahead(self._answer, questions, self._way.fan_out))}, _usable)
        answers = asked["answers"] if asked else [_NOTHING] * len(questions)
        for answer in answers:
            self._used["tokens"] += answer["tokens"]
            self._used["usd"] += answer["usd"]
            self._used["calls"] += answer.get("asked", True)
            self._whys += [answer["why"]] if answer["why"] else []
            self._reasons.append(_LINKLESS if answer["value"] else answer.get("reason") or answer["why"] or _UNKEPT)
        return list(zip(questions, answers, strict=True))

    def _put(self, key: str, answers: Sequence[merging.Answer], told: Sequence[Sequence[Candidate]]) -> Round:
        if not any(answer["value"] for _, answer in answers):
            return self._take(merging.nothing(answers))
        linked = cache(lambda: merging.merging(self._linker, told))
        decided = self._steps.step(f"link {key}", lambda: merging.decisions(linked().linking))
        meant = linked if linked.cache_info().currsize else cache(lambda: merging.merging(self._linker, told, decided))
        self._before.look(key, lambda: meant().claims)
        record = self._steps.step(f"{ROUND}{key}", lambda: merging.put(self._kg, self._linker, answers, meant(), self._steps.run))
        return self._take(record or merging.nothing(answers))

    def _take(self, record: Record) -> Round:
        self._records.append(record)
        self._rounds.append(self._grown.grow(self._records[-1]))
        return self._rounds[-1]

    def _answer(self, question: Question) -> dict[str, Any]:
        texts = grounding.texts(self._kg, self._models.encoder, question, self._topic) if self._way.grounded else None
        if texts == []:
            return {**_UNASKED, "why": f"{question.text!r} is not asked: {grounding.NONE}", "reason": grounding.NONE}
        asked = request(question, self._topic, self._way.seed, texts)
        wrong: list[str] = []
        try:
            value, reply = structured.ask(self._models.chat, asked, self._models.quarantine, leave=Leave(wrong.extend, SPARE))
        except AnswerUnusable as error:
            return {**_NOTHING, "why": str(error), "reason": error.reason, "tokens": error.tokens, "usd": error.usd}
        wrong += nameless(value)
        if texts is not None:
            value = {**value, "edges": grounding.supported(self._kg, value, texts)}
        why = f"misfits left out of the answer to {question.text[:80]!r}: {len(wrong)}, such as {wrong[0]}" if wrong else ""
        told = {"value": value, "why": why, "response": reply.id, "tokens": reply.usage.tokens, "usd": reply.usage.usd}
        return {**told, "sources": asked.sources}

    def _candidates(self, iteration: int, question: Question, answer: Mapping[str, Any]) -> list[Candidate]:
        if not answer["value"]:
            return []
        where = {"iteration": str(iteration), "model": self._models.chat.name, "run": self._steps.run, "response": answer["response"]}
        return candidates(answer["value"], question, where)

    def _report(self, ended: str, cut: bool) -> Report:
        notes = tuple(dict.fromkeys((*self._whys, *(note for record in self._records for note in record["notes"]))))
        for line in notes:
            self._steps.log(line, "warning")
        new, merged, unchanged = (sum(record[name] for record in self._records) for name in ("new", "merged", "unchanged"))
        return Report(
            tuple(self._rounds),
            Receipt(new, merged, unchanged),
            ended,
            cut,
            int(self._used["calls"]),
            int(self._used["tokens"]),
            self._used["usd"],
            notes,
            self._before.difference(),
            tuple((id, keep, other) for record in self._records for id, keep, other in record["merges"]),
            tuple((one, other, score, why) for record in self._records for one, other, score, why in record["asked"]),
            self._lasting,
        )
