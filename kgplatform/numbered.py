"""Facts by numbers instead of ids: gathered from columns, numbered by sorted ids, put in order. Arrays and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from kgplatform.ports import Triples
from kgplatform.texts import Ints, Numbering, Texts

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Array = TypeVar("Array", bound=npt.NDArray[np.generic])


def fixed(array: Array) -> Array:
    """The array, never to be written again."""
    array.setflags(write=False)
    return array


class Rows(NamedTuple):
    """Facts as ``triples`` ``(rows, 3)`` of head, relation, tail, with their trust ``(rows,)`` and their keys."""

    triples: Ints = fixed(np.zeros((0, 3), dtype=np.int64))
    confidence: Floats = fixed(np.zeros(0, dtype=np.float32))
    keys: Texts = Texts.of(())

    def take(self, places: Ints | Mask) -> Rows:
        """The rows at these places, or those of a mask."""
        return Rows(fixed(self.triples[places]), fixed(self.confidence[places]), self.keys.take(places))

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """One after the other."""
        if not parts:
            return cls()
        triples, confidence, keys = zip(*parts, strict=True)
        return cls(np.concatenate(triples), np.concatenate(confidence), Texts.joined(keys))


NONE = Rows()


def gathered(parts: Iterable[Triples]) -> tuple[list[str], Rows, tuple[str, ...]]:
    """The ids of all ends in order, the facts numbered by them, and the names of the relations in order."""
    ends, names = Numbering[str](), Numbering[str]()
    listed = []
    for part in parts:
        triples = np.stack([ends.of(part.head), names.of(part.relation), ends.of(part.tail)], axis=1)
        listed.append(Rows(triples, np.array(part.trust, dtype=np.float32), Texts.of(part.key)))
    rows = Rows.joined(listed)
    listed.clear()
    ids, relations = list(ends), list(names)
    places, of_relation = by_text(ids), by_text(relations)
    rows = renumbered(rows, places, of_relation)
    return [ids[place] for place in places.tolist()], rows, tuple(relations[place] for place in of_relation.tolist())


def by_text(texts: Sequence[str] | Sequence[tuple[str, str]]) -> Ints:
    """Where the texts stand, in the order of the texts."""
    return np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)


def used(numbers: Ints, texts: Sequence[str]) -> Ints:
    """Which of ``texts`` have one of these numbers, in the order of the texts."""
    places = np.flatnonzero(np.bincount(numbers.ravel(), minlength=len(texts)))
    return places[by_text([texts[place] for place in places.tolist()])]


def renumbered(rows: Rows, entities: Ints, relations: Ints) -> Rows:
    """The rows numbered anew: the entity that was ``entities[n]`` is ``n``, and so for relations. All that rows name must be there."""
    ends = inverse(entities)
    triples = np.empty_like(rows.triples)
    triples[:, 0], triples[:, 2] = ends[rows.triples[:, 0]], ends[rows.triples[:, 2]]
    triples[:, 1] = inverse(relations)[rows.triples[:, 1]]
    return rows._replace(triples=triples)


def inverse(places: Ints, size: int = 0) -> Ints:
    """Where in ``places`` a number stands; -1 where it does not. At least ``size`` numbers."""
    numbers = np.full(max(size, int(places.max(initial=-1)) + 1), -1, dtype=np.int64)
    numbers[places] = np.arange(len(places))
    return numbers


def ordered(rows: Rows) -> tuple[Rows, Rows]:
    """The rows in the order of their triples; of equal ones the most trusted, then the first by key. The others, as well in order."""
    rows = rows.take(_order(rows))
    equal = (rows.triples[1:] == rows.triples[:-1]).all(axis=1)
    if equal.any():
        several = np.zeros(len(rows.triples), dtype=bool)
        several[1:] |= equal
        several[:-1] |= equal
        places = np.flatnonzero(several)
        some = rows.take(places)
        order = np.arange(len(rows.triples))
        order[places] = places[_order(some, np.argsort(by_text(list(some.keys))))]
        rows = rows.take(order)
    first = np.ones(len(rows.triples), dtype=bool)
    first[1:] = ~equal
    return rows.take(first), rows.take(~first)


def _order(rows: Rows, rank: Ints | None = None) -> Ints:
    head, relation, tail = rows.triples.T
    keys = (-rows.confidence, tail, relation, head)
    return np.lexsort(keys if rank is None else (rank, *keys))


def stands_in(values: Ints, ordered: Ints) -> Mask:
    """Which values, of any shape, stand in the ordered array."""
    if not len(ordered):
        return np.zeros(values.shape, dtype=bool)
    found: Mask = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


def among(rows: Ints, wanted: Ints) -> Mask:
    """Which of ``rows`` ``(n, columns)`` are one of ``wanted`` ``(m, columns)``."""
    found = np.ones(len(rows), dtype=bool)
    if not len(wanted):
        return ~found
    code, sought = np.zeros(len(rows), dtype=np.int64), np.zeros(len(wanted), dtype=np.int64)
    for column in range(wanted.shape[1]):
        numbers, places = np.unique(wanted[:, column], return_inverse=True)
        at = np.searchsorted(numbers, rows[:, column]).clip(max=len(numbers) - 1)
        found &= numbers[at] == rows[:, column]
        code, sought = code * len(numbers) + at, sought * len(numbers) + places.ravel()
    return found & np.isin(code, sought)
