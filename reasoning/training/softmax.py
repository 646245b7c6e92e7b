"""The cross-entropy of every answer against all entities, with its gradient, in one pass over blocks of questions.

    Σ_q mass_q · log Σ_e exp(q · e)  −  Σ_(q, t) weight · (q · t)

is exactly the 1-vs-all loss of one row a triple, with a row for each distinct question (``reasoning.queries``). The usual way keeps the
scores ``(batch, entities)`` for the gradient, in fresh memory several times over, which on a processor costs as much as the products.
Here a block of scores is turned into its own gradient where it lies, and multiplied out at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

_BLOCK = {"cpu": 1 << 22}
_ELSEWHERE = 1 << 28
"""Scores of one block."""


class Answers(NamedTuple):
    """The right answers of a batch, in the order of rows: question ``rows[i]`` has ``tails[i]``, with ``weights[i]``.

    ``mass`` ``(batch,)`` is the sum of a question's weights.
    """

    mass: Tensor
    rows: Tensor
    tails: Tensor
    weights: Tensor


def cross_entropy(queries: Tensor, table: Tensor, answers: Answers) -> Tensor:
    """The loss above, a number; ``queries`` ``(batch, width)``, ``table`` ``(entities, width)``."""
    loss: Tensor = _CrossEntropy.apply(queries, table, *answers)
    return loss


class _CrossEntropy(Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, table: Tensor, mass: Tensor, rows: Tensor, tails: Tensor, weights: Tensor) -> Tensor:
        size = max(1, _BLOCK.get(queries.device.type, _ELSEWHERE) // len(table))
        starts = list(range(0, len(queries), size))
        cuts = torch.searchsorted(rows, torch.tensor([*starts, len(queries)], device=rows.device)).tolist()
        to_queries, to_table = torch.empty_like(queries), torch.zeros_like(table)
        scratch = queries.new_empty(min(size, len(queries)), len(table))
        loss = queries.new_zeros(())
        for start, first, last in zip(starts, cuts, cuts[1:], strict=False):
            asked, weigh = queries[start : start + size], mass[start : start + size, None]
            scores = torch.mm(asked, table.T, out=scratch[: len(asked)])
            at = rows[first:last] - start, tails[first:last]
            loss -= weights[first:last] @ scores[at]
            top = scores.amax(dim=1, keepdim=True)
            total = scores.sub_(top).exp_().sum(dim=1, keepdim=True)
            loss += (weigh * (total.log() + top)).sum()
            scores.mul_(weigh / total)
            scores[at] -= weights[first:last]  # each answer once, so nothing is added twice
            torch.mm(scores, table, out=to_queries[start : start + size])
            to_table.addmm_(scores.T, asked)
        ctx.save_for_backward(to_queries, to_table)
        return loss

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        to_queries, to_table = ctx.saved_tensors
        (slope,) = slopes
        return to_queries.mul_(slope), to_table.mul_(slope), None, None, None, None
