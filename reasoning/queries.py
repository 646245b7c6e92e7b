"""Distinct queries: (head, relation) pairs with all their known tails, in both directions.

The query (tail, relation + relations) asks for the heads of a relation, so that a model has one way to
score. Many triples share a query (FB15k-237: 544,230 triples, 149,689 queries), which is why training
and evaluation go by queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from kgplatform.view import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor


class Batch(NamedTuple):
    """Some queries as tensors: query ``rows[i]`` has the tail ``tails[i]`` with ``weights[i]``; ``mass`` is their sum a query."""

    heads: Tensor
    relations: Tensor
    mass: Tensor
    rows: Tensor
    tails: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Queries:
    """``heads``, ``relations`` ``(queries,)`` in this order; the tails of query ``q`` are ``tails[starts[q]:starts[q + 1]]``."""

    heads: Ints
    relations: Ints
    starts: Ints
    tails: Ints
    weights: Floats

    def __len__(self) -> int:
        return len(self.heads)

    def of(self, which: Ints) -> tuple[Ints, Ints]:
        """For these queries, one after the other: the row in ``which`` of each tail, and where the tail stands."""
        counts = self.starts[which + 1] - self.starts[which]
        rows = np.repeat(np.arange(len(which)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, np.repeat(self.starts[which], counts) + within

    def find(self, heads: Ints, relations: Ints) -> Ints:
        """Where these queries stand; each must be there."""
        width = int(self.relations.max(initial=0)) + 1
        return np.searchsorted(self.heads * width + self.relations, heads * width + relations)

    def has(self, heads: Ints, relations: Ints) -> npt.NDArray[np.bool_]:
        """Which of these queries are there."""
        if not len(self):
            return np.zeros(len(heads), dtype=bool)
        place = np.minimum(self.find(heads, relations), len(self) - 1)
        there: npt.NDArray[np.bool_] = (self.heads[place] == heads) & (self.relations[place] == relations)
        return there

    def batch(self, which: Ints, device: str) -> Batch:
        import torch

        rows, places = self.of(which)
        weights = self.weights[places]
        mass = np.bincount(rows, weights, minlength=len(which)).astype(np.float32)
        arrays = (self.heads[which], self.relations[which], mass, rows, self.tails[places], weights)
        return Batch(*(torch.from_numpy(array).to(device) for array in arrays))


def queries(triples: Ints, relations: int, weights: Floats | None = None) -> Queries:
    """The distinct queries of ``triples`` ``(n, 3)`` over ``relations`` relations, ordered by head and relation."""
    if weights is None:
        weights = np.ones(len(triples), dtype=np.float32)
    head, relation, tail = triples.T
    heads = np.concatenate([head, tail])
    asked = np.concatenate([relation, relation + relations])
    tails = np.concatenate([tail, head])
    order = np.lexsort((tails, asked, heads))
    heads, asked, tails = heads[order], asked[order], tails[order]
    first = np.ones(len(heads), dtype=bool)
    first[1:] = (heads[1:] != heads[:-1]) | (asked[1:] != asked[:-1])
    starts = np.append(np.flatnonzero(first), len(heads))
    return Queries(heads[first], asked[first], starts, tails, np.concatenate([weights, weights])[order])
