"""How many of a user's later items are among the first that are recommended: all items ranked, those known already left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kgplatform.errors import BadRequest, ModelError
from kgplatform.ports import Progress
from reasoning.recommend.interactions import Flags, Interactions, Ints, Reals

if TYPE_CHECKING:
    from torch import Tensor

CELLS = 1 << 25
"""Scores that are held at once."""


class Recommender(Protocol):
    """What recommends."""

    @property
    def device(self) -> str: ...

    def score(self, users: Tensor) -> Tensor:
        """Of every item, higher is likelier: ``(batch,) -> (batch, items)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Of each user with test items: the share of them among the first ``k``, and how far up these stand (NDCG)."""

    k: int
    users: Ints
    recall: Reals
    ndcg: Reals

    def shape(self) -> dict[str, Any]:
        """As JSON holds it: the means over users."""
        return {f"recall@{self.k}": float(self.recall.mean()), f"ndcg@{self.k}": float(self.ndcg.mean()), "users": len(self.users)}


def figures(
    model: Recommender, asked: Interactions, *known: Interactions, k: int = 20, among: Flags | None = None, progress: Progress | None = None
) -> Figures:
    """Of the interactions ``asked``; those ``known`` are left out of the ranking, and all items that are not ``among`` those ranked.

    Raises ``BadRequest`` where nothing is asked.
    """
    import torch

    from reasoning.recommend.models.factors import Factors

    if among is not None:
        asked = asked.only(among[asked.pairs[:, 1]])
    if not len(asked):
        raise BadRequest("there is no interaction to test by: split with a larger share to test")
    model = model.fixed() if isinstance(model, Factors) else model
    users = np.unique(asked.pairs[:, 0])
    seen = np.unique(np.concatenate([part.pairs for part in known]), axis=0) if known else np.zeros((0, 2), np.int64)
    first, few = min(k, len(asked.items)), max(1, CELLS // len(asked.items))
    discount = 1.0 / np.log2(np.arange(2, first + 2))
    recall, ndcg = np.zeros(len(users)), np.zeros(len(users))
    for start in range(0, len(users), few):
        some = users[start : start + few]
        scores = model.score(torch.from_numpy(some).to(model.device))
        if not bool(torch.isfinite(scores).all()):
            raise ModelError("a score is no number: train again with a smaller learning rate")
        row, item = _of(seen, some)
        scores[torch.from_numpy(row).to(model.device), torch.from_numpy(item).to(model.device)] = -torch.inf
        if among is not None:
            scores[:, torch.from_numpy(~among).to(model.device)] = -torch.inf
        best = scores.topk(first, dim=1).indices.cpu().numpy()
        row, item = _of(asked.pairs, some)
        counts = np.bincount(row, minlength=len(some))
        hit = np.isin(np.arange(len(some))[:, None] * len(asked.items) + best, row * len(asked.items) + item)
        ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(counts, first)]
        recall[start : start + few], ndcg[start : start + few] = hit.sum(axis=1) / counts, hit @ discount / ideal
        if progress is not None:
            progress(min(len(users), start + few), len(users))
    return Figures(k, users, recall, ndcg)


def _of(pairs: Ints, users: Ints) -> tuple[Ints, Ints]:
    """The pairs of some users (ascending): the user's place among them, and the item."""
    begins, ends = (np.searchsorted(pairs[:, 0], users, side) for side in ("left", "right"))
    rows = np.repeat(np.arange(len(users)), ends - begins)
    places = np.arange(len(rows)) - np.repeat(np.cumsum(ends - begins) - (ends - begins), ends - begins) + np.repeat(begins, ends - begins)
    return rows, pairs[places, 1]
