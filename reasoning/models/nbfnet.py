"""NBFNet: a fact is likely when the paths between its ends say so (Zhu et al., 2021).

Nothing is learned of single entities, only of relations and how they follow one another. A question sets its own vector at its head; each
step passes states along the facts, turned by relation vectors that the question makes; the states at the end are the scores. What is summed
over paths of up to ``layers`` facts is thus never listed.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from kgplatform.view import Ints
from reasoning.models.base import Model
from reasoning.models.propagation import Graph, Layer, Origin, both_ways, cut, judged, pieces, read
from reasoning.queries import Batch


class _Asked(Layer):
    """A step whose relation vectors are made of the question's."""

    def __init__(self, dim: int, relations: int) -> None:
        super().__init__(dim)
        self.relation_linear = nn.Linear(dim, 2 * relations * dim)

    def vectors(self, told: Tensor) -> Tensor:
        """``(batch, dim) -> (2 · relations, batch, dim)``."""
        made: Tensor = self.relation_linear(told)
        return made.view(len(told), -1, told.shape[1]).transpose(0, 1).contiguous()


class NBFNet(Model):
    """The parameters, and the graph that paths are made of (``on``); the graph moves with them."""

    def __init__(self, entities: int, relations: int, dim: int, generator: torch.Generator, *, layers: int = 6) -> None:
        super().__init__(entities, relations)
        self.query = nn.Embedding(2 * relations, dim)
        self.layers = nn.ModuleList(_Asked(dim, relations) for _ in range(layers))
        self.mlp = nn.Sequential(nn.Linear(2 * dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, 1))
        self.graph = both_ways(np.zeros((0, 3), np.int64), entities, relations)
        self.relation_tables = ("query.weight", *(name for name, _ in self.named_parameters() if "relation_linear" in name))
        _start(self, generator)

    def on(self, triples: Ints) -> None:
        self.graph = both_ways(triples, self.entities, self.relations).to(self.query.weight.device)

    def learning(self, batch: Batch) -> Tensor:
        back = batch.relations[batch.rows] >= self.relations
        first, last = batch.heads[batch.rows], batch.tails
        facts = torch.where(back, last, first), batch.relations[batch.rows] % self.relations, torch.where(back, first, last)
        return self.score(batch.heads, batch.relations, torch.stack(facts, dim=1))

    def score(self, heads: Tensor, relations: Tensor, without: Tensor | None = None) -> Tensor:
        """Scores of every entity as the tail: ``(batch,), (batch,) -> (batch, entities)``.

        ``relation + relations`` asks in the other direction. ``without`` ``(n, 3)`` are facts whose edges are taken out, both ways:
        training and whoever scores facts of the graph names them, or their own edges give them away.
        """
        graph = self.graph if without is None else cut(self.graph, without, self.relations)
        weight = self.query.weight
        parts = pieces(torch.arange(len(heads), device=heads.device), graph, weight[0].nbytes)
        return torch.cat([weight.new_empty(0, graph.nodes), *(self._read(heads[some], relations[some], graph) for some in parts)])

    def _read(self, heads: Tensor, relations: Tensor, graph: Graph) -> Tensor:
        asked = self.query(relations)
        return judged(self.mlp, read(self.layers, asked, Origin(heads, asked), graph), asked)


def _start(model: nn.Module, generator: torch.Generator) -> None:
    """Random parameters as torch has them, but from the generator."""
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, generator=generator)
        elif isinstance(part, nn.Linear):
            limit = 1 / math.sqrt(part.in_features)
            nn.init.uniform_(part.weight, -limit, limit, generator=generator)
            nn.init.uniform_(part.bias, -limit, limit, generator=generator)
