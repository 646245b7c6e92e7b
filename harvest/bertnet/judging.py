"""How likely the candidates of one round are true.

A score becomes a probability by a curve that was fitted once, on relations of our own (``benchmarks/bertnet``), over two numbers: the
score in units of what the card's corrupted seeds score, and its lead over the best rival tail of the same head. A head that comes with
few tails, as a chat model lists them, is given others out of a pool as rivals: whoever stands alone is ahead of nothing. How many of a
round's candidates are true nobody knows beforehand: that share is estimated from the round's own scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harvest.bertnet.calibrate import Knowledge, readable
from harvest.bertnet.candidates import Judged
from harvest.bertnet.scoring import Floats, Judge
from harvest.rivals import leads
from kgplatform.ports import Progress
from kgplatform.types import Words

OFFSET, SCORE, LEAD = -0.38, 0.72, 0.92
"""Log-odds of a candidate before its prior, as a line over score and lead; fitted on the half of the relations kept for that."""
FEWEST, MOST = 0.005, 0.9
"""Between these lies the share of candidates that are true, whatever their scores say."""
RIVALS = 4
"""Other tails that a head is judged among, if the pool has so many."""
SHOWN = 3
"""Prompts that evidence names, those that speak the most for it."""
_MOST_SURE = 30.0
_SEEN, _SHARE = 20, 0.3
"""So many candidates are taken to have been seen before, of which that share was true."""


@dataclass(frozen=True, slots=True)
class Judging:
    """How candidates of a relation are judged: by whom, with which ``prompts``, after what was ``learnt`` of the model, beside tails of a
    ``pool``; with ``either_way`` a pair turned round is a rival too.
    """

    judge: Judge
    prompts: Sequence[str]
    learnt: Knowledge
    pool: Sequence[str] = ()
    either_way: bool = False

    def of(self, tuples: Sequence[Words], by: str = "", progress: Progress | None = None) -> list[Judged]:
        """The tuples of a round with their probabilities, best first, without those that the model has no tokens for."""
        beside = rivals(tuples, self.pool)
        turned = [(words[1], words[0], *words[2:]) for words in tuples] if self.either_way else []
        matrix = self.judge.scores(self.prompts, [*tuples, *turned, *beside], progress)
        own, other, against = np.split(matrix, np.cumsum([len(tuples), len(turned)]), axis=1)
        able, fit = readable(own), readable(against)
        told = [words for words, can in zip(tuples, able, strict=True) if can]
        heads = [words[0] for words in (*told, *(words for words, can in zip(beside, fit, strict=True) if can))]
        scores = self.learnt.scores(own[:, able])
        ahead = leads(np.concatenate([scores, self.learnt.scores(against[:, fit])]), heads)[: len(told)]
        if turned:
            ahead = np.fmin(ahead, scores - self.learnt.scores(other[:, able]))
        return self._ranked(told, scores, ahead, own[:, able], by)

    def _ranked(self, tuples: Sequence[Words], scores: Floats, ahead: Floats, matrix: Floats, by: str) -> list[Judged]:
        probabilities = posterior(log_odds(scores, ahead))
        spoken = np.asarray(self.learnt.weights)[:, None] * matrix
        best = np.argsort(-spoken, axis=0, kind="stable")[:SHOWN]
        order = np.lexsort((-scores, -probabilities))
        return [
            Judged(
                tuples[at],
                float(probabilities[at]),
                float(scores[at]),
                float(ahead[at]),
                by,
                tuple((self.prompts[row], float(matrix[row, at])) for row in best[:, at]),
            )
            for at in order.tolist()
        ]


def rivals(tuples: Sequence[Words], pool: Sequence[str]) -> list[Words]:
    """Heads that have fewer than ``RIVALS`` other tails, with tails out of the ``pool``."""
    tails: dict[str, set[str]] = {}
    for words in tuples:
        tails.setdefault(words[0], set()).add(words[1])
    few = {words[0]: words for words in tuples if len(tails[words[0]]) <= RIVALS}
    return [
        (head, tail, *words[2:])
        for head, words in few.items()
        for tail in [other for other in pool if other not in tails[head] and other != head][: RIVALS + 1 - len(tails[head])]
    ]


def log_odds(scores: Floats, ahead: Floats) -> Floats:
    """Log-likelihood ratios of true against false: ``(candidates,)``."""
    return np.asarray(OFFSET + SCORE * scores + LEAD * ahead, np.float64)


def posterior(ratios: Floats, rounds: int = 50) -> Floats:
    """Probabilities of candidates by their log-likelihood ratios, with the share of true ones that makes the ratios likeliest.

    That share is found by expectation maximisation (Saerens et al., 2002), beside some candidates of a usual share, lest a few without
    rivals talk each other up.
    """
    ratios, share = np.clip(ratios, -_MOST_SURE, _MOST_SURE), 0.5
    given = np.zeros(0)
    for _ in range(rounds):
        given = 1 / (1 + np.exp(-(ratios + np.log(share / (1 - share)))))
        share = float(np.clip((given.sum() + _SEEN * _SHARE) / (len(given) + _SEEN), FEWEST, MOST))
    return np.asarray(given, np.float64)
