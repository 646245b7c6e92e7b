"""What every link predictor is: a score for every entity as the other end of a question.

A question is (head, relation): which entities are the tails? From ``relations`` up, relation numbers ask in the other direction: the
question (tail, relation + relations) wants the heads. So one function ranks both ends, and training and evaluation know no directions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from kgplatform.view import Ints
from reasoning.queries import Batch


class Model(nn.Module, ABC):
    """A link predictor over numbered entities and relations. Higher scores are likelier."""

    entity_tables: tuple[str, ...] = ("entity",)
    """Names of the parameters that have a row for every entity."""
    relation_tables: tuple[str, ...] = ("relation",)
    """Of those that have rows for every relation, first all in its direction and then, where there are any, all against it."""
    sparse = False
    """Whether gradients name only the rows that were looked up: much less to write where a batch touches few of very many entities."""

    def __init__(self, entities: int, relations: int) -> None:
        super().__init__()
        self.entities, self.relations = entities, relations

    def look_up(self, rows: Tensor, table: Tensor) -> Tensor:
        """Rows of a table, ``(batch,), (rows, width) -> (batch, width)``; repeatable to the bit, which indexing is not."""
        return embedding(rows, table, sparse=self.sparse and table.is_leaf)

    @abstractmethod
    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        """Of every entity as the answer: ``(batch,), (batch,) -> (batch, entities)``."""

    def on(self, triples: Ints) -> None:
        """Let the model read these facts, ``(n, 3)``; those that keep a vector of every entity read none."""
        del triples

    def learning(self, batch: Batch) -> Tensor:
        """``score`` of a batch while it is learned from: a model that reads facts must not see those that it is asked for."""
        return self.score(batch.heads, batch.relations)

    def score_some(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """Of some entities: ``(batch,), (batch,), (some,) -> (batch, some)``, the same ones for every question."""
        return self.score(heads, relations)[:, tails]

    def penalty(self, heads: Tensor, relations: Tensor, tails: Tensor, mass: Tensor, weights: Tensor) -> Tensor:
        """What training weighs against the fit, summed: over questions ``(batch,)`` with their ``mass``, over answers with ``weights``."""
        del heads, relations, tails, weights
        return mass.new_zeros(())


class Factored(Model):
    """A model whose score is a ``match`` between a vector of the question and a vector of the answer."""

    @abstractmethod
    def query(self, heads: Tensor, relations: Tensor) -> Tensor:
        """``(batch,), (batch,) -> (batch, width)``."""

    @abstractmethod
    def answers(self) -> Tensor:
        """The vectors of all entities as answers, ``(entities, width)``; asked for after ``query``, with which they may be made."""

    @abstractmethod
    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        """``(batch, width), (some, width) -> (batch, some)``."""

    @abstractmethod
    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        """One answer a question: ``(batch, width), (batch, width) -> (batch,)``."""

    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        return self.match(self.query(heads, relations), self.answers())

    def score_some(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        return self.match(self.query(heads, relations), self.look_up(tails, self.answers()))


class Bilinear(Factored):
    """A factored model that matches by the inner product, so that a question is ranked by one row of a matrix product."""

    def match(self, queries: Tensor, answers: Tensor) -> Tensor:
        return queries @ answers.T

    def match_each(self, queries: Tensor, answers: Tensor) -> Tensor:
        return (queries * answers).sum(dim=-1)

    def between(self, heads: Tensor, tails: Tensor) -> Tensor | None:
        """What a relation's vector is multiplied by to give the score of a pair, ``(batch, width)``; ``None`` where it is no product."""
        del heads, tails
        return None

    def relation_vectors(self) -> Tensor:
        """``(2 · relations, width)``, for ``between``."""
        raise NotImplementedError


def start(rows: int, width: int, scale: float, generator: torch.Generator) -> nn.Parameter:
    """A table of normally distributed numbers with that standard deviation."""
    return nn.Parameter(scale * torch.randn(rows, width, generator=generator))


def spread(rows: int, width: int, limit: float, generator: torch.Generator) -> nn.Parameter:
    """A table of numbers that lie evenly between -limit and limit."""
    return nn.Parameter(limit * (2 * torch.rand(rows, width, generator=generator) - 1))
