"""CompGCN: an entity hears of its neighbours, each in the light of the relation between; what comes of it is scored by DistMult.

Vashishth et al., 2020, with the composition by product, over ``torch_geometric``'s message passing. Facts, facts turned round and the
entity itself have matrices of their own; relations are carried on from layer to layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from kgplatform.errors import MissingExtra
from kgplatform.view import Ints
from reasoning.models.base import Bilinear, start

if TYPE_CHECKING:
    from torch_geometric.nn import MessagePassing

LAYERS = 1
"""More than one layer is said to help little, and costs as much again."""
DROPPED = 0.1


class CompGCN(Bilinear):
    """The vectors that it begins with, and the matrices; what comes of them is made once a batch, and kept while nothing is learnt."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator) -> None:
        super().__init__(entities, relations)
        self.entity = start(entities, dim, dim**-0.5, generator)
        self.relation = start(2 * relations, dim, dim**-0.5, generator)
        self.ways = nn.ParameterList([start(dim, 3 * dim, dim**-0.5, generator) for _ in range(LAYERS)])
        self.onward = nn.ParameterList([start(dim, dim, dim**-0.5, generator) for _ in range(LAYERS)])
        self.itself = nn.ParameterList([start(1, dim, dim**-0.5, generator) for _ in range(LAYERS)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(dim) for _ in range(LAYERS)])
        self.drop = nn.Dropout(DROPPED)
        self.passing = _passing()
        self.register_buffer("ends", torch.zeros(2, 0, dtype=torch.long), persistent=False)
        self.register_buffer("kinds", torch.zeros(0, dtype=torch.long), persistent=False)
        self._made: tuple[Tensor, Tensor] | None = None
        self.register_load_state_dict_post_hook(lambda *_: self._forget())  # type: ignore[no-untyped-call]

    def _forget(self) -> None:
        self._made = None

    def on(self, triples: Ints) -> None:
        facts = torch.from_numpy(triples.copy()).to(self.entity.device)
        head, relation, tail = facts.T
        self.ends = torch.cat([torch.stack([head, tail]), torch.stack([tail, head])], dim=1)
        self.kinds = torch.cat([relation, relation + self.relations])
        self._forget()

    def train(self, mode: bool = True) -> CompGCN:
        if mode or mode != self.training:
            self._forget()
        super().train(mode)
        return self

    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        if self._made is None or torch.is_grad_enabled():
            self._made = self._told()
        entities, kinds = self._made
        return self.look_up(heads, entities) * self.look_up(relations, kinds)

    def answers(self) -> Tensor:
        """Of the batch that was asked for last, while learning."""
        if self._made is None:
            self._made = self._told()
        return self._made[0]

    def _told(self) -> tuple[Tensor, Tensor]:
        """Entities and relations after all layers."""
        entities: Tensor = self.entity
        relations: Tensor = self.relation
        for ways, onward, itself, norm in zip(self.ways, self.onward, self.itself, self.norms, strict=True):
            there, back, own = ways.chunk(3, dim=1)
            heard = [
                self.passing(self.ends[:, of], x=entities, told=relations[self.kinds[of]], size=(self.entities, self.entities)) @ matrix
                for of, matrix in ((self.kinds < self.relations, there), (self.kinds >= self.relations, back))
            ]
            mixed = (self.drop(heard[0]) + self.drop(heard[1]) + (entities * itself) @ own) / 3
            entities, relations = torch.tanh(norm(mixed)), relations @ onward
        return entities, relations


def _passing() -> MessagePassing:
    """Mean of neighbours times relations, by a class of torch_geometric. Raises ``MissingExtra`` without it."""
    try:
        from torch_geometric.nn import MessagePassing
    except ImportError:
        raise MissingExtra("torch_geometric", extra="reasoning", need="CompGCN") from None

    class Passing(MessagePassing):  # type: ignore[misc]  # has no types
        def __init__(self) -> None:
            super().__init__(aggr="mean")

        def forward(self, ends: Tensor, x: Tensor, told: Tensor, size: tuple[int, int]) -> Any:
            return self.propagate(ends, x=x, told=told, size=size)

        def message(self, x_j: Tensor, told: Tensor) -> Tensor:
            return x_j * told

    return Passing()
