"""Facts with known errors among them, and how well a suspicion finds the errors.

The protocol of CAGED (Zhang et al., CIKM 2022): all facts of a split are put together, a share of false ones is added, each a fact
with its head, relation or tail replaced, and all are ranked by how suspect they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest, ModelError
from kgplatform.numbered import stands_in
from kgplatform.view import Ints
from reasoning.curves import auc
from reasoning.split import Split

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Kind = Literal["uniform", "typed"]
"""What stands in for what: anything, or only what has been seen in the same place of the same relation."""
SHARES = (1, 2, 3, 4, 5)
"""Percent of all facts that are looked at."""
ROUNDS = 200
"""Draws of as many as are missing; a graph that has not taken the noise by then has no room for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """``triples`` ``(facts, 3)``, each once, numbered as the split's, in random order; ``noise`` ``(facts,)`` says which were added."""

    triples: Ints
    noise: Flags


def noisy(split: Split, rate: float = 0.05, kind: Kind = "uniform", seed: int = 0) -> Noisy:
    """All facts of the split, and ``rate`` times as many false ones.

    ``typed`` takes for an end another end of the same relation, and for a relation one that has had both ends; where no relation
    fits, an end is replaced. Raises ``BadRequest`` for a rate that is no share, an unknown kind, and for a graph in which there are
    not so many false facts.
    """
    if not 0.0 < rate <= 1.0:
        raise BadRequest(f"the rate of noise is a share of the facts, above 0 and at most 1, such as 0.05, and not {rate}")
    if kind not in get_args(Kind):
        raise BadRequest(f"there is no noise of the kind {kind!r}: there are {', '.join(get_args(Kind))}")
    graph = Known.of(split)
    rng = np.random.default_rng(seed)
    added = graph.false(max(1, round(rate * len(graph.triples))) if len(graph.triples) else 0, kind, rng)
    order = rng.permutation(len(graph.triples) + len(added))
    noise = np.arange(len(order)) >= len(graph.triples)
    return Noisy(np.concatenate([graph.triples, added])[order], noise[order])


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Facts ``(n, 3)``, each once, and false ones made from them."""

    triples: Ints
    entities: int
    relations: int

    @classmethod
    def of(cls, split: Split) -> Known:
        return cls(np.unique(split.known, axis=0), len(split.train.entities), len(split.train.relations))

    def false(self, count: int, kind: Kind, rng: np.random.Generator) -> Ints:
        """``(count, 3)``, each once, none of them in the graph. Raises ``BadRequest`` where it has no room for so many."""
        found = self.some(count, kind, rng)
        if len(found) < count:
            raise BadRequest(
                f"the graph has no room for {count:,} false facts of the kind {kind}, only for {len(found):,}: take a smaller rate"
            )
        return found

    def some(self, count: int, kind: Kind, rng: np.random.Generator) -> Ints:
        """``count`` of them, or as many as are found."""
        known = np.sort(self._codes(self.triples))
        found = np.zeros((0, 3), dtype=np.int64)
        for _ in range(ROUNDS):
            if len(found) == count:
                break
            # More than are missing, so that few rounds are needed though some are no use.
            drawn = self._drawn(2 * (count - len(found)) + 16, kind, rng)
            both = np.concatenate([found, drawn[~stands_in(self._codes(drawn), known)]])
            first = np.sort(np.unique(self._codes(both), return_index=True)[1])
            found = both[first[:count]]
        return found

    def _codes(self, triples: Ints) -> Ints:
        """One number a triple: ``(n, 3) -> (n,)``."""
        codes: Ints = (triples[:, 0] * self.relations + triples[:, 1]) * self.entities + triples[:, 2]
        return codes

    def _drawn(self, count: int, kind: Kind, rng: np.random.Generator) -> Ints:
        """At most ``count`` facts with one place drawn anew; some are facts of the graph."""
        rows = self.triples[rng.integers(len(self.triples), size=count)]
        place = rng.integers(3, size=count)
        made = rows.copy()
        for end in (0, 2):
            at = place == end
            made[at, end] = self._typed_ends(rows[at, 1], end, rng) if kind == "typed" else rng.integers(self.entities, size=at.sum())
        at = place == 1
        made[at, 1] = rng.integers(self.relations, size=at.sum())
        return made[~at | self._fits(made)] if kind == "typed" else made

    def _typed_ends(self, relations: Ints, end: int, rng: np.random.Generator) -> Ints:
        """For each relation one of the entities that it has at this end."""
        slots = np.unique(self.triples[:, [1, end]], axis=0)
        starts = np.searchsorted(slots[:, 0], relations, side="left")
        counts = np.searchsorted(slots[:, 0], relations, side="right") - starts
        ends: Ints = slots[starts + rng.integers(counts), 1]
        return ends

    def _fits(self, triples: Ints) -> Flags:
        """Whether the relation has had both ends in their places, ``(n,)``."""
        head, relation, tail = triples.T
        one, two = (np.unique(self.triples[:, 1] * self.entities + self.triples[:, end]) for end in (0, 2))
        return stands_in(relation * self.entities + head, one) & stands_in(relation * self.entities + tail, two)


@dataclass(frozen=True, slots=True)
class Detection:
    """How well noise was found. ``precision`` and ``recall`` are those of the most suspect 1 … 5 % of all facts."""

    auc: float
    average_precision: float
    precision: Mapping[int, float]
    recall: Mapping[int, float]

    def shape(self) -> dict[str, float]:
        """As JSON holds it."""
        shares = [("p", self.precision), ("r", self.recall)]
        named = {f"{letter}@{k}%": value for letter, values in shares for k, value in values.items()}
        return {"auc": self.auc, "average_precision": self.average_precision, **named}


def detection(suspicion: npt.NDArray[np.floating | np.integer], noise: Flags) -> Detection:
    """The measures of ``suspicion`` ``(facts,)``, higher is more suspect, against ``noise`` ``(facts,)``.

    Facts that are equally suspect count as if they came in any order alike. Raises ``ModelError`` for a suspicion that is not a
    number, ``BadRequest`` without facts of both kinds.
    """
    values = np.asarray(suspicion, dtype=np.float64)
    if np.isnan(values).any():
        raise ModelError("a suspicion is not a number, so the facts cannot be ordered by it")
    if noise.all() or not noise.any():
        raise BadRequest("there must be both noise and other facts, for one to be told from the other")
    levels, level = np.unique(-values, return_inverse=True)
    bad, seen = (np.bincount(level, weights, len(levels)).cumsum() for weights in (noise.astype(np.float64), None))
    hits = {k: _until(max(1, round(len(values) * k / 100)), bad, seen) for k in SHARES}
    sizes = {k: max(1, round(len(values) * k / 100)) for k in SHARES}
    return Detection(
        auc=auc(values[noise], values[~noise], np.ones((~noise).sum())),
        average_precision=float((np.diff(bad, prepend=0.0) * bad / seen).sum() / bad[-1]),
        precision={k: hits[k] / sizes[k] for k in SHARES},
        recall={k: hits[k] / float(bad[-1]) for k in SHARES},
    )


def _until(size: int, bad: Reals, seen: Reals) -> float:
    """The expected noise among the first ``size`` facts, where a level of equals is cut in a random place."""
    return float(np.interp(size, np.append(0.0, seen), np.append(0.0, bad)))


def plain(triples: Ints) -> dict[str, Reals]:
    """Two suspicions that need no model: by how few facts the ends have, and how rarely they stand in that place of the relation."""
    head, relation, tail = triples.T
    entities, relations = int(triples[:, [0, 2]].max()) + 1, int(relation.max()) + 1
    degree = np.bincount(triples[:, [0, 2]].ravel(), minlength=entities)
    slots = [np.bincount(end * relations + relation, minlength=entities * relations) for end in (head, tail)]
    used = [counts[end * relations + relation] for counts, end in zip(slots, (head, tail), strict=True)]
    return {
        "degree": -np.log(np.minimum(degree[head], degree[tail]).astype(np.float64)),
        "use in the relation": -np.log(np.maximum(*used).astype(np.float64)),
    }


def calibration_error(probability: Reals, noise: Flags, bins: int = 10) -> float:
    """The expected calibration error: gaps between what is said and what is so in bins of equal width, weighed by how many lie there."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    said, so = (np.bincount(place, weights, bins) for weights in (probability, noise.astype(np.float64)))
    return float(np.abs(said - so).sum() / len(noise))
