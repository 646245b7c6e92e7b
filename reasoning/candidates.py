"""Which links could be missing: the ends that a relation allows, and what a model says of each pair.

A card's domain and range decide who may stand where; a relation whose card names no kinds is held to the
ends it has been used with. Where a relation allows more pairs than can be held at once, only those ends are asked
for as well, the most used first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kgplatform.cards import datatype, fits
from kgplatform.types import Kind, Relation
from kgplatform.view import GraphView, Ints, Rows
from reasoning.rules import Chains

if TYPE_CHECKING:
    from reasoning.evaluate import Scorer

Reals = npt.NDArray[np.float64]

FEATURES = 4
CELLS = 1 << 22
"""Pairs of one relation that are weighed at most."""


@dataclass(frozen=True, slots=True)
class Cards:
    """The relation cards and kinds of a graph."""

    relations: Mapping[str, Relation]
    kinds: Mapping[str, Kind]

    def card(self, name: str) -> Relation:
        return self.relations.get(name) or Relation(name)


def allowed(view: GraphView, relation: int, cards: Cards) -> tuple[Ints, Ints]:
    """The entities that may be head, and those that may be tail, of a relation; none for a relation of literals."""
    card = cards.card(view.relations[relation])
    if datatype(card) is not None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    used = view.triples[view.triples[:, 1] == relation]
    heads, tails = used[:, 0], used[:, 2]
    if card.symmetric:
        heads = tails = np.concatenate([heads, tails])
    ends = _of_kinds(view, card.domain, heads, cards), _of_kinds(view, card.range, tails, cards)
    if len(ends[0]) * len(ends[1]) <= CELLS:
        return ends
    return _most_used(ends[0], heads), _most_used(ends[1], tails)


def _of_kinds(view: GraphView, wanted: tuple[str, ...], used: Ints, cards: Cards) -> Ints:
    if not wanted:
        return np.unique(used)
    fitting = [any(fits(kind, wanted, cards.kinds) for kind in held) for held in view.kinds.distinct]
    return np.flatnonzero(np.array(fitting, dtype=bool)[view.kinds.codes])


def _most_used(ends: Ints, used: Ints) -> Ints:
    numbers, counts = np.unique(used[np.isin(used, ends)], return_counts=True)
    return np.sort(numbers[np.lexsort((numbers, -counts))][: isqrt(CELLS)])


def mirrored(view: GraphView, cards: Cards) -> GraphView:
    """The view with the facts of symmetric relations in both directions: the store keeps only one, by the order of ids."""
    symmetric = [number for number, name in enumerate(view.relations) if cards.card(name).symmetric]
    rows = np.flatnonzero(np.isin(view.triples[:, 1], symmetric) & (view.triples[:, 0] != view.triples[:, 2]))
    turned = view.rows.take(rows)
    both = Rows.joined([view.rows, turned._replace(triples=turned.triples[:, ::-1])])
    return replace(view, triples=both.triples, confidence=both.confidence, keys=both.keys)


def still_open(view: GraphView, relation: int, ends: tuple[Ints, Ints], taken: Ints, cards: Cards) -> npt.NDArray[np.bool_]:
    """Which pairs may be proposed, ``(heads, tails)``: not ``taken`` ``(n, 3)``, no entity with itself, a symmetric pair
    once, and nothing for a head whose functional relation has its tail."""
    heads, tails = ends
    card = cards.card(view.relations[relation])
    there = heads[:, None] < tails[None, :] if card.symmetric else heads[:, None] != tails[None, :]
    if card.functional:
        there[np.isin(heads, view.triples[view.triples[:, 1] == relation, 0])] = False
    pairs = taken[taken[:, 1] == relation][:, [0, 2]]
    if card.symmetric:
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[np.isin(pairs[:, 0], heads) & np.isin(pairs[:, 1], tails)]
    there[np.searchsorted(heads, pairs[:, 0]), np.searchsorted(tails, pairs[:, 1])] = False
    return there


def features(
    scorer: Scorer, view: GraphView, relation: int, ends: tuple[Ints, Ints], device: str, chains: Chains
) -> npt.NDArray[np.float64]:
    """What tells a missing fact from another pair, ``(heads, tails, FEATURES)``, each over both directions of the question.

    The log share of the answer among the ends allowed (best at ranking the answers of one question), the score
    itself (comparable between questions), the log of how many answers both questions already have, and what the graph's rules say.
    """
    heads, tails = ends
    forward = _scores(scorer, relation, heads, tails, device)
    backward = _scores(scorer, relation + len(view.relations), tails, heads, device).T
    facts = view.triples[view.triples[:, 1] == relation]
    answers = [np.log1p(np.bincount(facts[:, side], minlength=len(view.entities))[end]) for side, end in ((0, heads), (2, tails))]
    share = (_log_share(forward, 1) + _log_share(backward, 0)) / 2.0
    rules = chains.scores(chains.rules(relation), heads, tails)
    return np.stack([share, (forward + backward) / 2.0, answers[0][:, None] + answers[1][None, :], rules], axis=-1)


def _log_share(scores: Reals, axis: int) -> Reals:
    lifted: Reals = scores - scores.max(axis=axis, keepdims=True, initial=-1e30)
    lifted -= np.log(np.exp(lifted).sum(axis=axis, keepdims=True))
    return lifted


def _scores(scorer: Scorer, asked: int, ends: Ints, pool: Ints, device: str) -> Reals:
    import torch

    step = max(1, CELLS // max(1, len(pool)))
    inside = torch.from_numpy(pool).to(device)
    parts = [np.zeros((0, len(pool)))]
    for start in range(0, len(ends), step):
        piece = torch.from_numpy(ends[start : start + step]).to(device)
        parts.append(scorer.score(piece, torch.full_like(piece, asked))[:, inside].double().cpu().numpy())
    return np.concatenate(parts)
