"""Requests and tokens a minute, held by all threads and processes together.

Every request that was let through stands in a table for as long as it counts. The next is let through when, with it, no
minute has more than the limit; so the limit is exact, not an average.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kgplatform.errors import TextTooLong
from kgplatform.lm.estimating import most
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.sharedfile import SharedFile
from kgplatform.lm.spending import usable
from kgplatform.lm.talk import Reply, Request

WINDOW = 61_000
"""Milliseconds that a request counts: a minute, and a second for those that are late on their way."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passed (id INTEGER PRIMARY KEY, model TEXT NOT NULL, at INTEGER NOT NULL, tokens INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS passed_at ON passed (model, at, tokens);"""


@dataclass(frozen=True, slots=True)
class Rate:
    """The most requests, and the most tokens of requests and answers, in any minute; None is no limit."""

    requests: int | None = None
    tokens: int | None = None


class LimitedChat:
    """``inner``, asked no oftener than ``rate``.

    A request counts with the most tokens that it may take, and once it is answered with those that it took. Threads of one process
    are let through one after the other, so that large requests get their turn. Raises ``TextTooLong`` for one that no minute has room for.
    """

    def __init__(
        self,
        inner: ChatModel,
        path: Path,
        rate: Rate,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._inner = inner
        self._rate = rate
        self._file = SharedFile(path, _SCHEMA)
        self._clock, self._sleep = clock, sleep
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def context(self) -> int | None:
        return self._inner.context

    def count(self, text: str) -> int:
        return self._inner.count(text)

    def reply(self, request: Request) -> Reply:
        """As the port says."""
        tokens = most(self._inner, request).tokens
        if self._rate.tokens is not None and tokens > self._rate.tokens:
            raise TextTooLong(
                f"{self.name}: request and answer may take {tokens:,} tokens, more than the {self._rate.tokens:,} a minute of KG_CHAT_TPM: "
                "raise it, or ask for less at once"
            )
        passed = self._pass(tokens)
        reply = self._inner.reply(request)
        if self._rate.tokens is not None and reply.usage.tokens:
            with usable(self._file.path), self._file.writing() as file:
                file.execute("UPDATE passed SET tokens = ? WHERE id = ?", (reply.usage.tokens, passed))
        return reply

    def _pass(self, tokens: int) -> int:
        """The row of this request, when there is room for it."""
        with self._turn:
            while True:
                with usable(self._file.path), self._file.writing() as file:
                    now = int(self._clock() * 1000)
                    wait = self._wait(file, now, tokens)
                    if not wait:
                        row = file.execute("INSERT INTO passed (model, at, tokens) VALUES (?, ?, ?)", (self.name, now, tokens))
                        return int(row.lastrowid or 0)
                self._sleep(wait / 1000)

    def _wait(self, file: sqlite3.Connection, now: int, tokens: int) -> int:
        """Milliseconds until there may be room. What stands in the future, of a clock that was set back, counts from now on."""
        file.execute("UPDATE passed SET at = ? WHERE model = ? AND at > ?", (now, self.name, now))
        file.execute("DELETE FROM passed WHERE model = ? AND at <= ?", (self.name, now - WINDOW))
        count, taken = file.execute("SELECT count(*), coalesce(sum(tokens), 0) FROM passed WHERE model = ?", (self.name,)).fetchone()
        if self._fits(count, taken + tokens):
            return 0
        for at, freed in file.execute("SELECT at, tokens FROM passed WHERE model = ? ORDER BY at", (self.name,)):
            count, taken = count - 1, taken - freed
            if self._fits(count, taken + tokens):
                return int(at) + WINDOW - now
        return WINDOW

    def _fits(self, others: int, tokens: int) -> bool:
        few = self._rate.requests is None or others < self._rate.requests
        return few and (self._rate.tokens is None or tokens <= self._rate.tokens)
