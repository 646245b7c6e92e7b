"""Where one may walk in a network, and the part of it that can lie between two ends.

A *place* is an entity in a state of a pattern's automaton: entity · states + state. Whole sets of places are walked on at once, from
both ends to the middle, always from the side with fewer edges to look at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.analysis.network import Ints, Network, Short
from kgplatform.analysis.pattern import Automaton

FARTHEST = 100
"""Hops of a path, at most."""
Moves = tuple[Ints, Short, Ints]
"""Of each move: the position of the place where it begins among those given, the edge, the place where it ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Terrain:
    """A network as it may be walked: by an automaton, over facts believed at least so far."""

    network: Network
    automaton: Automaton
    least: float = 0.0

    @property
    def states(self) -> int:
        return self.automaton.states

    @property
    def size(self) -> int:
        """How many places there are."""
        return self.network.entities * self.states

    def starts(self, entities: Ints) -> Ints:
        return entities * self.states

    def goals(self, entities: Ints) -> Ints:
        return (entities[:, None] * self.states + self.automaton.accepting).ravel()

    def onward(self, places: Ints) -> Moves:
        """All moves from these places."""
        owner, edges, others = self._leaving(places)
        if self.automaton.free:
            return owner, edges, others.astype(np.int64)
        states = self.automaton.table[(places % self.states)[owner], self.network.symbols(edges)]
        kept = np.flatnonzero(states >= 0)
        return owner[kept], edges[kept], others[kept] * np.int64(self.states) + states[kept]

    def back(self, places: Ints) -> Moves:
        """All moves to these places, which are where they begin; the edges as they are walked to them."""
        owner, edges, others = self._leaving(places)
        edges = self.network.turned(edges)
        if self.automaton.free:
            return owner, edges, others.astype(np.int64)
        arrived = (places % self.states)[owner]
        states, kept = np.nonzero(self.automaton.table[:, self.network.symbols(edges)] == arrived)
        return owner[kept], edges[kept], others[kept] * np.int64(self.states) + states

    def _leaving(self, places: Ints) -> tuple[Ints, Short, Short]:
        owner, edges, others = self.network.leaving(places // self.states if self.states > 1 else places)
        if self.least <= 0:
            return owner, edges, others
        kept = np.flatnonzero(self.network.confidence[edges % max(1, self.network.facts)] >= self.least)
        return owner[kept], edges[kept], others[kept]


class Wave:
    """How far places are from where it began, hop by hop; 0 in ``far`` is not reached yet, 1 is the beginning."""

    def __init__(self, terrain: Terrain, move: Callable[[Ints], Moves], begin: Ints) -> None:
        self._terrain, self._move = terrain, move
        self.far = np.zeros(terrain.size, np.int8)
        self._slot = np.empty(terrain.size, np.int32)
        self.far[begin] = 1
        self.levels = [begin]

    @property
    def hops(self) -> int:
        return len(self.levels) - 1

    @property
    def work(self) -> int:
        """How many edges the next hop looks at."""
        return int(self._terrain.network.degree(self.levels[-1] // self._terrain.states).sum())

    def grow(self) -> Ints:
        """The places one hop farther."""
        self.levels.append(self._new(self.far, self._move(self.levels[-1])[2], self.hops + 2))
        return self.levels[-1]

    def _new(self, far: npt.NDArray[np.int8], reached: Ints, mark: int) -> Ints:
        """Those that were not reached yet, each once."""
        reached = reached[far[reached] == 0]
        order = np.arange(len(reached), dtype=np.int32)
        self._slot[reached] = order
        reached = reached[self._slot[reached] == order]
        far[reached] = mark
        return reached

    def within(self, other: Wave, hops: int) -> tuple[npt.NDArray[np.int8], Ints]:
        """``far`` also of the other wave's places that a way of so many hops can lie on, and the places of such ways that this one knows."""
        far, found = self.far.copy(), np.concatenate(self.levels)
        there = other.far[found].astype(np.int64)
        kept = (there > 0) & (self.far[found] + there - 2 <= hops)
        found, new = [found[kept]], self.levels[-1]
        for mark in range(self.hops + 2, hops + 2):
            new = new[(other.far[new] > 0) & (other.far[new] + np.int64(mark) - 3 <= hops)]
            reached = self._move(new)[2]
            reached = reached[(other.far[reached] > 0) & (other.far[reached] + np.int64(mark) - 2 <= hops)]
            new = self._new(far, reached, mark)
            found.append(new)
        return far, np.concatenate(found)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The part of a network in which every way of few hops lies, with numbers of its own; the last place is a beginning before all starts.

    Move ``m`` goes from ``origin[m]`` to ``ends[m]`` over ``edges[m]``, -1 to a start; those of place ``p`` are ``begins[p]`` up to
    ``begins[p + 1]``. ``entity`` ``(places,)`` is each place's, -1 of the beginning; ``goals`` are places.
    """

    entity: Ints
    begins: Ints
    origin: Ints
    ends: Ints
    edges: Ints
    goals: Ints

    @property
    def beginning(self) -> int:
        return len(self.entity) - 1


class Passage:
    """Ways between two sets of entities that have none in common; inner entities of a way are of neither."""

    def __init__(self, terrain: Terrain, starts: Ints, goals: Ints) -> None:
        self._terrain, self._starts, self._goals = terrain, starts, goals
        self._there = Wave(terrain, terrain.onward, terrain.starts(starts))
        self._back = Wave(terrain, terrain.back, terrain.goals(goals))

    def hops(self, most: int) -> int | None:
        """Of the shortest way; None where there is none of at most so many."""
        while (hops := self._there.hops + self._back.hops) < most:
            grown, other = sorted((self._there, self._back), key=lambda wave: wave.work)
            new = grown.grow()
            if not len(new):
                return None
            if other.far[new].any():
                return hops + 1
        return None

    def part(self, hops: int) -> Part:
        """The part in which all ways of at most so many hops lie."""
        there, back = self._there, self._back
        while there.hops + back.hops < hops:
            min((there, back), key=lambda wave: wave.work).grow()
        from_start, known = there.within(back, hops)
        to_goal, others = back.within(there, hops)
        places = np.union1d(known, others)
        owner, edges, ends = self._terrain.onward(places)
        kept = self._leads_on(places[owner], from_start, ends, to_goal, hops)
        return self._renumbered(places, owner[kept], edges[kept], ends[kept])

    def _leads_on(
        self, begin: Ints, from_start: npt.NDArray[np.int8], end: Ints, to_goal: npt.NDArray[np.int8], hops: int
    ) -> npt.NDArray[np.bool_]:
        """Which moves can be of a way: none leaves a goal, none enters a start, none stays where it is."""
        role = self._roles()
        one, other = begin // self._terrain.states, end // self._terrain.states
        possible = (to_goal[end] > 0) & (from_start[begin].astype(np.int64) + to_goal[end] - 1 <= hops)
        kept: npt.NDArray[np.bool_] = possible & (one != other) & (role[one] != 2) & (role[other] != 1)
        return kept

    def _roles(self) -> npt.NDArray[np.int8]:
        role = np.zeros(self._terrain.network.entities, np.int8)
        role[self._starts], role[self._goals] = 1, 2
        return role

    def _renumbered(self, places: Ints, owner: Ints, edges: Short, ends: Ints) -> Part:
        count = len(places)
        starts, goals = (_among(places, some) for some in (self._terrain.starts(self._starts), self._terrain.goals(self._goals)))
        origin = np.append(owner, np.full(len(starts), count))
        begins = np.append(0, np.cumsum(np.bincount(origin, minlength=count + 1)))
        entity = np.append(places // self._terrain.states, -1)
        ends = np.append(np.searchsorted(places, ends), starts)
        return Part(entity, begins, origin, ends, np.append(edges.astype(np.int64), np.full(len(starts), -1)), goals)


def _among(places: Ints, some: Ints) -> Ints:
    """Where those of ``some`` that are there stand in the ordered ``places``."""
    return np.searchsorted(places, np.intersect1d(places, some))
