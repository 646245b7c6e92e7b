"""Pack token sequences that share beginnings into rows in which every shared token stands once.

A row is a set of tries, written in preorder: the descendants of node ``i`` are the nodes ``i+1`` to
``end[i]-1``. A causal model that is told each node's depth as its position and lets each node attend to
itself and its ancestors alone computes for it just what it would have computed in a sequence of its own.
The last token of a sequence is only asked for, never read, so it makes no node. Nothing here knows a model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """Nodes in preorder, ``(nodes,)`` each, and what is asked of them, ``(asked,)`` each.

    Ask ``k`` wants the log-probability of token ``wanted[k]`` after node ``asked[k]``, for sequence ``owner[k]``.
    """

    tokens: Ints
    depth: Ints
    end: Ints
    asked: Ints
    wanted: Ints
    owner: Ints

    @property
    def single(self) -> bool:
        """Whether it is one sequence, for which a causal model needs to be told nothing."""
        return bool((self.end == len(self.end)).all())

    def visible(self) -> npt.NDArray[np.bool_]:
        """``(nodes, nodes)``: whether the row's node may attend to the column's."""
        place = np.arange(len(self.tokens))
        return (place[None, :] <= place[:, None]) & (place[:, None] < self.end[None, :])


def rows(sequences: Sequence[tuple[list[int], int]], budget: int) -> Iterator[Row]:
    """Rows of at most ``budget`` nodes (more only where one sequence alone has more).

    A sequence is its tokens and the place of the first token asked for, which is never 0. In lexicographic
    order neighbours share the most, so one pass cuts well.
    """
    order = sorted((number for number, (tokens, first) in enumerate(sequences) if first < len(tokens)), key=lambda n: sequences[n][0])
    builder = _Builder()
    for number in order:
        tokens, first = sequences[number]
        if builder.tokens and len(builder.tokens) + builder.growth(tokens) > budget:
            yield builder.row()
            builder = _Builder()
        builder.add(number, tokens, first)
    if builder.tokens:
        yield builder.row()


class _Builder:
    """One row in the making; ``path`` holds the nodes from the root to the last one added."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.depth: list[int] = []
        self.end: list[int] = []
        self.path: list[int] = []
        self.asks: list[tuple[int, int, int]] = []

    def _shared(self, read: list[int]) -> int:
        return next(
            (at for at, (node, token) in enumerate(zip(self.path, read, strict=False)) if self.tokens[node] != token),
            min(len(self.path), len(read)),
        )

    def growth(self, tokens: list[int]) -> int:
        return len(tokens) - 1 - self._shared(tokens[:-1])

    def add(self, owner: int, tokens: list[int], first: int) -> None:
        read = tokens[:-1]
        shared = self._shared(read)
        self._close(shared)
        for at in range(shared, len(read)):
            self.path.append(len(self.tokens))
            self.tokens.append(read[at])
            self.depth.append(at)
            self.end.append(0)
        self.asks.extend((self.path[at - 1], tokens[at], owner) for at in range(first, len(tokens)))

    def _close(self, keep: int) -> None:
        for node in self.path[keep:]:
            self.end[node] = len(self.tokens)
        del self.path[keep:]

    def row(self) -> Row:
        self._close(0)
        return Row(*(_ints(part) for part in (self.tokens, self.depth, self.end, *zip(*self.asks, strict=True))))


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)
