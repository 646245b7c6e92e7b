"""What a person should look at in a graph: its communities, what holds them together, and what nobody has asked yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal as OneOf

import numpy as np
from scipy import sparse

from kgplatform.analysis.dynamics import Dynamics, Measured, measure
from kgplatform.analysis.simple import Simple
from kgplatform.errors import BadRequest
from kgplatform.texts import Ints
from kgplatform.types import Entity, Relation
from kgplatform.view import GraphView

NAMED = 3
"""Entities that a community is called by."""
LARGEST = 30
"""Communities that are compared with each other."""
FEW = 0.25
"""Of the links that chance would put between two communities, so few are a gap."""
PAIRS = 20_000_000
"""Pairs of neighbours that are looked at, at most."""
USUAL = 0.5
"""A relation that so large a share of a kind has is missed where it lacks."""
ENOUGH = 5
"""Entities of a kind from which on something is usual."""


@dataclass(frozen=True, slots=True)
class Community:
    """Entities that are linked with each other more than with others; ``inside`` is the share of their links that stay within."""

    size: int
    inside: float
    central: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an entity stands: links to others, communities that it is linked with, the share of shortest paths through it (estimated)."""

    entity: Entity
    links: int
    communities: int
    betweenness: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Something worth asking, and why: communities that hardly anything links, entities with the same neighbours and no link, or a
    fact that others of the kind have. Of one kind of gap, the higher the score the more it is missed."""

    why: OneOf["communities", "neighbours", "relation"]
    entities: tuple[Entity, ...]
    relation: str
    score: float
    question: str


@dataclass(frozen=True, slots=True)
class Insight:
    """What there is to see; ``between`` are entities whose neighbours lie in several communities, ``cuts`` those without which parts fall
    off. Each list has the foremost first."""

    dynamics: Dynamics
    communities: tuple[Community, ...]
    hubs: tuple[Standing, ...]
    between: tuple[Standing, ...]
    cuts: tuple[Standing, ...]
    gaps: tuple[Gap, ...]


def insight(view: GraphView, cards: Mapping[str, Relation], top: int = 10, seed: int = 0) -> Insight:
    """Look at a whole graph; ``top`` of each. Raises ``BadRequest``, ``MissingExtra``."""
    if top < 1:
        raise BadRequest(f"top must be at least 1, not {top}")
    seen = measure(Simple.of(view), seed)
    look = _Look(view, seen)
    found = (look.apart(), look.alike(top), look.lacking(cards, top))
    gaps = [gap for one in found for gap in islice(one, top)]
    return Insight(
        seen.dynamics,
        tuple(look.community(number) for number in look.largest[:top]),
        look.foremost(np.arange(seen.graph.nodes), seen.graph.degree, top),
        look.foremost(seen.between, look.reach, top),
        look.foremost(np.flatnonzero(seen.parts.cuts), seen.walks.betweenness, top),
        tuple(gaps),
    )


class _Look:
    def __init__(self, view: GraphView, seen: Measured) -> None:
        self.view, self.graph, self.seen = view, seen.graph, seen
        self.of = np.unique(seen.parts.community, return_inverse=True)[1].reshape(-1)
        self.sizes = np.bincount(self.of)
        self.largest = [int(one) for one in np.argsort(-self.sizes, kind="stable") if self.sizes[one] > 1]
        ends = np.concatenate([self.graph.edges, self.graph.edges[:, ::-1]])
        self.links = sparse.csr_matrix((np.ones(len(ends)), (self.of[ends[:, 0]], self.of[ends[:, 1]])), shape=(len(self.sizes),) * 2)
        touched = np.unique(ends[:, 0] * np.int64(max(1, len(self.sizes))) + self.of[ends[:, 1]]) // max(1, len(self.sizes))
        self.reach = np.bincount(touched, minlength=self.graph.nodes)
        """With how many communities each entity is linked."""

    def foremost(self, places: Ints, by: Ints | np.ndarray[tuple[int], np.dtype[np.float64]], top: int) -> tuple[Standing, ...]:
        """Of these entities those with the most, among equals those with more links."""
        order = places[np.lexsort((-self.graph.degree[places], -by[places]))][:top]
        return tuple(self._standing(int(place)) for place in order if self.graph.degree[place])

    def _standing(self, place: int) -> Standing:
        through = float(self.seen.walks.betweenness[place])
        return Standing(self.view.entities[place], int(self.graph.degree[place]), int(self.reach[place]), through)

    def community(self, number: int) -> Community:
        volume = self.links[number].sum()
        return Community(int(self.sizes[number]), float(self.links[number, number] / volume), self._central(number))

    def _central(self, number: int) -> tuple[Entity, ...]:
        members = np.flatnonzero(self.of == number)
        best = members[np.argsort(-self.graph.degree[members], kind="stable")][:NAMED]
        return tuple(self.view.entities[int(place)] for place in best)

    def apart(self) -> Iterator[Gap]:
        """Pairs of large communities with far fewer links between them than chance would put there."""
        some = self.largest[:LARGEST]
        links = self.links[some][:, some].toarray()
        volume = np.asarray(self.links.sum(axis=1)).ravel()[some]
        expected = np.outer(volume, volume) / max(1.0, 2.0 * len(self.graph.edges))
        lacking = np.triu(np.where(links < FEW * expected, expected - links, 0), 1)
        for place in np.argsort(-lacking, axis=None, kind="stable"):
            one, other = np.unravel_index(place, lacking.shape)
            if lacking[one, other] < 1:
                return
            ends = (self._central(some[one])[0], self._central(some[other])[0])
            yield Gap("communities", ends, "", float(lacking[one, other]), f"What links {ends[0].name} and {ends[1].name}?")

    def alike(self, top: int) -> Iterator[Gap]:
        """Entities that are not linked and have neighbours in common, rare ones first (Adamic and Adar 2003)."""
        degree = self.graph.degree
        shared = np.flatnonzero(degree > 1)
        shared = shared[np.argsort(degree[shared], kind="stable")]
        shared = shared[np.cumsum(degree[shared] ** 2) <= PAIRS]
        if not len(shared):
            return
        rows = self.graph.adjacency[shared]
        weighted = sparse.diags(1 / np.log(degree[shared])) @ rows
        common = sparse.triu(rows.T @ weighted, k=1).tocsr()
        common = (common - common.multiply(self.graph.adjacency)).tocoo()
        best = np.argsort(-common.data, kind="stable")[:top]
        for one, other, score in zip(common.row[best].tolist(), common.col[best].tolist(), common.data[best].tolist(), strict=True):
            ends = (self.view.entities[one], self.view.entities[other])
            if score > 0:
                yield Gap("neighbours", ends, "", score, f"What links {ends[0].name} and {ends[1].name}?")

    def lacking(self, cards: Mapping[str, Relation], top: int) -> Iterator[Gap]:
        """Relations that most of a kind have, as heads, and its best-linked members have not."""
        kinds, found = self.view.kinds, []
        for number, name in enumerate(self.view.relations):
            has = np.zeros(len(self.view.entities), bool)
            has[self.view.triples[self.view.triples[:, 1] == number, 0]] = True
            for code, of_kind in enumerate(kinds.distinct):
                members = np.flatnonzero(kinds.codes == code)
                if not of_kind or len(members) < ENOUGH or has[members].mean() < USUAL or has[members].all():
                    continue
                without = members[~has[members]]
                best = without[np.argsort(-self.graph.degree[without], kind="stable")][:top]
                found += [(float(has[members].mean() * self.graph.degree[place]), int(place), name) for place in best]
        for score, place, name in sorted(found, key=lambda one: (-one[0], one[1:])):
            entity = self.view.entities[place]
            yield Gap("relation", (entity,), name, score, _asked(cards.get(name), name, entity.name))


def _asked(card: Relation | None, relation: str, head: str) -> str:
    """In the words of the relation's card, where it has some: "Marie Curie was born in …?"."""
    prompt = next((one for one in card.prompts if one.endswith("{tail}") and one.count("{") == 2), "") if card else ""
    return prompt.replace("{head}", head).replace("{tail}", "…?") if prompt else f"{head} | {relation} | …?"
