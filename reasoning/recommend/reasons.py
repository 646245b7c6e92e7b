"""Why an item is recommended: the ways through the graph that lead to it from what the user has.

A way is as good as its facts are believed, as the entities between its ends are *specific* (through one that is linked to thousands it
says little), and, where a trained model is asked, as the model heeds its facts: the geometric mean of these. Of the ways through one
entity the best is told alone. The search goes from both ends to the middle and looks at a bounded number of facts, the most specific
first: what it leaves out of a hub's facts would have come last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Ints, Reals

if TYPE_CHECKING:
    from reasoning.recommend.models.kgat import KGAT

LONGEST = 3
"""Facts of a way, at most."""
LOOKED = 1 << 17
"""Facts that are looked at from the user's items, from the recommended one, and between these, at most."""
FAN = 1 << 10
"""Facts of one entity in the middle that are looked at, at most."""
NOTHING = -1
"""Stands where a shorter way has no entity or fact."""
Walked = tuple[int, bool]
"""A fact's place among the triples, and whether it is walked from head to tail."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A way over ``facts``, one after the other, through ``entities``, from one of the user's to the recommended one.

    ``beside`` are other facts between the same entities. Parts of the score lie between 0 and 1; ``attention`` is known of models alone.
    """

    entities: tuple[int, ...]
    facts: tuple[Walked, ...]
    beside: tuple[Walked, ...]
    score: float
    confidence: float
    specificity: float
    attention: float | None = None

    @property
    def start(self) -> int:
        """The user's entity."""
        return self.entities[0]

    @property
    def places(self) -> Ints:
        """Of all its facts, with those beside, among the triples."""
        return np.array([place for place, _ in (*self.facts, *self.beside)], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Adjacency:
    """The facts of every entity, the most specific neighbour first; plain arrays, made once for a graph, that may lie in mapped files.

    Entity ``e`` has those at ``begins[e]`` up to ``begins[e + 1]`` of ``edges`` and ``others``, its neighbours. An edge is a fact's place
    among ``facts`` triples, or that place + ``facts`` where ``e`` is the tail. ``degree`` ``(entities,)`` counts different neighbours.
    """

    facts: int
    begins: Ints
    edges: Ints
    others: Ints
    degree: Ints

    @classmethod
    def of(cls, triples: Ints, entities: int) -> Adjacency:
        """A fact of an entity with itself leads nowhere and is left out."""
        if len(triples) and not (triples[:, [0, 2]].min() >= 0 and triples[:, [0, 2]].max() < entities):
            raise BadRequest(f"a triple names an entity beyond the {entities:,} that there are")
        own, other = triples[:, [0, 2]].T.ravel(), triples[:, [2, 0]].T.ravel()
        edges = np.flatnonzero(own != other)
        own, other = own[edges], other[edges]
        pairs = np.sort(own * entities + other)
        once = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
        degree = np.bincount(once // max(1, entities), minlength=entities)
        # No way leads through an entity with one neighbour, so these come last.
        rank = np.empty(entities, np.int64)
        rank[np.argsort(np.where(degree > 1, degree, len(triples) + 2), kind="stable")] = np.arange(entities)
        order = np.argsort(own * entities + rank[other], kind="stable")
        begins = np.append(0, np.cumsum(np.bincount(own, minlength=entities)))
        return cls(len(triples), begins, edges[order], other[order], degree)

    def leaving(self, entities: Ints, most: int) -> tuple[Ints, Ints, Ints]:
        """The first ``most`` facts of each: the entity, the edge, the neighbour."""
        begins = self.begins[entities]
        counts = np.minimum(self.begins[entities + 1] - begins, most)
        at = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts - begins, counts)
        return np.repeat(entities, counts), self.edges[at], self.others[at]

    def turned(self, edges: Ints) -> Ints:
        """The same facts, of the entity at the other end."""
        return (edges + self.facts) % max(1, 2 * self.facts)

    def between(self, one: int, other: int) -> Ints:
        """The edges of ``one`` that lead to ``other``."""
        turns = self.begins[one + 1] - self.begins[one] > self.begins[other + 1] - self.begins[other]
        few, many = (other, one) if turns else (one, other)
        row = slice(self.begins[few], self.begins[few + 1])
        found = self.edges[row][self.others[row] == many]
        return self.turned(found) if turns else found

    def specificity(self, entities: Ints) -> Reals:
        """1 of an entity that links two others and nothing else, less the more it links; of ``NOTHING`` 1."""
        return np.where(entities == NOTHING, 1.0, 1.0 / np.log2(np.maximum(self.degree[entities], 2)))


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """What a step of a way weighs, by its edge as it is walked: how far it is believed, and how far heeded where a model is asked."""

    graph: Adjacency
    confidence: Reals
    attention: Reals | None

    def believed(self, edges: Ints) -> Reals:
        return np.where(edges == NOTHING, 1.0, self.confidence[edges % max(1, self.graph.facts)])

    def heeded(self, edges: Ints, of: str) -> Reals:
        """By the entity where it begins or ends; in the middle by whichever heeds it more."""
        if self.attention is None:
            return np.ones(len(edges))
        begins, ends = self.attention[edges], self.attention[self.graph.turned(edges)]
        found = {"begin": begins, "end": ends, "middle": np.maximum(begins, ends)}[of]
        return np.where(edges == NOTHING, 1.0, found)

    def best(self, ends: Ints, edges: Ints, of: str, length: int) -> Ints:
        """Of the steps with the same end the one that weighs most in a way of that length; ascending ends."""
        weight = self.believed(edges) * self.heeded(edges, of) ** (1 / length)
        order = np.lexsort((edges, -weight, ends))
        best: Ints = order[np.append(True, np.diff(ends[order]) != 0)[: len(order)]]
        return best


@dataclass(frozen=True, slots=True, eq=False)
class _Ways:
    """``inner`` ``(n, 2)`` entities and ``edges`` ``(n, 3)`` as they are walked, ``NOTHING`` in front of shorter ones."""

    starts: Ints
    inner: Ints
    edges: Ints

    @classmethod
    def of(cls, starts: Ints, inner: list[Ints], edges: list[Ints]) -> _Ways:
        none = np.full_like(starts, NOTHING)
        long = LONGEST - len(edges)
        return cls(starts, np.stack([*[none] * long, *inner], axis=1), np.stack([*[none] * long, *edges], axis=1))

    @classmethod
    def joined(cls, parts: list[_Ways]) -> _Ways:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("starts", "inner", "edges")))


def reasons(
    graph: Adjacency, confidence: Reals, own: Ints, goal: int, *, attention: Reals | None = None, top: int = 5
) -> tuple[Reason, ...]:
    """The ``top`` ways to the entity ``goal`` from the user's entities ``own``, the best first; negative numbers stand for no entity.

    ``confidence`` ``(facts,)`` is that of each triple, ``attention`` ``(2 · facts,)`` what its head and, after all these, what its tail
    gives to it (``heeded``). No way goes through another of the user's entities, or over a fact that is not believed at all. Raises
    ``BadRequest`` for numbers that do not fit the graph.
    """
    _check(graph, confidence, own, goal, attention, top)
    own = np.unique(own[(own >= 0) & (own != goal)])
    if goal < 0 or not len(own) or not graph.facts:
        return ()
    weights = _Weights(graph, confidence, attention)
    ways = _found(graph, weights, own, goal)
    parts = _parts(graph, weights, ways)
    score = np.prod(parts, axis=0) ** (1 / len(parts))
    return tuple(_reason(graph, ways, goal, int(at), float(score[at]), parts[:, at]) for at in _diverse(ways, score, top))


def _check(graph: Adjacency, confidence: Reals, own: Ints, goal: int, attention: Reals | None, top: int) -> None:
    entities = len(graph.degree)
    if top < 1:
        raise BadRequest(f"top must be at least 1, not {top}")
    if len(confidence) != graph.facts or (attention is not None and len(attention) != 2 * graph.facts):
        raise BadRequest(f"the graph has {graph.facts:,} facts: give each a confidence and, if any, an attention in both directions")
    if max(goal, own.max(initial=NOTHING)) >= entities:
        raise BadRequest(f"there is no entity {max(goal, int(own.max(initial=NOTHING)))}: the graph has {entities:,}")


def _found(graph: Adjacency, weights: _Weights, own: Ints, goal: int) -> _Ways:
    """Ways of one, two and three facts; of those with the same entities between their ends the best."""
    role = np.zeros(len(graph.degree), np.int8)
    role[own], role[goal] = 1, 2
    starts, out, near = graph.leaving(own, max(1, LOOKED // len(own)))
    _, back, far = graph.leaving(np.array([goal]), LOOKED)
    # Either end may be cut short, so what links the two is asked of both.
    direct = np.concatenate([out[near == goal], graph.turned(back[role[far] == 1])])
    begins = np.concatenate([starts[near == goal], far[role[far] == 1]])
    best = weights.best(begins, direct, "middle", 1)
    found = [_Ways.of(begins[best], [], [direct[best]])]
    apart, beyond = role[near] == 0, role[far] == 0
    starts, out, near, back, far = starts[apart], out[apart], near[apart], graph.turned(back[beyond]), far[beyond]

    first, last = weights.best(near, out, "begin", 2), weights.best(far, back, "end", 2)
    inner, one, two = np.intersect1d(near[first], far[last], assume_unique=True, return_indices=True)
    found.append(_Ways.of(starts[first[one]], [inner], [out[first[one]], back[last[two]]]))

    first, last = weights.best(near, out, "begin", LONGEST), weights.best(far, back, "end", LONGEST)
    begin, middle, end = _between(graph, near[first], far[last])
    one, two = first[np.searchsorted(near[first], begin)], last[np.searchsorted(far[last], end)]
    found.append(_Ways.of(starts[one], [begin, end], [out[one], middle, back[two]]))
    return _Ways.joined(found)


def _between(graph: Adjacency, begins: Ints, ends: Ints) -> tuple[Ints, Ints, Ints]:
    """Edges from one of these to one of those, with their ends: of as many as may be looked at, the most specific."""
    role = np.zeros(len(graph.degree), np.int8)
    role[begins] += 1
    role[ends] += 2
    pool = np.union1d(begins, ends)
    pool = pool[np.argsort(graph.degree[pool], kind="stable")]
    own, edges, others = graph.leaving(pool[np.cumsum(np.minimum(graph.degree[pool], FAN)) <= LOOKED], FAN)
    forth, back = ((role[one] & 1 > 0) & (role[other] & 2 > 0) for one, other in ((own, others), (others, own)))
    walked = np.concatenate([edges[forth], graph.turned(edges[back])])
    walked, once = np.unique(walked, return_index=True)
    return np.concatenate([own[forth], others[back]])[once], walked, np.concatenate([others[forth], own[back]])[once]


def _parts(graph: Adjacency, weights: _Weights, ways: _Ways) -> Reals:
    """Confidence, specificity and, where it is known, attention of each way: ``(2 or 3, ways)``."""
    believed = np.prod([weights.believed(edges) for edges in ways.edges.T], axis=0)
    specific = np.prod([graph.specificity(inner) for inner in ways.inner.T], axis=0)
    if weights.attention is None:
        return np.stack([believed, specific])
    length = (ways.edges != NOTHING).sum(axis=1)
    alone, short = length == 1, length == LONGEST - 1
    first, second, third = ways.edges.T
    # Walked from the left, a way of two begins with its second column, one of a single fact with its third.
    heeded = weights.heeded(first, "begin") * weights.heeded(second, "middle") * weights.heeded(third, "end")
    heeded = np.where(short, weights.heeded(second, "begin") * weights.heeded(third, "end"), heeded)
    heeded = np.where(alone, weights.heeded(third, "middle"), heeded)
    return np.stack([believed, specific, heeded ** (1 / length)])


def _diverse(ways: _Ways, score: Reals, top: int) -> list[int]:
    """The best one after the other, without those that share an entity between their ends with one before."""
    left = score.copy()
    chosen: list[int] = []
    while len(chosen) < top and len(left) and left[best := int(np.argmax(left))] > 0:
        chosen.append(best)
        through = ways.inner[best][ways.inner[best] != NOTHING]
        left[np.isin(ways.inner, through).any(axis=1)] = 0.0
        left[best] = 0.0
    return chosen


def _reason(graph: Adjacency, ways: _Ways, goal: int, at: int, score: float, parts: Reals) -> Reason:
    entities = [int(ways.starts[at]), *ways.inner[at][ways.inner[at] != NOTHING].tolist(), goal]
    edges = ways.edges[at][ways.edges[at] != NOTHING].tolist()
    steps = zip(entities[:-1], entities[1:], edges, strict=True)
    beside = [edge for one, other, taken in steps for edge in np.sort(graph.between(one, other)).tolist() if edge != taken]
    walked, more = (tuple((edge % graph.facts, edge < graph.facts) for edge in some) for some in (edges, beside))
    return Reason(tuple(entities), walked, more, score, *parts.tolist())


# -- what a model heeds ------------------------------------------------------------------------------


def heeded(model: KGAT) -> Reals:
    """The share of an entity's attention that each fact has: ``(2 · facts,)``, first by heads, then by tails; of the first layer."""
    import torch

    edges = model.edges
    with torch.no_grad():
        share = model.attention(model.entity, edges.head, edges.relation, edges.tail)
    return np.asarray(share.double().cpu().numpy(), np.float64)
