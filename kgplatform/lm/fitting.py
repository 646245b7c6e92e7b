"""A text that is too long for a model's context, in parts that fit."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kgplatform.errors import TextTooLong
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Request
from kgplatform.passages import ENDS

_LOG = logging.getLogger(__name__)
_FRAME = 48
"""Tokens that a model's template may put around the messages, and ``_TURN`` around each."""
_TURN = 8
_CUTS = (*ENDS, re.compile(r"(?<=.)(?=.)", re.S))
"""Where a text may be parted: as passages are, else anywhere."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text and the place where it begins there."""

    start: int
    text: str


def parts(model: ChatModel, text: str, request: Callable[[str], Request]) -> list[Part]:
    """The text in as few parts as fit with the rest of ``request(part)`` and its answer; together they are the text.

    Raises ``TextTooLong`` when the rest alone leaves no room.
    """
    if model.context is None:
        return [Part(0, text)]
    empty = request("")
    rest = sum(model.count(message.text) + _TURN for message in empty.messages) + _FRAME + empty.max_tokens
    if empty.schema is not None:
        rest += model.count(json.dumps(empty.schema))
    room = model.context - rest
    if room < min(_FRAME, model.count(text)):
        raise TextTooLong(
            f"{model.name}: the question and its answer take {rest} of the {model.context} tokens of the context, which leaves no room "
            f"for the text: ask for a shorter answer, or choose a model with a larger context"
        )
    found = list(_packed(model.count, text, room))
    if len(found) > 1:
        _LOG.info("a text of %d letters is read in %d parts, for %s has room for %d tokens of it", len(text), len(found), model.name, room)
    return found


def _packed(count: Callable[[str], int], text: str, room: int) -> Iterator[Part]:
    """Pieces side by side as long as their sum has room."""
    start = end = held = 0
    for piece in _pieces(count, text, room, 0):
        size = count(piece)
        if held and held + size > room:
            yield Part(start, text[start:end])
            start, held = end, 0
        end += len(piece)
        held += size
    if end > start or not text:
        yield Part(start, text[start:end])


def _pieces(count: Callable[[str], int], text: str, room: int, level: int) -> Iterator[str]:
    """The text where it fits, else its paragraphs, of those that do not fit the sentences, and so on."""
    if count(text) <= room or level == len(_CUTS):
        yield text
        return
    begin = 0
    for place in [*(match.end() for match in _CUTS[level].finditer(text)), len(text)]:
        if place > begin:
            yield from _pieces(count, text[begin:place], room, level + 1)
            begin = place
