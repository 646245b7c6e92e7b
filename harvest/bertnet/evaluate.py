"""How well a model tells true from false tuples of a relation: with all that a harvest uses, and by one plain prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from harvest.bertnet.calibrate import OTHERS, area, knowledge, readable
from harvest.bertnet.masked import MaskedJudge
from harvest.bertnet.scoring import CausalJudge, Company, Floats, Judge, pools, sample
from harvest.bertnet.sentences import template
from kgplatform.cards import slots
from kgplatform.lm.ports import MaskedModel, TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Relation, Words

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``auc`` with its 95 % interval (bootstrap over tuples), and ``auc_one_prompt`` by the likelihood of the first prompt's sentences.

    ``unreadable`` tuples have words that the model has no tokens for: they count as the least likely. ``known`` says whether the seeds
    alone would have let a harvest begin, and ``reason`` why not; where that could not be measured, their numbers are missing.
    """

    auc: float
    low: float
    high: float
    auc_one_prompt: float
    true: int
    false: int
    unreadable: int
    pairs_per_second: float
    seeds_auc: float | None
    p_value: float | None
    known: bool
    reason: str

    def shape(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Causal:
    """A causal model, by slot PMI; plainly, by how likely the whole sentence is."""

    scorer: TokenScorer

    @property
    def name(self) -> str:
        return self.scorer.name

    def judge(self, company: Company) -> Judge:
        return CausalJudge(self.scorer, company)

    def plain(self, prompt: str, places: Sequence[str], tuples: Sequence[Words]) -> Floats:
        return sentence_scores(prompt, places, tuples, self.scorer)


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked model, by BertNet's f, with all prompts or with one."""

    model: MaskedModel

    @property
    def name(self) -> str:
        return self.model.name

    def judge(self, company: Company) -> Judge:
        return MaskedJudge(self.model, company.slots)

    def plain(self, prompt: str, places: Sequence[str], tuples: Sequence[Words]) -> Floats:
        return np.asarray(MaskedJudge(self.model, places).scores([prompt], tuples)[0], np.float64)


Measured = Causal | Masked
"""Who is measured: ``judge`` scores as in a harvest, ``plain`` is what one prompt says, ``(tuples,)``."""


def evaluate(
    card: Relation,
    prompts: Sequence[str],
    true: Sequence[Words],
    false: Sequence[Words],
    measured: Measured,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure on tuples that are known to be true and false; none may be a seed, for seeds are shown to the model."""
    places, told = slots(card), [*true, *false]
    judge = measured.judge(Company(places, card.seeds, pools(places, told)))
    others = {at: [words[at] for words in told] for at in range(len(places))}
    learnt = knowledge(card.name, judge, prompts, card.seeds, {at: sample(words, OTHERS) for at, words in others.items()})
    start = time.perf_counter()
    matrix = judge.scores(prompts, told, progress)
    seconds, read = time.perf_counter() - start, readable(matrix)
    scores = np.full(len(told), -np.inf)
    scores[read] = learnt.scores(matrix[:, read])
    right, wrong = scores[: len(true)], scores[len(true) :]
    low, high = interval(right, wrong)
    plain = measured.plain(prompts[0], places, told)
    return Evaluation(
        auc=area(right, wrong),
        low=low,
        high=high,
        auc_one_prompt=area(plain[: len(true)], plain[len(true) :]),
        true=len(true),
        false=len(false),
        unreadable=int((~read).sum()),
        pairs_per_second=len(told) / seconds,
        seeds_auc=learnt.auc if learnt.decided else None,
        p_value=learnt.p_value if learnt.decided else None,
        known=not learnt.doubt,
        reason=learnt.doubt,
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
