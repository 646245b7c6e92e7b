"""What a model has answered once is kept in a file, so that an interrupted harvest goes on where it was.

``Cached...(inner, path)`` wraps any scorer or encoder. The file is SQLite in write-ahead mode: any number of
threads and processes may share it, and what is committed survives a kill. Every answer is kept under a hash
of the model's name and the words, so models never mix. A cache is a convenience: a damaged file is set aside
with a warning, one that cannot be written is done without.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.ports import Progress

_LOG = logging.getLogger(__name__)
_CHUNK = 512
"""Answers in one transaction: what a kill loses at most."""
_ASKED = 900
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class CachedScorer:
    """``inner`` with a memory; scores are kept as float64, exactly as given."""

    def __init__(self, inner: TokenScorer, path: Path) -> None:
        self._inner = inner
        self._answers = _Answers(path)

    @property
    def name(self) -> str:
        return self._inner.name

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        """As the port says. What is missing is asked for in chunks, those with a common beginning together."""
        keys = {item: _key("score", self.name, *item) for item in items}
        known = self._answers.get(keys.values(), 8)
        missing = sorted(item for item, key in keys.items() if key not in known)
        done = len(items) - len(missing)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            values = np.asarray(self._inner.logprobs(chunk), "<f8")
            new = {keys[item]: value.tobytes() for item, value in zip(chunk, values, strict=True)}
            self._answers.put(new)
            known |= new
            done += len(chunk)
            if progress:
                progress(done, len(items))
        if progress and not missing:
            progress(done, done)
        return np.frombuffer(b"".join(known[keys[item]] for item in items), "<f8").astype(np.float64)


class CachedEncoder:
    """``inner`` with a memory; vectors are kept as float32, exactly as given."""

    def __init__(self, inner: Encoder, path: Path) -> None:
        self._inner = inner
        self._answers = _Answers(path)

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As the port says."""
        keys = {text: _key("vector", self.name, text) for text in texts}
        known = self._answers.get(keys.values(), 4 * self.dimension)
        missing = sorted((text for text, key in keys.items() if key not in known), key=lambda text: (len(text), text))
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            values = np.asarray(self._inner.encode(chunk), "<f4")
            new = {keys[text]: value.tobytes() for text, value in zip(chunk, values, strict=True)}
            self._answers.put(new)
            known |= new
        vectors = np.frombuffer(b"".join(known[keys[text]] for text in texts), "<f4").astype(np.float32)
        return vectors.reshape(len(texts), self.dimension)


def _key(*parts: str) -> bytes:
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return hashlib.blake2b(b"".join(b"%d:%b" % (len(part), part) for part in raw), digest_size=16).digest()


class _Answers:
    """Blobs by key. Each call opens the file anew, which costs little and leaves nothing to share between threads or forks."""

    def __init__(self, path: Path) -> None:
        self._path = path
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

        self._attempt(read)
        return {key: value for key, value in found.items() if isinstance(value, bytes) and len(value) == size}

    def put(self, answers: dict[bytes, bytes]) -> None:
        """Keep these, in one transaction."""
        self._attempt(lambda file: file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", answers.items()))

    def _attempt(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do the work in one transaction; once more after a damaged file was set aside; else go without, with a warning."""
        for _ in range(2):
            try:
                with closing(self._open()) as file, file:
                    work(file)
                    return
            except (sqlite3.Error, OSError) as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                    self._set_aside(error)
                    continue
                self._warn_once(error)
                return

    def _warn_once(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning("the cache %s cannot be used (%s): going on without it", self._path, error)

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self._path, timeout=30)
        try:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute(_SCHEMA)
        except sqlite3.Error:
            file.close()
            raise
        return file

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
            with closing(self._open()) as file:
                return bool(file.execute("PRAGMA quick_check").fetchone()[0] == "ok")
        except sqlite3.Error:
            return False
