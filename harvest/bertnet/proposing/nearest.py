"""Pairs of entities that the graph has: for each head the tails that a sentence encoder finds nearest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from harvest.bertnet.proposing.asked import Asked, Fresh, Proposed, Told
from kgplatform.cards import filled, slots
from kgplatform.lm.ports import Encoder
from kgplatform.lm.talk import Request
from kgplatform.names import normalise
from kgplatform.ports import Progress

_BLOCK = 256
"""Heads that are compared with all tails at once."""


class Nearest:
    """Of each head the ``each`` tails nearest to the opened sentence. It knows pairs only, so of wider relations it proposes nothing."""

    name = "nearest"

    def __init__(self, encoder: Encoder, each: int = 8) -> None:
        self._encoder, self._each = encoder, each

    def requests(self, asked: Asked) -> list[Request]:  # noqa: ARG002 - as the protocol says
        """As the port says."""
        return []

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        """As the port says; a round is a block of heads, ``progress`` counts tails and heads."""
        heads, tails, fresh = list(dict.fromkeys(asked.heads)), list(dict.fromkeys(asked.tails)), Fresh(asked, before)
        first = len(before) * _BLOCK
        if len(heads) <= first or not tails or len(slots(asked.card)) > 2:
            return
        told, opening = Told(progress, len(tails) + len(heads), first), _opening(asked.prompts or asked.card.prompts)
        vectors = self._encoded(tails, told)
        own = {normalise(tail): column for column, tail in enumerate(tails)}
        for start in range(first, len(heads), _BLOCK):
            block = heads[start : start + _BLOCK]
            near = self._encoded([_sentence(opening, head) for head in block], told) @ vectors.T
            itself = [(row, own[normalise(head)]) for row, head in enumerate(block) if normalise(head) in own]
            near[tuple(np.array(itself, np.intp).reshape(-1, 2).T)] = -np.inf
            best = _best(near, self._each)
            new = fresh.new((head, tails[column]) for row, head in enumerate(block) for column in best[row].tolist())
            yield Proposed(tuple(new))

    def _encoded(self, texts: Sequence[str], told: Told) -> npt.NDArray[np.float32]:
        """Unit vectors, ``(texts, dimension)``, so many at a time."""
        parts = []
        for start in range(0, len(texts), _BLOCK):
            told()
            parts.append(self._encoder.encode(texts[start : start + _BLOCK]))
            told.more(len(parts[-1]))
        return np.concatenate(parts)


def _best(near: np.ndarray[tuple[int, ...], np.dtype[np.float32]], count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """The columns of each row's largest values, largest first: ``(rows, count)``."""
    if count < near.shape[1]:
        some = np.sort(np.argpartition(-near, count - 1, axis=1)[:, :count], axis=1)
    else:
        some = np.broadcast_to(np.arange(near.shape[1]), near.shape)
    order = np.argsort(-np.take_along_axis(near, some, 1), axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)


def _opening(prompts: tuple[str, ...]) -> str:
    """The first prompt that ends with its tail, else the first; the tail is left out of it."""
    return next((prompt for prompt in prompts if prompt.endswith("{tail}")), prompts[0])


def _sentence(prompt: str, head: str) -> str:
    text = " ".join(filled(prompt, {"head": head, "tail": ""}).split())
    return text[:1].upper() + text[1:]
