"""Candidates as a harvest meets them, and how far probabilities of them can be trusted.

The curve is fitted on the relations to develop on and measured on those to report. In two settings each head stands with ten tails of the
relation's list: its own is one of them, or is so for every fifth head only, so that most heads have no right answer at all. In the third
each head stands with one tail, right for every second head, in rounds of eight, as a chat model lists them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pairs import Judged as Pairs

from harvest.bertnet import judging
from harvest.bertnet.calibrate import OTHERS, knowledge
from harvest.bertnet.judging import RIVALS, Judging
from harvest.bertnet.prompts import prompt_set
from harvest.bertnet.scoring import CausalJudge, Company, pools, sample
from kgplatform import names
from kgplatform.cards import slots
from kgplatform.lm.ports import TokenScorer
from kgplatform.types import Words

Floats = npt.NDArray[np.float64]
HEADS = 30
_BINS = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """``tails`` a head, its own among them for one head in ``every``; judged in rounds of so many candidates."""

    every: int
    tails: int = 10
    round: int = 1_000


SETTINGS = {"1 in 10": Setting(1), "1 in 50": Setting(5), "alone, 1 in 2": Setting(2, 1, 8)}


@dataclass(frozen=True, slots=True)
class Scored:
    """The candidates of one relation in one setting, ``(candidates,)`` each; ``known``: whether a harvest would have begun."""

    relation: str
    scores: Floats
    leads: Floats
    truth: npt.NDArray[np.bool_]
    known: bool
    round: int


def scored(relation: Pairs, setting: Setting, scorer: TokenScorer) -> Scored:
    """Scores as a harvest gives them."""
    card, told = relation.card, _candidates(relation, setting)
    prompts = [prompt.template for prompt in prompt_set(card).prompts]
    known = [*relation.true, *relation.false]
    judge = CausalJudge(scorer, Company(slots(card), card.seeds, pools(slots(card), known)))
    learnt = knowledge(card.name, judge, prompts, card.seeds, {at: sample((words[at] for words in known), OTHERS) for at in (0, 1)})
    judged = Judging(judge, prompts, learnt, sample((tail for _, tail in known), RIVALS + 1))
    found = [one for at in range(0, len(told), setting.round) for one in judged.of(told[at : at + setting.round])]
    order = {words: at for at, words in enumerate(told)}
    found.sort(key=lambda one: order[one.words])
    true = set(relation.true)
    scores, leads = (np.array([getattr(one, what) for one in found]) for what in ("score", "lead"))
    return Scored(relation.name, scores, leads, np.array([one.words in true for one in found]), not learnt.doubt, setting.round)


def _candidates(relation: Pairs, setting: Setting) -> list[Words]:
    """So many tails a head, the same ones in every run."""
    true, tails = set(relation.true), list(dict.fromkeys(tail for _, tail in relation.true))
    found: list[Words] = []
    for number, head in enumerate(list(dict.fromkeys(head for head, _ in relation.true))[:HEADS]):
        own = [tail for tail in tails if (head, tail) in true][:1] if number % setting.every == 0 else []
        others = [tail for tail in sorted(tails, key=lambda tail: names.digest(head, tail)) if (head, tail) not in true and tail != head]
        found += [(head, tail) for tail in [*own, *others][: setting.tails]]
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
    odds = curve[0] + curve[1] * one.scores + curve[2] * one.leads
    return np.concatenate([judging.posterior(odds[at : at + one.round]) for at in range(0, len(odds), one.round)])


def calibration_error(p: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error: ten bins of equal width, their gaps weighed by how many lie in each."""
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    gaps = np.abs(np.bincount(bins, p, _BINS) - np.bincount(bins, truth, _BINS))
    return float(gaps.sum() / counts.sum())
