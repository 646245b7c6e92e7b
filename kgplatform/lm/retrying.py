"""A model that is busy, or does not answer, is asked again: later, and not for ever."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from kgplatform.errors import ModelBusy, ModelUnreachable
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Reply, Request
from kgplatform.lm.wrapper import Wrapper

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one request is asked, and how many seconds may go by from the first time to the start of the last."""

    attempts: int = 6
    seconds: float = 300.0
    first: float = 1.0
    longest: float = 60.0

    def wait(self, failed: int, chance: float) -> float:
        """Seconds after that many failures: from ``first`` twice as long each time, less up to half by chance, so that threads part."""
        return min(self.longest, self.first * 2.0 ** (failed - 1)) * (1 - chance / 2)


class RetryingChat(Wrapper):
    """``inner``, asked again when that helps: after ``ModelBusy`` and ``ModelUnreachable``, nothing else.

    A model that says when to come back is taken at its word, or given up at once when that is too long. The last error is raised
    as it came.
    """

    def __init__(
        self,
        inner: ChatModel,
        patience: Patience | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(inner)
        self._patience = patience or Patience()
        self._sleep, self._clock, self._chance = sleep, clock, chance

    def reply(self, request: Request) -> Reply:
        """As the port says."""
        until, failed = self._clock() + self._patience.seconds, 0
        while True:
            try:
                return self._inner.reply(request)
            except (ModelBusy, ModelUnreachable) as error:
                failed += 1
                wait = self._wait(error, failed)
                if failed >= self._patience.attempts or self._clock() + wait > until:
                    raise
                # Who waits is told once; the rest is for who looks closer.
                level = logging.WARNING if failed == 1 else logging.INFO
                _LOG.log(level, "%s: asking again in %.1f s, attempt %d of %d", error, wait, failed + 1, self._patience.attempts)
            self._sleep(wait)

    def _wait(self, error: ModelBusy | ModelUnreachable, failed: int) -> float:
        if isinstance(error, ModelBusy) and error.after is not None:
            return error.after * (1 + self._chance() / 10)
        return self._patience.wait(failed, self._chance())
