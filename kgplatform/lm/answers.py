"""The file that keeps what models have answered: blobs under keys, for the caches in ``cache`` and ``cached_chat``.

A cache is a convenience: a damaged file is set aside with a warning, one that cannot be written is done without.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock

from kgplatform.lm.sharedfile import SharedFile

_LOG = logging.getLogger(__name__)
_ASKED = 900
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"


def key(*parts: str) -> bytes:
    """A hash that no other parts have, however they join."""
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.blake2b(b"".join(b"%d:%b" % (len(part), part) for part in raw), digest_size=16).digest()


class Answers:
    """Blobs by key, shared by threads and processes."""

    def __init__(self, path: Path, schema: str = SCHEMA) -> None:
        self._path = path
        self._file = SharedFile(path, schema)
        self._warned = False

    def get(self, keys: Iterable[bytes], size: int) -> dict[bytes, bytes]:
        """Those that are kept and have ``size`` bytes."""
        wanted = list(set(keys))
        found: dict[bytes, bytes] = {}

        def read(file: sqlite3.Connection) -> None:
            for start in range(0, len(wanted), _ASKED):
                part = wanted[start : start + _ASKED]
                marks = ",".join("?" * len(part))
                found.update(file.execute(f"SELECT key, value FROM answers WHERE key IN ({marks})", part))  # noqa: S608

        self.read(read)
        return {key: value for key, value in found.items() if isinstance(value, bytes) and len(value) == size}

    def put(self, answers: dict[bytes, bytes]) -> None:
        """Keep these, in one transaction."""
        self.write(lambda file: file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", answers.items()))

    def read(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do the work; once more after a damaged file was set aside; else go without, with a warning."""
        self._attempt(lambda: work(self._file.connection))

    def write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """As ``read``, in one transaction."""

        def whole() -> None:
            with self._file.writing() as file:
                work(file)

        self._attempt(whole)

    def _attempt(self, work: Callable[[], object]) -> None:
        for _ in range(2):
            try:
                work()
            except (sqlite3.Error, OSError) as error:
                self._file.close()
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                    self._set_aside(error)
                    continue
                self._warn_once(error)
            return

    def _warn_once(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning("the cache %s cannot be used (%s): going on without it", self._path, error)

    def _set_aside(self, error: Exception) -> None:
        """Move the damaged file away, unless another process has just done so."""
        try:
            with FileLock(f"{self._path}.lock", timeout=60):
                if self._sound():
                    return
                aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
                for ending in ("-wal", "-shm"):
                    Path(f"{self._path}{ending}").unlink(missing_ok=True)
                self._path.replace(aside)
                _LOG.warning("the cache %s is damaged (%s): set aside as %s, a new one begins", self._path, error, aside.name)
        except (OSError, TimeoutError) as trouble:
            self._warn_once(trouble)

    def _sound(self) -> bool:
        try:
            return bool(self._file.connection.execute("PRAGMA quick_check").fetchone()[0] == "ok")
        except sqlite3.Error:
            return False
        finally:
            self._file.close()
