"""RESCAL: a fact is likely when  head · Relation · tail  is large, with a whole matrix for each relation.

Nickel et al., 2011. The most expressive of the bilinear models, and the one whose relations cost d² numbers each; the question in the
other direction has a matrix of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reasoning.models.base import Bilinear, start


class RESCAL(Bilinear):
    """A vector for each entity, two matrices for each relation."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator) -> None:
        super().__init__(entities, relations)
        self.entity = start(entities, dim, dim**-0.5 / 2, generator)
        self.relation = start(2 * relations, dim * dim, 1.0 / dim, generator)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        head = self.look_up(heads, self.entity)
        # Questions about one relation share its matrix, which is looked up once.
        asked, place = torch.unique(relations, return_inverse=True)
        matrices = self.look_up(asked, self.relation).view(len(asked), head.shape[1], head.shape[1])
        order = torch.argsort(place, stable=True)
        cuts = torch.bincount(place, minlength=len(asked)).cumsum(0)[:-1]
        parts = [rows @ matrix for rows, matrix in zip(head[order].tensor_split(cuts.cpu()), matrices, strict=True)]
        return torch.cat(parts)[torch.argsort(order)]

    def answers(self) -> Tensor:
        return self.entity

    def penalty(self, heads: Tensor, relations: Tensor, tails: Tensor, mass: Tensor, weights: Tensor) -> Tensor:
        """Σ x² of head, relation and tail of every triple."""
        asked, place = torch.unique(relations, return_inverse=True)
        sizes = self.look_up(asked, self.relation).square().sum(dim=-1)
        head, tail = (self.look_up(ends, self.entity).square().sum(dim=-1) for ends in (heads, tails))
        return mass @ (head + sizes[place]) + weights @ tail
