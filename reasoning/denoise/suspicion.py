"""How suspect every fact of a graph is, learnt from the graph alone.

Facts are left out fold by fold and described by what the rest of the graph says of them (``signals``); so are corrupted facts, made by
putting another head, relation or tail into a fact. What tells the two apart, gradient-boosted trees, is fitted on half of them and
asked about the other. A false fact in the graph looks to it like a corrupted one, and since nobody was shown the fact itself, it is not
remembered as true: the usual measure, a trained model's own loss, forgets noise only while it has not yet learnt it.

How many facts are wrong nobody knows beforehand. Where the graph has least of what corrupted facts have most, at most that share of it is
of their kind: the best bin estimator of Garg et al., 2021, for learning from positive and unlabelled examples. So the share that is told
is an upper bound, of such facts as look like corrupted ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.ports import Progress
from kgplatform.view import Ints
from reasoning.curves import auc
from reasoning.denoise.signals import NAMES, RELATION, Graph, Reals
from reasoning.noise import Known

FOLDS = 6
HALVES = 2
LEAST = 50
"""Fewer facts say nothing of each other."""
HARD = 0.5
"""Share of the corrupted facts whose new part fits the relation."""
SAMPLE = 100_000
"""Corrupted facts, and as many true ones, that are learnt from."""
ALONE = 50_000
"""Fewer rows are learnt from by one thread."""
DELTA = 0.1
"""How unlikely the bound on the share may be to hold."""


Trees = Callable[[Reals], Reals]
"""From signals ``(m, NAMES)`` to log-odds of being corrupted at even chances ``(m,)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """Of each fact ``(n,)`` the ``log_odds`` of being corrupted at even chances, and the ``probability`` of being wrong when the share
    ``wrong`` of the facts is. ``signals`` ``(n, NAMES)``; ``asked`` by which of the ``trees`` each fact was judged.
    """

    log_odds: Reals
    probability: Reals
    wrong: float
    signals: Reals
    asked: Ints
    trees: tuple[Trees, ...]
    auc: float
    """How well corrupted facts are told from those of the graph: .5 is guessing."""

    def first(self, count: int) -> Ints:
        """The most suspect facts, the most first."""
        return np.argsort(-self.log_odds, kind="stable")[:count]

    def reasons(self, facts: Ints) -> Reals:
        """By how many nats each signal makes each of these facts suspect, ``(facts, NAMES)``: how much less suspect a fact would be, were
        that signal as it usually is for the facts of its relation.
        """
        found = np.zeros((len(facts), len(NAMES)))
        for row, fact in enumerate(facts.tolist()):
            alike = self.signals[self.signals[:, RELATION] == self.signals[fact, RELATION]]
            tried = np.tile(self.signals[fact], (len(NAMES), 1))
            np.fill_diagonal(tried, np.median(alike, axis=0))
            found[row] = self.log_odds[fact] - self.trees[self.asked[fact]](tried)
        return found


def suspicion(triples: Ints, entities: int, relations: int, *, seed: int = 0, progress: Progress | None = None) -> Suspicion:
    """Raises ``BadRequest`` where there are too few facts, or entities to put into another's place."""
    if len(triples) < LEAST or entities < 3:
        raise BadRequest(
            f"the graph has {len(triples)} facts between {entities} entities: it takes {LEAST} to tell which of them do not fit"
        )
    draw = np.random.default_rng(seed)
    false = corrupted(triples, entities, relations, min(len(triples), SAMPLE), draw)
    fold, false_fold = (draw.permutation(len(rows)) % FOLDS for rows in (triples, false))
    signals, false_signals = np.zeros((len(triples), len(NAMES))), np.zeros((len(false), len(NAMES)))
    for number in range(FOLDS):
        graph = Graph(triples[fold != number], entities, relations)
        signals[fold == number] = graph.signals(triples[fold == number])
        false_signals[false_fold == number] = graph.signals(false[false_fold == number])
        if progress is not None:
            progress(number + 1, FOLDS + HALVES)
    odds, false_odds = np.zeros(len(triples)), np.zeros(len(false))
    grown: list[Trees] = []
    for half in range(HALVES):
        learnt, asked = fold % HALVES != half, fold % HALVES == half
        some = draw.permutation(np.flatnonzero(learnt))[:SAMPLE]
        grown.append(_grown(signals[some], false_signals[false_fold % HALVES != half]))
        odds[asked] = grown[-1](signals[asked])
        false_odds[false_fold % HALVES == half] = grown[-1](false_signals[false_fold % HALVES == half])
        if progress is not None:
            progress(FOLDS + half + 1, FOLDS + HALVES)
    wrong = share(odds, false_odds)
    told = auc(false_odds, odds, np.ones(len(odds)))
    return Suspicion(odds, probabilities(odds, false_odds, wrong), wrong, signals, fold % HALVES, tuple(grown), told)


def corrupted(triples: Ints, entities: int, relations: int, count: int, draw: np.random.Generator) -> Ints:
    """So many triples, or as many as are found, that are not among those given: each of them with another head, relation or tail.

    Of some of them what is new fits the relation: these are the hard ones.
    """
    known, hard = Known(np.unique(triples, axis=0), entities, relations), round(HARD * count)
    found = np.concatenate([known.some(hard, "typed", draw), known.some(count - hard, "uniform", draw)])
    return np.unique(found, axis=0)


def _grown(right: Reals, wrong: Reals) -> Trees:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.06, l2_regularization=1.0, early_stopping=False, random_state=0)
    values, truth = np.concatenate([right, wrong]), np.repeat([0.0, 1.0], [len(right), len(wrong)])
    # On few rows threads only wait for each other, on a busy machine for minutes.
    with threadpool_limits(1 if len(values) < ALONE else None, user_api="openmp"):
        trees.fit(values, truth, np.where(truth == 1, len(right) / len(wrong), 1.0))
    return lambda signals: np.asarray(trees.decision_function(signals), np.float64)


def share(odds: Reals, false: Reals) -> float:
    """At most so many facts are of the kind of the ``false`` ones, by the log-odds of both."""
    order = np.sort(false)[::-1]
    above = np.arange(1, len(order) + 1) / len(order)
    facts = 1 - np.searchsorted(np.sort(odds), order, side="left") / len(odds)
    slack = np.sqrt(np.log(4 / DELTA) / 2) * (1 / np.sqrt(len(odds)) + 1 / np.sqrt(len(false)))
    best = int(np.argmin((facts + slack) / above))
    return float(min(1.0, max(facts[best], 1 / len(odds)) / above[best]))


def probabilities(odds: Reals, false: Reals, wrong: float) -> Reals:
    """Of facts to be wrong, when that share of them is: by how much oftener corrupted ones have such log-odds, which only ever rises."""
    from sklearn.isotonic import IsotonicRegression

    values, truth = np.concatenate([odds, false]), np.repeat([0.0, 1.0], [len(odds), len(false)])
    weight = np.where(truth == 1, 1 / len(false), 1 / len(odds))
    even = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(values, truth, weight).predict(odds)
    return np.asarray(np.minimum(1.0, wrong * even / np.maximum(1 - even, 1e-12)), np.float64)
