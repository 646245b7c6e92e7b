"""Ids of jobs and schedules: short, made by chance, and found by their beginning."""

from __future__ import annotations

import difflib
import secrets
import sqlite3
from typing import Literal as OneOf

from kgplatform.errors import Ambiguous, NotFound

Table = OneOf["jobs", "schedules"]
_NEAR = 1_000
"""Of so many ids, the latest, the nearest is named."""


def new(rows: sqlite3.Connection, table: Table) -> str:
    """An id that none has."""
    while True:
        id = secrets.token_hex(4)
        if not rows.execute(f"SELECT 1 FROM {table} WHERE id = ?", (id,)).fetchone():  # noqa: S608 - one of two names
            return id


def found(rows: sqlite3.Connection, table: Table, id: str) -> sqlite3.Row:
    """The row with that id or that beginning. Raises ``NotFound`` or ``Ambiguous``."""
    begun = f"SELECT * FROM {table} WHERE id = ?1 OR (?1 <> '' AND substr(id, 1, length(?1)) = ?1) LIMIT 2"  # noqa: S608
    match rows.execute(begun, (id,)).fetchall():
        case [sqlite3.Row() as one]:
            return one
        case [one, other]:
            raise Ambiguous(f"{id!r} begins {one['id']} and {other['id']}: give more of it")
    what = table.removesuffix("s")
    recent = f"SELECT id FROM {table} ORDER BY created DESC, rowid DESC LIMIT {_NEAR}"  # noqa: S608
    known = [str(row["id"]) for row in rows.execute(recent)]
    near = difflib.get_close_matches(id, known, n=1) if known else []
    hint = f" (did you mean {near[0]}?)" if near else "" if known else f"; there are no {table} yet"
    raise NotFound(f"there is no {what} {id!r}{hint}: see  kg jobs list")
