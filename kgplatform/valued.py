"""Numbers and dates of entities as arrays, beside the facts between entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kgplatform.numbered import Mask, by_text, fixed, inverse
from kgplatform.ports import Values
from kgplatform.texts import Ints, Numbering, Texts

Reals = npt.NDArray[np.float64]
NUMBERS = ("integer", "decimal", "year")


@dataclass(frozen=True, slots=True, eq=False)
class Literals:
    """Numbers and dates of a view's entities: one row a fact, in the order of entity, column and key.

    ``entities`` ``(values,)`` are positions in the view's list, ``columns`` ``(values,)`` positions in ``relations`` and
    ``units``: what is told in two units stands in two columns. A date is a year with its fraction, a coarse one its beginning.
    """

    relations: tuple[str, ...]
    units: tuple[str, ...]
    entities: Ints
    columns: Ints
    values: Reals
    keys: Texts

    def __len__(self) -> int:
        return len(self.values)

    @property
    def told(self) -> Told:
        return Told(self.entities, self.columns, self.values, self.keys)


class Told(NamedTuple):
    """Rows of values, in any order: entities and columns as numbers."""

    entities: Ints = np.zeros(0, dtype=np.int64)
    columns: Ints = np.zeros(0, dtype=np.int64)
    values: Reals = np.zeros(0)
    keys: Texts = Texts.of(())

    @classmethod
    def joined(cls, parts: Sequence[Told]) -> Told:
        if not parts:
            return cls()
        entities, columns, values, keys = zip(*parts, strict=True)
        return cls(np.concatenate(entities), np.concatenate(columns), np.concatenate(values), Texts.joined(keys))

    def take(self, places: Ints | Mask) -> Told:
        return Told(self.entities[places], self.columns[places], self.values[places], self.keys.take(places))


def read(parts: Iterable[Values], number: Callable[[str], int], columns: Numbering[tuple[str, str]]) -> list[Told]:
    """What can be a number; ``number`` of an entity's id is negative when it is not wanted, ``columns`` grows by what is met."""
    return [_read(part, number, columns) for part in parts]


def _read(part: Values, number: Callable[[str], int], columns: Numbering[tuple[str, str]]) -> Told:
    values, entities = as_numbers(part), np.fromiter(map(number, part.head), np.int64, len(part.head))
    kept = np.isfinite(values) & (entities >= 0)
    relations, units, keys = (list(compress(column, kept)) for column in (part.relation, part.unit, part.key))
    return Told(entities[kept], columns.of(list(zip(relations, units, strict=True))), values[kept], Texts.of(keys))


def as_numbers(part: Values) -> Reals:
    """Each value as a number, ``(values,)``; what is none is not a number."""
    found = np.full(len(part.value), np.nan)
    datatypes = np.array(part.datatype, dtype=np.str_)
    for kind, convert in ((NUMBERS, _numbers), (("date",), _years)):
        chosen = np.isin(datatypes, kind)
        found[chosen] = convert(list(compress(part.value, chosen)))
    return found


def _numbers(texts: list[str]) -> Reals:
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return _apart(_numbers, texts)


def _years(texts: list[str]) -> Reals:
    try:
        days = np.array(texts, dtype="datetime64[D]")
    except ValueError:
        return _apart(_years, texts)
    years = days.astype("datetime64[Y]")
    first, following = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    told: Reals = years.astype(np.int64) + 1970 + (days - first) / (following - first)
    return told


def _apart(convert: Callable[[list[str]], Reals], texts: list[str]) -> Reals:
    """One by one, when any of them is not what it is said to be."""
    if len(texts) == 1:
        return np.array([np.nan])
    return np.concatenate([convert([text]) for text in texts])


def arranged(parts: Sequence[Told], columns: Sequence[tuple[str, str]], entities: Ints) -> Literals:
    """All rows in order, numbered anew: the entity that was ``entities[n]`` is ``n``. Those of others are left out, and unused columns."""
    told = Told.joined(parts)
    ends = inverse(entities, int(told.entities.max(initial=-1)) + 1)[told.entities]
    told = told._replace(entities=ends).take(ends >= 0)
    places = np.unique(told.columns)
    places = places[by_text([columns[place] for place in places.tolist()])]
    told = told._replace(columns=inverse(places)[told.columns] if len(places) else told.columns)
    told = told.take(np.lexsort((np.argsort(by_text(list(told.keys))), told.columns, told.entities)))
    relations, units = zip(*(columns[place] for place in places.tolist()), strict=True) if len(places) else ((), ())
    return Literals(relations, units, fixed(told.entities), fixed(told.columns), fixed(told.values), told.keys)
