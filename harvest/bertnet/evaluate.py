"""How well a model tells true from false tuples of a relation: with all that a harvest uses, and by one plain prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harvest.bertnet.calibrate import OTHERS, area, knowledge
from harvest.bertnet.scoring import CausalJudge, Company, Floats, pools, sample
from harvest.bertnet.sentences import template
from kgplatform.cards import slots
from kgplatform.lm.ports import TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Relation, Words

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``auc`` with its 95 % interval (bootstrap over tuples), and ``auc_one_prompt`` by the likelihood of the first prompt's sentences.

    ``knows`` says whether the seeds alone would have let a harvest begin, and ``doubt`` why not.
    """

    auc: float
    low: float
    high: float
    auc_one_prompt: float
    true: int
    false: int
    pairs_per_second: float
    seeds_auc: float
    p_value: float
    knows: bool
    doubt: str

    def shape(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def evaluate(
    card: Relation,
    prompts: Sequence[str],
    true: Sequence[Words],
    false: Sequence[Words],
    scorer: TokenScorer,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure on tuples that are known to be true and false; none may be a seed, for seeds are shown to the model."""
    places, told = slots(card), [*true, *false]
    judge = CausalJudge(scorer, Company(places, card.seeds, pools(places, told)))
    others = {at: [words[at] for words in told] for at in range(len(places))}
    learnt = knowledge(card.name, judge, prompts, card.seeds, {at: sample(words, OTHERS) for at, words in others.items()})
    start = time.perf_counter()
    scores = learnt.scores(judge.scores(prompts, told, progress))
    seconds = time.perf_counter() - start
    right, wrong = scores[: len(true)], scores[len(true) :]
    low, high = interval(right, wrong)
    plain = sentence_scores(prompts[0], places, told, scorer)
    return Evaluation(
        auc=area(right, wrong),
        low=low,
        high=high,
        auc_one_prompt=area(plain[: len(true)], plain[len(true) :]),
        true=len(true),
        false=len(false),
        pairs_per_second=len(told) / seconds,
        seeds_auc=learnt.auc,
        p_value=learnt.p_value,
        knows=not learnt.doubt,
        doubt=learnt.doubt,
    )


def sentence_scores(prompt: str, places: Sequence[str], tuples: Sequence[Words], scorer: TokenScorer) -> Floats:
    """How likely each filled sentence is, per letter, ``(tuples,)``: what one prompt says without any of the rest.

    Letters stand for tokens, since a scorer does not tell how many it read.
    """
    read = template(prompt)
    texts = [read.sentence([words[list(places).index(slot)] for slot in read.slots]) for words in tuples]
    values = scorer.logprobs([("", text) for text in texts])
    return np.asarray(values / np.array([len(text) for text in texts]), np.float64)


def interval(right: Floats, wrong: Floats) -> tuple[float, float]:
    """Where the AUC lies in 95 of 100 resamples of both sides."""
    draw = np.random.default_rng(0)
    above = (right[:, None] > wrong[None, :]) + 0.5 * (right[:, None] == wrong[None, :])
    rows, columns = (draw.multinomial(len(side), np.full(len(side), 1 / len(side)), _RESAMPLES) / len(side) for side in (right, wrong))
    areas = np.einsum("sr,rw,sw->s", rows, above, columns, optimize=True)
    return float(np.quantile(areas, 0.025)), float(np.quantile(areas, 0.975))
