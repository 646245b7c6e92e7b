"""Whether a model knows a relation at all, how far each prompt is to be trusted, and what a score is worth.

All of it by the card's own seeds against the same seeds corrupted: words of other seeds, or of other things of the kind, in one of
their slots. A model knows the relation when the seeds score above the corrupted ones by more than chance (a permutation test); a prompt is
trusted by how far it keeps the two apart; and a candidate's score counts in units of what corrupted seeds score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from harvest.bertnet.scoring import Floats, Judge
from kgplatform import names
from kgplatform.ports import Progress
from kgplatform.types import Words

MIN_CORRUPTED = 200
"""Fewer corrupted seeds decide nothing."""
MAX_CORRUPTED = 220
OTHERS = 40
"""Words of each slot that seeds are corrupted with; few tails, as of a relation to planets, need many heads."""
MIN_SEEDS = 3
SIGNIFICANT = 0.05
MIN_AUC = 0.75
"""Seeds against corrupted ones: below this what is found is mostly wrong, however significant the difference is."""
FLOOR = 0.95
"""The share of corrupted seeds that a candidate worth a look scores above."""
_DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a model knows of a relation, by ``seeds`` against ``corrupted`` ones.

    ``p_value`` is the chance that as many corrupted seeds score as high. ``weights`` are of the prompts and sum to 1. Corrupted seeds score
    ``centre`` ± ``spread``; in units of that, 95 of 100 lie below ``floor``. ``doubt`` says why nothing should be harvested; empty when it
    should.
    """

    seeds: int
    corrupted: int
    auc: float
    p_value: float
    weights: tuple[float, ...]
    centre: float
    spread: float
    floor: float
    doubt: str = ""

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Knowledge:
        """From its fields as JSON holds them."""
        return cls(**{**record, "weights": tuple(record["weights"])})

    @property
    def decided(self) -> bool:
        """Whether there was enough to measure by; where not, ``auc`` and ``p_value`` say nothing."""
        return self.seeds >= MIN_SEEDS and self.corrupted >= MIN_CORRUPTED

    def scores(self, matrix: Floats) -> Floats:
        """One score for each tuple out of ``(prompts, tuples)``, in units of what corrupted seeds score: ``(tuples,)``."""
        return np.asarray((np.asarray(self.weights) @ matrix - self.centre) / self.spread, np.float64)


def corrupted(seeds: Sequence[Words], others: Mapping[int, Sequence[str]], most: int = MAX_CORRUPTED) -> list[Words]:
    """Seeds with one slot taken by another seed's word or by one of ``others`` (by the slot's place), if that is too few in more slots.

    None of them is a seed, and those come last that mix seeds: without them fewer examples must be kept from the model, and what is read
    can be shared. The same ones for the same words, whatever their order.
    """
    told, found = set(seeds), dict[Words, None]()
    for mixed in (False, True):
        for changed in range(1, len(seeds[0]) + 1 if seeds else 0):
            made = {row for row in _swapped(seeds, others, changed) if row not in told and _mixed(row, seeds) is mixed}
            found.update(dict.fromkeys(sorted(made, key=lambda row: names.digest(*row))))
            if len(found) >= MIN_CORRUPTED:
                return list(found)[:most]
    return list(found)


def _swapped(seeds: Sequence[Words], others: Mapping[int, Sequence[str]], changed: int) -> Iterator[Words]:
    """Seeds with so many slots taken by other words that are known to stand there."""
    width = len(seeds[0])
    words = [list(dict.fromkeys([*(seed[place] for seed in seeds), *others.get(place, ())])) for place in range(width)]
    for seed, places in product(seeds, combinations(range(width), changed)):
        yield from product(*(words[at] if at in places else [seed[at]] for at in range(width)))


def _mixed(row: Words, seeds: Sequence[Words]) -> bool:
    """Whether all of its words are of seeds."""
    return all(any(seed[place] == word for seed in seeds) for place, word in enumerate(row))


def knowledge(
    relation: str,
    judge: Judge,
    prompts: Sequence[str],
    seeds: Sequence[Words],
    others: Mapping[int, Sequence[str]],
    progress: Progress | None = None,
) -> Knowledge:
    """Measure the model on the seeds of a relation; ``others`` are further words of the kinds, by the slot's place."""
    false = corrupted(seeds, others)
    if len(seeds) < MIN_SEEDS or len(false) < MIN_CORRUPTED:
        return undecided(relation, len(seeds), len(false), len(prompts))
    matrix = judge.scores(prompts, [*seeds, *false], progress)
    right, wrong = (part[:, readable(part)] for part in (matrix[:, : len(seeds)], matrix[:, len(seeds) :]))
    if right.shape[1] < MIN_SEEDS or wrong.shape[1] < MIN_CORRUPTED:
        return undecided(relation, right.shape[1], wrong.shape[1], len(prompts), "that the model can read ")
    weights = trust(right, wrong)
    plain, plainly = right.mean(0), wrong.mean(0)
    p_value, auc = permutation_test(plain, plainly), area(plain, plainly)
    told = weights @ wrong
    centre, spread = float(told.mean()), max(float(told.std()), 1e-6)
    floor = (float(np.quantile(told, FLOOR)) - centre) / spread
    doubt = ""
    if p_value > SIGNIFICANT or auc < MIN_AUC:
        doubt = (
            f"the model does not know {relation!r}: its {len(seeds)} seeds score no better than false pairs made from them "
            f"(AUC {auc:.2f}, chance {p_value:.2g}); better seeds or prompts, or a larger model, may help"
        )
    return Knowledge(right.shape[1], wrong.shape[1], auc, p_value, tuple(weights.tolist()), centre, spread, floor, doubt)


def readable(matrix: Floats) -> npt.NDArray[np.bool_]:
    """Whether the model has tokens for a tuple, which a score that is no number denies: ``(tuples,)`` of ``(prompts, tuples)``."""
    return np.asarray(np.isfinite(matrix).all(0))


def undecided(relation: str, seeds: int, false: int, prompts: int, which: str = "") -> Knowledge:
    """What is known where seeds and corrupted seeds are too few to tell."""
    few = f"{seeds} seed{'' if seeds == 1 else 's'}"
    doubt = (
        f"whether the model knows {relation!r} cannot be decided: {few} {which}and {false} false pairs made from them are there, it takes "
        f"{MIN_SEEDS} and {MIN_CORRUPTED}: add seeds to the card (15 are enough alone), or let the graph have more things of its kinds"
    )
    even = tuple([1 / prompts] * prompts) if prompts else ()
    return Knowledge(seeds, false, 0.0, 1.0, even, 0.0, 1.0, 0.0, doubt)


def trust(right: Floats, wrong: Floats) -> Floats:
    """Weights of prompts, ``(prompts,)``, by how far seeds stand from corrupted ones: ``(prompts, seeds)``, ``(prompts, corrupted)``.

    The distance is in units of the prompt's spread, and the weight is divided by the spread too: a prompt that says all of it louder earns
    nothing by it, and all speak equally loud.
    """
    spread = np.maximum(wrong.std(1), 1e-6)
    apart = np.maximum((right.mean(1) - wrong.mean(1)) / spread, 0.0)
    raw = (apart + 0.1) / spread
    return np.asarray(raw / raw.sum(), np.float64)


def area(right: Floats, wrong: Floats) -> float:
    """The chance that one of ``right`` is above one of ``wrong``; ties count half."""
    differences = right[:, None] - wrong[None, :]
    return float((differences > 0).mean() + (differences == 0).mean() / 2) if differences.size else 0.0


def permutation_test(right: Floats, wrong: Floats) -> float:
    """The chance that so many of all drawn at random have ranks as high in the mean as ``right`` has; never 0."""
    values = np.concatenate([right, wrong])
    ranks = np.searchsorted(np.sort(values), values, side="left") + np.searchsorted(np.sort(values), values, side="right")
    draws = np.random.default_rng(0).random((_DRAWS, len(values))).argpartition(len(right) - 1, axis=1)[:, : len(right)]
    above = int((ranks[draws].mean(1) >= ranks[: len(right)].mean()).sum())
    return (above + 1) / (_DRAWS + 1)
