"""What a file says of its entities besides facts, on disk until it is asked for.

A file may name a thing anywhere, before its facts or after them. So it is read for descriptions first and for facts then, and
memory does not grow with either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Generic, Self

from kgplatform.errors import BadRequest
from kgplatform.formats.rows import T, batches
from kgplatform.types import Entity

NEAR = 8_000_000
"""Characters that are remembered of what was made."""
MOST = 10_000
"""Things that may be said of one entity."""

Said = tuple[tuple[str, str], ...]
"""What is said of one: (what, words), in the order of the file."""


class _OnDisk:
    """A table in a file without a name, which goes when the block ends."""

    def __init__(self, table: str) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000; CREATE TABLE {table}")
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()


class Described(_OnDisk):
    """``of(id)`` after all was said by ``say``."""

    def __init__(self, said: Iterator[tuple[str, str, str]]) -> None:
        """``said`` is (id, what, words)."""
        super().__init__("said (id TEXT, what TEXT, words TEXT)")
        try:
            for some in batches(said, 5_000):
                self._db.executemany("INSERT INTO said VALUES (?, ?, ?)", some)
        except BaseException:
            self._db.close()
            raise
        self._db.execute("CREATE INDEX at ON said (id)")

    def of(self, id: str) -> Said:
        """Raises ``BadRequest`` when it is more than anybody can mean."""
        found = tuple(self._db.execute("SELECT what, words FROM said WHERE id = ? ORDER BY rowid LIMIT ?", (id, MOST + 1)))
        if len(found) > MOST:
            raise BadRequest(f"of {id[:60]!r} more than {MOST:,} things are said: names, kinds, descriptions")
        return found

    def those(self, what: tuple[str, ...], words: tuple[str, ...] = (), limit: int = -1) -> list[str]:
        """The ids of which any of ``what`` is said, as ``words`` if there are some, in the order of the file."""
        marks = ", ".join("?" * len(what))
        also = f"AND words IN ({', '.join('?' * len(words))})" if words else ""
        found = self._db.execute(
            f"SELECT id FROM said WHERE what IN ({marks}) {also} GROUP BY id ORDER BY min(rowid) LIMIT ?",  # noqa: S608
            (*what, *words, limit),
        )
        return [id for (id,) in found]


class Near(Generic[T]):
    """What was made of ids lately; ``size`` is in characters, since nobody knows how long the texts of a file are."""

    def __init__(self, make: Callable[[str], T], size: Callable[[T], int]) -> None:
        self._make, self._size = make, size
        self._made: dict[str, T] = {}
        self._held = 0

    def __getitem__(self, id: str) -> T:
        if (found := self._made.get(id)) is None:
            found = self._make(id)
            self._held += 100 + len(id) + self._size(found)
            if self._held > NEAR:
                self._made, self._held = {}, 0
            self._made[id] = found
        return found


def size(entity: Entity) -> int:
    """Characters of an entity, about."""
    return len(entity.name) + len(entity.description) + sum(map(len, (*entity.kinds, *entity.aliases)))


class Met(_OnDisk):
    """Which ids were met already, on disk."""

    def __init__(self) -> None:
        super().__init__("met (id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._near: set[str] = set()
        self._held = 0

    def again(self, id: str) -> bool:
        """Whether this id was here before; from now on it was."""
        if id in self._near:
            return True
        self._held += 100 + len(id)
        if self._held > NEAR:
            self._near, self._held = set(), 0
        self._near.add(id)
        return self._db.execute("INSERT OR IGNORE INTO met VALUES (?)", (id,)).rowcount == 0


class Numbered(_OnDisk):
    """Numbers of ids by when they were met first, on disk."""

    def __init__(self) -> None:
        super().__init__("numbered (id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID")
        self._count = 0

    def __getitem__(self, id: str) -> int:
        if found := self._db.execute("SELECT number FROM numbered WHERE id = ?", (id,)).fetchone():
            return int(found[0])
        self._db.execute("INSERT INTO numbered VALUES (?, ?)", (id, self._count))
        self._count += 1
        return self._count - 1
