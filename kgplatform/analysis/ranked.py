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

from kgplatform.analysis.network import Ints, rows
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
        part, route = self._part, list(taken)
        place = int(part.ends[taken[-1]]) if taken else part.beginning
        while not self._goal[place]:
            left = self._hops - len(route)
            if left == 0:
                return ()
            first, last = int(part.begins[place]), int(part.begins[place + 1])
            ends = part.ends[first:last]
            on = self._cost[first:last] + ahead[left - 1][ends]
            if len(route) == len(taken):
                on[[move - first for move in barred]] = np.inf
                on[np.isin(part.entity[ends], self._entities(taken))] = np.inf
            if not len(on) or on[at := int(on.argmin())] == np.inf:
                return ()
            route.append(first + at)
            place = int(ends[at])
        return tuple(route)

    def _entities(self, moves: Route) -> Ints:
        return self._part.entity[self._part.ends[list(moves)]]

    def _simple(self, route: Route) -> bool:
        return len(np.unique(self._entities(route))) == len(route)

    def _ahead(self, hops: int, without: Ints | None = None) -> Costs:
        """``(hops + 1, places)``: what it costs at least from each to a goal in at most 0, 1, … hops, not over these entities."""
        part = self._part
        ahead = np.full((hops + 1, len(part.entity)), np.inf)
        ahead[0, part.goals] = 0.0
        shut = np.isin(part.entity, without) if without is not None else np.zeros(len(part.entity), bool)
        changed = part.goals
        for left in range(1, hops + 1):
            before, now = ahead[left - 1], ahead[left]
            now[:] = before
            moves = self._entering[rows(self._enters, changed)[0]]
            moves = moves[~shut[part.origin[moves]]]
            origin = part.origin[moves]
            np.minimum.at(now, origin, self._cost[moves] + before[part.ends[moves]])
            changed = np.unique(origin[now[origin] < before[origin]])
        return ahead
