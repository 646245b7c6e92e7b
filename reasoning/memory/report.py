"""How much of a link predictor's success is in the names: its metrics in every world, and what it loses there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from kgplatform.ports import Progress
from kgplatform.view import Ints
from reasoning.evaluate import Ranking, Scorer
from reasoning.memory.texts import Texts
from reasoning.memory.worlds import World, worlds
from reasoning.queries import queries
from reasoning.split import Split

Reals = npt.NDArray[np.float64]
Judge = Callable[[World, Progress | None], Reals]
"""The ranks of the true ends of some test facts in a world, tails and heads: ``(facts, 2)``; the same facts in every world."""
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Row:
    """Metrics in one world; ``gap`` is the MRR of the original less that here, and 95 of 100 resamples of the facts lie between ``low`` and
    ``high``. The spread over other trainings or other swaps is not in it."""

    world: str
    mrr: float
    hits: Mapping[int, float]
    gap: float
    low: float
    high: float

    def shape(self) -> dict[str, float]:
        """As JSON holds it."""
        hits = {f"hits@{k}": share for k, share in self.hits.items()}
        return {"mrr": self.mrr, **hits, "gap": self.gap, "gap_low": self.low, "gap_high": self.high}


@dataclass(frozen=True, slots=True)
class Report:
    """One row a world, the original first. ``facts`` were asked for both ends; ``described`` entities have a description."""

    rows: tuple[Row, ...]
    facts: int
    described: int

    def row(self, world: str) -> Row:
        return next(row for row in self.rows if row.world == world)

    def shape(self) -> dict[str, object]:
        """As ``kg evaluate memory`` writes it; ``gap`` is that of the virtual world."""
        virtual = self.row("virtual")
        gap = {"gap": virtual.gap, "gap_low": virtual.low, "gap_high": virtual.high}
        variants = {row.world: row.shape() for row in self.rows}
        return {**gap, "facts": self.facts, "described_entities": self.described, "variants": variants}


def report(split: Split, texts: Texts, judge: Judge, *, seed: int = 0, progress: Progress | None = None) -> Report:
    """Judge every world of the split. Raises ``BadRequest`` for a split without test facts."""
    if not len(split.test):
        raise BadRequest("there are no test facts, so nothing can be measured: put some into test.txt")
    told = worlds(split, texts, seed)
    ranks = {world.name: judge(world, _stage(progress, number, len(told))) for number, world in enumerate(told)}
    first = ranks["original"]
    return Report(tuple(_row(name, first, found) for name, found in ranks.items()), len(first), texts.described)


def trained(train: Callable[[World, Progress | None], Scorer], device: str = "cpu") -> Judge:
    """Judges by a scorer that is made anew for each world, of every entity, filtered."""

    def judge(world: World, progress: Progress | None) -> Reals:
        return fact_ranks(train(world, progress), world.split, device)

    return judge


def fact_ranks(scorer: Scorer, split: Split, device: str = "cpu") -> Reals:
    """Filtered ranks of tail and head of each different test fact, ``(facts, 2)``, in the order of the facts."""
    count = len(split.train.relations)
    facts = np.unique(split.test, axis=0)
    ranks = Ranking.of(facts, split.known, count, len(split.train.entities)).ranks(scorer, device)
    asked = queries(facts, count)
    query, place = asked.of(np.arange(len(asked)))
    start, relation, end = asked.heads[query], asked.relations[query], asked.tails[place]
    back = relation >= count
    said = np.column_stack([np.where(back, end, start), relation - count * back, np.where(back, start, end)])
    found = np.empty((len(facts), 2))
    found[np.unique(said, axis=0, return_inverse=True)[1].ravel(), back.astype(np.int64)] = ranks
    return found


def _row(name: str, original: Reals, ranks: Reals) -> Row:
    lost = (1.0 / original - 1.0 / ranks).mean(axis=1)
    low, high = interval(lost)
    return Row(name, float((1.0 / ranks).mean()), {k: float((ranks <= k).mean()) for k in (1, 3, 10)}, float(lost.mean()), low, high)


def interval(values: Reals) -> tuple[float, float]:
    """Where the mean of ``(facts,)`` lies in 95 of 100 resamples of them; always the same."""
    rng = np.random.default_rng(0)
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _stage(progress: Progress | None, number: int, count: int) -> Progress | None:
    """One of ``count`` rounds of work, told as a part of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, count * total)


def sample(facts: Ints, limit: int, seed: int) -> Ints:
    """At most ``limit`` different facts at random, in their order."""
    different = np.unique(facts, axis=0)
    return different[np.sort(np.random.default_rng(seed).permutation(len(different))[:limit])]
