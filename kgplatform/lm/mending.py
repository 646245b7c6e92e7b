"""Find the JSON in what a model said, and mend what is broken in it without making anything up.

Marks may be wrong (fences, words around it, commas, quotes, comments): the value is all there. A text that ends in the middle is
mended only where it is known that it was cut, and then by leaving out what did not come whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kgplatform.errors import MissingExtra

_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.S)
_STARTS = 50
"""Places at which a value may begin that are looked at."""
_CLOSES = {"{": "}", "[": "]"}


def values(text: str, cut: bool = False) -> Iterator[Any]:
    """The values in a text, the likeliest first: the text itself, then what stands in brackets; of a ``cut`` one its whole part."""
    text = _THOUGHT.sub("", text).strip()
    try:
        yield _strict(text)
        return
    except ValueError:
        pass
    at = 0
    for _ in range(_STARTS):
        begin = min((place for mark in _CLOSES if (place := text.find(mark, at)) >= 0), default=-1)
        if begin < 0:
            return
        end, whole = _scan(text, begin)
        if end < 0:  # the rest of it is yet to come, so nothing inside is the answer
            if cut and whole:
                yield from _mended(whole)
            return
        if end:
            yield from _mended(text[begin:end])
        at = end or begin + 1


def _strict(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _mended(text: str) -> Iterator[Any]:
    try:
        yield _strict(text)
        return
    except ValueError:
        pass
    try:
        import json_repair
    except ImportError:
        raise MissingExtra("json-repair", extra="chat", need="mending answers") from None
    try:
        yield json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return


def _scan(text: str, begin: int) -> tuple[int, str]:
    """Where the bracket at ``begin`` is closed; 0 where brackets do not match; -1 where the text ends before, with what came whole."""
    open_: list[str] = []
    quoted = escaped = False
    whole, closing = begin, ""
    for place in range(begin, len(text)):
        mark = text[place]
        if quoted:
            quoted, escaped = escaped or mark != '"', not escaped and mark == "\\"
            continue
        if mark == '"':
            quoted = True
        elif mark in _CLOSES:
            open_.append(mark)
        elif mark in "]}":
            if _CLOSES[open_.pop()] != mark:
                return 0, ""
            if not open_:
                return place + 1, ""
        if mark in "[]}," and open_.count("[") == 1 and open_[-1] == "[":  # of an outer list: an item within an item is a part of it
            whole, closing = place + (mark != ","), "".join(_CLOSES[one] for one in reversed(open_))
    return -1, text[begin:whole] + closing
