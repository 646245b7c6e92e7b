"""Paths of facts between entities of a graph, as people ask for them: what ``kg.paths`` gives.

A server is asked, hop by hop, for the facts around both ends as long as that takes less time than to read all facts into arrays, which
every later question then uses; what was written since is read before each answer. Paths are ranked here in either case: query
languages have the shortest path, but neither a second one nor the same on every server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from kgplatform import lookup, names, viewing
from kgplatform.analysis.around import Around
from kgplatform.analysis.network import Ints, Network
from kgplatform.analysis.pattern import Automaton, Vocabulary, compiled
from kgplatform.analysis.routes import WAYS, reached, routes
from kgplatform.analysis.walking import FARTHEST, Terrain
from kgplatform.errors import BadRequest, NotFound
from kgplatform.ports import CypherRunner, Store
from kgplatform.types import CURRENT, By, EntityId, FactKey, FactQuery, Path, Relation, Step
from kgplatform.view import GraphView

__all__ = ["Between", "Ends", "Wanted"]

MOST = 1_000
"""Paths that may be asked for at once."""
SHARE = 10
"""A fact among others around an entity takes as long as so many in the stream of all."""
Ends = str | Collection[str]
"""An entity by id or name, or several."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which paths: the ``k`` best, of at most ``max_hops`` facts out of ``which`` fit, as in ``kg.paths``."""

    k: int = 5
    max_hops: int = 4
    by: By = "shortest"
    pattern: str | None = None
    directed: bool = False
    which: FactQuery = CURRENT

    def __post_init__(self) -> None:
        if self.by not in WAYS:
            raise BadRequest(f"{str(self.by)[:60]!r} is no order of paths: there are {', '.join(WAYS)}")
        names.count(self.k, "k", 1, MOST)
        names.count(self.max_hops, "max_hops", 1, FARTHEST)
        if self.pattern is not None:
            names.text(self.pattern, "a pattern")
        if self.directed and self.pattern is not None:
            raise BadRequest("a pattern says itself in which direction it is walked: leave out  directed")


@dataclass(slots=True)
class _Read:
    """What is known of the facts that fit one query: all of them as arrays, or how many may still be asked for one by one."""

    left: int
    whole: tuple[GraphView, Network] | None = None


class Between:
    """Finds paths in the graph of a store; keeps as arrays its current facts, and those that fit the last other query."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._few: int | None = None
        self._reads: dict[FactQuery, _Read] = {}

    def paths(self, starts: Ends, goals: Ends | None, wanted: Wanted) -> list[Path]:
        """Those from any of the starts to any of the goals; without goals, one to each entity that the pattern leads to, nearest first."""
        begin = self._entities(starts)
        end = self._entities(goals) if goals is not None else []
        if shared := [one for one in begin if one in end]:
            raise BadRequest(f"a path leads from one entity to another, and {shared[0][:80]!r} is at both ends")
        if goals is None and (wanted.pattern is None or len(begin) > 1):
            raise BadRequest("say where paths should end, or give one start and a pattern that leads to the ends")
        read = self._read(wanted.which)
        near = self._near(read, begin, end, wanted)
        return self._found(*self._network(read, wanted.which), begin, end, wanted) if near is None else near

    def _read(self, which: FactQuery) -> _Read:
        """Threads share it; one that is forgotten meanwhile is still good for whoever has it."""
        if self._few is None:
            self._few = self._store.count(FactQuery(tails="entities")) // SHARE
        reads = self._reads
        if which not in reads:
            reads = self._reads = {one: read for one, read in reads.items() if one == CURRENT} | {which: _Read(self._few)}
        return reads[which]

    def _near(self, read: _Read, begin: list[EntityId], end: list[EntityId], wanted: Wanted) -> list[Path] | None:
        """The same from the facts around the ends alone; None where that takes too long or cannot be told."""
        if read.whole is not None or not isinstance(self._store, CypherRunner) or wanted.by == "specific":
            return None
        around = Around(self._store, begin, end, wanted.which)
        try:
            while around.read < read.left and around.grow(read.left - around.read):
                last = around.whole or around.hops == wanted.max_hops
                if last or (wanted.by == "shortest" and around.meets):
                    view = GraphView.of(around.facts)
                    paths = self._found(view, Network.of(view), begin, end, replace(wanted, max_hops=around.hops))
                    if last or len(paths) == wanted.k:
                        return paths
        except NotFound:  # of a relation that may be elsewhere in the graph
            return None
        finally:
            read.left -= around.read
        return None

    def _found(self, view: GraphView, network: Network, begin: list[EntityId], end: list[EntityId], wanted: Wanted) -> list[Path]:
        terrain = Terrain(network, self._automaton(view.relations, wanted))
        start, goal = _places(view, begin), _places(view, end)
        if not len(start) or (end and not len(goal)):
            return []
        if not end:
            return self._told(view, list(islice(_walks(terrain, int(start[0]), wanted.max_hops), wanted.k)))
        return self._told(view, routes(terrain, start, goal, k=wanted.k, max_hops=wanted.max_hops, by=wanted.by))

    def _entities(self, ends: Ends) -> list[EntityId]:
        called = list(ends) if isinstance(ends, Iterable) and not isinstance(ends, str) else [ends]
        if not called:
            raise BadRequest("a path needs at least one entity at each end")
        return [lookup.entity(self._store, name).id for name in called]

    def _network(self, read: _Read, which: FactQuery) -> tuple[GraphView, Network]:
        """The facts that fit as they are now."""
        if (held := read.whole) is None:
            view = viewing.read(self._store, which)
        elif any(change.keys for change in self._store.changes(held[0].time)):
            view = viewing.updated(held[0], self._store)
        else:
            return held
        same = held is not None and held[0].revision == view.revision
        read.whole = made = view, held[1] if held is not None and same else Network.of(view)
        return made

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


def _places(view: GraphView, entities: Iterable[EntityId]) -> Ints:
    """Those that the view has."""
    found = {view.entity_ids.find(one) for one in entities} - {-1}
    return np.array(sorted(found), np.int64)


def _walks(terrain: Terrain, start: int, hops: int) -> Iterator[Ints]:
    for entities, walks in reached(terrain, start, hops):
        yield from walks[entities != start]
