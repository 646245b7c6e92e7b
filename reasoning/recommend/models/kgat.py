"""Items take in what the graph says about them: attention over facts, then LightGCN over who took what.

A fact of an entity counts by how well it goes with its relation, LeakyReLU((head · A + tail · B) · relation), shared among the facts of
the head (Wang et al., 2019, as Jiang et al., 2024 use it). Facts are followed both ways, and several relations between two entities are
several facts.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, embedding, leaky_relu, normalize

from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.factors import SCALE, LightGCN
from reasoning.recommend.reading import Facts

SLOPE = 0.2
"""Of LeakyReLU below zero."""
HOPS, DROPPED = 2, 0.1
"""Layers over the graph, and the share of numbers that are dropped while learning."""


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

    def __init__(self, known: Interactions, facts: Facts, dim: int, generator: torch.Generator) -> None:
        super().__init__(known, dim, generator)
        self.entity = nn.Parameter(SCALE * torch.randn(facts.entities, dim, generator=generator))
        self.relation = nn.Parameter(SCALE * torch.randn(2 * len(facts.relations), dim, generator=generator))
        self.matched = nn.Parameter(torch.randn(2, dim, dim, generator=generator) * (1.0 / dim) ** 0.5)
        self.edges = Edges(facts)
        self.register_buffer("of_item", torch.from_numpy(facts.of_item), persistent=False)

    def vectors(self) -> tuple[Tensor, Tensor]:
        return self.spread(self.user, self.described())

    def described(self, which: Tensor | None = None) -> Tensor:
        """Items with what the graph says about them, ``(items, dim)``: all of it, or the facts at ``which`` places of the edges."""
        told = torch.cat([self.told(which), self.entity.new_zeros(1, self.entity.shape[1])])
        return self.item + embedding(self.of_item % len(told), told)

    def told(self, which: Tensor | None = None) -> Tensor:
        """Entities after ``HOPS`` layers of attention, ``(entities, dim)``."""
        edges = (self.edges.head, self.edges.relation, self.edges.tail)
        head, relation, tail = edges if which is None else tuple(one[which] for one in edges)
        vectors: Tensor = self.entity
        for _ in range(HOPS):
            share = self.attention(vectors, head, relation, tail)
            taken = torch.zeros_like(vectors).index_add(0, head, share[:, None] * embedding(tail, vectors))
            vectors = self.entity + normalize(dropout(vectors + taken, DROPPED, self.training), dim=1)
        return vectors

    def attention(self, vectors: Tensor, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """The share of each edge among those of its head, ``(edges,)``."""
        ends = vectors @ self.matched[0], vectors @ self.matched[1]
        fit = ((embedding(head, ends[0]) + embedding(tail, ends[1])) * embedding(relation, self.relation)).sum(dim=1)
        fit = leaky_relu(fit, SLOPE)
        highest = torch.full_like(vectors[:, 0], -torch.inf).scatter_reduce(0, head, fit.detach(), "amax")
        weight = (fit - highest[head]).exp()
        return weight / torch.zeros_like(vectors[:, 0]).index_add(0, head, weight)[head]

    def weight(self, users: Tensor, taken: Tensor, others: Tensor) -> Tensor:
        ends = super().weight(users, taken, others)
        items = self.of_item[torch.cat([taken, others])]
        return ends + embedding(items[items >= 0], self.entity).square().sum() / (2 * len(users))
