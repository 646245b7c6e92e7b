"""RotatE: a fact is likely when the head's complex vector, turned by the relation's angles, lies near to the tail's.

Sun et al., 2019. The question in the other direction turns the tail back, so a relation has one vector of angles. Complex vectors of
dimension d are stored as real ones of width 2d, the real half first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reasoning.models.base import Factored, spread
from reasoning.models.complex import turned
from reasoning.models.distance import moduli


class RotatE(Factored):
    """A complex vector for each entity, angles for each relation."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator, margin: float = 9.0) -> None:
        super().__init__(entities, relations)
        self.unit = (margin + 2.0) / dim  # what stands for half a turn, so that angles and vectors change at one rate
        self.entity = spread(entities, 2 * dim, self.unit, generator)
        self.relation = spread(relations, dim, self.unit, generator)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        sign = 1.0 - 2.0 * (relations >= self.relations).to(self.entity.dtype)
        angles = sign[:, None] * self.look_up(relations % self.relations, self.relation) * (torch.pi / self.unit)
        return turned(self.look_up(heads, self.entity), torch.cat([angles.cos(), angles.sin()], dim=-1))

    def answers(self) -> Tensor:
        return self.entity

    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        return -moduli(queries, answers)

    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        real, imaginary = (queries - answers).chunk(2, dim=-1)
        return -(real.square() + imaginary.square() + 1e-24).sqrt().sum(dim=-1)
