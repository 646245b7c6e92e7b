"""A second model's word on the pairs that the first would propose: ULTRA, which needs no training on the graph.

It is slow to ask, so it is asked about the likeliest pairs only. On such pairs, among which held-out facts are, both are fitted together,
and what they say together is taken where it tells these facts from the others better than the first model alone: neither
of the two is always better (Galkin et al., 2023).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.ports import Progress
from kgplatform.view import GraphView, Ints
from reasoning.candidates import Cards, Reals, Room, Weigher
from reasoning.curves import Curves, Line, Sample, area, curves, line

if TYPE_CHECKING:
    from reasoning.models.ultra import Ultra

POOL = 1_000
"""The pairs that the second model is asked about."""
PARTS = 5
"""In so many parts, each judged by a line fitted to the others, the two ways are compared."""
SURE, DRAWS = 0.95, 400
"""Both are heard where they are better on such a share of so many draws."""


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """ULTRA's parameters under a name that says which they are."""

    ultra: Ultra
    name: str
    device: str

    @classmethod
    def load(cls, path: Path, device: str) -> Second:
        """Raises ``BadFile`` for what are no parameters of ULTRA."""
        from reasoning.models.ultra import Ultra

        ultra = Ultra.load(path)
        parameters = b"".join(value.numpy().tobytes() for value in ultra.state_dict().values())
        return cls(ultra.to(device), hashlib.blake2b(parameters, digest_size=8).hexdigest(), device)

    def words(self, view: GraphView, cards: Cards, taken: Ints, pairs: Ints, progress: Progress | None = None) -> Reals:
        """Of open pairs ``(n, 3)``, by the facts of the view: log share and score, ``(n, 2)``, as ``Weigher.opinion``."""
        on = self.ultra.on(view.triples, len(view.entities), len(view.relations)).to(self.device)
        weigher, found, done = Weigher.of(on, view), np.zeros((len(pairs), 2)), 0
        for relation in np.unique(pairs[:, 1]).tolist():
            room, which = Room.of(view, relation, cards, taken), np.flatnonzero(pairs[:, 1] == relation)
            places = np.searchsorted(room.heads, pairs[which, 0]), np.searchsorted(room.tails, pairs[which, 2])
            found[which] = np.stack(weigher.opinion(room, *places), axis=-1)
            done += len(which)
            if progress is not None:
                progress(done, len(pairs))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A sample of one fold, the facts that it was judged by, and the pairs that were no candidates."""

    sample: Sample
    view: GraphView
    taken: Ints

    def pool(self, odds: Reals, most: int) -> Sample:
        """The likeliest pairs that stand for themselves alone, with what the first model says of them as their one value."""
        single = self.sample.counts == 1.0
        whole = np.unique(self.sample.relations[single & ~self.sample.true])  # of others only the held-out facts stand alone
        alone = np.flatnonzero(single & np.isin(self.sample.relations, whole))
        best = alone[np.argsort(-odds[alone], kind="stable")[:most]]
        found = self.sample.of(best)
        return Sample(odds[best][:, None], found.true, found.counts, found.triples)


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """``alone`` and ``auc`` say how well pool facts are told from others, by the first model and by both.

    ``sure`` is the share of pools, drawn again from this one, on which both tell them better.
    """

    second: Second
    line: Line
    curves: Curves
    alone: float
    auc: float
    sure: float

    @property
    def wins(self) -> bool:
        return self.sure >= SURE

    def log_odds(self, odds: Reals, words: Reals, relations: Ints) -> Reals:
        """What both say: ``(pairs,), (pairs, 2), (pairs,) -> (pairs,)``."""
        return self.curves.each_of(self.line(np.column_stack([odds, words])), relations)


def blended(
    second: Second, folds: Sequence[Judged], odds: Callable[[Sample], Reals], cards: Cards, missing: float, progress: Progress | None = None
) -> Blend:
    """Fit both models together on the pools of all folds; ``odds`` is what the first one says, ``missing`` as for ``curves``."""
    parts = []
    for number, fold in enumerate(folds):
        pool = fold.pool(odds(fold.sample), POOL)

        def told(done: int, total: int, number: int = number) -> None:
            if progress is not None:
                progress(number * total + done, len(folds) * total)

        words = second.words(fold.view, cards, fold.taken, pool.triples, told)
        parts.append(Sample(np.column_stack([pool.values, words]), pool.true, pool.counts, pool.triples))
    every = Sample.joined(parts, 3)
    both = line(every)
    one, other, draw = every.values[:, 0], _apart(every), np.random.default_rng(0)
    drawn = [draw.integers(max(1, len(one)), size=len(one)) for _ in range(DRAWS)]
    sure = float(np.mean([area(other[some], every.of(some)) > area(one[some], every.of(some)) for some in drawn]))
    return Blend(second, both, curves(every, both(every.values), missing), area(one, every), area(other, every), sure)


def _apart(sample: Sample) -> Reals:
    """What a line says of each part that was fitted to the others."""
    part = np.random.default_rng(0).permutation(len(sample.true)) % PARTS
    odds = np.zeros(len(part))
    for number in range(PARTS):
        odds[part == number] = line(sample.of(part != number))(sample.values[part == number])
    return odds
