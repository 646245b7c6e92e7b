"""Items take in what the graph says about them: attention over facts, then LightGCN over who took what.

A fact of an entity counts by how well it goes with its relation, LeakyReLU((head · A + tail · B) · relation), shared among the facts of
the head (Wang et al., 2019, as Jiang et al., 2024 use it). Facts are followed both ways, and several relations between two entities are
several facts.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, leaky_relu, normalize

from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.factors import SCALE, LightGCN
from reasoning.recommend.models.wiring import Wiring
from reasoning.recommend.reading import Facts

SLOPE = 0.2
"""Of LeakyReLU below zero."""
HOPS, DROPPED = 2, 26
"""Layers over the graph, and how many of 256 numbers are dropped while learning."""


class Edges(nn.Module):
    """Facts in both directions: ``head``, ``relation`` and ``tail`` ``(2 · facts,)``; relations against their direction come second."""

    head: Tensor
    relation: Tensor
    tail: Tensor

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        head, relation, tail = facts.triples.T
        for name, values in (
            ("head", [head, tail]),
            ("relation", [relation, relation + len(facts.relations)]),
            ("tail", [tail, head]),
        ):
            self.register_buffer(name, torch.from_numpy(np.concatenate(values)), persistent=False)


class KGAT(LightGCN):
    """A vector for each user, item, entity and directed relation. An item that is no entity has its own vector alone."""

    of_item: Tensor
    described_entities: Tensor
    """Those that are items, ascending."""
    told_of: Tensor
    """Where each item stands among them; behind the last: nowhere."""

    def __init__(self, known: Interactions, facts: Facts, dim: int, generator: torch.Generator) -> None:
        super().__init__(known, dim, generator)
        self.entity = nn.Parameter(SCALE * torch.randn(facts.entities, dim, generator=generator))
        self.relation = nn.Parameter(SCALE * torch.randn(2 * len(facts.relations), dim, generator=generator))
        self.matched = nn.Parameter(torch.randn(2, dim, dim, generator=generator) * (1.0 / dim) ** 0.5)
        self.edges = Edges(facts)
        self.register_buffer("of_item", torch.from_numpy(facts.of_item), persistent=False)
        described = torch.unique(self.of_item[self.of_item >= 0])
        place = torch.full((facts.entities,), -1).scatter(0, described, torch.arange(len(described)))
        self.register_buffer("described_entities", described, persistent=False)
        self.register_buffer("told_of", torch.where(self.of_item >= 0, place[self.of_item], len(described)), persistent=False)
        self.whole = Wiring.of(self.edges.head, self.edges.tail, facts.entities, facts.entities)
        self.last = Wiring.of(place[self.edges.head], self.edges.tail, len(described), facts.entities)

    def vectors(self) -> tuple[Tensor, Tensor]:
        return self.spread(self.user, self.described())

    def described(self, which: Tensor | None = None) -> Tensor:
        """Items with what the graph says about them, ``(items, dim)``: all of it, or the facts at ``which`` places of the edges."""
        told = torch.cat([self.told(which), self.entity.new_zeros(1, self.entity.shape[1])])
        return self.item + embedding(self.told_of, told)

    def told(self, which: Tensor | None = None) -> Tensor:
        """The entities that are items after ``HOPS`` layers of attention, ascending. The last layer is worked out for them alone."""
        whole, last = self.whole, self.last
        if which is not None:
            kept = torch.zeros(len(self.edges.head), dtype=torch.bool, device=self.entity.device)
            kept[which] = True
            whole, last = whole.only(kept), last.only(kept)
        vectors: Tensor = self.entity
        for _ in range(HOPS - 1):
            vectors = self.entity + normalize(self._dropped(vectors + self._taken(vectors, whole)), dim=1)
        taken = embedding(self.described_entities, vectors) + self._taken(vectors, last)
        return embedding(self.described_entities, self.entity) + normalize(self._dropped(taken), dim=1)

    def _taken(self, vectors: Tensor, wiring: Wiring) -> Tensor:
        """What the rows take in from their facts."""
        edges = self.edges
        share = self.attention(vectors, edges.head[wiring.place], edges.relation[wiring.place], wiring.tail)
        return wiring.taken(share, vectors)

    def _dropped(self, vectors: Tensor) -> Tensor:
        """Dropout by one byte of chance a number."""
        if not self.training:
            return vectors
        chance = torch.empty(-(-vectors.numel() // 8), dtype=torch.int64, device=vectors.device).random_(-(1 << 63), None)
        stays = chance.view(torch.uint8)[: vectors.numel()].view_as(vectors) >= DROPPED
        return vectors * stays.to(vectors).mul_(256 / (256 - DROPPED))

    def attention(self, vectors: Tensor, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """The share of each edge among those of its head, ``(edges,)``."""
        fit = leaky_relu(self._fit(vectors, head, relation, tail), SLOPE)
        highest = torch.full_like(vectors[:, 0], -torch.inf).scatter_reduce(0, head, fit.detach(), "amax")
        weight = (fit - highest[head]).exp()
        return weight / torch.zeros_like(vectors[:, 0]).index_add(0, head, weight)[head]

    def _fit(self, vectors: Tensor, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """(head · A + tail · B) · relation, by what takes less room: a number for every entity and relation, or a vector for every edge."""
        relations, dim = self.relation.shape
        if len(vectors) * 2 * relations > len(head) * dim:
            ends = vectors @ self.matched[0], vectors @ self.matched[1]
            return ((embedding(head, ends[0]) + embedding(tail, ends[1])) * embedding(relation, self.relation)).sum(dim=1)
        fits = (vectors @ torch.cat([self.matched[0] @ self.relation.T, self.matched[1] @ self.relation.T], dim=1)).flatten()
        of_head, of_tail = head * (2 * relations) + relation, tail * (2 * relations) + relations + relation
        return fits.index_select(0, of_head) + fits.index_select(0, of_tail)

    def weight(self, users: Tensor, taken: Tensor, others: Tensor) -> Tensor:
        ends = super().weight(users, taken, others)
        items = self.of_item[torch.cat([taken, others])]
        return ends + embedding(items[items >= 0], self.entity).square().sum() / (2 * len(users))
