"""Rows of who took what, as people bring them, on their way into the graph's mirror of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from itertools import islice
from math import isfinite
from numbers import Real

from kgplatform import names
from kgplatform.errors import BadRequest
from kgplatform.ports import Progress, Store
from kgplatform.types import Interaction, Mirrored

BATCH = 20_000
_ROWS = "interactions are rows of  (user, entity id)  or  (user, entity id, seconds since 1970, rating)"


def mirror(store: Store, rows: Iterable[Sequence[object]], progress: Progress | None = None) -> Mirrored:
    """Check rows and mirror them, some thousands at a time; ``progress`` is told of rows, and of 0 in all where that is not known."""
    if not isinstance(rows, Iterable):
        raise BadRequest(f"{repr(rows)[:60]} is no list: {_ROWS}")
    done, total = Mirrored(), len(rows) if isinstance(rows, Sized) else 0
    waiting = iter(rows)
    while part := list(islice(waiting, BATCH)):
        done += store.mirror_interactions([interaction(row) for row in part])
        if progress:
            progress(done.kept + done.skipped, total)
    return done


def interaction(row: Sequence[object]) -> Interaction:
    """A row as an interaction. Raises ``BadRequest``, and ``BadName`` for ids that no graph could hold."""
    if not isinstance(row, list | tuple) or not 2 <= len(row) <= 4 or not all(isinstance(one, str) for one in row[:2]):
        raise BadRequest(f"{repr(row)[:60]} is no interaction: {_ROWS}")
    told = [_number(name, value) for name, value in zip(("time", "rating"), row[2:], strict=False)]
    return Interaction(names.given_id(row[0]), names.given_id(row[1]), *told)


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, Real) or not isfinite(value):
        raise BadRequest(f"{repr(value)[:60]} is no {name} of an interaction: give a number, or None where it is not known")
    return float(value)
