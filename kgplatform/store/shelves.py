"""Facts with more evidence than a relationship should carry: beyond ``LIMIT`` pieces they lie on side nodes, the *shelves*.

A shelf holds whole independence groups, so what its pieces amount to (``summing.Part``) adds up with the other shelves';
the relationship keeps these parts. Another piece then touches one shelf and one part, however many there are. The
number of shelves is a power of two that grows with the fact. Pure functions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from kgplatform import names
from kgplatform.store.pieces import Piece, Pieces
from kgplatform.store.summing import Part
from kgplatform.types import FactKey, Method, SourceId

LIMIT = 64
"""Pieces on a relationship, and on a shelf on average before there are more shelves."""
_FILLED = 16
"""Pieces on a shelf on average when shelves are made."""
_SOURCES = 8
"""Sources that a part names: a fact with thousands does not carry them all."""


def needed(pieces: int) -> int:
    """How many shelves so many pieces want; none as long as the relationship carries them."""
    return 0 if pieces <= LIMIT else 1 << (pieces // _FILLED).bit_length()


def full(parts: Sequence[Part]) -> bool:
    """Whether it is time for more shelves."""
    return sum(one.size for one in parts) > LIMIT * len(parts)


def number(group: str, shelves: int) -> int:
    """The shelf of a group."""
    return int(names.digest(group), 16) % shelves


def numbers(groups: Collection[str] | None, shelves: int) -> list[int]:
    """The shelves on which pieces of these groups lie; all for ``None``."""
    return list(range(shelves)) if groups is None else sorted({number(group, shelves) for group in groups})


def node(key: FactKey, shelves: int, place: int) -> str:
    """The id of a shelf's node."""
    return f"{key}#{shelves}.{place}"


def laid(pieces: Pieces, shelves: int) -> dict[int, Pieces]:
    """Pieces by shelf."""
    by_group: dict[str, int] = {}
    found: dict[int, Pieces] = {}
    for name, one in pieces.items():
        place = by_group[one.group] if one.group in by_group else by_group.setdefault(one.group, number(one.group, shelves))
        found.setdefault(place, {})[name] = one
    return found


def groups(pieces: Collection[Piece]) -> set[str]:
    """The groups of some pieces."""
    return {one.group for one in pieces}


def written(part: Part) -> str:
    """A part as JSON; of many sources it keeps the first."""
    return json.dumps(part._replace(sources=part.sources[:_SOURCES]), ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Part:
    """The inverse of ``written``."""
    size, weight, graph, methods, sources, review, told, unheard = json.loads(text)
    named: tuple[Method, ...] = tuple(methods)
    last = (review[0], review[1], review[2], SourceId(review[3])) if review else None
    return Part(size, weight, graph, named, tuple(map(SourceId, sources)), last, tuple(map(tuple, told)), tuple(map(tuple, unheard)))
