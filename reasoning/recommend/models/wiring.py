"""Edges in the order of where they start: what entities take in is then one product with a sparse matrix, and so is its slope."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import embedding_bag


class Wiring(nn.Module):
    """``place`` ``(edges,)`` is each edge's among all, ordered by ``row`` and ``tail``; row r's begin at ``begins[r]``.

    ``back`` puts the edges in the order of their tails, where those of tail t begin at ``back_begins[t]``.
    """

    place: Tensor
    row: Tensor
    tail: Tensor
    begins: Tensor
    back: Tensor
    back_begins: Tensor

    def __init__(self, place: Tensor, row: Tensor, tail: Tensor, back: Tensor, rows: int, tails: int) -> None:
        super().__init__()
        for name, values in (
            ("place", place),
            ("row", row),
            ("tail", tail),
            ("begins", torch.searchsorted(row, torch.arange(rows + 1, device=row.device))),
            ("back", back),
            ("back_begins", torch.searchsorted(tail[back], torch.arange(tails + 1, device=row.device))),
        ):
            self.register_buffer(name, values, persistent=False)

    @classmethod
    def of(cls, row: Tensor, tail: Tensor, rows: int, tails: int) -> Wiring:
        """Of edges in any order, ``(edges,)`` each; those of row -1 are left out."""
        place = torch.argsort(row * tails + tail, stable=True)[int((row < 0).sum()) :]
        return cls(place, row[place], tail[place], torch.argsort(tail[place], stable=True), rows, tails)

    @property
    def rows(self) -> int:
        return len(self.begins) - 1

    @property
    def tails(self) -> int:
        return len(self.back_begins) - 1

    def only(self, kept: Tensor) -> Wiring:
        """Some edges, ``kept`` ``(all edges,)`` by their places; nothing is sorted again."""
        here = kept[self.place]
        number = here.cumsum(0) - 1
        back = self.back[here[self.back]]
        return Wiring(self.place[here], self.row[here], self.tail[here], number[back], self.rows, self.tails)

    def taken(self, share: Tensor, vectors: Tensor) -> Tensor:
        """What every row takes in: ``share`` ``(edges,)`` of its tails' ``vectors`` ``(tails, dim)``, summed ``(rows, dim)``."""
        found: Tensor = _Taken.apply(share, vectors, self)
        return found

    def dots(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """The inner product along each edge of ``(rows, dim)`` and ``(tails, dim)``, without a vector for any edge: ``(edges,)``."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            nothing = ours.new_zeros(len(self.tail))
            shape = torch.sparse_csr_tensor(self.begins, self.tail, nothing, (self.rows, self.tails), check_invariants=False)
            return torch.sparse.sampled_addmm(shape, ours, theirs.T, beta=0.0).values()  # type: ignore[no-any-return]


class _Taken(Function):
    @staticmethod
    def forward(ctx: Any, share: Tensor, vectors: Tensor, wiring: Wiring) -> Tensor:
        ctx.save_for_backward(share, vectors)
        ctx.wiring = wiring
        return embedding_bag(wiring.tail, vectors, wiring.begins[:-1], mode="sum", per_sample_weights=share)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        share, vectors = ctx.saved_tensors
        wiring, slope = ctx.wiring, slopes[0].contiguous()
        back = wiring.back
        of_vectors = embedding_bag(wiring.row[back], slope, wiring.back_begins[:-1], mode="sum", per_sample_weights=share[back])
        return wiring.dots(slope, vectors), of_vectors, None
