"""Recommenders that give every user and item a vector; the inner product says how much the one would like the other."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import embedding, logsigmoid
from torch.optim import Optimizer

from reasoning.recommend.interactions import Interactions

SCALE = 0.1
"""Standard deviation of the random start."""


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """Vectors that no longer change, ``(users, dim), (items, dim)``."""

    users: Tensor
    items: Tensor

    @property
    def device(self) -> str:
        return str(self.users.device)

    def score(self, users: Tensor) -> Tensor:
        return self.users[users] @ self.items.T


class Factors(nn.Module, ABC):
    """Learned by BPR: what a user took scores above what the user did not (Rendle et al., 2009)."""

    def __init__(self, known: Interactions, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.user = nn.Parameter(SCALE * torch.randn(len(known.users), dim, generator=generator))
        self.item = nn.Parameter(SCALE * torch.randn(len(known.items), dim, generator=generator))

    @property
    def device(self) -> str:
        return str(self.user.device)

    @abstractmethod
    def vectors(self) -> tuple[Tensor, Tensor]:
        """``(users, dim), (items, dim)``."""

    @torch.no_grad()
    def fixed(self) -> Fixed:
        """As it is now, for many questions: the vectors are worked out once."""
        return Fixed(*self.vectors())

    def score(self, users: Tensor) -> Tensor:
        return self.fixed().score(users)

    def epoch_begins(self, epoch: int) -> None:
        """For what is made anew in every epoch."""
        del epoch

    def optimisers(self) -> tuple[Optimizer, ...]:
        """Of parts that are learned by a loss of their own."""
        return ()

    def work_on_less(self) -> None:
        """Take less memory, where a model does something in pieces."""

    def loss(self, users: Tensor, taken: Tensor, others: Tensor, reg: float) -> Tensor:
        """The mean over a batch of users with an item they took and one that they did not, ``(batch,)`` each."""
        of_users, of_items = self.vectors()
        user, good, bad = embedding(users, of_users), embedding(taken, of_items), embedding(others, of_items)
        return bpr(user, good, bad) + reg * self.weight(users, taken, others)

    def weight(self, users: Tensor, taken: Tensor, others: Tensor) -> Tensor:
        """The penalty: half the mean squared length of the vectors that were looked up."""
        ends = embedding(users, self.user), embedding(taken, self.item), embedding(others, self.item)
        return sum((end.square().sum() for end in ends), start=self.user.new_zeros(())) / (2 * len(users))


def bpr(users: Tensor, taken: Tensor, others: Tensor) -> Tensor:
    """``(batch, dim)`` each: the mean of -log σ(taken − other)."""
    return -logsigmoid((users * (taken - others)).sum(dim=1)).mean()


class BPR(Factors):
    """Matrix factorisation: the vectors as they are."""

    def vectors(self) -> tuple[Tensor, Tensor]:
        return self.user, self.item


class LightGCN(Factors):
    """Users and items take in the vectors of those they are linked to, layer after layer; all layers count alike (He et al., 2020)."""

    def __init__(self, known: Interactions, dim: int, generator: torch.Generator, layers: int = 2) -> None:
        super().__init__(known, dim, generator)
        self.layers = layers
        self.links = Links.of(known)

    def vectors(self) -> tuple[Tensor, Tensor]:
        return self.spread(self.user, self.item)

    def spread(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """The mean over layers, from these vectors on."""
        layer = torch.cat([users, items])
        total = layer
        for _ in range(self.layers):
            layer = self.links(layer)
            total = total + layer
        return (total / (self.layers + 1)).split([len(users), len(items)])  # type: ignore[no-any-return, no-untyped-call]


class Links(nn.Module):
    """The symmetric matrix of who took what, each entry divided by the root of both counts: its own transpose, so its own slope."""

    matrix: Tensor

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix, persistent=False)

    @classmethod
    def of(cls, known: Interactions) -> Links:
        from scipy import sparse

        size = len(known.users) + len(known.items)
        user, item = known.pairs[:, 0], known.pairs[:, 1] + len(known.users)
        counts = np.bincount(np.concatenate([user, item]), minlength=size)
        value = (1.0 / np.sqrt(counts[user] * counts[item])).astype(np.float32)
        both = sparse.csr_matrix((np.tile(value, 2), (np.concatenate([user, item]), np.concatenate([item, user]))), shape=(size, size))
        begins, others = (torch.from_numpy(part.astype(np.int64)) for part in (both.indptr, both.indices))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            return cls(torch.sparse_csr_tensor(begins, others, torch.from_numpy(both.data), size=both.shape, check_invariants=True))

    def forward(self, vectors: Tensor) -> Tensor:
        found: Tensor = _Symmetric.apply(self.matrix, vectors)
        return found


class _Symmetric(Function):
    """The product with a symmetric sparse matrix, whose slope is the product with the same matrix."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, vectors: Tensor) -> Tensor:
        ctx.matrix = matrix
        return matrix @ vectors

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[None, Tensor]:
        return None, ctx.matrix @ slopes[0]
