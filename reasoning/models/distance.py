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


def projected(parts: int, target: Tensor, along: Tensor, step: Tensor, others: Tensor) -> Tensor:
    """``Σ ‖a - b + (p · b) s‖`` over points of ``parts`` dimensions: ``along`` p and ``step`` s of each target move what it is set against.

    The parts of all points stand one after the other, first every first part.
    """
    found: Tensor = _Projected.apply(target, along, step, others, parts)
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


class _Projected(Function):
    @staticmethod
    def forward(ctx: Any, target: Tensor, along: Tensor, step: Tensor, others: Tensor, parts: int) -> Tensor:
        ctx.save_for_backward(target, along, step, others)
        ctx.parts = parts
        found = target.new_empty(len(target), len(others))
        for rows, columns, _, apart in _moved(parts, target, along, step, others):
            found[rows, columns] = apart.square_().sum(0).sqrt_().sum(-1)
        return found

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        (slope,) = slopes
        given, parts = ctx.saved_tensors, ctx.parts
        _, along, step, others = (_by_part(points, parts) for points in given)
        to_target, to_along, to_step, to_others = (torch.zeros_like(_by_part(points, parts)) for points in given)
        for rows, columns, share, apart in _moved(parts, *given):
            length = apart.square().sum(0).add_(_TINY).rsqrt_().mul_(slope[rows, columns, None])
            apart.mul_(length)
            to_target[:, rows] += apart.sum(2)
            to_others[:, columns] -= apart.sum(1)
            back = (apart * step[:, rows, None]).sum(0)
            to_step[:, rows] += apart.mul_(share).sum(2)
            to_along[:, rows] += torch.mul(back, others[:, None, columns], out=apart).sum(2)
            to_others[:, columns] += torch.mul(back, along[:, rows, None], out=apart).sum(1)
        first, second, third, fourth = (slopes.transpose(0, 1).flatten(1) for slopes in (to_target, to_along, to_step, to_others))
        return first, second, third, fourth, None


def _by_part(points: Tensor, parts: int) -> Tensor:
    """``(rows, parts · dim) -> (parts, rows, dim)``."""
    return points.view(len(points), parts, -1).transpose(0, 1).contiguous()


def _moved(parts: int, target: Tensor, along: Tensor, step: Tensor, others: Tensor) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
    """Which of both, p · b ``(rows, columns, dim)``, and a - b + (p · b) s ``(parts, rows, columns, dim)``."""
    a, p, s, b = (_by_part(points, parts) for points in (target, along, step, others))
    for rows, columns in _pieces(target, others, target.shape[1]):
        share = (p[:, rows, None] * b[:, None, columns]).sum(0)
        yield rows, columns, share, (a[:, rows, None] - b[:, None, columns]).addcmul_(share, s[:, rows, None])


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
