"""Candidates as a harvest meets them, one true in ten and one true in fifty, and how far probabilities of them can be trusted.

The curve is fitted on the relations to develop on and measured on those to report. Each head stands with ten tails of the relation's list.
In the first setting its own tail is one of them; in the second for every fifth head only, so that most heads have no right answer at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pairs import Judged

from harvest.bertnet import candidates
from harvest.bertnet.calibrate import OTHERS, knowledge
from harvest.bertnet.prompts import prompt_set
from harvest.bertnet.scoring import CausalJudge, Company, pools, sample
from harvest.rivals import leads
from kgplatform import names
from kgplatform.cards import slots
from kgplatform.lm.ports import TokenScorer
from kgplatform.types import Words

Floats = npt.NDArray[np.float64]
SETTINGS = {"1 in 10": 1, "1 in 50": 5}
"""By how many heads there is one that has its own tail among its ten."""
HEADS, TAILS = 30, 10
_BINS = 10


@dataclass(frozen=True, slots=True)
class Scored:
    """The candidates of one relation in one setting, ``(candidates,)`` each; ``known``: whether a harvest would have begun."""

    relation: str
    scores: Floats
    leads: Floats
    truth: npt.NDArray[np.bool_]
    known: bool


def scored(relation: Judged, setting: str, scorer: TokenScorer) -> Scored:
    """Scores as a harvest gives them."""
    card, told = relation.card, _candidates(relation, SETTINGS[setting])
    prompts = [prompt.template for prompt in prompt_set(card).prompts]
    known = [*relation.true, *relation.false]
    judge = CausalJudge(scorer, Company(slots(card), card.seeds, pools(slots(card), known)))
    learnt = knowledge(card.name, judge, prompts, card.seeds, {at: sample((words[at] for words in known), OTHERS) for at in (0, 1)})
    scores = learnt.scores(judge.scores(prompts, told))
    true = set(relation.true)
    return Scored(
        relation.name, scores, leads(scores, [words[0] for words in told]), np.array([words in true for words in told]), not learnt.doubt
    )


def _candidates(relation: Judged, every: int) -> list[Words]:
    """Ten tails a head, the same ones in every run."""
    true, tails = set(relation.true), list(dict.fromkeys(tail for _, tail in relation.true))
    found: list[Words] = []
    for number, head in enumerate(list(dict.fromkeys(head for head, _ in relation.true))[:HEADS]):
        own = [tail for tail in tails if (head, tail) in true][:1] if number % every == 0 else []
        others = [tail for tail in sorted(tails, key=lambda tail: names.digest(head, tail)) if (head, tail) not in true and tail != head]
        found += [(head, tail) for tail in [*own, *others][:TAILS]]
    return found


def fit(known: Sequence[Scored], ridge: float = 1e-3) -> Floats:
    """Offset, slope of the score, slope of the lead, of log-odds at balance: a logistic regression in which relations and classes weigh
    the same.
    """
    data = np.concatenate([np.column_stack([np.ones(len(one.scores)), one.scores, one.leads]) for one in known])
    truth = np.concatenate([one.truth for one in known]).astype(float)
    weight = np.concatenate([np.where(one.truth, 0.5 / max(1, one.truth.sum()), 0.5 / max(1, (~one.truth).sum())) for one in known])
    weight *= 1000 / weight.sum()
    beta = np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-data @ beta))
        beta -= np.linalg.solve(
            data.T @ (data * (weight * p * (1 - p))[:, None]) + ridge * np.eye(3), data.T @ (weight * (p - truth)) + ridge * beta
        )
    return np.asarray(beta, np.float64)


def probabilities(one: Scored, curve: Floats) -> Floats:
    """As a harvest of that relation gives them."""
    return candidates.posterior(curve[0] + curve[1] * one.scores + curve[2] * one.leads)


def calibration_error(p: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error: ten bins of equal width, their gaps weighed by how many lie in each."""
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    gaps = np.abs(np.bincount(bins, p, _BINS) - np.bincount(bins, truth, _BINS))
    return float(gaps.sum() / counts.sum())
