"""From what a model says of a pair to log-odds, fitted to facts that the model was not shown.

Facts are held out, a model learns from the rest, and every pair that it could then have proposed is labelled
by whether it was a held-out fact; a logistic regression of that on ``candidates.features`` gives the
log-odds. A small graph is held out several times over, each time from a fresh model; a large one once, and
the model that was judged is the model that is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kgplatform.ports import Progress
from kgplatform.view import GraphView, Ints
from reasoning.candidates import FEATURES, Cards, Reals, allowed, features, mirrored, still_open
from reasoning.recipe import Recipe
from reasoning.rules import Chains
from reasoning.split import removable
from reasoning.train import PLAIN, Learning, Predictor, train

LARGE = 5_000
"""From so many facts on, one model is trained and judged; below, ``FOLDS`` are judged and one more learns everything."""
FOLDS = 5
SHARE, MOST_HELD = 0.15, 1_000
SAMPLE = 20_000
"""Pairs of one relation that stand for all its others."""
LEAST_HELD = 20
"""Fewer different held-out facts say nothing about a model."""
MISSING = 0.1
"""The prior of a prediction: for so many facts that the graph has, one is taken to be missing. Other shares are held out to learn from."""
LEAST_AUC = 0.65
"""Random guessing gives .5, with a spread of about .05 on the smallest graphs: below this nothing is proposed."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well held-out facts were told from other pairs that their relations allow: .5 is guessing, 1 is perfect."""

    auc: float
    held_out: int
    relations: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """The same of each relation: its AUC, and how many of its facts were held out."""

    @property
    def enough(self) -> bool:
        return self.held_out >= LEAST_HELD and self.auc >= LEAST_AUC


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A model with the weights ``(features + 1,)``, the last an offset, that make log-odds of its features."""

    predictor: Predictor
    weights: Reals
    quality: Quality

    def log_odds(self, features: Reals) -> Reals:
        """``(..., features) -> (...)``."""
        return _odds(features, self.weights)


def calibrated(view: GraphView, cards: Cards, taken: Ints, learning: Learning = PLAIN) -> Calibrated:
    """Train on the view and find out how far the model can be believed. ``taken`` are pairs known not to be candidates."""
    recipe = Recipe.fitting(view, learning.model)
    learned = partial(train, recipe=recipe, device=learning.device, heard=learning.heard)
    rounds = 1 if len(view) >= LARGE else FOLDS
    stages = _Stages(rounds + (rounds > 1), learning.progress)
    samples: list[_Sample] = []
    shown: set[int] = set()
    shares = []
    for fold in range(rounds):
        held = removable(view, min(MOST_HELD, round(SHARE * len(view))), seed=fold)
        shown |= set(held.tolist())
        shares.append(len(held) / max(1, len(view) - len(held)))
        rest = view.only(np.setdiff1d(np.arange(len(view)), held))
        valid = view.triples[held] if rounds == 1 else None
        predictor = learned(mirrored(rest, cards), valid=valid, progress=stages.stage(fold))
        samples.append(_sample(predictor, rest, view.triples[held], _without(taken, view.triples[held]), cards))
    if rounds > 1:
        predictor = learned(mirrored(view, cards), progress=stages.stage(rounds))
    weights = fit(*_joined(samples)[:3])
    weights[-1] += np.log(MISSING / max(1e-9, float(np.mean(shares))))
    return Calibrated(predictor, weights, _measured(samples, len(shown), view.relations))


def _joined(samples: Sequence[_Sample]) -> _Sample:
    true, other, counts, of_true, of_other = (np.concatenate([sample[part] for sample in samples]) for part in range(5))
    return true, other, counts, of_true, of_other


def _measured(samples: Sequence[_Sample], held: int, names: Sequence[str]) -> Quality:
    """The area under the curve of each fold by weights that were fitted to the others; of one fold by its own."""
    judged: list[_Sample] = []
    for number, (true, other, counts, of_true, of_other) in enumerate(samples):
        weights = fit(*_joined([sample for place, sample in enumerate(samples) if place != number or len(samples) == 1])[:3])
        judged.append((_odds(true, weights), _odds(other, weights), counts, of_true, of_other))
    true, other, counts, of_true, of_other = _joined(judged)
    each = {
        names[number]: (auc(true[of_true == number], other[of_other == number], counts[of_other == number]), int((of_true == number).sum()))
        for number in np.unique(of_true).tolist()
    }
    return Quality(auc(true, other, counts), held, each)


@dataclass(frozen=True, slots=True)
class _Stages:
    """Several trainings told as one progress."""

    count: int
    progress: Progress | None

    def stage(self, number: int) -> Progress | None:
        if (progress := self.progress) is None:
            return None
        return lambda done, total: progress(number * total + done, self.count * total)


_Sample = tuple[Reals, Reals, Reals, Ints, Ints]
"""Features of held-out facts and of other pairs, how many pairs each of these stands for, and the relations of both."""


def _without(taken: Ints, held: Ints) -> Ints:
    gone = {tuple(row) for row in held.tolist()}
    return np.array([row for row in taken.tolist() if tuple(row) not in gone], dtype=np.int64).reshape(-1, 3)


def _sample(predictor: Predictor, rest: GraphView, held: Ints, taken: Ints, cards: Cards) -> _Sample:
    """Of the held-out facts and of other open pairs."""
    rng = np.random.default_rng(predictor.recipe.seed)
    chains = Chains(rest.triples, len(rest.entities), len(rest.relations))
    nothing = np.zeros((0, FEATURES))
    true, other, counts = [nothing], [nothing], [np.zeros(0)]
    relations: tuple[list[Ints], list[Ints]] = ([np.zeros(0, np.int64)], [np.zeros(0, np.int64)])
    for relation in np.unique(held[:, 1]).tolist():
        ends = allowed(rest, relation, cards)
        values = features(predictor, rest, relation, ends, predictor.device, chains)
        there = still_open(rest, relation, ends, taken, cards)
        hidden = there & ~still_open(rest, relation, ends, np.concatenate([taken, held]), cards)
        others = np.flatnonzero(there & ~hidden)
        drawn = rng.permutation(others)[:SAMPLE]
        true.append(values[hidden])
        other.append(values.reshape(-1, FEATURES)[drawn])
        counts.append(np.full(len(drawn), len(others) / max(1, len(drawn))))
        for found, listed in zip(relations, (true, other), strict=True):
            found.append(np.full(len(listed[-1]), relation))
    return np.concatenate(true), np.concatenate(other), np.concatenate(counts), np.concatenate(relations[0]), np.concatenate(relations[1])


def auc(true: Reals, other: Reals, weights: Reals) -> float:
    """The probability that a true pair lies above another one; equal counts half. One class alone gives .5."""
    if not len(true) or not len(other):
        return 0.5
    order = np.argsort(other, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(weights[order])])
    below = mass[np.searchsorted(other[order], true, side="left")]
    until = mass[np.searchsorted(other[order], true, side="right")]
    return float(((below + until) / 2.0).mean() / mass[-1])


def _odds(values: Reals, weights: Reals) -> Reals:
    odds: Reals = values @ weights[:-1] + weights[-1]
    return odds


def fit(true: Reals, other: Reals, counts: Reals, ridge: float = 1.0) -> Reals:
    """Weights of the logistic regression of truth on features, the offset last, by Newton's method.

    ``ridge`` pulls standardised weights to zero, so that separable data give no infinite ones. Without both
    classes the answer is the same small log-odds for everything.
    """
    if not len(true) or not len(other):
        return np.array([0.0] * true.shape[1] + [-4.0])
    values, mass = np.concatenate([true, other]), np.concatenate([np.ones(len(true)), counts])
    goal = np.concatenate([np.ones(len(true)), np.zeros(len(other))])
    middle = np.average(values, axis=0, weights=mass)
    spread = np.sqrt(np.average((values - middle) ** 2, axis=0, weights=mass)) + 1e-9
    design = np.column_stack([(values - middle) / spread, np.ones(len(values))])
    pull = ridge * np.append(np.ones(values.shape[1]), 1e-6)
    weights = np.append(np.zeros(values.shape[1]), np.log(len(true) / counts.sum()))
    for _ in range(100):
        share = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -40, 40)))
        slope = design.T @ (mass * (share - goal)) + pull * weights
        curve = (design * (mass * share * (1 - share))[:, None]).T @ design + np.diag(pull)
        step = np.clip(np.linalg.solve(curve, slope), -2.0, 2.0)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    scaled = weights[:-1] / spread
    return np.append(scaled, weights[-1] - scaled @ middle)
