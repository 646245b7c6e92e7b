"""ConvE: head and relation are laid out as a picture, convolved, and set against every tail by the inner product.

Dettmers et al., 2018. The question in the other direction has a relation vector of its own. What is dropped while learning follows from
torch's random state, which training sets by seed, epoch and batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, relu

from reasoning.models.base import Bilinear, start

CHANNELS, WINDOW = 32, 3
OF_INPUT, OF_CHANNELS, OF_HIDDEN = 0.2, 0.2, 0.3
"""Shares that are dropped."""


class ConvE(Bilinear):
    """A vector and a bias for each entity, two vectors for each relation, and the network; vectors lie as nearly square as fits."""

    entity_tables = ("entity", "bias")

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator) -> None:
        super().__init__(entities, relations)
        self.high = next(high for high in range(int(dim**0.5), 0, -1) if dim % high == 0)
        self.entity = start(entities, dim, (2.0 / (entities + dim)) ** 0.5, generator)
        self.bias = nn.Parameter(torch.zeros(entities, 1))
        self.relation = start(2 * relations, dim, (2.0 / (2 * relations + dim)) ** 0.5, generator)
        self.kernel = nn.Parameter(torch.empty(CHANNELS, 1, WINDOW, WINDOW).uniform_(-1 / WINDOW, 1 / WINDOW, generator=generator))
        width = CHANNELS * 2 * dim
        self.hidden = nn.Parameter(torch.empty(width, dim).uniform_(-(width**-0.5), width**-0.5, generator=generator))
        self.norms = nn.ModuleList([nn.BatchNorm2d(1), nn.BatchNorm2d(CHANNELS), nn.BatchNorm1d(dim)])
        self.drops = nn.ModuleList([nn.Dropout(OF_INPUT), nn.Dropout2d(OF_CHANNELS), nn.Dropout(OF_HIDDEN)])

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        head, relation = self.look_up(heads, self.entity), self.look_up(relations, self.relation)
        rows = torch.cat([head.view(len(head), 1, self.high, -1), relation.view(len(head), 1, self.high, -1)], dim=2)
        picture = self.drops[0](self.norms[0](rows))
        found = self.drops[1](relu(self.norms[1](nn.functional.conv2d(picture, self.kernel, padding=WINDOW // 2))))
        told = relu(self._normed(self.drops[2](found.flatten(1) @ self.hidden)))
        return torch.cat([told, torch.ones_like(told[:, :1])], dim=1)

    def answers(self) -> Tensor:
        return torch.cat([self.entity, self.bias], dim=1)

    def _normed(self, hidden: Tensor) -> Tensor:
        """A question alone in its batch has no mean and spread of its own, and is normed by those met before."""
        norm: nn.BatchNorm1d = self.norms[2]  # type: ignore[assignment]
        if len(hidden) > 1:
            normed: Tensor = norm(hidden)
            return normed
        return batch_norm(hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
