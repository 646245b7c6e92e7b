"""The facts that wait for a person: which they are, and in which order they come. Nothing here draws."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kgplatform.types import FactQuery

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.types import Fact, FactKey, Origin, Status

PAGE = 500
"""Facts of a queue that are kept at once: more are read when a person has been through these."""
_STATUSES: tuple[Status, ...] = ("proposed", "predicted")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person wants to judge; no relation or no origin means any."""

    relation: str | None = None
    origins: tuple[Origin, ...] = ()


def waiting(graph: KnowledgeGraph, wanted: Wanted = Wanted()) -> Iterator[Fact]:
    """Facts without a verdict that are not current, and those that are but do not fit the graph (``kg denoise --apply``), in no order."""
    for status in _STATUSES:
        yield from _of(wanted, graph.store.facts(FactQuery(relation=wanted.relation, status=status)))
    doubted = graph.store.facts(FactQuery(relation=wanted.relation, status="current", method="graph"))
    yield from _of(wanted, (fact for fact in doubted if fact.verdict == "none" and fact.confidence < fact.trust))


def _of(wanted: Wanted, facts: Iterable[Fact]) -> Iterator[Fact]:
    return (fact for fact in facts if not wanted.origins or not set(wanted.origins).isdisjoint(fact.origin))


def doubt(fact: Fact) -> tuple[float, FactKey]:
    """Smaller for a fact of which the graph is less sure."""
    return abs(fact.confidence - 0.5), fact.key


@dataclass(slots=True)
class Queue:
    """A walk through what waits, the least certain first, back and forth; what was judged stays in its place.

    ``at`` is ``total`` when a person has been through all. ``relations`` counts what waits by relation.
    """

    wanted: Wanted
    keys: list[FactKey] = field(default_factory=list)
    total: int = 0
    at: int = 0
    relations: Counter[str] = field(default_factory=Counter)

    def read(self, graph: KnowledgeGraph, page: int = PAGE) -> None:
        """Add the next facts; one pass over all that wait."""
        seen, left = set(self.keys), 0
        self.relations.clear()

        def unseen() -> Iterator[Fact]:
            nonlocal left
            for fact in waiting(graph, self.wanted):
                self.relations[fact.relation] += 1
                if fact.key not in seen:
                    left += 1
                    yield fact

        self.keys += [fact.key for fact in heapq.nsmallest(page, unseen(), key=doubt)]
        self.total = len(seen) + left

    @property
    def current(self) -> FactKey | None:
        return self.keys[self.at] if self.at < len(self.keys) else None

    def forward(self, graph: KnowledgeGraph) -> None:
        """To the next fact, read when need be."""
        self.at = min(self.at + 1, self.total)
        if self.current is None and self.at < self.total:
            self.read(graph)

    def back(self) -> None:
        self.at = max(self.at - 1, 0)

    def turn_to(self, key: FactKey) -> None:
        """Go where this fact stands; one that did not wait comes in between, before the current one."""
        if key in self.keys:
            self.at = self.keys.index(key)
        else:
            self.keys.insert(self.at, key)
            self.total += 1

    def drop(self, key: FactKey) -> None:
        """Forget a fact that the graph no longer has."""
        place = self.keys.index(key)
        del self.keys[place]
        self.total -= 1
        self.at -= place < self.at
