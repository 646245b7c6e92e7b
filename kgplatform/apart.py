"""Work in a thread of its own that can be left to itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NotYet(Exception):
    """The work is not done, and no longer waited for."""


class Apart(threading.Thread, Generic[T]):
    """``work``, once started. Where nobody waits for it any more it ends by itself, and does not hold up the end of the process."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._done: list[T] = []
        self._error: Exception | None = None
        self._over = threading.Event()

    def run(self) -> None:
        try:
            self._done.append(self._work())
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            self._error = error
        self._over.set()

    def leave(self) -> None:
        """Let whoever waits go on without it."""
        self._over.set()

    def within(self, seconds: float) -> T:
        """What the work gives, or raises; ``NotYet`` when it takes longer, or is left."""
        self._over.wait(min(seconds, threading.TIMEOUT_MAX))
        if self._error:
            raise self._error
        if not self._done:
            raise NotYet
        return self._done[0]
