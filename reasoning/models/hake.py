"""HAKE: a fact is likely when head and tail lie at the radii and angles that its relation leads to.

Zhang et al., 2020. Radii (moduli) tell levels of a hierarchy apart, angles (phases) what is on one level. With the relation's scale m and
bias b, the distance of radii is  ‖head · (m + b) − tail · (1 − b)‖,  and that of angles  Σ |sin((head + angle − tail) / 2)|. Either end
is found from the other by the same parameters: what is asked for is scaled by one factor and set against one target.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reasoning.models.base import Factored, spread
from reasoning.models.distance import sines

MODULUS_WEIGHT, PHASE_WEIGHT = 1.0, 0.5
"""With which the two distances begin; they are learnt."""
_TINY = 1e-9


class HAKE(Factored):
    """Radii and angles for each entity, and scale, bias and angles for each relation."""

    relation_tables = ("angle", "scale", "bias")

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator, margin: float = 9.0) -> None:
        super().__init__(entities, relations)
        self.unit = (margin + 2.0) / dim  # what stands for half a turn
        self.entity = spread(entities, 2 * dim, self.unit, generator)
        self.angle = spread(relations, dim, self.unit, generator)
        self.scale = nn.Parameter(torch.ones(relations, dim))
        self.bias = nn.Parameter(torch.zeros(relations, dim))
        self.modulus_weight = nn.Parameter(torch.tensor([MODULUS_WEIGHT]))
        self.phase_weight = nn.Parameter(torch.tensor([PHASE_WEIGHT * self.unit]))

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        """The target radii, the factor of an answer's radii, and the target angles: ``(batch, 3 · dim)``."""
        back, number = (relations >= self.relations)[:, None], relations % self.relations
        radius, angle = self.look_up(heads, self.entity).chunk(2, dim=-1)
        scale = self.look_up(number, self.scale).abs()
        bias = torch.maximum(self.look_up(number, self.bias).clamp(max=1.0), -scale)
        of_head, of_tail = scale + bias, 1.0 - bias
        own, other = torch.where(back, of_tail, of_head), torch.where(back, of_head, of_tail)
        turn = self.look_up(number, self.angle)
        return torch.cat([radius * own, other, torch.where(back, angle - turn, angle + turn)], dim=-1)

    def answers(self) -> Tensor:
        return self.entity

    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        target, factor, angle = queries.chunk(3, dim=-1)
        radius, other = answers.chunk(2, dim=-1)
        # ‖target − factor · radius‖² multiplied out, so that it is three products.
        squares = target.square().sum(1)[:, None] - 2 * (target * factor) @ radius.T + factor.square() @ radius.square().T
        moduli = squares.clamp_min(_TINY).sqrt()
        return -(self.modulus_weight * moduli + self.phase_weight * sines(self._half(angle), self._half(other)))

    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        target, factor, angle = queries.chunk(3, dim=-1)
        radius, other = answers.chunk(2, dim=-1)
        moduli = (target - factor * radius).square().sum(dim=-1).clamp_min(_TINY).sqrt()
        phases = (self._half(angle) - self._half(other)).sin().abs().sum(dim=-1)
        return -(self.modulus_weight * moduli + self.phase_weight * phases)

    def _half(self, angle: Tensor) -> Tensor:
        """Half of the angle, in radians."""
        return angle * (torch.pi / self.unit / 2)
