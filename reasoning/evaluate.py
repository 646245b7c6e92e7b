"""Filtered ranking: how far up a model puts the true end of a fact among all ends not known to be true.

Both sides are asked. Entities with equal scores share the mean of the best and the worst rank they could
have, so that a model which says the same of everything earns nothing. Test facts with entities that
training never saw stay in the ranking and are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from kgplatform.errors import ModelError
from kgplatform.view import Ints
from reasoning.queries import Queries, queries
from reasoning.split import Split

if TYPE_CHECKING:
    from torch import Tensor

CELLS = 1 << 24
"""Scores held in memory at once."""


class Scorer(Protocol):
    """What ranks: ``score(heads, relations) -> (batch, entities)`` for ``relation`` and, from ``relations`` up, its inverse."""

    def score(self, heads: Tensor, relations: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Metrics:
    """Mean reciprocal rank and share of ranks up to k, over both sides of the test facts."""

    mrr: float
    hits: Mapping[int, float]
    ranks: int
    per_relation: Mapping[str, float]
    unseen_test_triples: int

    def row(self) -> dict[str, object]:
        """As ``kg evaluate links`` writes it."""
        return {
            "mrr": self.mrr,
            **{f"hits@{k}": share for k, share in self.hits.items()},
            "ranks": self.ranks,
            "per_relation": dict(self.per_relation),
            "unseen_test_triples": self.unseen_test_triples,
        }


def evaluate(scorer: Scorer, split: Split, *, device: str = "cpu") -> Metrics:
    """Filtered metrics of the test facts. Raises ``ModelError`` when a score is not a number."""
    ranks, relations = filtered_ranks(scorer, split.test, split.known, len(split.train.relations), len(split.train.entities), device)
    seen = np.zeros(len(split.train.entities), dtype=bool)
    seen[split.train.triples[:, [0, 2]].ravel()] = True
    inverse = 1.0 / ranks
    asked = np.unique(relations).tolist()
    return Metrics(
        mrr=float(inverse.mean()) if len(ranks) else 0.0,
        hits={k: float((ranks <= k).mean()) if len(ranks) else 0.0 for k in (1, 3, 10)},
        ranks=len(ranks),
        per_relation={split.train.relations[number]: float(inverse[relations == number].mean()) for number in asked},
        unseen_test_triples=int((~seen[split.test[:, [0, 2]]]).any(axis=1).sum()),
    )


def filtered_ranks(
    scorer: Scorer, test: Ints, known: Ints, relations: int, entities: int, device: str = "cpu"
) -> tuple[npt.NDArray[np.float64], Ints]:
    """The rank of every end of every test fact ``(2n,)`` and the relation it was asked with, query by query."""
    asked, truth = queries(test, relations), queries(np.unique(np.concatenate([known, test]), axis=0), relations)
    batch = max(1, CELLS // max(1, entities))
    pieces = [np.arange(start, min(start + batch, len(asked))) for start in range(0, len(asked), batch)]
    parts = [_ranks(scorer, asked, truth, which, device) for which in pieces]
    ranks = np.concatenate(parts) if parts else np.zeros(0)
    return ranks, np.repeat(asked.relations % relations, np.diff(asked.starts))


def _ranks(scorer: Scorer, asked: Queries, truth: Queries, which: Ints, device: str) -> npt.NDArray[np.float64]:
    import torch

    heads, relations = asked.heads[which], asked.relations[which]
    row, place = (torch.from_numpy(array).to(device) for array in asked.of(which))
    known_row, known_place = truth.of(truth.find(heads, relations))
    with torch.no_grad():
        scores = scorer.score(torch.from_numpy(heads).to(device), torch.from_numpy(relations).to(device))
        if not bool(torch.isfinite(scores).all()):
            raise ModelError("the model gives scores that are not numbers: train it again with a smaller learning rate")
        target = scores[row, torch.from_numpy(asked.tails).to(device)[place]]
        scores[torch.from_numpy(known_row).to(device), torch.from_numpy(truth.tails[known_place]).to(device)] = -torch.inf
        above, level = _counted(scores, row, target)
    return (1.0 + above + level / 2.0).cpu().numpy()


def _counted(scores: Tensor, rows: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """How many unknown ends score above, and equal to, each target; ``(targets,)`` twice."""
    import torch

    above, level = [], []
    step = max(1, CELLS // max(1, scores.shape[1]))
    for start in range(0, len(rows), step):
        rivals, mark = scores[rows[start : start + step]], target[start : start + step, None]
        above.append((rivals > mark).sum(dim=1))
        level.append((rivals == mark).sum(dim=1))
    return torch.cat(above).double(), torch.cat(level).double()
