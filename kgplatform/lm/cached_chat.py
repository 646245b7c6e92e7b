"""What a chat model has answered once is kept, and given again to whoever asks the same.

Any number of threads and processes share the file. Two that ask the same at once ask the model once: the second waits for
the first. Beside each answer stands which sources its request was made from; ``erase`` takes away what one source led to.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from kgplatform.errors import KgError
from kgplatform.lm import answers
from kgplatform.lm.answers import Answers
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.sharedfile import SharedFile
from kgplatform.lm.talk import Reply, Request, Usage
from kgplatform.lm.wrapper import Wrapper

_SCHEMA = f"""{answers.SCHEMA}
CREATE TABLE IF NOT EXISTS sources (source TEXT, key BLOB, PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sources_key ON sources (key);"""
_LOOK = 0.02
"""Seconds between looks at whether the one who asks has the answer."""


class CachedChat(Wrapper):
    """``inner`` with a memory for all that it answers, also what cannot be used.

    Who wants another answer asks in other words, or for another ``sample``.
    """

    def __init__(self, inner: ChatModel, path: Path) -> None:
        super().__init__(inner)
        self._asking = path.with_name(f"{path.name}.asking")
        self._answers = Answers(path, _SCHEMA)

    def reply(self, request: Request) -> Reply:
        """As the port says."""
        key = self.key(request)
        if kept := self._kept(key, request):
            return kept
        with _alone(self._asking / key.hex()):
            if kept := self._kept(key, request):
                return kept
            reply = self._inner.reply(request)
            self._keep(key, request, reply)
            return reply

    def key(self, request: Request) -> bytes:
        """A hash of all that an answer depends on; the order of a schema's properties is the order in which they are answered."""
        turns = [(message.role, message.text) for message in request.messages]
        bounds = (request.max_tokens, float(request.temperature), request.sample)
        return answers.key("chat", self.name, json.dumps([turns, request.schema, bounds]))

    def knows(self, request: Request) -> bool:
        """Whether the answer is kept."""
        return self._kept(self.key(request), request) is not None

    def _kept(self, key: bytes, request: Request) -> Reply | None:
        found: list[tuple[bytes]] = []
        sources: set[str] = set()

        def read(file: sqlite3.Connection) -> None:
            found.extend(file.execute("SELECT value FROM answers WHERE key = ?", (key,)))
            if found and request.sources:
                sources.update(source for (source,) in file.execute("SELECT source FROM sources WHERE key = ?", (key,)))

        self._answers.read(read)
        if not found or (reply := _reply(found[0][0])) is None:
            return None
        if new := set(request.sources) - sources:
            self._answers.write(lambda file: _note(file, key, new))
        return reply

    def _keep(self, key: bytes, request: Request, reply: Reply) -> None:
        usage = reply.usage
        row = {"text": reply.text, "usage": [usage.prompt, usage.completion, usage.usd], "id": reply.id, "cut": reply.cut}
        value = json.dumps(row).encode()

        def write(file: sqlite3.Connection) -> None:
            file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, value))
            _note(file, key, set(request.sources))

        self._answers.write(write)


def erase(path: Path, source: str) -> int:
    """Take away the answers to all requests that were made from this source, and their bytes. How many they were.

    An answer that is on its way meanwhile comes after. Raises ``KgError`` when the file cannot be written.
    """
    for aside in path.parent.glob(f"{path.name}.damaged-*"):
        aside.unlink(missing_ok=True)
    if not path.exists():
        return 0
    try:
        with closing(SharedFile(path, _SCHEMA)) as file:
            with file.writing() as transaction:
                keys = transaction.execute("SELECT key FROM sources WHERE source = ?", (source,)).fetchall()
                gone = transaction.executemany("DELETE FROM answers WHERE key = ?", keys).rowcount if keys else 0
                transaction.executemany("DELETE FROM sources WHERE key = ?", keys)
            file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (sqlite3.Error, OSError) as error:
        raise KgError(f"{path}: what models answered to {source[:120]!r} cannot be erased ({error}): delete this file") from None
    return gone


def _note(file: sqlite3.Connection, key: bytes, sources: set[str]) -> None:
    file.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?)", [(source, key) for source in sources])


def _reply(value: bytes) -> Reply | None:
    """None for what no version of this wrote."""
    try:
        row: dict[str, Any] = json.loads(value)
        return Reply(row["text"], Usage(*row["usage"]), row["id"], row["cut"], cached=True)
    except (ValueError, KeyError, TypeError):
        return None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While nobody else, in any process, holds ``path``; whoever dies lets it go. Without a folder to write to, at once."""
    lock = FileLock(path, poll_interval=_LOOK)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):
                path.unlink()
            lock.release()
