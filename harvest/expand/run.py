"""The loop: ask, put what the answers say, ask what the graph as it now stands makes one ask; until a limit or until nothing is new.

A round is four steps: its answers, what they mean, what was believed before, and what was put. A run that was killed goes on from the
last, and comes to what it would have come to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from time import monotonic
from typing import Any

from harvest.expand import merging
from harvest.expand.answering import candidates, request
from harvest.expand.grown import Grown, Question, Record, Round
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
from kgplatform.lm.ports import ChatModel, Encoder
from kgplatform.ports import Progress
from kgplatform.store.ahead import ahead
from kgplatform.types import Candidate, Receipt

ROUND = "round "
"""The keys of the steps that keep the records of rounds begin so."""
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers, and who says which names are alike. What cannot be used is kept in the folder ``quarantine``."""

    chat: ChatModel
    encoder: Encoder
    quarantine: Path = Path("quarantine")


Watch = Callable[[int, Grown], None]
"""Told after each iteration, counted from 1, what has grown; once, also when a run is taken up."""


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
    """Ask a question, then those that the answers raise, so many at a time. What it puts is proposed: a model alone says so."""
    way, limits = way or Way(), limits or Limits()
    check(question, way, limits)
    return _Expansion(kg, names.clean(question), models, way, steps or Direct(run, progress)).go(limits, watch)


def check(question: str, way: Way, limits: Limits) -> None:
    """Raises ``BadRequest`` for what cannot be asked so."""
    if not question.strip() or len(question) > 1_000:
        raise BadRequest("a question has from 1 to 1,000 characters")
    way.check()
    limits.check()


class _Expansion:
    """Goes round after round and adds up what came of them."""

    def __init__(self, kg: KnowledgeGraph, topic: str, models: Models, way: Way, steps: Steps) -> None:
        self._kg, self._topic, self._models, self._way, self._steps = kg, topic, models, way, steps
        self._linker, self._vectors = Linker(kg.store, models.encoder), Known(models.encoder.encode)
        self._grown, self._rounds, self._before = Grown(), list[Round](), Before(kg, steps)
        self._records: list[Record] = []
        self._used: dict[str, float] = dict.fromkeys(("calls", "tokens", "usd"), 0)
        self._whys: list[str] = []

    def go(self, limits: Limits, watch: Watch | None) -> Report:
        self._steps.inputs(names.digest(self._topic, repr(self._way), self._models.chat.name, self._models.encoder.name))
        begun, barren, ended, cut = monotonic(), 0, f"after {limits.iterations} rounds, as asked", True
        for iteration in range(1, limits.iterations + 1):
            if ended_by := limits.over({**self._used, "minutes": (monotonic() - begun) / 60}):
                ended = ended_by
                break
            if not (questions := self._questions(limits)):
                ended, cut = "nothing is left to ask", False
                break
            grown = f"{len(self._grown.names):,} things, {len(self._grown.links):,} links"
            self._steps.words(f"round {iteration} ({grown}): {questions[0].text[:_SHOWN]}")
            self._steps.progress(iteration - 1, limits.iterations)
            try:
                one = self._round(iteration, questions)
            except BudgetExceeded as error:
                ended = str(error)
                break
            if watch:
                self._steps.step(f"watch {iteration}", partial(watch, iteration, self._grown))
            barren = barren + 1 if one.new <= limits.floor * one.named else 0
            if barren >= limits.patience:
                ended, cut = f"the last {barren} rounds brought nothing new", False
                break
        else:
            self._steps.progress(limits.iterations, limits.iterations)
        return self._report(ended, cut)

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
        asked = self._steps.step(f"ask {key}", lambda: {"answers": list(ahead(self._answer, questions, self._way.fan_out))})
        answers = list(zip(questions, (asked or {"answers": []})["answers"], strict=False))
        told = [self._candidates(iteration, *one) for one in answers]
        linked = cache(lambda: merging.merging(self._linker, told))
        decided = self._steps.step(f"link {key}", lambda: merging.decisions(linked().linking))
        meant = linked if linked.cache_info().currsize else cache(lambda: merging.merging(self._linker, told, decided))
        self._before.look(key, lambda: meant().claims)
        record = self._steps.step(f"{ROUND}{key}", lambda: merging.put(self._kg, self._linker, answers, meant(), self._steps.run))
        for _, answer in answers:
            self._used["tokens"] += answer["tokens"]
            self._used["usd"] += answer["usd"]
            self._whys += [answer["why"]] if answer["why"] else []
        self._used["calls"] += len(questions)
        self._records.append(record or merging.nothing(questions))
        self._rounds.append(self._grown.grow(self._records[-1]))
        return self._rounds[-1]

    def _answer(self, question: Question) -> dict[str, Any]:
        try:
            value, reply = structured.ask(self._models.chat, request(question, self._topic, self._way.seed), self._models.quarantine)
        except AnswerUnusable as error:
            return {"value": None, "why": str(error), "response": "", "tokens": 0, "usd": 0.0}
        return {"value": value, "why": "", "response": reply.id, "tokens": reply.usage.tokens, "usd": reply.usage.usd}

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
        )
