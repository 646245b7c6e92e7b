"""The facts around two ends that paths of few hops between them are made of, asked of a server hop by hop."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kgplatform.ports import Store
from kgplatform.types import Entity, EntityId, Fact, FactKey, FactQuery


class Around:
    """Grows from both ends, from where there is less: after ``hops`` it has all facts of every path of at most so many."""

    def __init__(self, store: Store, starts: Collection[EntityId], goals: Collection[EntityId], which: FactQuery) -> None:
        self._store, self._which = store, replace(which, tails="entities")
        self._seen = [set(some) for some in (starts, goals) if some]
        self._frontiers = [set(some) for some in self._seen]
        self._facts: dict[FactKey, Fact] = {}
        self.hops = 0
        self.read = 0

    @property
    def facts(self) -> Collection[Fact]:
        return self._facts.values()

    @property
    def whole(self) -> bool:
        """Whether no longer path can be there."""
        return not all(self._frontiers)

    @property
    def meets(self) -> bool:
        """Whether the two sides have an entity in common."""
        return not set.isdisjoint(*self._seen) if len(self._seen) > 1 else False

    def grow(self, most: int) -> bool:
        """One hop more; False when that takes more than ``most`` facts."""
        side = min(range(len(self._seen)), key=lambda one: len(self._frontiers[one]))
        near = self._store.neighbours(sorted(self._frontiers[side]), replace(self._which, limit=most + 1))
        self.read += len(near)
        if len(near) > most:
            return False
        self._facts |= {fact.key: fact for fact in near}
        ends = {end.id for fact in near for end in (fact.head, fact.tail) if isinstance(end, Entity)}
        self._frontiers[side] = ends - self._seen[side]
        self._seen[side] |= ends
        self.hops += 1
        return True
