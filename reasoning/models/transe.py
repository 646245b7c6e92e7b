"""TransE: a fact is likely when  head + relation  lies near to  tail.

Bordes et al., 2013. The question in the other direction is  tail - relation, so a relation has one vector.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reasoning.models.base import Factored, spread
from reasoning.models.distance import l1


class TransE(Factored):
    """A vector for each entity and each relation; near is by the sum of absolute differences."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator, margin: float = 9.0) -> None:
        super().__init__(entities, relations)
        limit = (margin + 2.0) / dim
        self.entity = spread(entities, dim, limit, generator)
        self.relation = spread(relations, dim, limit, generator)

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        sign = 1.0 - 2.0 * (relations >= self.relations).to(self.entity.dtype)
        return self.look_up(heads, self.entity) + sign[:, None] * self.look_up(relations % self.relations, self.relation)

    def answers(self) -> Tensor:
        return self.entity

    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        return -l1(queries, answers)

    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        return -(queries - answers).abs().sum(dim=-1)
