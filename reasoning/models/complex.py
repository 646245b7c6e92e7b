"""ComplEx: a fact is likely when the real part of  head · relation · conjugate(tail)  is large.

Trouillon et al., 2016, with the reciprocal relations and the N3 norm of Lacroix et al., 2018: every
relation has a second vector for the question in the other direction. Complex vectors of dimension d are stored
as real ones of width 2d, the real half first, so that scoring all tails is one matrix product.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reasoning.models.base import Bilinear, start

INITIAL = 1e-3
"""Scale of the random start; N3 was tuned with it."""


def turned(head: Tensor, relation: Tensor) -> Tensor:
    """head · relation as complex vectors, ``(batch, 2d)``: its product with a tail's vector is the score."""
    head_re, head_im = head.chunk(2, dim=-1)
    relation_re, relation_im = relation.chunk(2, dim=-1)
    return torch.cat([head_re * relation_re - head_im * relation_im, head_re * relation_im + head_im * relation_re], dim=-1)


def paired(head: Tensor, tail: Tensor) -> Tensor:
    """What a relation's vector is multiplied by, ``(batch, 2d)``: conjugate(head) · tail as complex vectors."""
    head_re, head_im = head.chunk(2, dim=-1)
    tail_re, tail_im = tail.chunk(2, dim=-1)
    return torch.cat([head_re * tail_re + head_im * tail_im, head_re * tail_im - head_im * tail_re], dim=-1)


def cubes(vectors: Tensor) -> Tensor:
    """The N3 norm: Σ |x|³ over the complex numbers of each vector, ``(batch, 2d) -> (batch,)``."""
    real, imaginary = vectors.chunk(2, dim=-1)
    # The small number keeps the gradient finite where a coordinate is exactly zero.
    squares = real.square() + imaginary.square() + 1e-24
    return (squares * squares.sqrt()).sum(dim=-1)


class ComplEx(Bilinear):
    """A vector for each entity, two for each relation."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator) -> None:
        super().__init__(entities, relations)
        self.entity = start(entities, 2 * dim, INITIAL, generator)
        self.relation = start(2 * relations, 2 * dim, INITIAL, generator)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return turned(self.look_up(heads, self.entity), self.look_up(relations, self.relation))

    def answers(self) -> Tensor:
        return self.entity

    def between(self, heads: Tensor, tails: Tensor) -> Tensor:
        return paired(self.look_up(heads, self.entity), self.look_up(tails, self.entity))

    def relation_vectors(self) -> Tensor:
        return self.relation

    def penalty(self, heads: Tensor, relations: Tensor, tails: Tensor, mass: Tensor, weights: Tensor) -> Tensor:
        """N3 of head, relation and tail of every triple."""
        asked = cubes(self.look_up(heads, self.entity)) + cubes(self.look_up(relations, self.relation))
        return mass @ asked + weights @ cubes(self.look_up(tails, self.entity))
