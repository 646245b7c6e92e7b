"""The parts of pair scoring, one added after the other: what each is worth is the difference between two lines of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harvest.bertnet.calibrate import OTHERS, corrupted, trust
from harvest.bertnet.evaluate import sentence_scores
from harvest.bertnet.rewording import built_in
from harvest.bertnet.scoring import NEUTRAL, CausalJudge, Company, pools, sample
from harvest.bertnet.sentences import template
from kgplatform.cards import slots
from kgplatform.lm.ports import TokenScorer
from kgplatform.templates import why_not
from kgplatform.types import Relation, Words

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variant:
    """How pairs are scored: which prompts, against what, with how many seeds before them, and how prompts are put together."""

    name: str
    prompts: str = "all"  # one, tail last, all, one and built in, all and built in
    against: str = "kind"  # nothing, this, neutral, seeds, kind
    shots: int = 3
    weighing: str = "mean"  # mean, trust, logistic
    rivals: bool = False
    length: float = 0.0  # power of the letters of the scored words by which a score is divided
    pool: int = 4


VARIANTS = (
    Variant("one prompt, log p(sentence) per letter", "one", "sentence"),
    Variant("one prompt, log p(tail | head)", "one", "nothing", 0),
    Variant("one prompt, against “This”", "one", "this", 0),
    Variant("one prompt, against others of the kind", "one", "kind", 0),
    Variant("prompts that end with the tail", "tail last", "kind", 0),
    Variant("prompts of both directions", "all", "kind", 0),
    Variant("with seeds as examples", "all", "kind"),
    Variant("with trust in prompts: ours", weighing="trust"),
)
ASIDE = (
    Variant("one prompt, against five neutral words", "one", "neutral", 0),
    Variant("one prompt, all else", "one"),
    Variant("one prompt and built-in ones, all else", "one and built in", weighing="trust"),
    Variant("ours and built-in prompts", "all and built in", weighing="trust"),
    Variant("ours, weights by logistic regression", weighing="logistic"),
    Variant("ours with six examples", shots=6, weighing="trust"),
    Variant("ours with a pool of 8", pool=8, weighing="trust"),
    Variant("ours, divided by letters to the power .5", weighing="trust", length=0.5),
)
CLOSED = (Variant("the list as a closed world (rivals)", "all", "kind", rivals=True),)
"""All pairs of the list's words are scored for this one, which takes fifty times as long."""


def score(variant: Variant, card: Relation, told: Sequence[Words], scorer: TokenScorer) -> Floats:
    """One number for each tuple, ``(tuples,)``."""
    places = slots(card)
    if variant.against == "sentence":
        return sentence_scores(card.prompts[0], places, told, scorer)
    prompts = _prompts(variant, card)
    if variant.against == "nothing":
        return _conditional(prompts[0], places, told, scorer)
    known = [*card.seeds, *told]
    company = Company(places, card.seeds, pools(places, known, variant.pool) if variant.against == "kind" else {}, variant.shots)
    if variant.against in ("this", "neutral"):
        company = replace(company, neutral=("This",) if variant.against == "this" else NEUTRAL)
    judge = CausalJudge(scorer, company)
    weights = _weights(variant, card, told, judge, prompts)
    if variant.rivals:
        return _closed(told, lambda tuples: weights @ judge.scores(prompts, tuples))
    scores = weights @ judge.scores(prompts, told)
    return np.asarray(scores / np.array([len(words[1]) for words in told]) ** variant.length, np.float64)


def _prompts(variant: Variant, card: Relation) -> list[str]:
    own = list(card.prompts)
    if variant.prompts == "one":
        return own[:1]
    if variant.prompts == "tail last":
        return [prompt for prompt in own if template(prompt).slots[-1] == "tail"]
    if variant.prompts == "all":
        return own
    if variant.prompts == "one and built in":
        card, own = replace(card, prompts=card.prompts[:1]), own[:1]
    return [*own, *(prompt for prompt in built_in(card) if not why_not(card, prompt, own))]


def _conditional(prompt: str, places: Sequence[str], told: Sequence[Words], scorer: TokenScorer) -> Floats:
    read = template(prompt)
    return scorer.logprobs([read.parted([words[places.index(slot)] for slot in read.slots]) for words in told])


def _weights(variant: Variant, card: Relation, told: Sequence[Words], judge: CausalJudge, prompts: Sequence[str]) -> Floats:
    if variant.weighing == "mean":
        return np.full(len(prompts), 1 / len(prompts))
    others = {at: sample((words[at] for words in told), OTHERS) for at in range(len(slots(card)))}
    false = corrupted(card.seeds, others)
    matrix = judge.scores(prompts, [*card.seeds, *false])
    right, wrong = matrix[:, : len(card.seeds)], matrix[:, len(card.seeds) :]
    return trust(right, wrong) if variant.weighing == "trust" else _logistic(right, wrong)


def _logistic(right: Floats, wrong: Floats, ridge: float = 1.0) -> Floats:
    """Weights of a logistic regression, both classes weighing the same, drawn towards even ones."""
    scale = np.concatenate([right, wrong], 1).std(1) + 1e-9
    data = np.concatenate([right, wrong], 1).T / scale
    truth = np.r_[np.ones(right.shape[1]), np.zeros(wrong.shape[1])]
    weight = np.where(truth > 0, 0.5 / right.shape[1], 0.5 / wrong.shape[1]) * 2 * right.shape[1]
    design, start = np.column_stack([np.ones(len(data)), data]), np.r_[0.0, np.full(len(right), 1 / len(right))]
    beta, penalty = start.copy(), np.diag([1e-6, *[ridge] * len(right)])
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (p - truth)) + penalty @ (beta - start)
        beta -= np.linalg.solve(design.T @ (design * (weight * p * (1 - p))[:, None]) + penalty, gradient)
    return np.asarray(beta[1:] / scale, np.float64)


def _closed(told: Sequence[Words], scores: Callable[[Sequence[Words]], Floats]) -> Floats:
    """The chance of a pair among all that the list's words could form, by head and by tail, in logarithms."""
    heads, tails = (list(dict.fromkeys(words[at] for words in told)) for at in (0, 1))
    table = scores([(head, tail) for head in heads for tail in tails]).reshape(len(heads), len(tails))
    table = table - np.logaddexp.reduce(table, axis=0, keepdims=True)
    table = table - np.logaddexp.reduce(table, axis=1, keepdims=True)
    return np.array([table[heads.index(head), tails.index(tail)] for head, tail in told])
