"""Paths of facts between entities of a graph, as people ask for them: what ``kg.paths`` gives.

The facts are read once into arrays, and what was written since is read before each answer. A server is asked for the facts of the
answer alone: its query language has the shortest paths, but neither ranks them nor says the same on both servers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from kgplatform import lookup, snapshot
from kgplatform.analysis.network import Ints, Network
from kgplatform.analysis.pattern import Automaton, Vocabulary, compiled
from kgplatform.analysis.routes import WAYS, reached, routes
from kgplatform.analysis.walking import FARTHEST, Terrain
from kgplatform.errors import BadRequest
from kgplatform.ports import Store
from kgplatform.types import By, Entity, FactKey, Path, Relation, Step
from kgplatform.view import GraphView

__all__ = ["Between", "Ends", "Wanted"]

Ends = str | Collection[str]
"""An entity by id or name, or several."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which paths: the ``k`` best, of at most ``max_hops`` facts, as in ``kg.paths``."""

    k: int = 5
    max_hops: int = 4
    by: By = "shortest"
    pattern: str | None = None
    min_confidence: float = 0.0
    directed: bool = False

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise BadRequest(f"{str(self.by)[:60]!r} is no order of paths: there are {', '.join(WAYS)}")
        if self.k < 1:
            raise BadRequest(f"k must be at least 1, not {self.k}")
        if not 1 <= self.max_hops <= FARTHEST:
            raise BadRequest(f"max_hops must be from 1 to {FARTHEST}, not {self.max_hops}")
        if not 0 <= self.min_confidence <= 1 or math.isnan(self.min_confidence):
            raise BadRequest(f"min_confidence must be from 0 to 1, not {self.min_confidence}")
        if self.directed and self.pattern is not None:
            raise BadRequest("a pattern says itself in which direction it is walked: leave out  directed")


class Between:
    """Finds paths in the graph of a store; keeps its facts as arrays from one question to the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: tuple[GraphView, Network] | None = None

    def paths(self, starts: Ends, goals: Ends | None, wanted: Wanted) -> list[Path]:
        """Those from any of the starts to any of the goals; without goals, one to each entity that the pattern leads to, nearest first."""
        begin = self._entities(starts)
        end = self._entities(goals) if goals is not None else []
        if shared := [one.name for one in begin if one.id in {other.id for other in end}]:
            raise BadRequest(f"a path leads from one entity to another, and {shared[0][:80]!r} is at both ends")
        if goals is None and (wanted.pattern is None or len(begin) > 1):
            raise BadRequest("say where paths should end, or give one start and a pattern that leads to the ends")
        view, network = self._network()
        terrain = Terrain(network, self._automaton(view.relations, wanted), wanted.min_confidence)
        start, goal = _places(view, begin), _places(view, end)
        if not len(start) or (goals is not None and not len(goal)):
            return []
        if goals is None:
            return self._told(view, list(islice(_walks(terrain, int(start[0]), wanted.max_hops), wanted.k)))
        return self._told(view, routes(terrain, start, goal, k=wanted.k, max_hops=wanted.max_hops, by=wanted.by))

    def _entities(self, ends: Ends) -> list[Entity]:
        names = [ends] if isinstance(ends, str) else list(ends)
        if not names:
            raise BadRequest("a path needs at least one entity at each end")
        return [lookup.entity(self._store, name) for name in names]

    def _network(self) -> tuple[GraphView, Network]:
        """The facts as they are now."""
        if (held := self._held) is None:
            view = snapshot.read(self._store)
        elif any(change.keys for change in self._store.changes(held[0].time)):
            view = snapshot.updated(held[0], self._store)
        else:
            return held
        same = held is not None and held[0].revision == view.revision
        self._held = view, held[1] if held is not None and same else Network.of(view)
        return self._held

    def _automaton(self, relations: Sequence[str], wanted: Wanted) -> Automaton:
        cards = self._store.relations()
        symmetric = {name for name, card in cards.items() if card.symmetric}
        if wanted.pattern is not None:
            return compiled(wanted.pattern, Vocabulary(tuple(relations), cards, symmetric, _inverses(cards.values())))
        both = {number for number, name in enumerate(relations) if name in symmetric} if wanted.directed else None
        return Automaton.any(len(relations), both=both)

    def _told(self, view: GraphView, walks: list[Ints]) -> list[Path]:
        """The facts of these walks as the store tells them; without a walk of which one is gone meanwhile."""
        edges = np.concatenate([np.zeros(0, np.int64), *walks])
        keys = {place: FactKey(view.keys[place]) for place in np.unique(edges % max(1, len(view))).tolist()}
        facts = self._store.facts_at(set(keys.values()))
        steps = [[(facts.get(keys[edge % len(view)]), edge < len(view)) for edge in walk.tolist()] for walk in walks]
        found = [tuple(Step(fact, forward) for fact, forward in walk if fact is not None) for walk in steps]
        return [Path(path) for path, walk in zip(found, steps, strict=True) if len(path) == len(walk)]


def _inverses(cards: Iterable[Relation]) -> dict[str, str]:
    return {card.inverse: card.name for card in cards if card.inverse}


def _places(view: GraphView, entities: Iterable[Entity]) -> Ints:
    """Those that the view has."""
    found = {view.entity_ids.find(one.id) for one in entities} - {-1}
    return np.array(sorted(found), np.int64)


def _walks(terrain: Terrain, start: int, hops: int) -> Iterator[Ints]:
    for entities, walks in reached(terrain, start, hops):
        yield from walks[entities != start]
