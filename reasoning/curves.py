"""From features of pairs to log-odds that they are facts: a logistic regression, and by relation a curve that sets its line right.

A line is wrong at its ends, where predictions are made. So held-out facts and other pairs are counted in bins along the line, as many
facts a bin, and what was counted is the curve, made to rise (isotonic regression). A relation has its own counts, to which the
whole graph's curve is added as ``DOUBT`` facts a bin.

The other pairs of a bin are not all false: what the graph lacks is among them. If it is taken to lack ``missing`` facts for each that
was held out, and those lie along the line as the held-out ones do, then of the pairs of a bin that are not held out,
``missing · held out`` are true (Elkan and Noto, 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.view import Ints

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS, LEAST = 20, 10
"""Bins of a curve at most, and held-out facts of one at least."""
DOUBT = 5.0
SUREST = 0.99
"""No pair is taken for a fact more surely."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Pairs: features ``(pairs, features)``, which are held-out facts, for how many pairs each stands, and the pairs ``(pairs, 3)``."""

    values: Reals
    true: Flags
    counts: Reals
    triples: Ints

    @property
    def relations(self) -> Ints:
        return self.triples[:, 1]

    @classmethod
    def joined(cls, parts: Sequence[Sample], features: int) -> Sample:
        nothing = cls(np.zeros((0, features)), np.zeros(0, bool), np.zeros(0), np.zeros((0, 3), np.int64))
        every = [nothing, *parts]
        return cls(*(np.concatenate([getattr(one, part) for one in every]) for part in ("values", "true", "counts", "triples")))

    def of(self, which: Flags | Ints) -> Sample:
        return Sample(self.values[which], self.true[which], self.counts[which], self.triples[which])


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A weight for each feature, and an offset."""

    weights: Reals
    offset: float

    def __call__(self, values: Reals) -> Reals:
        """``(..., features) -> (...)``."""
        odds: Reals = values @ self.weights + self.offset
        return odds


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """``centres`` ``(bins,)`` along the line, ascending, and the log-odds counted there: for all, and for the relations that have facts."""

    centres: Reals
    every: Reals
    each: dict[int, Reals]

    def __call__(self, odds: Reals, relation: int) -> Reals:
        """What the line says, set right; it still rises where the curve is flat."""
        right: Reals = np.interp(odds, self.centres, self.each.get(relation, self.every)) + 1e-6 * odds
        return right

    def each_of(self, odds: Reals, relations: Ints) -> Reals:
        """The same of pairs of several relations, ``(pairs,), (pairs,) -> (pairs,)``."""
        found = np.zeros(len(odds))
        for relation in np.unique(relations).tolist():
            own = relations == relation
            found[own] = self(odds[own], relation)
        return found


def line(sample: Sample, ridge: float = 1.0) -> Line:
    """Logistic regression of truth on features.

    ``ridge`` pulls standardised weights to zero, so that separable data give no infinite ones. Without both
    classes the answer is the same small log-odds for everything.
    """
    from sklearn.linear_model import LogisticRegression

    values, mass = sample.values, sample.counts
    if sample.true.all() or not sample.true.any():
        return Line(np.zeros(values.shape[1]), -4.0)
    middle = np.average(values, axis=0, weights=mass)
    spread = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=mass)) + 1e-9
    found = LogisticRegression(C=1.0 / ridge, solver="newton-cholesky", tol=1e-8, max_iter=1_000)
    found.fit((values - middle) / spread, sample.true, sample_weight=mass)
    weights: Reals = found.coef_[0] / spread
    return Line(weights, float(found.intercept_[0] - weights @ middle))


def curves(sample: Sample, odds: Reals, missing: float) -> Curves:
    """What was counted along the line, which says ``odds`` ``(pairs,)`` of the sample; ``missing`` facts stand for one held out."""
    facts = np.sort(odds[sample.true])
    many = min(BINS, len(facts) // LEAST)
    if many == 0 or sample.true.all():
        return Curves(np.array([-40.0, 40.0]), np.array([-40.0, 40.0]), {})
    edges = np.unique(np.append(facts[0], facts[np.arange(1, many) * len(facts) // many])) - 1e-9
    relations, of = np.unique(sample.relations, return_inverse=True)
    shape = len(relations), len(edges) + 1
    cells = of * shape[1] + np.searchsorted(edges, odds)
    held, others, along = (
        np.bincount(cells, mass, shape[0] * shape[1]).reshape(shape)
        for mass in (sample.counts * sample.true, sample.counts * ~sample.true, sample.counts * odds)
    )
    pairs = (held + others).sum(axis=0)
    there = pairs > 0
    true, others, centres = missing * held[:, there], others[:, there], along[:, there].sum(axis=0) / pairs[there]
    every = _risen((true.sum(axis=0) + 0.5) / (others.sum(axis=0) + 1.0), others.sum(axis=0) + 1.0)
    own = (true + DOUBT) / (others + DOUBT / every)
    each = {relation: _odds(_risen(own[row], others[row] + DOUBT / every)) for row, relation in enumerate(relations.tolist())}
    return Curves(centres, _odds(every), each)


def _risen(shares: Reals, weights: Reals) -> Reals:
    """The nearest shares that never fall: counts are uneven, so that single ones may lie above 1."""
    from sklearn.isotonic import isotonic_regression

    risen: Reals = isotonic_regression(shares, sample_weight=weights)
    return risen


def _odds(shares: Reals) -> Reals:
    certain = np.minimum(shares, SUREST)
    odds: Reals = np.log(certain) - np.log1p(-certain)
    return odds


def auc(true: Reals, other: Reals, weights: Reals) -> float:
    """The probability that a true pair lies above another one; equal counts half. One class alone gives .5."""
    if not len(true) or not len(other):
        return 0.5
    order = np.argsort(other, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(weights[order])])
    below = mass[np.searchsorted(other[order], true, side="left")]
    until = mass[np.searchsorted(other[order], true, side="right")]
    return float(((below + until) / 2.0).mean() / mass[-1])


def area(odds: Reals, sample: Sample) -> float:
    """The same of a sample, of which ``odds`` ``(pairs,)`` are said."""
    return auc(odds[sample.true], odds[~sample.true], sample.counts[~sample.true])
