"""The best way to cut a question's words into stretches, one for each hop of a path: monotone dynamic programming.

Pure arithmetic over arrays, for many paths of one length at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

LONGEST = 6
"""Words that explain one hop at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """What the words of one unrolling are worth.

    ``fit`` ``(words, LONGEST, hops)`` is how well the stretch that begins at a word, one to ``LONGEST`` words long,
    explains each hop; ``naming`` the same by the hop's own wording alone; ``sure`` how certain it is that the hop is meant at
    all, and ``back`` the same of a hop that goes back over the one before. ``alone`` ``(words, hops)`` is what each word by itself has
    to do with a hop in either direction. ``skip`` ``(words,)`` is what it costs to leave a word out, ``cut`` what it costs to begin a
    stretch there.
    """

    fit: Reals
    naming: Reals
    sure: Reals
    back: Reals
    alone: Reals
    skip: Reals
    cut: Reals


def turning(hops: Ints, relations: int) -> Truths:
    """Which hops ``(paths, length)`` go back over the one before."""
    back = np.zeros(hops.shape, dtype=bool)
    back[:, 1:] = (hops[:, :-1] + relations) % (2 * relations) == hops[:, 1:]
    return back


def best_cuts(stretches: Stretches, hops: Ints, returns: bool) -> tuple[Reals, Reals]:
    """For each path ``(paths, length)`` the score of its best cut, and the fit of the hop it explains worst; ``(paths,)`` twice.

    With ``returns``, one stretch may explain a hop and its way back, if it names the relation.
    """
    relations = stretches.fit.shape[-1] // 2
    turned = turning(hops, relations)
    again = np.zeros(hops.shape, dtype=bool)
    again[:, 1:] = hops[:, 1:] % relations == hops[:, :-1] % relations
    left_out = np.concatenate([[0.0], -np.cumsum(stretches.skip)])
    tables = [_Table(np.tile(left_out, (len(hops), 1)), np.full((len(hops), len(left_out)), np.inf))]
    for hop in range(hops.shape[1]):
        tables.append(_longer(stretches, hops, tables, turned[:, hop], again[:, hop], returns))
    return tables[-1].score[:, -1], tables[-1].worst[:, -1]


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Best score, and its worst fit, when the hops so far have used the first words: ``(paths, words + 1)``."""

    score: Reals
    worst: Reals

    def improve(self, word: int, before: _Table, begin: int, value: Reals, cost: float, sure: Reals) -> None:
        score = before.score[:, begin] + value - cost
        better = score > self.score[:, word]
        self.score[better, word] = score[better]
        self.worst[better, word] = np.minimum(before.worst[:, begin], sure)[better]


def _longer(stretches: Stretches, hops: Ints, tables: list[_Table], turned: Truths, again: Truths, returns: bool) -> _Table:
    """The table with one more hop explained."""
    hop, count = len(tables) - 1, len(stretches.skip)
    back = turned & returns
    table = _Table(np.full((len(hops), count + 1), -np.inf), np.full((len(hops), count + 1), -np.inf))
    for word in range(1, count + 1):
        table.score[:, word] = table.score[:, word - 1] - stretches.skip[word - 1]
        table.worst[:, word] = table.worst[:, word - 1]
        for begin in range(max(0, word - LONGEST), word):
            at, cost = (begin, word - begin - 1), float(stretches.cut[begin])
            # One phrase ("release year") does not explain one relation twice over.
            value = np.where(again & (cost > 0), -np.inf, stretches.fit[at][hops[:, hop]])
            sure = np.where(turned, stretches.back[at][hops[:, hop]], stretches.sure[at][hops[:, hop]])
            # What the way back of an announced return leads to ("films") need not be said clearly.
            table.improve(word, tables[hop], begin, value, cost, np.where(back, np.inf, sure))
            if back.any():
                pair = hops[:, hop - 1 : hop + 1]
                named, surely = stretches.naming[at][pair].max(axis=1), stretches.sure[at][pair].max(axis=1)
                table.improve(word, tables[hop - 1], begin, np.where(back, named, -np.inf), cost, surely)
    return table
