"""Facts to learn from and facts to be judged by: held out of a view, or read as a benchmark brings them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kgplatform.names import key_part
from kgplatform.numbered import ordered, renumbered, used
from kgplatform.texts import Texts
from kgplatform.types import Entity, EntityId
from kgplatform.view import Entities, GraphView, Ints, Kinds, Rows
from reasoning import splitfiles

AT_ONCE = 1 << 12
"""Rows beyond those wanted that are looked at together."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """``valid`` and ``test`` ``(n, 3)`` are numbered as ``train`` is."""

    train: GraphView
    valid: Ints
    test: Ints

    @property
    def known(self) -> Ints:
        """All that is true: what filtered ranking takes out of the competition."""
        return np.concatenate([self.train.triples, self.valid, self.test])


def split(view: GraphView, valid: float = 0.1, test: float = 0.1, seed: int = 0) -> Split:
    """Shares of the facts at random; fewer where the rest would lose the last fact of an entity or a relation."""
    wanted = [round(len(view) * valid), round(len(view) * test)]
    held = removable(view, sum(wanted), seed)
    cut = len(held) * wanted[0] // max(1, sum(wanted))
    rest = np.ones(len(view), dtype=bool)
    rest[held] = False
    return Split(view.only(rest), view.triples[held[:cut]], view.triples[held[cut:]])


def removable(view: GraphView, wanted: int, seed: int, among: npt.NDArray[np.bool_] | None = None) -> Ints:
    """At most ``wanted`` rows, of those ``among`` ``(facts,)``, in random order, whose absence leaves every entity and relation a fact.

    A row is taken when, of its entities and its relation, more than it uses is left, as if they were gone through one by one.
    """
    triples = view.triples
    uses = np.bincount(triples[:, [0, 2]].ravel(), minlength=len(view.entities))
    shown = np.bincount(triples[:, 1], minlength=len(view.relations))
    order = np.random.default_rng(seed).permutation(len(triples))
    order = order if among is None else order[among[order]]
    held: list[Ints] = []
    start, taken = 0, 0
    while start < len(order) and taken < wanted:
        part = order[start : start + 2 * (wanted - taken) + AT_ONCE]
        held.append(part[_spared(triples[part], uses, shown)])
        start, taken = start + len(part), taken + len(held[-1])
    return np.concatenate([*held, np.zeros(0, dtype=np.int64)])[: max(0, wanted)]


def _spared(triples: Ints, uses: Ints, shown: Ints) -> Ints:
    """Which rows are taken when they are gone through in this order; ``uses`` and ``shown`` are lowered by them.

    In each round a row is surely taken when enough is left even if all the undecided before it are taken, and surely not when
    nothing is left now. The first undecided row is always one of the two; most are decided in the first rounds.
    """
    taken = np.zeros(len(triples), dtype=bool)
    open_ = np.arange(len(triples))
    while len(open_):
        head, relation, tail = triples[open_].T
        own = 1 + (head == tail)
        ends = _met(np.stack([head, tail], axis=1).ravel()).reshape(-1, 2)
        ends[head == tail, 0] += 1
        sure = (uses[head] > ends[:, 0]) & (uses[tail] > ends[:, 1]) & (shown[relation] > _met(relation))
        never = (uses[head] <= own) | (uses[tail] <= own) | (shown[relation] <= 1)
        taken[open_[sure]] = True
        np.subtract.at(uses, head[sure], 1)
        np.subtract.at(uses, tail[sure], 1)
        np.subtract.at(shown, relation[sure], 1)
        open_ = open_[~(sure | never)]
    return np.flatnonzero(taken)


def _met(numbers: Ints) -> Ints:
    """How often each number has come up to its place, itself counted."""
    order = np.argsort(numbers, kind="stable")
    first = np.ones(len(numbers), dtype=bool)
    first[1:] = numbers[order][1:] != numbers[order][:-1]
    place = np.arange(len(numbers))
    met = np.empty_like(place)
    met[order] = place - np.maximum.accumulate(np.where(first, place, 0)) + 1
    return met


def read_split(folder: Path, columns: Sequence[str] | None = None) -> Split:
    """The split in a folder of ``train``, ``valid`` and ``test``, in names or in ids (``reasoning.splitfiles``).

    ``columns`` name their order, as ``("relation", "head", "tail")``, where it is not the usual one. The view is the same whichever
    way the facts are written. Raises ``BadFile`` with the file and the line that is none, ``BadRequest`` for ``columns``.
    """
    entities, relations, parts = splitfiles.read(folder, columns)
    every = np.concatenate(parts)
    ends, of_relation = used(every[:, [0, 2]], entities), used(every[:, 1], relations)
    names_of, relation_of = _chosen(entities, ends), _chosen(relations, of_relation)
    train, valid, test = (renumbered(Rows(part), ends, of_relation).triples for part in parts)
    rows, _ = ordered(Rows(train, np.ones(len(train), dtype=np.float32), _keys(train, names_of, relation_of)))
    ids = Texts.of(names_of)
    kinds = Kinds((Entity(EntityId(""), "").kinds,), np.zeros(len(ids), dtype=np.int64))
    return Split(GraphView(Entities(ids, ids, kinds), tuple(relation_of), *rows), _once(valid), _once(test))


def _chosen(texts: Sequence[str], places: Ints) -> list[str]:
    return [texts[place] for place in places.tolist()]


def _once(triples: Ints) -> Ints:
    """The rows without those that came before."""
    _, first = np.unique(triples, axis=0, return_index=True)
    return triples[np.sort(first)]


def _keys(triples: Ints, entities: Sequence[str], relations: Sequence[str]) -> Texts:
    ends, named = [key_part(one) for one in entities], [key_part(one) for one in relations]
    heads, of_relation, tails = (
        map(texts.__getitem__, column.tolist()) for texts, column in zip((ends, named, ends), triples.T, strict=True)
    )
    return Texts.of(list(map("|".join, zip(of_relation, heads, tails, strict=True))))
