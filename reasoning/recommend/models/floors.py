"""What every model must beat: what is popular, and what goes with what a user has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reasoning.recommend.interactions import Interactions

if TYPE_CHECKING:
    from scipy import sparse

NEIGHBOURS, SHRINKAGE = 100, 10.0
"""Items that an item is compared with at most; an item of few users is likened to others by so much less."""


@dataclass(frozen=True, slots=True, eq=False)
class Popularity:
    """Every user is recommended what most users took."""

    counts: Tensor

    @classmethod
    def of(cls, known: Interactions, device: str = "cpu") -> Popularity:
        counts = np.bincount(known.pairs[:, 1], minlength=len(known.items))
        return cls(torch.from_numpy(counts.astype(np.float32)).to(device))

    @property
    def device(self) -> str:
        return str(self.counts.device)

    def score(self, users: Tensor) -> Tensor:
        return self.counts.expand(len(users), -1).clone()


@dataclass(frozen=True, slots=True, eq=False)
class ItemKNN:
    """The items that were taken by the users who took a user's items: the cosine of the items' users, shrunk (Sarwar et al., 2001)."""

    taken: sparse.csr_matrix
    """``(users, items)``."""
    alike: sparse.csr_matrix
    """``(items, items)``: each item's nearest."""

    @classmethod
    def of(cls, known: Interactions, neighbours: int = NEIGHBOURS) -> ItemKNN:
        from scipy import sparse

        user, item = known.pairs.T
        taken = sparse.csr_matrix((np.ones(len(known), np.float32), (user, item)), shape=(len(known.users), len(known.items)))
        sizes = np.sqrt(np.bincount(item, minlength=len(known.items)).astype(np.float32))
        both = (taken.T @ taken).tocoo()
        apart = both.row != both.col
        row, column, together = both.row[apart], both.col[apart], both.data[apart]
        cosine = together / (sizes[row] * sizes[column] + SHRINKAGE)
        order = np.lexsort((-cosine, row))
        begins = np.searchsorted(row[order], np.arange(len(known.items)))
        near = order[np.arange(len(order)) - begins[row[order]] < neighbours]
        return cls(taken, sparse.csr_matrix((cosine[near], (column[near], row[near])), shape=both.shape))

    @property
    def device(self) -> str:
        return "cpu"

    def score(self, users: Tensor) -> Tensor:
        return torch.from_numpy((self.taken[users.numpy()] @ self.alike).toarray())
