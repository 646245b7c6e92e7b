"""Requests and tokens a minute, held by all threads and processes together.

Every request that was let through counts in a table, by its second, for a minute. The next is let through when, with it, no
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
from kgplatform.lm.wrapper import Wrapper

WINDOW = 62
"""Seconds that a request counts: a minute, the second that its time is rounded down by, and one for those that are late on their way."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passed (
    model TEXT, at INTEGER, requests INTEGER NOT NULL, tokens INTEGER NOT NULL, PRIMARY KEY (model, at)) WITHOUT ROWID;"""
_INSERT = "INSERT INTO passed VALUES (?, ?, 1, ?)"
_ADD = "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens"


@dataclass(frozen=True, slots=True)
class Rate:
    """The most requests, and the most tokens of requests and answers, in any minute; None is no limit."""

    requests: int | None = None
    tokens: int | None = None


class LimitedChat(Wrapper):
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
        super().__init__(inner)
        self._rate = rate
        self._file = SharedFile(path, _SCHEMA)
        self._clock, self._sleep = clock, sleep
        self._turn = threading.Lock()

    def reply(self, request: Request) -> Reply:
        """As the port says."""
        tokens = most(self._inner, request).tokens
        if self._rate.tokens is not None and tokens > self._rate.tokens:
            raise TextTooLong(
                f"{self.name}: request and answer may take {tokens:,} tokens, more than the {self._rate.tokens:,} a minute of KG_CHAT_TPM: "
                "raise it, or ask for less at once"
            )
        at = self._pass(tokens)
        reply = self._inner.reply(request)
        if self._rate.tokens is not None and reply.usage.tokens:
            with usable(self._file.path), self._file.writing() as file:
                change = reply.usage.tokens - tokens
                file.execute("UPDATE passed SET tokens = tokens + ? WHERE model = ? AND at = ?", (change, self.name, at))
        return reply

    def _pass(self, tokens: int) -> int:
        """The second in which this request is let through, when there is room for it."""
        with self._turn:
            while True:
                with usable(self._file.path), self._file.writing() as file:
                    now = self._clock()
                    free = self._free(file, int(now), tokens)
                    if free <= int(now):
                        file.execute(f"{_INSERT} {_ADD}", (self.name, int(now), tokens))
                        return int(now)
                self._sleep(free - now)

    def _free(self, file: sqlite3.Connection, now: int, tokens: int) -> int:
        """The second from which there may be room. What stands in the future, of a clock that was set back, counts from now on."""
        ahead = "SELECT model, ?, sum(requests), sum(tokens) FROM passed WHERE model = ? AND at > ? GROUP BY model"
        if file.execute(f"INSERT INTO passed {ahead} {_ADD}", (now, self.name, now)).rowcount:
            file.execute("DELETE FROM passed WHERE model = ? AND at > ?", (self.name, now))
        file.execute("DELETE FROM passed WHERE model = ? AND at <= ?", (self.name, now - WINDOW))
        rows = file.execute("SELECT at, requests, tokens FROM passed WHERE model = ? ORDER BY at", (self.name,)).fetchall()
        others, taken = sum(row[1] for row in rows), sum(row[2] for row in rows)
        free = now
        for at, requests, freed in rows:
            if self._fits(others, taken + tokens):
                break
            free, others, taken = int(at) + WINDOW, others - requests, taken - freed
        return free

    def _fits(self, others: int, tokens: int) -> bool:
        few = self._rate.requests is None or others < self._rate.requests
        return few and (self._rate.tokens is None or tokens <= self._rate.tokens)
