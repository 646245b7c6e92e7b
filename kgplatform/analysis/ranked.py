"""The cheapest simple routes of a part of a network, one after the other, as few looked at as can be.

All routes are split, after each one that is found, into those that leave it at its first step, its second and so on (Lawler, 1972); which
of these sets has the next route is told by what is ahead of every place at least, reckoned once. Only where the cheapest
route so reckoned comes twice to an entity is it reckoned anew, without the entities behind: what Yen's algorithm does for every set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

import numpy as np
import numpy.typing as npt

from kgplatform.analysis.network import rows
from kgplatform.analysis.walking import Part

Costs = npt.NDArray[np.float64]
Route = tuple[int, ...]
"""Moves of a part, one after the other."""


@dataclass(frozen=True, slots=True)
class _Set:
    """The routes that begin with ``taken`` and do not go on by ``barred``. The cheapest, if it is a route at all, is ``best``.

    It is ``exact`` when what is ahead was reckoned without the entities behind.
    """

    taken: Route
    barred: frozenset[int]
    exact: bool
    best: Route


class Ranked:
    """Routes of at most so many hops from the beginning of a part to its goals; every move costs something."""

    def __init__(self, part: Part, cost: Costs, hops: int) -> None:
        self._part, self._cost, self._hops = part, cost, hops
        self._entering = np.argsort(part.ends, kind="stable")
        self._enters = np.append(0, np.cumsum(np.bincount(part.ends, minlength=len(part.entity))))
        self._goal = np.zeros(len(part.entity), np.bool_)
        self._goal[part.goals] = True
        self._least = self._ahead(hops)
        self._next: dict[tuple[int, int], int] = {}
        self._heap: list[tuple[float, int, int, _Set]] = []
        self._number = count()

    def __iter__(self) -> Iterator[Route]:
        """The cheapest first; of equally cheap ones that of fewer hops."""
        self._heap.clear()
        self._push((), frozenset())
        while self._heap:
            one = heappop(self._heap)[-1]
            if self._simple(one.best):
                yield one.best
                self._split(one)
            elif not one.exact:
                self._push(one.taken, one.barred, exact=True)
            else:  # only with a pattern, in whose states an entity can come again
                move = one.best[len(one.taken)]
                self._push((*one.taken, move), frozenset())
                self._push(one.taken, one.barred | {move})

    def _split(self, one: _Set) -> None:
        for length in range(len(one.taken), len(one.best)):
            barred = one.barred if length == len(one.taken) else frozenset[int]()
            self._push(one.best[:length], barred | {one.best[length]})

    def _push(self, taken: Route, barred: frozenset[int], exact: bool = False) -> None:
        ahead = self._ahead(self._hops - len(taken), self._entities(taken)) if exact else self._least
        if best := self._best(taken, barred, ahead):
            cost = float(self._cost[list(best)].sum())
            heappush(self._heap, (cost, len(best), next(self._number), _Set(taken, barred, exact, best)))

    def _best(self, taken: Route, barred: frozenset[int], ahead: Costs) -> Route:
        """The cheapest way on to a goal by what is ahead; empty when there is none."""
        place = int(self._part.ends[taken[-1]]) if taken else self._part.beginning
        on, first = self._on(place, self._hops - len(taken), ahead)
        for move in barred:
            on[move - first] = np.inf
        behind = set(self._entities(taken))
        while len(on) and on[at := int(on.argmin())] < np.inf:
            if int(self._part.entity[end := int(self._part.ends[first + at])]) not in behind:
                return (*taken, first + at, *self._rest(end, self._hops - len(taken) - 1, ahead))
            on[at] = np.inf
        return ()

    def _rest(self, place: int, left: int, ahead: Costs) -> Iterator[int]:
        """The cheapest way to a goal from where there is one."""
        while not self._goal[place]:
            if (move := self._next.get((place, left), -1)) < 0 or ahead is not self._least:
                on, first = self._on(place, left, ahead)
                move = first + int(on.argmin())
                if ahead is self._least:
                    self._next[place, left] = move
            yield move
            place, left = int(self._part.ends[move]), left - 1

    def _on(self, place: int, left: int, ahead: Costs) -> tuple[Costs, int]:
        """What every move from a place costs at least to the end, and the first of these moves."""
        first, last = int(self._part.begins[place]), int(self._part.begins[place + 1])
        return self._cost[first:last] + ahead[left - 1][self._part.ends[first:last]], first

    def _entities(self, moves: Route) -> list[int]:
        entities: list[int] = self._part.entity[self._part.ends[list(moves)]].tolist()
        return entities

    def _simple(self, route: Route) -> bool:
        return len(set(self._entities(route))) == len(route)

    def _ahead(self, hops: int, without: list[int] | None = None) -> Costs:
        """``(hops + 1, places)``: what it costs at least from each to a goal in at most 0, 1, … hops, not over these entities."""
        part = self._part
        ahead = np.full((hops + 1, len(part.entity)), np.inf)
        ahead[0, part.goals] = 0.0
        shut = np.isin(part.entity, without) if without else None
        changed = part.goals
        for left in range(1, hops + 1):
            before, now = ahead[left - 1], ahead[left]
            now[:] = before
            moves = self._entering[rows(self._enters, changed)[0]]
            if shut is not None:
                moves = moves[~shut[part.origin[moves]]]
            origin = part.origin[moves]
            np.minimum.at(now, origin, self._cost[moves] + before[part.ends[moves]])
            changed = np.flatnonzero(now < before)
        return ahead
