"""The file behind the ledger: SQLite in write-ahead mode, opened anew for every call.

So threads and forks share nothing, and what was committed survives a kill and a power cut. It must lie on a disk of this machine:
SQLite's locks do not hold on network file systems.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from filelock import FileLock, Timeout

from kgplatform.errors import LedgerError

VERSION = 1
"""Of the tables; a ledger of an older one is brought up when it is opened, a newer one is refused."""
_ROOM = 1 << 20
_OURS = 0x6B676A62
"""SQLite's application id of a ledger, ``kgjb``."""


class LedgerFile:
    """A ledger by its path; it is made at the first call. ``patience`` is in seconds: how long to wait for other writers."""

    def __init__(self, path: Path, patience: float = 30.0) -> None:
        self.path = path
        self._patience = patience

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the ledger for all that is read inside. Raises ``LedgerError``."""
        with self._transaction("BEGIN") as rows:
            yield rows

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction with nobody writing beside it: all of it is kept, or none. Raises ``LedgerError``."""
        with self._transaction("BEGIN IMMEDIATE") as rows:
            yield rows

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Quicker writing inside: the last to close the file would each time fold its log into it, which waits for the disk thrice."""
        try:
            rows = self._open()
        except (sqlite3.Error, OSError, Timeout) as error:
            raise LedgerError(self._sentence(error)) from None
        with closing(rows):
            yield

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as rows:
                rows.execute(begin)
                try:
                    yield rows
                    rows.execute("COMMIT")
                finally:
                    if rows.in_transaction:
                        rows.execute("ROLLBACK")
        except (sqlite3.Error, OSError, Timeout) as error:
            raise LedgerError(self._sentence(error)) from None

    def _open(self) -> sqlite3.Connection:
        rows = self._connected()
        try:
            version = _version(rows)
            if not version:
                self._make(rows)
            elif version > VERSION:
                raise LedgerError(
                    f"{self.path} was written by a newer kgplatform (ledger {version}, this one knows {VERSION}): "
                    "use that version, or another data folder (KG_HOME)"
                )
            elif rows.execute("PRAGMA application_id").fetchone()[0] != _OURS:
                raise LedgerError(f"{self.path} is no ledger of jobs: move it away, and a new one begins")
        except BaseException:
            rows.close()
            raise
        return rows

    def _connected(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rows = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        rows.row_factory = sqlite3.Row
        rows.execute("PRAGMA synchronous=FULL")
        return rows

    def _make(self, rows: sqlite3.Connection) -> None:
        """Create the tables, unless another process has just done so."""
        with FileLock(f"{self.path}.lock", timeout=self._patience):
            if _version(rows):
                return
            if rows.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise LedgerError(f"{self.path} is no ledger of jobs: move it away, and a new one begins")
            rows.execute("PRAGMA journal_mode=WAL")
            schema = files("kgplatform.jobs").joinpath("schema.sql").read_text("utf-8")
            rows.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA application_id={_OURS}; PRAGMA user_version={VERSION}; COMMIT;")

    def _sentence(self, error: Exception) -> str:
        """What went wrong, for a person."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, Timeout) or code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"other programs have kept {self.path} locked for {self._patience:.0f} s: try again later"
        full = code == sqlite3.SQLITE_FULL or getattr(error, "errno", 0) == errno.ENOSPC
        if full or (code == sqlite3.SQLITE_IOERR and self._is_cramped()):
            return f"the disk is full, so the ledger of jobs {self.path} cannot be written: free some space and try again"
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FORMAT):
            return f"{self.path} is no ledger of jobs, or damaged ({error}): move it away, and a new one begins"
        return f"the ledger of jobs {self.path} cannot be opened or written ({error}): see who may write there, or set KG_HOME"

    def _is_cramped(self) -> bool:
        """Whether so little room is left that SQLite's files beside the ledger cannot grow."""
        try:
            return shutil.disk_usage(self.path.parent).free < _ROOM
        except OSError:
            return False


def _version(rows: sqlite3.Connection) -> int:
    return int(rows.execute("PRAGMA user_version").fetchone()[0])
