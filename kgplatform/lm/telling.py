"""What each answer of a chat model took, told to whoever keeps count: the job that asked."""

from __future__ import annotations

from collections.abc import Callable

from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Reply, Request, Usage
from kgplatform.lm.wrapper import Wrapper


class TellingChat(Wrapper):
    """``inner``, outermost of all: of answers that were not kept from before, ``told`` hears the usage."""

    def __init__(self, inner: ChatModel, told: Callable[[Usage], None]) -> None:
        super().__init__(inner)
        self._told = told

    def reply(self, request: Request) -> Reply:
        """As the port says."""
        reply = self._inner.reply(request)
        if not reply.cached:
            self._told(reply.usage)
        return reply
