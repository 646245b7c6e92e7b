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
Far = npt.NDArray[np.int8]
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

    def ahead(self, places: Ints) -> Ints:
        """Where the moves from these places end."""
        return self._ends(places) if self.open else self.onward(places)[2]

    def behind(self, places: Ints) -> Ints:
        """Where the moves to these places begin."""
        return self._ends(places) if self.open else self.back(places)[2]

    @property
    def open(self) -> bool:
        """Whether every edge may be walked, both ways."""
        return self.automaton.free and self.least <= 0

    def _ends(self, places: Ints) -> Ints:
        return self.network.near(places).astype(np.int64)

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

    def __init__(self, terrain: Terrain, move: Callable[[Ints], Ints], begin: Ints) -> None:
        self._terrain, self._move = terrain, move
        self.far = np.zeros(terrain.size, np.int8)
        self._slot = np.empty(terrain.size, np.int32)
        self.far[begin] = 1
        self.levels = [begin]
        self.beyond: list[Ints] = []
        self._ahead: Ints | None = None
        self.work = self._work()

    @property
    def hops(self) -> int:
        """How far it has come everywhere."""
        return len(self.levels) - 1

    def _work(self) -> int:
        """How many edges the next hop looks at."""
        return int(self._terrain.network.degree(self.levels[-1] // self._terrain.states).sum())

    def grow(self) -> Ints:
        """The places one hop farther."""
        self._forget()
        self.levels.append(self._new(self._on(), self.hops + 2))
        self._ahead = None
        self.work = self._work()
        return self.levels[-1]

    def touch(self, other: Wave) -> Ints:
        """The places one hop farther that the other wave has reached; they stay in ``far`` and in ``beyond`` until this one goes on."""
        self._forget()
        reached = self._on()
        self.beyond.append(self._new(reached[other.far[reached] > 0], self.hops + 2))
        return self.beyond[-1]

    def _on(self) -> Ints:
        if self._ahead is None:
            self._ahead = self._move(self.levels[-1])
        return self._ahead

    def reach(self, other: Wave, hops: int) -> Ints:
        """Go on to those places of the other wave that a way of so many hops can lie on; they stay likewise."""
        self._forget()
        new = self.levels[-1]
        for mark in range(self.hops + 2, hops + 2):
            new = new[self._between(other, new, mark - 1, hops)]
            reached = self._move(new)
            new = self._new(reached[self._between(other, reached, mark, hops)], mark)
            self.beyond.append(new)
        return np.concatenate([new[:0], *self.beyond])

    def known(self, other: Wave, hops: int) -> Ints:
        """The places it has grown to that a way of so many hops can lie on."""
        places = np.concatenate(self.levels)
        return places[self._between(other, places, self.far[places], hops)]

    @staticmethod
    def _between(other: Wave, places: Ints, mark: Far | int, hops: int) -> npt.NDArray[np.bool_]:
        there = other.far[places]
        kept: npt.NDArray[np.bool_] = (there > 0) & (there <= hops + 2 - mark)
        return kept

    def _new(self, reached: Ints, mark: int) -> Ints:
        """Those that were not reached yet, each once."""
        reached = reached[self.far[reached] == 0]
        order = np.arange(len(reached), dtype=np.int32)
        self._slot[reached] = order
        reached = reached[self._slot[reached] == order]
        self.far[reached] = mark
        return reached

    def _forget(self) -> None:
        for places in self.beyond:
            self.far[places] = 0
        self.beyond.clear()


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
        self.there = Wave(terrain, terrain.ahead, terrain.starts(starts))
        self._role = np.zeros(terrain.network.entities, np.int8)
        self._role[starts], self._role[goals] = 1, 2
        self.back = Wave(terrain, terrain.behind, terrain.goals(goals))

    def hops(self, most: int) -> int | None:
        """Of the shortest way; None where there is none of at most so many."""
        while (hops := self.there.hops + self.back.hops) < most:
            grown, other = self._by_work()
            if len(grown.touch(other)):
                return hops + 1
            if not len(grown.grow()):
                return None
        return None

    def meet(self, hops: int) -> None:
        """Let the waves meet where one has made all but the last of so many hops with the other."""
        self._grow(hops - 1)
        grown, other = self._by_work()
        grown.touch(other)

    def _grow(self, hops: int) -> None:
        """Until they have made so many hops together."""
        while self.there.hops + self.back.hops < hops:
            self._by_work()[0].grow()

    def _by_work(self) -> list[Wave]:
        """That which has less to do first."""
        return sorted((self.there, self.back), key=lambda wave: wave.work)

    def part(self, hops: int) -> Part:
        """The part in which all ways of at most so many hops lie."""
        there, back = self.there, self.back
        self._grow(hops)
        beyond = there.reach(back, hops)
        back.reach(there, hops)
        places = np.sort(np.concatenate([there.known(back, hops), beyond]))
        owner, edges, ends = self._terrain.onward(places)
        begins = places[owner]
        kept = np.flatnonzero((back.far[ends] > 0) & (back.far[ends] <= hops + 1 - there.far[begins]))
        kept = kept[self._allowed(begins[kept], ends[kept])]
        return self._renumbered(places, owner[kept], edges[kept], ends[kept])

    def _allowed(self, begins: Ints, ends: Ints) -> npt.NDArray[np.bool_]:
        """Which moves can be of a way: none leaves a goal, none enters a start, none stays where it is."""
        role, one, other = self._role, begins // self._terrain.states, ends // self._terrain.states
        kept: npt.NDArray[np.bool_] = (one != other) & (role[one] != 2) & (role[other] != 1)
        return kept

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
    at = np.searchsorted(places, some)
    there: Ints = at[np.append(places, -1)[at] == some]
    return there
