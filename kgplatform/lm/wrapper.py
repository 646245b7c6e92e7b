"""What every wrapper of a chat model has in common: it is called as the model within, and counts as that does."""

from __future__ import annotations

from kgplatform.lm.ports import ChatModel


class Wrapper:
    """A chat model around ``inner``; what is its own is ``reply``."""

    def __init__(self, inner: ChatModel) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def context(self) -> int | None:
        return self._inner.context

    def count(self, text: str) -> int:
        return self._inner.count(text)
