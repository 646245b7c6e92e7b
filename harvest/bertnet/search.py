"""Find tuples that fit a relation, word by word, with a masked language model that proposes its own words.

All slots of all prompts begin as masks, for each number of tokens that a name may have. Slot by slot, token by token, the likeliest
tokens (a mean over prompts, among the tokens that may stand in a name there) are put in. A tuple scores the log-probability
of its least likely name; a tuple that is only begun cannot score more than its names so far. So the one that promises most is always
gone on with, a batch of such together: the first ``n`` that are complete are the best, no others need to be looked at, and
they come in the order of their scores. Hence the caps on a head and on a word hold by score. After BertNet (Hao et al., 2023),
which goes depth-first and caps what comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import count, product

import numpy as np
import numpy.typing as npt

from harvest.bertnet.stopwords import STOP
from kgplatform.lm.cloze import MASK, Cloze, Partial
from kgplatform.lm.ports import MaskedModel
from kgplatform.ports import Progress
from kgplatform.types import Words

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to search: names of at most ``tokens`` tokens, at most ``per_head`` tuples of one head and ``per_word`` with one word.

    After each tuple that is begun the ``width`` likeliest tokens are followed, and ``batch`` such tuples are read at once.
    ``sentences`` is how many may be read in all; what is complete by then is given. None of ``banned`` (lower case) is a name, nor
    are stop words. With ``lengths`` names have just so many tokens, slot by slot; what scores below ``floor`` is not looked for; and tuples
    ``known`` before have their places already.
    """

    tokens: int = 2
    per_head: int = 5
    per_word: int = 5
    width: int = 500
    batch: int = 64
    sentences: int | None = None
    banned: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = ()
    floor: float = -np.inf
    known: tuple[Words, ...] = ()


def search(
    model: MaskedModel, cloze: Cloze, n: int, bounds: Bounds | None = None, progress: Progress | None = None
) -> list[tuple[Words, float]]:
    """At most ``n`` tuples and their scores in nats, the best first; ``progress`` counts tuples, and is told before each batch too.

    Of tuples that differ in capitals the best stays; no tuple names one thing twice. Equal scores are ordered by the sum over names.
    """
    found: list[tuple[Words, float]] = []

    def told() -> None:
        if progress:
            progress(len(found), n)

    for words, score in _Search(model, cloze, bounds or Bounds(), told).tuples(n):
        found.append((words, score))
        told()
    return found


@dataclass(frozen=True, slots=True)
class _Begun:
    """A tuple with the tokens of ``slot`` known up to ``place``; ``names``: its complete words; ``logs``: of each and of what is begun."""

    partial: Partial
    slot: int = 0
    place: int = 0
    names: Words = ()
    logs: tuple[float, ...] = (0.0,)


@dataclass(frozen=True, slots=True)
class _Fork:
    """What may follow a tuple that is begun: tokens, the likeliest first, and their log-probabilities, ``(width,)`` each."""

    begun: _Begun
    tokens: npt.NDArray[np.int32]
    logs: npt.NDArray[np.float32]

    def promise(self, rank: int) -> tuple[float, float]:
        """What no tuple through this token can pass: its score, then its sum; negative, since heaps give the least."""
        *before, begun = self.begun.logs
        logs = [*before, begun + float(self.logs[rank])]
        return -min(logs), -sum(logs)


class _Search:
    def __init__(self, model: MaskedModel, cloze: Cloze, bounds: Bounds, between: Callable[[], None]) -> None:
        self._model, self._cloze, self._bounds, self._between = model, cloze, bounds, between
        self._heap: list[tuple[float, float, int, _Fork, int]] = []
        self._order = count()
        self._left = bounds.sentences if bounds.sentences is not None else 2**62
        self._heads, self._words, self._seen = Counter[str](), Counter[str](), set[Words]()
        for words in bounds.known:
            self._count(words)

    def tuples(self, n: int) -> Iterator[tuple[Words, float]]:
        given_lengths = [self._bounds.lengths] if self._bounds.lengths else lengths(self._cloze.slots, self._bounds.tokens)
        waiting = [_Begun(tuple((MASK,) * length for length in one)) for one in given_lengths]
        given = 0
        while given < n and (waiting or self._promising()):
            for at in range(0, len(waiting), self._bounds.batch):
                self._fork(waiting[at : at + self._bounds.batch])
            waiting, complete = [], list[tuple[tuple[float, float, int, _Fork, int], _Begun]]()
            while self._promising() and len(waiting) < self._bounds.batch and given + len(complete) < n:
                entry = heappop(self._heap)
                begun = self._next(entry)
                if begun is None:
                    continue
                if begun.slot < len(self._cloze.slots):
                    waiting.append(begun)
                elif waiting:
                    complete.append((entry, begun))
                else:
                    self._count(begun.names)
                    given += 1
                    yield begun.names, -entry[0]
            for (score, total, order, fork, rank), _ in complete:
                heappush(self._heap, (score, total, order, _only(fork, rank), 0))

    def _promising(self) -> bool:
        """Whether anything that is begun may still reach the floor."""
        return bool(self._heap) and -self._heap[0][0] >= self._bounds.floor

    def _fork(self, waiting: Sequence[_Begun]) -> None:
        """Read tuples that are begun, and put what may follow into the heap."""
        waiting = waiting[: self._left // len(self._cloze.prompts)]
        self._left -= len(waiting) * len(self._cloze.prompts)
        if not waiting:
            return
        self._between()
        allowed = np.stack([self._allowed(one) for one in waiting])
        logs = np.where(allowed, self._model.fill(self._cloze, [one.partial for one in waiting]), -np.inf)
        for begun, row in zip(waiting, logs, strict=True):
            if not np.isfinite(top := row.max()):
                continue
            row -= top + np.log(np.exp(row - top).sum())
            best = np.argpartition(-row, min(self._bounds.width, len(row)) - 1)[: self._bounds.width]
            best = best[np.lexsort((best, -row[best]))]
            best = best[np.isfinite(row[best])]
            self._push(_Fork(begun, best.astype(np.int32), row[best].astype(np.float32)), 0)

    def _push(self, fork: _Fork, rank: int) -> None:
        if rank < len(fork.tokens):
            heappush(self._heap, (*fork.promise(rank), next(self._order), fork, rank))

    def _next(self, entry: tuple[float, float, int, _Fork, int]) -> _Begun | None:
        """The tuple that an entry of the heap stands for, its next sibling put in its place; ``None`` if it is not to be had any more."""
        *_, fork, rank = entry
        spent = self._left < len(self._cloze.prompts)
        if (spent and not _last(fork.begun)) or not self._open(fork.begun.names):
            return None
        begun = self._longer(fork, rank)
        self._push(fork, rank + 1)
        return begun if begun is not None and self._open(begun.names) else None

    def _open(self, names: Words) -> bool:
        """Whether the caps leave room for a tuple of these names, which is not there yet."""
        known = [name.casefold() for name in names]
        return (
            not (known and self._heads[known[0]] >= self._bounds.per_head)
            and all(self._words[name] < self._bounds.per_word for name in known)
            and tuple(known) not in self._seen
        )

    def _count(self, names: Words) -> None:
        known = tuple(name.casefold() for name in names)
        self._heads[known[0]] += 1
        self._words.update(known)
        self._seen.add(known)

    def _longer(self, fork: _Fork, rank: int) -> _Begun | None:
        """With one more token; ``None`` if that makes a name which is none, or is in the tuple already."""
        begun = fork.begun
        token, log = int(fork.tokens[rank]), begun.logs[-1] + float(fork.logs[rank])
        now = begun.partial[begun.slot]
        now = (*now[: begun.place], token, *now[begun.place + 1 :])
        partial = (*begun.partial[: begun.slot], now, *begun.partial[begun.slot + 1 :])
        if begun.place + 1 < len(now):
            return _Begun(partial, begun.slot, begun.place + 1, begun.names, (*begun.logs[:-1], log))
        (name,) = self._model.spell([now])
        others = {one.casefold() for one in begun.names}
        if name is None or name.casefold() in self._bounds.banned or name.casefold() in others:
            return None
        logs = (*begun.logs[:-1], log, *((0.0,) if begun.slot + 1 < len(partial) else ()))
        return _Begun(partial, begun.slot + 1, 0, (*begun.names, name), logs)

    def _allowed(self, begun: _Begun) -> Bools:
        """The tokens that may come next. A stop word may begin a name only as a part of a longer word, and may not end one."""
        pieces, tokens = self._model.pieces, begun.partial[begun.slot]
        fit = pieces.opens
        if begun.place:
            fit = pieces.continues if begun.place == 1 and self._stop[tokens[0]] else pieces.opens | pieces.continues
        return fit & ~self._stop if begun.place + 1 == len(tokens) else fit

    @cached_property
    def _stop(self) -> Bools:
        pieces = self._model.pieces
        return np.array([text.casefold() in STOP for text in pieces.texts]) & pieces.opens


def lengths(slots: Sequence[str], most: int) -> list[tuple[int, ...]]:
    """How many tokens the names of a tuple may have, slot by slot: all there is, the shortest first."""
    return sorted(product(range(1, most + 1), repeat=len(slots)), key=sum)


def _last(begun: _Begun) -> bool:
    """Whether one token more makes the tuple complete."""
    return begun.slot + 1 == len(begun.partial) and begun.place + 1 == len(begun.partial[-1])


def _only(fork: _Fork, rank: int) -> _Fork:
    """That token alone: its siblings are in the heap already."""
    return _Fork(fork.begun, fork.tokens[rank : rank + 1], fork.logs[rank : rank + 1])
