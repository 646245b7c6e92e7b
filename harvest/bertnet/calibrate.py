"""From a score to log-odds, by the card's own seeds against the same seeds shuffled.

Each seed head is scored with every seed's tail. The right pairs against the wrong ones give a logistic curve
over two numbers: the score, and its lead over the best rival tail of the same head. Where even the seeds
cannot be told from the shuffled ones, the model does not know the relation, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harvest.bertnet.scoring import slot_pmi
from harvest.rivals import leads
from kgplatform.lm.ports import TokenScorer
from kgplatform.types import Relation

Floats = npt.NDArray[np.float64]
MIN_SEEDS = 3
MIN_AUC = 0.75
"""Seeds against shuffled seeds: below this the relation is not harvested."""
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the model knows of a relation: ``auc`` on seeds, and the curve over (score, lead)."""

    auc: float
    weights: tuple[float, float, float]

    @property
    def known(self) -> bool:
        return self.auc >= MIN_AUC

    def log_odds(self, scores: Floats, leads: Floats) -> Floats:
        """Log-likelihood ratios of right against wrong: ``(pairs,)``."""
        offset, slope, lead = self.weights
        return offset + slope * scores + lead * leads


def knowledge(card: Relation, scorer: TokenScorer) -> Knowledge:
    """Measure the model on the card's seeds; fewer than three seeds count as not known."""
    if len(card.seeds) < MIN_SEEDS:
        return Knowledge(0.0, (0.0, 0.0, 0.0))
    tails = list(dict.fromkeys(tail for _, tail in card.seeds))
    true = set(card.seeds)
    pairs = [(head, tail) for head in dict.fromkeys(head for head, _ in card.seeds) for tail in tails]
    right = np.array([pair in true for pair in pairs])
    scores = slot_pmi(card, pairs, scorer)
    ahead = leads(scores, [head for head, _ in pairs])
    return Knowledge(_auc(scores, right), _fit(np.stack([scores, ahead], axis=1), right))


def _auc(scores: Floats, right: npt.NDArray[np.bool_]) -> float:
    differences = scores[right][:, None] - scores[~right][None, :]
    return float((differences > 0).mean() + (differences == 0).mean() / 2) if differences.size else 0.0


def _fit(features: Floats, right: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """A ridge logistic regression on standardised features, both classes weighing the same; Newton's steps."""
    scale = features.std(0) + 1e-9
    design = np.column_stack([np.ones(len(features)), features / scale])
    weight = np.where(right, 0.5 / max(1, right.sum()), 0.5 / max(1, (~right).sum())) * len(right)
    penalty = np.diag([1e-6, _RIDGE, _RIDGE])
    beta = np.zeros(3)
    for _ in range(25):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (p - right)) + penalty @ beta
        hessian = design.T @ (design * (weight * p * (1 - p))[:, None]) + penalty
        beta -= np.linalg.solve(hessian, gradient)
    return float(beta[0]), float(beta[1] / scale[0]), float(beta[2] / scale[1])
