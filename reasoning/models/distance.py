"""Distances between all of some vectors and all of others: ``(batch, width), (some, width) -> (batch, some)``.

For complex vectors torch has none that is quick: the obvious ``(a[:, None] - b).abs().sum(-1)`` writes ``batch · some · width`` numbers
to memory several times, forward and again for the gradient. Here a block of it is made, used and overwritten while it is in the
processor's cache, and the gradient makes it once more instead of keeping it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

_CACHED, _ELSEWHERE = 1 << 17, 1 << 26
"""Coordinates of one block: what a processor's cache holds, and what keeps a graphics card busy."""
_TINY = 1e-24


def l1(first: Tensor, second: Tensor) -> Tensor:
    """``Σ |a - b|``."""
    return torch.cdist(first, second, p=1.0)


def l2(first: Tensor, second: Tensor) -> Tensor:
    """``√ Σ (a - b)²``."""
    return torch.cdist(first, second)


def moduli(first: Tensor, second: Tensor) -> Tensor:
    """``Σ |a - b|`` over complex numbers, whose real parts are the first half of a vector."""
    found: Tensor = _Moduli.apply(first, second)
    return found


def sines(first: Tensor, second: Tensor) -> Tensor:
    """``Σ |sin(a - b)|``."""
    found: Tensor = _Sines.apply(first, second)
    return found


class _Sines(Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        found = first.new_empty(len(first), len(second))
        for rows, columns in _pieces(first, second, first.shape[1]):
            found[rows, columns] = (first[rows, None] - second[None, columns]).sin_().abs_().sum(-1)
        return found

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor]:
        (slope,) = slopes
        first, second = ctx.saved_tensors
        to_first, to_second = torch.zeros_like(first), torch.zeros_like(second)
        for rows, columns in _pieces(first, second, first.shape[1]):
            apart = first[rows, None] - second[None, columns]
            part = apart.sin().sign_().mul_(apart.cos_()).mul_(slope[rows, columns, None])
            to_first[rows] += part.sum(1)
            to_second[columns] -= part.sum(0)
        return to_first, to_second


class _Moduli(Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        found = first.new_empty(len(first), len(second))
        for rows, columns, real, imaginary in _blocks(first, second):
            found[rows, columns] = real.square_().addcmul_(imaginary, imaginary).sqrt_().sum(-1)
        return found

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor]:
        (slope,) = slopes
        first, second = ctx.saved_tensors
        to_first, to_second = (torch.zeros_like(vectors).chunk(2, dim=-1) for vectors in (first, second))
        for rows, columns, *parts in _blocks(first, second):
            length = parts[0].square().addcmul_(parts[1], parts[1]).add_(_TINY).rsqrt_().mul_(slope[rows, columns, None])
            for part, for_first, for_second in zip(parts, to_first, to_second, strict=True):
                part.mul_(length)
                for_first[rows] += part.sum(1)
                for_second[columns] -= part.sum(0)
        return torch.cat(to_first, dim=-1), torch.cat(to_second, dim=-1)


def _blocks(first: Tensor, second: Tensor) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
    """Real and imaginary differences of some of both, and which."""
    halves = [[half.contiguous() for half in vectors.chunk(2, dim=-1)] for vectors in (first, second)]
    for rows, columns in _pieces(first, second, first.shape[1] // 2):
        real, imaginary = (a[rows, None] - b[None, columns] for a, b in zip(*halves, strict=True))
        yield rows, columns, real, imaginary


def _pieces(first: Tensor, second: Tensor, width: int) -> Iterator[tuple[slice, slice]]:
    """Some of both, so many that a block of them has room."""
    room = (_CACHED if first.device.type == "cpu" else _ELSEWHERE) // max(1, width)
    wide = max(1, min(len(second), room // 8))
    tall = max(1, room // wide)
    for row in range(0, len(first), tall):
        for column in range(0, len(second), wide):
            yield slice(row, row + tall), slice(column, column + wide)
