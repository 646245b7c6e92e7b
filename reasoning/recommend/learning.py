"""What to learn, in which order, to come to a goal: over facts that say what comes before what.

Only what is needed and not known is in a path, and everything stands after what it needs. What is known may be sure or a probability, as
``reasoning.recommend.mastery`` estimates it from answers. Facts that close a circle contradict each other: of each circle the least
believed one is left out, and told. A known concept is not looked behind: who knows it is taken to know what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import chain
from typing import TYPE_CHECKING, Literal

import numpy as np

from kgplatform import names
from kgplatform.errors import Ambiguous, BadRequest, NotFound
from kgplatform.lookup import inverse_of
from kgplatform.types import Entity, FactKey, Relation
from kgplatform.view import Floats, GraphView, Ints
from reasoning.recommend.mastery import PRIOR, traced

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph

End = Literal["head", "tail"]
"""Which end of a relation's facts is learned first."""
FIRST: Mapping[str, End] = {
    **dict.fromkeys(
        ("is a prerequisite of", "is prerequisite of", "prerequisite of", "is a prerequisite for", "is prerequisite for"), "head"
    ),
    **dict.fromkeys(("prerequisite for", "is required by", "required by", "is required for", "required for"), "head"),
    **dict.fromkeys(("prerequisite", "prerequisites", "has prerequisite", "requires", "depends on", "builds on"), "tail"),
}
"""Names of relations that say so."""
LEAST = 0.5
"""Facts that are believed less are left out."""
ENOUGH = 0.95
"""What is known so probably is known."""


@dataclass(frozen=True, slots=True)
class Before:
    """A fact by which ``first`` is learned before ``then``; ``head``, ``relation``, ``tail`` are its own words."""

    key: FactKey
    first: Entity
    then: Entity
    relation: str
    turned: bool
    confidence: float

    @property
    def words(self) -> str:
        """``head | relation | tail``."""
        head, tail = (self.then, self.first) if self.turned else (self.first, self.then)
        return f"{head.name} | {self.relation} | {tail.name}"


@dataclass(frozen=True, slots=True)
class Step:
    """A concept to learn: how probably it is known already, how many later steps need it, and the best believed fact that asks for it.

    ``because`` is none for the goal alone.
    """

    concept: Entity
    mastery: float
    unlocks: int
    because: Before | None


@dataclass(frozen=True, slots=True)
class LearningPath:
    """``steps`` in order, the goal last; none where it is known. ``known`` are those that ended the search; ``left_out`` closed circles."""

    goal: Entity
    steps: tuple[Step, ...]
    known: tuple[Entity, ...]
    left_out: tuple[Before, ...]
    relations: Mapping[str, End]


def path(
    graph: KnowledgeGraph | GraphView,
    goal: str,
    known: Iterable[str] | Mapping[str, float] = (),
    *,
    relations: Mapping[str, End] | None = None,
    least: float = LEAST,
    enough: float = ENOUGH,
) -> LearningPath:
    """What to learn for the goal: names or ids; ``known`` surely, or with a probability. ``relations`` are by default those in ``FIRST``.

    Of two that could come next, that which more steps need comes first. Raises ``NotFound`` and ``Ambiguous`` for names, ``BadRequest``
    where no relation says what comes before what.
    """
    prerequisites = Prerequisites.of(graph, relations, least)
    told = dict(known) if isinstance(known, Mapping) else dict.fromkeys(known, 1.0)
    wanted = prerequisites.find(goal)
    mastery: dict[str, float] = {prerequisites.find(name).id: probability for name, probability in told.items()}
    return prerequisites.path(wanted, mastery, enough)


@dataclass(frozen=True, slots=True, eq=False)
class Prerequisites:
    """Facts that say what comes before what: ``pairs`` ``(n, 2)`` are places in ``view.entities``, ``rows`` ``(n,)`` those of its facts."""

    view: GraphView
    relations: Mapping[str, End]
    find: Callable[[str], Entity]
    """The entity of a name or id. Raises ``NotFound`` or ``Ambiguous``."""
    rows: Ints
    pairs: Ints

    @classmethod
    def of(cls, graph: KnowledgeGraph | GraphView, relations: Mapping[str, End] | None = None, least: float = LEAST) -> Prerequisites:
        """The facts of these relations that are believed enough. Raises ``BadRequest`` where the graph has no such relation."""
        if isinstance(graph, GraphView):
            view, find = graph, _finder(graph)
        else:
            find = graph.entity
            if relations is None:
                view = graph.view()
            else:
                relations = dict(_as_kept(name, end, graph.relations()) for name, end in relations.items())
                view = GraphView.of(chain.from_iterable(graph.facts(relation=name) for name in relations))
        chosen = _chosen(view.relations, relations)
        ends = np.array([{"head": 0, "tail": 2, "": -1}[chosen.get(name, "")] for name in view.relations], dtype=np.int64)
        first = ends[view.triples[:, 1]] if len(view) else np.zeros(0, np.int64)
        rows = np.flatnonzero((first >= 0) & (view.confidence >= least))
        triples = view.triples[rows]
        pairs = np.take_along_axis(triples, np.stack([first[rows], 2 - first[rows]], axis=1), axis=1)
        return cls(view, chosen, find, rows, pairs)

    def path(self, goal: Entity, mastery: Mapping[str, float], enough: float = ENOUGH) -> LearningPath:
        """What to learn for an entity; ``mastery`` says by id how probably something is known."""
        sure = [id_ for id_, probability in mastery.items() if probability >= enough]
        if goal.id in sure:
            return LearningPath(goal, (), (goal,), (), self.relations)
        if (place := self.view.entity_ids.find(goal.id)) < 0:
            return LearningPath(goal, (Step(goal, mastery.get(goal.id, 0.0), 0, None),), (), (), self.relations)
        known = np.zeros(len(self.view.entities), dtype=np.bool_)
        known[[there for id_ in sure if (there := self.view.entity_ids.find(id_)) >= 0]] = True
        kept = np.flatnonzero(~known[self.pairs].any(axis=1))
        kept, circles = _without_circles(self.pairs, kept, self.view.confidence[self.rows], place, len(known))
        needed = np.isfinite(_distance(self.pairs[kept], place, len(known)))
        kept = kept[needed[self.pairs[kept]].all(axis=1)]
        ended = np.unique(self.pairs[known[self.pairs[:, 0]] & needed[self.pairs[:, 1]], 0])
        order, unlocks = _order(self.pairs[kept], np.flatnonzero(needed), self.view.entities.names)
        because = self._because(kept, order)
        steps = tuple(Step(entity := self.view.entities[one], mastery.get(entity.id, 0.0), unlocks[one], because.get(one)) for one in order)
        left_out = tuple(self._fact(one) for one in circles.tolist())
        return LearningPath(goal, steps, tuple(self.view.entities[one] for one in ended.tolist()), left_out, self.relations)

    def mastery(self, answers: Iterable[tuple[Entity, bool]]) -> dict[str, float]:
        """How probably what is near the answers is mastered after them, by id; they were right or wrong, in time order."""
        told = list(answers)
        ids = {entity.id for entity, _ in told}
        places = {id_: place for id_ in ids if (place := self.view.entity_ids.find(id_)) >= 0}
        size = len(self.view.entities)
        places |= {id_: size + number for number, id_ in enumerate(sorted(ids - set(places)))}  # those that stand in no such fact
        numbered = [(places[entity.id], right) for entity, right in told]
        found = traced(numbered, self.pairs, self.view.confidence[self.rows], size + len(ids))
        moved = {self.view.entity_ids[place]: float(found[place]) for place in np.flatnonzero(found[:size] != PRIOR).tolist()}
        return moved | {id_: float(found[place]) for id_, place in places.items()}

    def _because(self, kept: Ints, concepts: Sequence[int]) -> dict[int, Before]:
        """For each concept the best believed of these facts by which something needs it; of equals what comes soonest."""
        soon = np.zeros(len(self.view.entities), dtype=np.int64)
        soon[np.array(concepts)] = np.arange(len(concepts))
        first, then = self.pairs[kept].T
        order = kept[np.lexsort((soon[then], -self.view.confidence[self.rows[kept]], first))]
        firsts, where = np.unique(self.pairs[order, 0], return_index=True)
        return {first: self._fact(one) for first, one in zip(firsts.tolist(), order[where].tolist(), strict=True)}

    def _fact(self, one: int) -> Before:
        row, (first, then) = int(self.rows[one]), self.pairs[one].tolist()
        ends = self.view.entities[first], self.view.entities[then]
        name = self.view.relations[int(self.view.triples[row, 1])]
        return Before(
            FactKey(self.view.keys[row]), *ends, name, turned=self.relations[name] == "tail", confidence=float(self.view.confidence[row])
        )


# -- names -------------------------------------------------------------------------------------------


def direction(relation: str) -> End | None:
    """Which end is learned first, where the name of a relation says so."""
    return FIRST.get(" ".join(re.split(r"[\s_-]+", names.normalise(relation))))


def _chosen(there: Sequence[str], wanted: Mapping[str, End] | None) -> Mapping[str, End]:
    if wanted is None:
        if found := {name: end for name in there if (end := direction(name))}:
            return found
        some = f"it has {', '.join(sorted(there)[:8])}" if there else "it has none at all"
        raise BadRequest(f"no relation of the graph says by its name what is learned before what ({some}): name one that does")
    if missing := [name for name in wanted if name not in there]:
        raise NotFound(f"the graph has no facts of a relation {missing[0]!r} between entities")
    return dict(wanted)


def _as_kept(name: str, end: End, cards: dict[str, Relation]) -> tuple[str, End]:
    """The relation under which facts told by this name are kept: of two inverses one, with ends exchanged."""
    card = inverse_of(name, cards) if name not in cards else None
    return (card.name, "tail" if end == "head" else "head") if card else (name, end)


def _finder(view: GraphView) -> Callable[[str], Entity]:
    """Entities of a view by id or name."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(view.entities.names):
        places.setdefault(names.normalise(name), []).append(place)

    def find(name: str) -> Entity:
        if (place := view.entity_ids.find(name)) >= 0:
            return view.entities[place]
        match places.get(names.normalise(name), []):
            case [one]:
                return view.entities[one]
            case []:
                raise NotFound(f"no entity is called {name[:80]!r}")
            case several:
                ids = ", ".join(view.entity_ids[one] for one in several[:5])
                raise Ambiguous(f"{name[:80]!r} names several: give the id, one of {ids}")

    return find


# -- the order ---------------------------------------------------------------------------------------


def _distance(pairs: Ints, goal: int, size: int) -> Floats:
    """How many facts lead from each to the goal at least, ``(size,)``; without end where none do."""
    from scipy import sparse
    from scipy.sparse.csgraph import dijkstra

    back = sparse.csr_matrix((np.ones(len(pairs)), (pairs[:, 1], pairs[:, 0])), shape=(size, size))
    found: Floats = dijkstra(back, indices=goal, unweighted=True)
    return found


def _without_circles(pairs: Ints, kept: Ints, confidence: Floats, goal: int, size: int) -> tuple[Ints, Ints]:
    """Of the ``kept`` rows of ``pairs`` those that lead to the goal without a circle, and those left out for that.

    Round by round the least believed fact of every knot of circles goes, and what then is needed no more. Of facts that are believed
    alike it is the one that leads farthest away from the goal: so nothing that is needed gets lost for being in a circle.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    gone: list[int] = []
    while True:
        far = _distance(pairs[kept], goal, size)
        kept = kept[np.isfinite(far[pairs[kept]]).all(axis=1)]
        first, then = pairs[kept].T
        links = sparse.csr_matrix((np.ones(len(kept), np.int8), (first, then)), shape=(size, size))
        _, knot = connected_components(links, directed=True, connection="strong")
        round_about = kept[knot[first] == knot[then]]
        if not len(round_about):
            return kept, np.array(gone, dtype=np.int64)
        first, then = pairs[round_about].T
        order = round_about[np.lexsort((-round_about, far[first] - far[then], confidence[round_about], knot[first]))]
        _, weakest = np.unique(knot[pairs[order, 0]], return_index=True)
        gone += order[weakest].tolist()
        kept = np.setdiff1d(kept, order[weakest])


def _order(pairs: Ints, concepts: Ints, named: Sequence[str]) -> tuple[list[int], dict[int, int]]:
    """The concepts, each after all that it needs, and how many of them need each, be it by others."""
    pairs = np.unique(pairs, axis=0)
    waits = dict(zip(concepts.tolist(), np.bincount(pairs[:, 1], minlength=int(concepts.max()) + 1)[concepts].tolist(), strict=True))
    later: dict[int, list[int]] = {one: [] for one in waits}
    for first, then in pairs.tolist():
        later[first].append(then)
    unlocks = _unlocked(dict(waits), later)
    ready = [(-unlocks[one], named[one], one) for one, count in waits.items() if not count]
    heapify(ready)
    order = []
    while ready:
        *_, one = heappop(ready)
        order.append(one)
        for then in later[one]:
            waits[then] -= 1
            if not waits[then]:
                heappush(ready, (-unlocks[then], named[then], then))
    return order, unlocks


def _unlocked(waits: dict[int, int], later: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """How many concepts come after each: the union of sets, held as the bits of a number, from the last back."""
    order = [one for one, count in waits.items() if not count]
    for one in order:  # grows meanwhile
        for then in later[one]:
            waits[then] -= 1
            if not waits[then]:
                order.append(then)
    after: dict[int, int] = {}
    for place, one in reversed(list(enumerate(order))):
        after[one] = 1 << place
        for then in later[one]:
            after[one] |= after[then]
    return {one: found.bit_count() - 1 for one, found in after.items()}
