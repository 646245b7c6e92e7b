"""Candidates that a masked model finds by itself: the words that it likes best in the masked slots of all prompts together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from harvest.bertnet.proposing.asked import Asked, Fresh, Proposed
from harvest.bertnet.search import Bounds, lengths, search
from kgplatform.cards import slots
from kgplatform.lm.cloze import Cloze
from kgplatform.lm.ports import MaskedModel
from kgplatform.lm.talk import Request
from kgplatform.ports import Progress


class Searched:
    """The best ``Asked.size`` tuples of a search within ``bounds``, and those that were among the best when they were found."""

    name = "searched"

    def __init__(self, model: MaskedModel, bounds: Bounds | None = None) -> None:
        self._model, self._bounds = model, bounds or Bounds()

    def requests(self, asked: Asked) -> list[Request]:  # noqa: ARG002 - as the port says
        """As the port says."""
        return []

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        """As the port says; a round are the tuples whose names have so many tokens, the shortest first, ``progress`` counts tuples.

        Longer names come only as far as they score as well as the best of the shorter ones.
        """
        prompts, places = tuple(asked.prompts), slots(asked.card)
        cloze, fresh, given = Cloze(prompts, (1.0,) * len(prompts), places), Fresh(asked, before), list(before)
        for sizes in lengths(places, self._bounds.tokens)[len(before) :]:
            scores = sorted((score for one in given for score in one.scores), reverse=True)
            bounds = replace(
                self._bounds,
                lengths=sizes,
                floor=scores[asked.size - 1] if len(scores) >= asked.size else -inf,
                known=tuple(words for one in given for words in one.tuples),
            )
            found = search(self._model, cloze, asked.size, bounds, progress)
            new = [(words, score) for told, score in found for words in fresh.new([told])]
            given.append(Proposed(tuple(words for words, _ in new), tuple(score for _, score in new)))
            yield given[-1]
