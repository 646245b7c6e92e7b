"""The loop: ask, put what the answers say, ask what the graph as it now stands makes one ask; until a limit or until nothing is new.

A round is two steps, its answers and what was put: a run that was killed goes on from the last, and comes to what it would have come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from harvest.expand.answering import candidates, request
from harvest.expand.grown import Grown, Question
from harvest.expand.strategies import STRATEGIES
from kgplatform import names
from kgplatform.difference import Before, Difference
from kgplatform.errors import AnswerUnusable, BadRequest, BudgetExceeded
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Steps
from kgplatform.linking import Linked, link
from kgplatform.lm import structured
from kgplatform.lm.ports import ChatModel, Encoder
from kgplatform.ports import Progress
from kgplatform.store.ahead import ahead
from kgplatform.types import Entity, Receipt


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers, and who says which names are alike. What cannot be used is kept in the folder ``quarantine``."""

    chat: ChatModel
    encoder: Encoder
    quarantine: Path = Path("quarantine")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends: rounds, ``calls`` (questions) and tokens of the chat model, dollars, minutes; what is begun is finished.

    It also ends when in ``patience`` rounds in a row no more than the share ``floor`` of the things named was new.
    """

    iterations: int = 12
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    patience: int = 3
    floor: float = 0.0

    def check(self) -> None:
        """Raises ``BadRequest`` for a limit within which nothing can be done."""
        for name in ("iterations", "calls", "tokens", "usd", "minutes", "patience"):
            if (value := getattr(self, name)) is not None and not 0 < value < float("inf"):
                raise BadRequest(f"{name} {value:g}: a limit is a number above 0; leave it out for none")
        if not 0 <= self.floor < 1:
            raise BadRequest(f"floor {self.floor:g}: a share of new things is from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Round:
    """One iteration: what was asked, how many answers could be used, the things they named and those that were new to the run."""

    questions: tuple[str, ...]
    answered: int
    named: int
    new: int
    links: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, and ``ended``: why it ended. ``cut`` says that a limit ended it, so that it can go on within others."""

    rounds: tuple[Round, ...]
    receipt: Receipt
    ended: str
    cut: bool
    calls: int
    tokens: int
    usd: float
    notes: tuple[str, ...] = ()
    changed: Difference = field(default_factory=Difference)


def harvest(
    kg: KnowledgeGraph,
    question: str,
    models: Models,
    *,
    strategy: str = "frontier",
    fan_out: int = 3,
    limits: Limits | None = None,
    run: str = "",
    progress: Progress | None = None,
    steps: Steps | None = None,
) -> Report:
    """Ask a question, then those that the answers raise, so many at a time. What it puts is proposed: a model alone says so."""
    given = limits or Limits()
    given.check()
    check(question, strategy, fan_out)
    return _Expansion(kg, names.clean(question), models, steps or Direct(run, progress)).go(strategy, fan_out, given)


def check(question: str, strategy: str, fan_out: int) -> None:
    """Raises ``BadRequest`` for what cannot be asked so."""
    if strategy not in STRATEGIES:
        raise BadRequest(f"there is no strategy {strategy[:80]!r}: they are {', '.join(STRATEGIES)}")
    if not question.strip() or len(question) > 1_000:
        raise BadRequest("a question has from 1 to 1,000 characters")
    if not 1 <= fan_out <= 64:
        raise BadRequest(f"fan-out {fan_out}: so many questions at a time are from 1 to 64")


class _Expansion:
    """Goes round after round and adds up what came of them."""

    def __init__(self, kg: KnowledgeGraph, topic: str, models: Models, steps: Steps) -> None:
        self._kg, self._topic, self._models, self._steps = kg, topic, models, steps
        self._grown, self._rounds, self._before = Grown(), list[Round](), Before(kg, steps)
        self._sums: dict[str, float] = dict.fromkeys(("calls", "tokens", "usd", "new", "merged", "unchanged"), 0)
        self._notes: list[str] = []

    def go(self, strategy: str, fan_out: int, limits: Limits) -> Report:
        self._steps.inputs(names.digest(self._topic, strategy, str(fan_out), self._models.chat.name, self._models.encoder.name))
        begun, barren, ended, cut = monotonic(), 0, f"after {limits.iterations} rounds, as asked", True
        for iteration in range(limits.iterations):
            self._steps.progress(iteration, limits.iterations)
            if ended_by := self._over(limits, (monotonic() - begun) / 60):
                ended = ended_by
                break
            if not (questions := self._questions(strategy, self._allowed(fan_out, limits))):
                ended, cut = "nothing is left to ask", False
                break
            try:
                one = self._round(iteration, questions, fan_out)
            except BudgetExceeded as error:
                ended = str(error)
                break
            barren = barren + 1 if one.new <= limits.floor * one.named else 0
            if barren >= limits.patience:
                ended, cut = f"the last {barren} rounds brought nothing new", False
                break
        else:
            self._steps.progress(limits.iterations, limits.iterations)
        return self._report(ended, cut)

    def _over(self, limits: Limits, minutes: float) -> str:
        """Which limit is reached, in words."""
        for name, used in (*self._sums.items(), ("minutes", minutes)):
            if (most := getattr(limits, name, None)) is not None and used >= most:
                return f"the limit of {most:g} {name} is reached"
        return ""

    def _allowed(self, fan_out: int, limits: Limits) -> int:
        return fan_out if limits.calls is None else min(fan_out, limits.calls - int(self._sums["calls"]))

    def _questions(self, strategy: str, many: int) -> list[Question]:
        if not self._rounds:
            return [Question(self._topic)]
        chosen: dict[str, Question] = {}
        for one in STRATEGIES[strategy](self._grown, self._models.encoder.encode):
            if self._grown.fresh(one):
                chosen.setdefault(names.normalise(one.text), one)
            if len(chosen) == many:
                break
        return list(chosen.values())

    def _round(self, iteration: int, questions: Sequence[Question], fan_out: int) -> Round:
        """Answers are merged in the order of their questions, whichever came first."""
        key = f"{iteration}/{names.digest(*(question.text for question in questions))}"

        def asked() -> dict[str, Any]:
            return {"answers": list(ahead(self._answer, questions, fan_out))}

        self._steps.words(f"round {iteration + 1}: {len(self._grown.names):,} things, {len(self._grown.links):,} links")
        answers: Sequence[Mapping[str, Any]] = (self._steps.step(f"ask {key}", asked) or {"answers": []})["answers"]
        pairs = list(zip(questions, answers, strict=False))
        linked = [self._linked(iteration, question, answer) for question, answer in pairs]
        claims = [claim for one in linked for claim in one.claims]
        self._before.look(f"put {key}", lambda: claims)

        def put() -> dict[str, Any]:
            done = self._kg.put(claims)
            refused = {id(one.claim) for one in done.refused}
            notes = [
                *(f"refused: {one.why}" for one in done.refused),
                *(f"not linked: {one.why}" for part in linked for one in part.unlinked),
            ]
            grown = [
                {
                    "depth": question.depth,
                    "synthesis": answer["value"]["synthesis"] if answer["value"] else "",
                    "links": [
                        [claim.head.id, claim.head.name, claim.relation, claim.tail.id, claim.tail.name]
                        for claim in part.claims
                        if id(claim) not in refused and isinstance(claim.tail, Entity)
                    ],
                }
                for (question, answer), part in zip(pairs, linked, strict=True)
            ]
            return {"new": done.new, "merged": done.merged, "unchanged": done.unchanged, "notes": notes[:20], "grown": grown}

        done = self._steps.step(f"put {key}", put) or {"new": 0, "merged": 0, "unchanged": 0, "notes": [], "grown": []}
        for name in ("new", "merged", "unchanged"):
            self._sums[name] += done[name]
        for answer in answers:
            self._sums["tokens"] += answer["tokens"]
            self._sums["usd"] += answer["usd"]
        self._sums["calls"] += len(questions)
        self._notes += [*(answer["why"] for answer in answers if answer["why"]), *done["notes"]]
        links = len(self._grown.links)
        named, new = self._grown.grow(questions, done["grown"])
        usable = sum(answer["value"] is not None for answer in answers)
        self._rounds.append(Round(tuple(one.text for one in questions), usable, named, new, len(self._grown.links) - links))
        return self._rounds[-1]

    def _answer(self, question: Question) -> dict[str, Any]:
        try:
            value, reply = structured.ask(self._models.chat, request(question, self._topic), self._models.quarantine)
        except AnswerUnusable as error:
            return {"value": None, "why": str(error), "response": "", "tokens": 0, "usd": 0.0}
        return {"value": value, "why": "", "response": reply.id, "tokens": reply.usage.tokens, "usd": reply.usage.usd}

    def _linked(self, iteration: int, question: Question, answer: Mapping[str, Any]) -> Linked:
        """The one place that says which things an answer means."""
        if not answer["value"]:
            return Linked(())
        where = {"iteration": str(iteration + 1), "model": self._models.chat.name, "run": self._steps.run, "response": answer["response"]}
        return link(candidates(answer["value"], question, where), self._kg.store, self._kg.kinds())

    def _report(self, ended: str, cut: bool) -> Report:
        new, merged, unchanged, calls, tokens = (int(self._sums[name]) for name in ("new", "merged", "unchanged", "calls", "tokens"))
        for line in dict.fromkeys(self._notes):
            self._steps.log(line, "warning")
        notes = tuple(dict.fromkeys(self._notes))
        receipt, changed = Receipt(new, merged, unchanged), self._before.difference()
        return Report(tuple(self._rounds), receipt, ended, cut, calls, tokens, self._sums["usd"], notes, changed)
