"""Candidates that a masked model finds by itself: the words that it likes best in the masked slots of all prompts together."""

from __future__ import annotations

from collections.abc import Iterator

from harvest.bertnet.proposing.asked import Asked, Fresh
from harvest.bertnet.search import Bounds, search
from kgplatform.cards import slots
from kgplatform.lm.cloze import Cloze
from kgplatform.lm.ports import MaskedModel
from kgplatform.lm.talk import Request
from kgplatform.types import Words


class Searched:
    """The best ``Asked.size`` tuples of a search within ``bounds``."""

    name = "searched"

    def __init__(self, model: MaskedModel, bounds: Bounds | None = None) -> None:
        self._model, self._bounds = model, bounds or Bounds()

    def requests(self, asked: Asked) -> list[Request]:  # noqa: ARG002 - as the port says
        """As the port says."""
        return []

    def rounds(self, asked: Asked) -> Iterator[list[Words]]:
        """As the port says; all in one round."""
        prompts = tuple(asked.prompts)
        found = search(self._model, Cloze(prompts, (1.0,) * len(prompts), slots(asked.card)), asked.size, self._bounds)
        if new := Fresh(asked).new(words for words, _ in found):
            yield new
