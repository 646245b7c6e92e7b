"""A question in words becomes a Cypher query by a chat model, and the query its rows.

What the model says is never trusted: a query is read (``text``), put right where there is one remedy (``mending``), planned
by the server, and run by the reading door, under limits. What is wrong with one is told to the model, twice at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from kgplatform.errors import AnswerUnusable, BadQuery, BadRequest, NotFound, WriteRefused
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Reply, Usage
from kgplatform.ports import Limits, Rows
from kgplatform.types import Entity
from reasoning.agent.ask import LONGEST, Guide
from reasoning.cypher import prompt, text
from reasoning.cypher.complaining import complaint
from reasoning.cypher.knowing import Known
from reasoning.cypher.mending import mended
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import Schema
from reasoning.cypher.walk import hint
from reasoning.cypher.wanted import wanted

REPAIRS = 2
LIMITS = Limits(1_000, 30.0)


class Graph(Protocol):
    """What asking in Cypher needs of ``kgplatform.graph.KnowledgeGraph``."""

    def read(self, query: str, parameters: Mapping[str, Any], limits: Limits) -> Rows: ...

    def examine(self, query: str, parameters: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Repair:
    """A query that could not be used, and why."""

    cypher: str
    why: str


@dataclass(frozen=True, slots=True)
class Written:
    """A query that only reads, and its rows; none where it was not run.

    ``parameters`` are the values of its ``$a`` and so on, ids of the ``named`` entities. ``usage`` is what the model took for it and for
    the ``repairs``, the queries before it; ``cached`` says that all of it was answered before.
    """

    question: str
    cypher: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    named: tuple[Entity, ...] = ()
    rows: Rows | None = None
    repairs: tuple[Repair, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cached: bool = True


Show = Callable[[Written], None]
"""Told of a query before it is run."""


class Writer:
    """Writes queries on one graph by a chat model; make it once for many questions."""

    def __init__(self, kg: Graph, guide: Guide, model: ChatModel) -> None:
        self.kg, self.guide, self.model = kg, guide, model
        self.schema = Schema.of(guide.network, guide.cards)

    def ask(self, question: str, *, run: bool = True, limits: Limits = LIMITS, show: Show = lambda _: None) -> Written:
        """The query for a question, and what it answers; with ``run=False`` it is only planned. ``show`` sees each query before it is run.

        Raises ``BadRequest`` for a question that cannot be asked, ``AnswerUnusable`` when no query of the model can be run,
        ``LimitExceeded`` for one that takes too long, and what the model raises.
        """
        self._check(question)
        naming = Naming(self.guide, question)
        put = partial(mended, schema=self.schema, naming=naming, wanted=wanted(self.guide, question))
        request = prompt.request(self.schema, naming, prompt.relevant(self.guide, question), hint(self.guide, naming))
        written, why, said = Written(question, ""), "", ""
        for _ in range(REPAIRS + 1):
            if why:
                fault = Repair(text.taken(said) or said.strip(), why)
                written, request = replace(written, repairs=(*written.repairs, fault)), prompt.again(request, fault.cypher, why)
            reply = self.model.reply(request)
            (written, why), said = _read(written, reply, put), reply.text
            if not why:
                written, why = self._run(written, limits if run else None, show)
            if not why:
                return written
        raise AnswerUnusable(f"{self.model.name} wrote no query that can be run, also when asked {REPAIRS} times more: {why}", said)

    def _run(self, written: Written, limits: Limits | None, show: Show) -> tuple[Written, str]:
        """The query with its rows, or what the server says is wrong with it; without limits it is planned alone."""
        try:
            self.kg.examine(written.cypher, written.parameters)
            show(written)
            return (replace(written, rows=self.kg.read(written.cypher, written.parameters, limits)) if limits else written), ""
        except (BadQuery, WriteRefused) as error:
            return written, str(error)

    def _check(self, question: str) -> None:
        if not question.strip():
            raise BadRequest("the question is empty")
        if len(question) > LONGEST:
            raise BadRequest(f"the question has {len(question):,} characters: ask in at most {LONGEST:,}")
        if self.guide.walker is None:
            raise NotFound("the graph holds no facts yet: import or harvest some first")


def _read(before: Written, reply: Reply, put: Callable[[str], tuple[str, Known]]) -> tuple[Written, str]:
    """The query in an answer, put right, and what is wrong with it still."""
    named: Mapping[str, Entity] = {}
    query = text.taken(reply.text)
    why = text.refusal(query)
    if not why:
        query, known = put(query)
        why, named = complaint(known, query), known.named
    parameters = {letter: entity.id for letter, entity in named.items()}
    usage, cached = before.usage + reply.usage, before.cached and reply.cached
    return replace(before, cypher=query, parameters=parameters, named=tuple(named.values()), usage=usage, cached=cached), why
