"""No call goes on beyond the time that there is."""

from __future__ import annotations

import time

from kgplatform.apart import Apart, NotYet
from kgplatform.errors import BudgetExceeded
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Reply, Request
from kgplatform.lm.wrapper import Wrapper


class DeadlineChat(Wrapper):
    """``inner``, outermost of all, until ``seconds`` from now; ``told`` is what is said of a call that would go on after that.

    A call under way is no longer waited for: it ends by itself, retries and all, and holds up neither its asker nor the end of the process.
    If it is answered all the same, whoever keeps answers has it the next time.
    """

    def __init__(self, inner: ChatModel, seconds: float, told: str) -> None:
        super().__init__(inner)
        self._until, self._told = time.monotonic() + seconds, told

    def reply(self, request: Request) -> Reply:
        """As the port says; raises ``BudgetExceeded`` when the time is up."""
        if (left := self._until - time.monotonic()) <= 0:
            raise BudgetExceeded(self._told)
        call = Apart(lambda: self._inner.reply(request))
        call.start()
        try:
            return call.within(left)
        except NotYet:
            raise BudgetExceeded(self._told) from None
