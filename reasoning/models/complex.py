"""ComplEx: a fact is likely when the real part of  head · relation · conjugate(tail)  is large.

Trouillon et al., 2016, with the reciprocal relations and the N3 norm of Lacroix et al., 2018: every
relation has a second vector for the query in the other direction. Complex vectors of rank d are stored
as real ones of width 2d, the real half first, so that scoring all tails is one matrix product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from reasoning.queries import Batch

INITIAL = 1e-3
"""Scale of the random start; N3 was tuned with it."""


def turned(head: Tensor, relation: Tensor) -> Tensor:
    """head · relation as complex vectors, ``(batch, 2d)``: its product with a tail's vector is the score."""
    head_re, head_im = head.chunk(2, dim=-1)
    relation_re, relation_im = relation.chunk(2, dim=-1)
    return torch.cat([head_re * relation_re - head_im * relation_im, head_re * relation_im + head_im * relation_re], dim=-1)


def cubes(vectors: Tensor) -> Tensor:
    """The N3 norm: Σ |x|³ over the complex numbers of each vector, ``(batch, 2d) -> (batch,)``."""
    real, imaginary = vectors.chunk(2, dim=-1)
    # The small number keeps the gradient finite where a coordinate is exactly zero.
    squares = real.square() + imaginary.square() + 1e-24
    return (squares * squares.sqrt()).sum(dim=-1)


class ComplEx(nn.Module):
    """The parameters: a vector for each entity, two for each relation."""

    def __init__(self, entities: int, relations: int, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        self.relations = relations
        self.entity = nn.Parameter(INITIAL * torch.randn(entities, 2 * rank, generator=generator))
        self.relation = nn.Parameter(INITIAL * torch.randn(2 * relations, 2 * rank, generator=generator))

    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        """Scores of every entity as the tail: ``(batch,), (batch,) -> (batch, entities)``.

        ``relation + relations`` asks in the other direction: which entities are heads.
        """
        return turned(embedding(heads, self.entity), embedding(relations, self.relation)) @ self.entity.T

    def loss(self, batch: Batch, norm: float) -> Tensor:
        """Σ of the per-triple 1-vs-all cross-entropy over a batch of distinct queries, plus ``norm`` · N3.

        Exactly Σ k·logsumexp - Σ s, with k the weight of a query's tails: the same as one row a triple, with
        fewer rows. Looking rows up by ``embedding`` keeps the backward pass free of unordered additions, hence
        repeatable to the bit.
        """
        head, relation = embedding(batch.heads, self.entity), embedding(batch.relations, self.relation)
        tail = embedding(batch.tails, self.entity)
        query = turned(head, relation)
        spread = torch.logsumexp(query @ self.entity.T, dim=1)
        hits = (embedding(batch.rows, query) * tail).sum(dim=1)
        size = batch.mass @ (cubes(head) + cubes(relation)) + batch.weights @ cubes(tail)
        return batch.mass @ spread - batch.weights @ hits + norm * size
