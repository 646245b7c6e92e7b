"""Vectors of entities: what words they stand for, which can be kept, and which are nearest. Pure functions.

A graph holds vectors of one encoder. Each bears a *mark*: a hash of its encoder and one of the words that it was made
from, so that what was made by another encoder is never compared, and what was made from older words is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kgplatform import names
from kgplatform.errors import BadRequest
from kgplatform.linking import forms
from kgplatform.types import Entity, EntityId, Hit, VectorSpace

Vector = npt.NDArray[np.float32]

WORDS = 2_000
"""Characters that an encoder is given; the windows of the usual ones end sooner."""
DIMENSIONS = 4_096
"""What both servers' indexes can hold."""
BYTES = 6_000_000
"""Vectors in one message: Bolt's may have 16 MB, and a number takes 9 bytes of it."""
FORM = 2
"""What is kept with a vector; what an older version kept is made anew."""
_NAMES = 20
"""Aliases by whose keys an entity is found."""
_DIGITS = 6
"""Of a cosine: what single precision makes certain, so that every store gives the same order."""


class Kept(NamedTuple):
    """A vector as it is stored: of unit length."""

    id: EntityId
    mark: str
    vector: Vector
    keys: tuple[str, ...] = ()
    """Of its names: ``kgplatform.linking.forms.keys``."""


def words(entity: Entity) -> str:
    """What an encoder is to read of an entity: name and description, then the other names."""
    told = f"{entity.name}: {entity.description}" if entity.description else entity.name
    return (f"{told} ({', '.join(entity.aliases)})" if entity.aliases else told)[:WORDS]


def keys(entity: Entity) -> tuple[str, ...]:
    """Under what an entity is found by names that are like one of its own."""
    return tuple(sorted({key for name in (entity.name, *entity.aliases[:_NAMES]) for key in forms.keys(name)}))


def maker(encoder: str) -> str:
    """How the marks of an encoder's vectors begin."""
    return f"{names.digest(encoder, str(FORM), size=6)}:"


def mark(encoder: str, entity: Entity) -> str:
    """By whom and from what words an entity's vector is made."""
    return maker(encoder) + names.digest(words(entity))


def kept(encoder: str, vectors: Mapping[Entity, npt.ArrayLike], held: VectorSpace | None) -> list[Kept]:
    """Vectors ready to be stored, in order of id. Raises ``BadRequest`` when any of them cannot be, or does not fit those ``held``."""
    made = [Kept(one.id, mark(encoder, one), _unit(vector, f"the vector of {one.id!r}"), keys(one)) for one, vector in vectors.items()]
    for space in dict.fromkeys(VectorSpace(encoder, len(one.vector)) for one in made):
        held = held or space
        check(held, space)
    return sorted(made, key=lambda one: one.id)


def query(encoder: str, vector: npt.ArrayLike, held: VectorSpace | None) -> Vector:
    """The vector that is asked for, of unit length. Raises ``BadRequest`` when it cannot be compared with those ``held``."""
    space = present(held)
    asked = _unit(vector, "the vector that is asked for")
    check(space, VectorSpace(encoder, len(asked)))
    return asked


def present(held: VectorSpace | None) -> VectorSpace:
    """Whose vectors there are. Raises ``BadRequest`` when there are none."""
    if held is None:
        raise BadRequest("the graph has no vectors: make them first, with  kg embed  (in Python  embed(encoder))")
    return held


def check(held: VectorSpace, other: VectorSpace) -> None:
    """Raises ``BadRequest`` unless both are the same: only then can vectors be compared."""
    if held.encoder != other.encoder:
        raise BadRequest(
            f"the graph holds vectors of the encoder {held.encoder!r}, which cannot be compared with those of {other.encoder!r}: "
            "use that encoder, or replace them all with  kg embed --replace  (in Python  embed(encoder, replace=True))"
        )
    if held.dimension != other.dimension:
        raise BadRequest(f"a vector of {held.encoder!r} has {held.dimension} numbers, and one of {other.dimension} was given")


def _unit(vector: npt.ArrayLike, which: str) -> Vector:
    """The direction of a vector. Raises ``BadRequest`` when it has none."""
    try:
        given = np.asarray(vector, np.float64)
    except (TypeError, ValueError):
        raise BadRequest(f"{which} is no list of numbers") from None
    if given.ndim != 1 or not 1 <= len(given) <= DIMENSIONS:
        raise BadRequest(f"{which} has the shape {given.shape}: expected one row of at most {DIMENSIONS:,} numbers")
    if not np.isfinite(given).all():
        raise BadRequest(f"{which} holds a number that is not finite")
    largest = np.abs(given).max()
    if not largest:
        raise BadRequest(f"{which} is zero: it has no direction")
    given = given / largest  # else the squares of very large or small numbers would not be numbers
    direction: Vector = (given / np.linalg.norm(given)).astype(np.float32)
    return direction


def parts(rows: Sequence[Kept]) -> Iterator[Sequence[Kept]]:
    """Rows in parts that go into one message."""
    size = max(1, BYTES // (9 * len(rows[0].vector) + 300)) if rows else 1
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def cosines(matrix: npt.NDArray[np.float32], asked: Vector) -> list[float]:
    """The cosine of each row of unit vectors, ``(rows, dimension)``, with one of them."""
    return [round(float(one), _DIGITS) for one in np.clip(matrix @ asked, -1, 1)]


def ranked(scored: Iterable[tuple[EntityId, float]], limit: int, entity: Callable[[EntityId], Entity | None]) -> list[Hit]:
    """The entities for which these ids stand now, each once with its best score, best first."""
    hits: dict[EntityId, Hit] = {}
    for one, score in sorted(scored, key=lambda pair: (-pair[1], pair[0])):
        if len(hits) >= limit:
            break
        if (found := entity(one)) is not None and found.id not in hits:
            hits[found.id] = Hit(found, score)
    return list(hits.values())
