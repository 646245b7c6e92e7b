"""Which links could be missing: the pairs that a relation allows, those of them worth weighing, and what is known of each.

A card's domain and range decide who may stand where; a relation whose card names no kinds is held to the
ends it has been used with. Where that allows more pairs than can be looked at one by one, each end is asked for its likeliest
partners, in blocks of one matrix product, and those are weighed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isqrt
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from kgplatform.cards import datatype, fits
from kgplatform.numbered import stands_in
from kgplatform.types import Kind, Relation
from kgplatform.view import GraphView, Ints, Rows
from reasoning.rules import Chains

if TYPE_CHECKING:
    from torch import Tensor

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FEATURES = 4
CELLS = 1 << 22
"""Pairs that are held at once; a relation that allows no more has all of them weighed."""
LOOKED = 1 << 30
"""Pairs of one relation that are looked at, at most: beyond, only its most used ends are asked for."""
PARTNERS = 30
"""Of a larger relation so many partners of each end are weighed: the likeliest by the model, and those by rules."""
ASKED = 1 << 12
"""Questions that are asked at once, at most."""


class Scorer(Protocol):
    """What is asked here of a model: a ``reasoning.train.Predictor`` is one."""

    @property
    def device(self) -> str: ...

    def among(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """``(batch,), (batch,), (some,) -> (batch, some)``."""


@dataclass(frozen=True, slots=True)
class Cards:
    """The relation cards and kinds of a graph."""

    relations: Mapping[str, Relation]
    kinds: Mapping[str, Kind]

    def card(self, name: str) -> Relation:
        return self.relations.get(name) or Relation(name)


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """The pairs that one relation allows: each of ``heads`` with each of ``tails`` (entities, ascending), but for those closed.

    A pair is told by the places of its ends in the two lists.
    """

    relation: int
    heads: Ints
    tails: Ints
    closed: Ints
    """Pairs that may not be proposed, ascending, each as one number."""
    closed_by_tail: Ints
    """The same with the tail's place first."""
    answered: Flags
    """``(heads,)``: whose one answer is known."""
    symmetric: bool

    @classmethod
    def of(cls, view: GraphView, relation: int, cards: Cards, taken: Ints) -> Room:
        """Closed are ``taken`` ``(n, 3)``, an entity with itself, one direction of a symmetric pair, and all of a head whose functional
        relation has its tail."""
        card = cards.card(view.relations[relation])
        heads, tails = _ends(view, relation, cards)
        pairs = taken[taken[:, 1] == relation][:, [0, 2]]
        if card.symmetric:
            pairs = np.concatenate([pairs, pairs[:, ::-1]])
        rows, columns, inside = _places(heads, tails, pairs)
        rows, columns = rows[inside], columns[inside]
        closed = np.unique(rows * len(tails) + columns), np.unique(columns * len(heads) + rows)
        answered = np.isin(heads, view.triples[view.triples[:, 1] == relation, 0]) & card.functional
        return cls(relation, heads, tails, *closed, answered, card.symmetric)

    @property
    def size(self) -> int:
        return len(self.heads) * len(self.tails)

    @property
    def openings(self) -> int:
        """How many pairs may be proposed, but for the few that are closed on two grounds."""
        asked = len(self.heads) - int(self.answered.sum())
        each = (len(self.tails) - 1) / 2 if self.symmetric else len(self.tails)
        return max(0, round(asked * each) - len(self.closed))

    def numbers(self, rows: Ints, columns: Ints) -> Ints:
        """Each pair as one number."""
        return rows * len(self.tails) + columns

    def triples(self, rows: Ints, columns: Ints) -> Ints:
        """Each pair as a fact of the relation, ``(pairs, 3)``."""
        return np.stack([self.heads[rows], np.full(len(rows), self.relation), self.tails[columns]], axis=1)

    def places(self, numbers: Ints) -> tuple[Ints, Ints]:
        """The inverse of ``numbers``."""
        return np.divmod(numbers, max(1, len(self.tails)))

    def open(self, rows: Ints, columns: Ints) -> Flags:
        """Which pairs may be proposed."""
        head, tail = self.heads[rows], self.tails[columns]
        there = (head < tail if self.symmetric else head != tail) & ~self.answered[rows]
        free: Flags = there & ~stands_in(self.numbers(rows, columns), self.closed)
        return free

    def all(self) -> tuple[Ints, Ints]:
        """Every pair that may be proposed."""
        rows, columns = np.nonzero(self.grid(np.arange(len(self.heads))))
        return rows, columns

    def grid(self, ends: Ints, turned: bool = False) -> Flags:
        """The same of some heads with every tail, ``(ends, tails)``, or ``turned`` of some tails with every head."""
        own, pool, closed = (self.tails, self.heads, self.closed_by_tail) if turned else (self.heads, self.tails, self.closed)
        mine = own[ends, None]
        there: Flags = mine != pool
        if self.symmetric:
            there = pool < mine if turned else mine < pool
        there &= ~self.answered if turned else ~self.answered[ends, None]
        first, last = (np.searchsorted(closed, place * len(pool)) for place in (ends, ends + 1))
        row = np.repeat(np.arange(len(ends)), last - first)
        within = np.arange(len(row)) - np.repeat(np.cumsum(last - first) - last, last - first)
        there[row, closed[within] % max(1, len(pool))] = False
        return there

    def some_heads(self, cells: int, seed: int) -> Ints:
        """Places of heads at random, as many as have so many pairs with all tails; of a smaller relation all."""
        drawn = np.random.default_rng((seed, self.relation)).permutation(len(self.heads))
        return np.sort(drawn[: max(1, cells // max(1, len(self.tails)))])

    def some(self, count: int, seed: int, heads: Ints | None = None) -> tuple[Ints, Ints]:
        """About ``count`` different pairs (of these ``heads``) that may be proposed, at random; fewer where most are closed."""
        heads = np.arange(len(self.heads)) if heads is None else heads
        size = len(heads) * len(self.tails)
        drawn = np.random.default_rng((seed, self.relation)).integers(max(1, size), size=min(count, size))
        places, columns = self.places(np.unique(drawn))
        rows = heads[places]
        there = self.open(rows, columns)
        return rows[there], columns[there]

    def among(self, facts: Ints) -> tuple[Ints, Ints]:
        """Those pairs that may be proposed and are ``facts`` ``(n, 3)`` of the relation."""
        pairs = facts[facts[:, 1] == self.relation][:, [0, 2]]
        if self.symmetric:
            pairs = np.sort(pairs, axis=1)
        rows, columns, inside = _places(self.heads, self.tails, np.unique(pairs, axis=0))
        rows, columns = rows[inside], columns[inside]
        there = self.open(rows, columns)
        return rows[there], columns[there]


def _places(heads: Ints, tails: Ints, pairs: Ints) -> tuple[Ints, Ints, Flags]:
    """Where the ends of pairs ``(n, 2)`` stand in the lists, and which pairs have both ends there."""
    inside = np.isin(pairs[:, 0], heads) & np.isin(pairs[:, 1], tails)
    return np.searchsorted(heads, pairs[:, 0]), np.searchsorted(tails, pairs[:, 1]), inside


def _ends(view: GraphView, relation: int, cards: Cards) -> tuple[Ints, Ints]:
    """The entities that may be head, and those that may be tail, of a relation; none for a relation of literals."""
    card = cards.card(view.relations[relation])
    if datatype(card) is not None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    used = view.triples[view.triples[:, 1] == relation]
    heads, tails = used[:, 0], used[:, 2]
    if card.symmetric:
        heads = tails = np.concatenate([heads, tails])
    ends = _of_kinds(view, card.domain, heads, cards), _of_kinds(view, card.range, tails, cards)
    if len(ends[0]) * len(ends[1]) <= LOOKED:
        return ends
    few = max(isqrt(LOOKED), LOOKED // min(len(ends[0]), len(ends[1])))
    return _most_used(ends[0], heads, few), _most_used(ends[1], tails, few)


def _of_kinds(view: GraphView, wanted: tuple[str, ...], used: Ints, cards: Cards) -> Ints:
    if not wanted:
        return np.unique(used)
    fitting = [any(fits(kind, wanted, cards.kinds) for kind in held) for held in view.kinds.distinct]
    return np.flatnonzero(np.array(fitting, dtype=bool)[view.kinds.codes])


def _most_used(ends: Ints, used: Ints, most: int) -> Ints:
    numbers, counts = np.unique(used[np.isin(used, ends)], return_counts=True)
    return ends if len(ends) <= most else np.sort(numbers[np.lexsort((numbers, -counts))][:most])


def mirrored(view: GraphView, cards: Cards) -> GraphView:
    """The view with the facts of symmetric relations in both directions: the store keeps only one, by the order of ids."""
    symmetric = [number for number, name in enumerate(view.relations) if cards.card(name).symmetric]
    rows = np.flatnonzero(np.isin(view.triples[:, 1], symmetric) & (view.triples[:, 0] != view.triples[:, 2]))
    turned = view.rows.take(rows)
    both = Rows.joined([view.rows, turned._replace(triples=turned.triples[:, ::-1])])
    return replace(view, triples=both.triples, confidence=both.confidence, keys=both.keys)


@dataclass(frozen=True, slots=True, eq=False)
class Weigher:
    """A model's and the rules' word on pairs."""

    scorer: Scorer
    view: GraphView
    chains: Chains

    @classmethod
    def of(cls, scorer: Scorer, view: GraphView) -> Weigher:
        return cls(scorer, view, Chains(view.triples, len(view.entities), len(view.relations)))

    def likely(self, room: Room) -> tuple[Ints, Ints]:
        """The pairs worth weighing: all that may be proposed, or of a large relation the likeliest partners of each end."""
        return room.all() if room.size <= CELLS else self.partners(room)

    def partners(self, room: Room) -> tuple[Ints, Ints]:
        """The open pairs of each end with its likeliest partners, by the model or by rules."""
        heads, tails = (np.arange(len(ends)) for ends in (room.heads, room.tails))
        return room.places(np.unique(np.concatenate([self.tails_of(room, heads), *self._partners(room, tails, turned=True)])))

    def tails_of(self, room: Room, heads: Ints) -> Ints:
        """The open pairs of the heads at these places with their likeliest tails, by the model or by rules, as ascending numbers."""
        return np.unique(np.concatenate([np.zeros(0, np.int64), *self._partners(room, heads)]))

    def features(self, room: Room, rows: Ints, columns: Ints) -> Reals:
        """What tells a missing fact from another pair, ``(pairs, FEATURES)``, each over both directions of the question.

        The log share of the answer among the ends allowed (best at ranking the answers of one question), the score itself (comparable
        between questions), the log of how many answers both questions already have, and what the graph's rules say.
        """
        share, score = self.opinion(room, rows, columns)
        facts = self.view.triples[self.view.triples[:, 1] == room.relation]
        heads, tails = (np.log1p(np.bincount(facts[:, side], minlength=len(self.view.entities))) for side in (0, 2))
        known = heads[room.heads[rows]] + tails[room.tails[columns]]
        return np.stack([share, score, known, self._ruled(room, rows, columns)], axis=-1)

    def shares(self, room: Room, rows: Ints, columns: Ints) -> Reals:
        """The log share of each pair's tail alone."""
        return self._asked(room, rows, columns)[1]

    def opinion(self, room: Room, rows: Ints, columns: Ints) -> tuple[Reals, Reals]:
        """What the model alone says of each pair: the log share and the score, each the mean of both directions."""
        forward, of_tails = self._asked(room, rows, columns)
        backward, of_heads = self._asked(room, columns, rows, turned=True)
        return (of_tails + of_heads) / 2.0, (forward + backward) / 2.0

    def _asked(self, room: Room, asked: Ints, answers: Ints, turned: bool = False) -> tuple[Reals, Reals]:
        """The score of each pair, and the log of its share among all answers allowed to its question."""
        score, share = np.empty(len(asked)), np.empty(len(asked))
        for ends, mine, row in _by_blocks(asked, len(room.heads if turned else room.tails)):
            scores = self._scores(room, ends, turned).double().cpu().numpy()
            score[mine] = scores[row, answers[mine]]
            share[mine] = score[mine] - _log_sum(scores)[row]
        return score, share

    def _ruled(self, room: Room, rows: Ints, columns: Ints) -> Reals:
        found = np.zeros(len(rows))
        if rules := self.chains.rules(room.relation):
            for ends, mine, row in _by_blocks(rows, len(room.tails)):
                found[mine] = self.chains.scores(rules, room.heads[ends], room.tails)[row, columns[mine]]
        return found

    def _partners(self, room: Room, asked: Ints, turned: bool = False) -> Iterator[Ints]:
        """Open pairs as numbers, of each of these heads with its likeliest tails or ``turned`` around; those by rules with the heads."""
        import torch

        rules = [] if turned else self.chains.rules(room.relation)
        for block in _blocks(asked, len(room.heads if turned else room.tails)):
            there = room.grid(block, turned)
            row, place = _highest(self._scores(room, block, turned), there)
            yield room.numbers(place, block[row]) if turned else room.numbers(block[row], place)
            if rules:
                said = self.chains.scores(rules, room.heads[block], room.tails)
                row, place = _highest(torch.from_numpy(said), there & (said > 0))
                yield room.numbers(block[row], place)

    def _scores(self, room: Room, asked: Ints, turned: bool) -> Tensor:
        """Scores of all answers allowed to the heads at these places, or ``turned`` to the tails: ``(some, answers)``."""
        import torch

        ends, pool = (room.tails, room.heads) if turned else (room.heads, room.tails)
        piece, inside = (torch.from_numpy(one).to(self.scorer.device) for one in (ends[asked], pool))
        question = torch.full_like(piece, room.relation + (len(self.view.relations) if turned else 0))
        return self.scorer.among(piece, question, inside)


def _by_blocks(asked: Ints, width: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Different questions block after block, which pairs ask one of them, and which of the block each of these asks."""
    ends, place = np.unique(asked, return_inverse=True)
    order = np.argsort(place, kind="stable")
    start = 0
    for block in _blocks(ends, width):
        mine = order[slice(*np.searchsorted(place, [start, start + len(block)], sorter=order))]
        yield block, mine, place[mine] - start
        start += len(block)


def _blocks(ends: Ints, width: int) -> Iterator[Ints]:
    step = max(1, min(ASKED, CELLS // max(1, width)))
    return (ends[start : start + step] for start in range(0, len(ends), step))


def _highest(values: Tensor, there: Flags) -> tuple[Ints, Ints]:
    """Row and place of the ``PARTNERS`` highest of each row, of those that are ``there``."""
    import torch

    open_ = values.masked_fill(torch.from_numpy(~there).to(values.device), -torch.inf)
    best, place = torch.topk(open_, min(PARTNERS, values.shape[1]), dim=1, sorted=False)
    row, rank = torch.nonzero(best > -torch.inf, as_tuple=True)
    return row.cpu().numpy(), place[row, rank].cpu().numpy()


def _log_sum(scores: Reals) -> Reals:
    """Of the exponentials of each row."""
    highest = scores.max(axis=1, initial=-1e30)
    total: Reals = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return total
