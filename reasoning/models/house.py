"""HousE: a fact is likely when the head, projected and rotated by the relation, lies near to the tail, projected by the relation.

Li et al., 2022, in full: each coordinate of an entity is a point of ``PARTS`` dimensions. A rotation is ``PARTS`` Householder reflections,
as many as reach every rotation of so many dimensions; a projection  t − τ (p · t) p  draws points together along a direction, so that
many tails may fit one head. A rotation keeps distances, so it is undone on the other end's side for the question in the other direction:
a relation has one set of parameters. The parts of all points stand one after the other: first every first part.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from reasoning.models.base import Factored, spread, start
from reasoning.models.distance import projected

PARTS = 4


class HousE(Factored):
    """Points for each entity; reflections, and a projection of either end, for each relation."""

    relation_tables = ("mirrors", "along", "strength")

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator, margin: float = 9.0) -> None:
        super().__init__(entities, relations)
        self.entity = spread(entities, PARTS * dim, (margin + 2.0) / dim * (2.0 / PARTS) ** 0.5, generator)
        self.mirrors = start(relations, PARTS * PARTS * dim, 1.0, generator)
        self.along = start(relations, 2 * PARTS * dim, 1.0, generator)
        self.strength = nn.Parameter(torch.zeros(relations, 2 * dim))

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        """The rotated end, and direction and step of the other's projection: ``(batch, 3 · PARTS · dim)``."""
        back, number = (relations >= self.relations)[:, None, None], relations % self.relations
        along = normalize(self._points(number, self.along, 2), dim=2)
        step = along * self.look_up(number, self.strength).view(len(number), 2, 1, -1)
        (of_head, of_tail), (step_head, step_tail) = along.unbind(1), step.unbind(1)
        point = self.look_up(heads, self.entity).view(len(number), PARTS, -1)
        share = (point * torch.where(back, of_tail, of_head)).sum(dim=1, keepdim=True)
        point = point - share * torch.where(back, step_tail, step_head)
        mirrors = normalize(self._points(number, self.mirrors, PARTS), dim=2)
        for first, last in zip(mirrors.unbind(1), mirrors.flip(1).unbind(1), strict=True):
            mirror = torch.where(back, last, first)
            point = point - 2.0 * (point * mirror).sum(dim=1, keepdim=True) * mirror
        other = torch.where(back, of_head, of_tail), torch.where(back, step_head, step_tail)
        return torch.cat([points.flatten(1) for points in (point, *other)], dim=1)

    def answers(self) -> Tensor:
        return self.entity

    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        target, along, step = queries.chunk(3, dim=-1)
        return -projected(PARTS, target, along, step, answers)

    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        target, along, step, other = (points.view(len(points), PARTS, -1) for points in (*queries.chunk(3, dim=-1), answers))
        apart = target - other + (along * other).sum(dim=1, keepdim=True) * step
        found: Tensor = (apart.square().sum(dim=1) + 1e-24).sqrt().sum(dim=-1)
        return -found

    def _points(self, relations: Tensor, table: Tensor, many: int) -> Tensor:
        """``(batch, many, PARTS, dim)``."""
        return self.look_up(relations, table).view(len(relations), many, PARTS, -1)
