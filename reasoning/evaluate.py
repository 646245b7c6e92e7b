"""Filtered ranking: how far up a model puts the true end of a fact among all ends not known to be true.

Both sides are asked. Entities with equal scores share the mean of the best and the worst rank they could
have, so that a model which says the same of everything earns nothing. Test facts with entities that
training never saw stay in the ranking and are counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest, ModelError
from kgplatform.ports import Progress
from kgplatform.view import Ints
from reasoning.halving import kept_small
from reasoning.queries import Queries, queries
from reasoning.split import Split

if TYPE_CHECKING:
    from torch import Tensor

MEMORY = {"cpu": 1 << 27}
ELSEWHERE = 1 << 30
"""Bytes of scores held at once."""
BLOCK = {"cpu": 1 << 20}
"""Bytes of scores that are compared at once: what a processor's cache holds. A graphics card takes all at once."""
MANY = 1.5
"""A relation with more tails a head, on average, than this has n of them (Bordes et al., 2013); heads likewise."""
KS = (1, 3, 10)
RelationKind = Literal["1-1", "1-n", "n-1", "n-n"]
Ranks = npt.NDArray[np.float64]


class Scorer(Protocol):
    """What ranks: ``score(heads, relations) -> (batch, entities)`` for ``relation`` and, from ``relations`` up, its inverse."""

    def score(self, heads: Tensor, relations: Tensor) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean reciprocal rank, and share of the ranks up to k, of some ``ranks``."""

    mrr: float
    hits: Mapping[int, float]
    ranks: int

    @classmethod
    def of(cls, ranks: Ranks) -> Figures:
        if not len(ranks):
            return cls(0.0, dict.fromkeys(KS, 0.0), 0)
        return cls(float((1.0 / ranks).mean()), {k: float((ranks <= k).mean()) for k in KS}, len(ranks))

    def row(self) -> dict[str, Any]:
        return {"mrr": self.mrr, **{f"hits@{k}": share for k, share in self.hits.items()}, "ranks": self.ranks}


@dataclass(frozen=True, slots=True)
class Metrics(Figures):
    """Over both sides of the test facts, each side alone, by relation, and by kind of relation and side.

    ``head`` is where the head was asked for. ``epoch_seconds`` is how long an epoch of the training took, where that is known.
    """

    head: Figures
    tail: Figures
    per_relation: Mapping[str, Figures]
    per_kind: Mapping[RelationKind, Mapping[str, Figures]]
    kinds: Mapping[str, RelationKind]
    unseen_test_triples: int
    test_seconds: float
    epoch_seconds: float | None = None

    def row(self) -> dict[str, Any]:
        """As ``kg evaluate links`` writes it."""
        return {
            **Figures.row(self),
            "head": self.head.row(),
            "tail": self.tail.row(),
            "per_relation": {name: {"kind": self.kinds[name], **found.row()} for name, found in self.per_relation.items()},
            "per_kind": {kind: {side: found.row() for side, found in sides.items()} for kind, sides in self.per_kind.items()},
            "unseen_test_triples": self.unseen_test_triples,
            "epoch_seconds": self.epoch_seconds,
            "test_seconds": self.test_seconds,
        }


def evaluate(
    scorer: Scorer,
    split: Split,
    *,
    device: str = "cpu",
    memory: int | None = None,
    epoch_seconds: float | None = None,
    progress: Progress | None = None,
) -> Metrics:
    """Filtered metrics of the test facts, with ``memory`` bytes of scores at once; ``progress`` counts questions.

    Raises ``BadRequest`` when there is no test fact, ``ModelError`` when a score is no number.
    """
    if not len(split.test):
        raise BadRequest("there is no fact to test by")
    began = time.perf_counter()
    view = split.train
    ranking = Ranking.of(split.test, split.known, len(view.relations), len(view.entities))
    ranks = ranking.ranks(scorer, device, memory, progress)
    ended = time.perf_counter()
    whole, backward, relations = Figures.of(ranks), ranking.backward, ranking.relations
    kinds = relation_kinds(split.known, len(view.relations))
    asked = np.unique(relations).tolist()
    return Metrics(
        whole.mrr,
        whole.hits,
        whole.ranks,
        head=Figures.of(ranks[backward]),
        tail=Figures.of(ranks[~backward]),
        per_relation={view.relations[number]: Figures.of(ranks[relations == number]) for number in asked},
        per_kind=_by_kind(ranks, np.array(kinds, dtype=str)[relations], backward),
        kinds={view.relations[number]: kinds[number] for number in asked},
        unseen_test_triples=unseen(split),
        test_seconds=ended - began,
        epoch_seconds=epoch_seconds,
    )


def unseen(split: Split) -> int:
    """How many test facts have an end that the facts to learn from do not have."""
    seen = np.zeros(len(split.train.entities), dtype=bool)
    seen[split.train.triples[:, [0, 2]].ravel()] = True
    return int((~seen[split.test[:, [0, 2]]]).any(axis=1).sum())


def relation_kinds(triples: Ints, relations: int) -> list[RelationKind]:
    """Of every relation: ``1-n`` has more than ``MANY`` tails for a head, on average, and not so many heads for a tail."""
    facts = np.unique(triples, axis=0)
    count = np.bincount(facts[:, 1], minlength=relations)
    many = []
    for side in (2, 0):  # heads for a tail, tails for a head
        askers = np.unique(facts[:, [1, side]], axis=0)
        many.append(count > MANY * np.bincount(askers[:, 0], minlength=relations))
    names: tuple[tuple[RelationKind, RelationKind], ...] = (("1-1", "1-n"), ("n-1", "n-n"))
    return [names[int(heads)][int(tails)] for heads, tails in zip(*many, strict=True)]


def _by_kind(ranks: Ranks, kinds: npt.NDArray[np.str_], backward: npt.NDArray[np.bool_]) -> dict[RelationKind, dict[str, Figures]]:
    names: tuple[RelationKind, ...] = ("1-1", "1-n", "n-1", "n-n")
    sides = {"head": backward, "tail": ~backward}
    return {
        kind: {side: Figures.of(ranks[(kinds == kind) & asked]) for side, asked in sides.items()} for kind in names if (kinds == kind).any()
    }


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Facts as questions, made once and ranked as often as is wanted; ``truth`` is what is taken out of the competition.

    There is a rank for every end of every fact, ``(2n,)``, question by question; ``relations`` and ``backward`` ``(2n,)`` say what each
    was asked with, and whether it is a head.
    """

    asked: Queries
    truth: Queries
    entities: int
    relations: Ints
    backward: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, facts: Ints, known: Ints, relations: int, entities: int) -> Ranking:
        asked = queries(facts, relations)
        head, relation, tail = known.T
        rivals = known[asked.has(head, relation) | asked.has(tail, relation + relations)]
        truth = queries(np.concatenate([rivals, facts]), relations)
        each = np.repeat(asked.relations, np.diff(asked.starts))
        return cls(asked, truth, entities, each % max(1, relations), each >= relations)

    def ranks(self, scorer: Scorer, device: str = "cpu", memory: int | None = None, progress: Progress | None = None) -> Ranks:
        """With ``memory`` bytes of scores at once, or less where that cannot be had. Raises ``ModelError``."""
        memory = memory or MEMORY.get(device.split(":")[0], ELSEWHERE)
        batch = max(1, memory // (4 * max(1, self.entities)))
        parts, start = [np.zeros(0)], 0
        while start < len(self.asked):
            which = np.arange(start, min(start + batch, len(self.asked)))
            part, batch = kept_small(partial(_ranks, scorer, self, device, which), len(which), "ranking", "questions")
            parts.append(part)
            start += batch
            if progress is not None:
                progress(min(start, len(self.asked)), len(self.asked))
        return np.concatenate(parts)


def _ranks(scorer: Scorer, ranking: Ranking, device: str, which: Ints, few: int) -> Ranks:
    """Of the first ``few`` of these questions."""
    import torch

    asked, truth, which = ranking.asked, ranking.truth, which[:few]
    heads, relations = asked.heads[which], asked.relations[which]
    row, place = asked.of(which)
    known_row, known_place = truth.of(truth.find(heads, relations))
    rows, tails, known_rows, known_tails = (
        torch.from_numpy(array).to(device) for array in (row, asked.tails[place], known_row, truth.tails[known_place])
    )
    with torch.no_grad():
        scores = scorer.score(torch.from_numpy(heads).to(device), torch.from_numpy(relations).to(device))
        if not all(bool(torch.isfinite(end)) for end in torch.aminmax(scores)):
            raise ModelError("the model gives scores that are not numbers: train it again with a smaller learning rate")
        target = scores[rows, tails]
        scores[known_rows, known_tails] = -torch.inf
        counted: Ranks = 1.0 + _counted(scores, rows, target).cpu().numpy() / 2.0
        return counted


def _counted(scores: Tensor, rows: Tensor, target: Tensor) -> Tensor:
    """How many ends score above each target, twice, and how many level with it; ``(targets,)``.

    Comparisons are written as numbers and added up by a product with ones, all in cache: ten times as fast as counting what is true in a
    copy of the rows. In single precision such counts are exact up to 2^24.
    """
    import torch

    entities = scores.shape[1]
    exact = torch.float32 if entities < 1 << 24 else torch.float64
    ones = torch.ones(entities, dtype=exact, device=scores.device)
    step = max(1, min(BLOCK.get(scores.device.type, ELSEWHERE) // (4 * entities), len(rows)))
    rivals, better = scores.new_empty(step, entities), torch.empty(step, entities, dtype=exact, device=scores.device)
    found = torch.zeros(len(rows), dtype=torch.int64, device=scores.device)
    for start in range(0, len(rows), step):
        mark = target[start : start + step, None]
        some, wins = rivals[: len(mark)], better[: len(mark)]
        torch.index_select(scores, 0, rows[start : start + step], out=some)
        for compare in (torch.gt, torch.ge):
            found[start : start + step] += (compare(some, mark, out=wins) @ ones).long()
    return found
