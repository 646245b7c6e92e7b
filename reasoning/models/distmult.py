"""DistMult: a fact is likely when  Σ head · relation · tail  is large.

Yang et al., 2015, with the N3 norm of Lacroix et al., 2018. Both directions of a relation share one vector, so the model cannot tell a
fact from the same turned round: the plainest one to compare others with.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reasoning.models.base import Bilinear, start

INITIAL = 0.05
"""Scale of the random start: at that of ComplEx, products of three such numbers would have no slope to begin with."""


class DistMult(Bilinear):
    """A vector for each entity and each relation."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator) -> None:
        super().__init__(entities, relations)
        self.entity = start(entities, dim, INITIAL, generator)
        self.relation = start(relations, dim, INITIAL, generator)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        return self.look_up(heads, self.entity) * self.look_up(relations % self.relations, self.relation)

    def answers(self) -> Tensor:
        return self.entity

    def between(self, heads: Tensor, tails: Tensor) -> Tensor:
        return self.look_up(heads, self.entity) * self.look_up(tails, self.entity)

    def relation_vectors(self) -> Tensor:
        return torch.cat([self.relation, self.relation])

    def penalty(self, heads: Tensor, relations: Tensor, tails: Tensor, mass: Tensor, weights: Tensor) -> Tensor:
        """N3 of head, relation and tail of every triple."""
        asked = _cubes(self.look_up(heads, self.entity)) + _cubes(self.look_up(relations % self.relations, self.relation))
        return mass @ asked + weights @ _cubes(self.look_up(tails, self.entity))


def _cubes(vectors: Tensor) -> Tensor:
    return vectors.abs().pow(3).sum(dim=-1)
