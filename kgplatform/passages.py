"""A document's text in passages: short enough to be searched and read one by one, and together exactly the text.

A passage ends with a paragraph where it can, else with a sentence, else with a word; only a run of characters that has
none of these is cut anywhere. What stands between two passages, such as an empty line, belongs to the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kgplatform import names
from kgplatform.errors import BadName, BadRequest
from kgplatform.types import Passage, Source, SourceId

LONGEST = 1_000
"""Characters in a passage; one that is followed by another has at least a quarter of that."""

ENDS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"[.!?…]['\"’”»)\]]*\s+|[。！？]['\"’”」』）]*"),
    re.compile(r"\s+"),
)
"""After a paragraph, a sentence, a word: where a text is best cut, the best first."""


def cut(source: SourceId, text: str, longest: int = LONGEST) -> tuple[Passage, ...]:
    """The passages of a text, in order: no gap between them, none empty, and none longer than ``longest`` characters."""
    return tuple(Passage(source, place, start, end, text[start:end]) for place, (start, end) in enumerate(_spans(text, longest)))


def _spans(text: str, longest: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= longest else _end(text, start, longest)
        yield start, end
        start = end


def _end(text: str, start: int, longest: int) -> int:
    """The last good place to cut within reach."""
    for pattern in ENDS:
        ends = [found.end() for found in pattern.finditer(text, start, start + longest)]
        if ends and ends[-1] - start >= longest / 4:
            return ends[-1]
    return start + longest


class Draft(NamedTuple):
    """A document as a store takes it; by ``digest`` its text is known again."""

    source: Source
    text: str
    digest: str

    def check_same(self, digest: str) -> None:
        """Raises ``BadRequest`` when the text that is kept is another."""
        if digest != self.digest:
            raise BadRequest(f"the graph keeps another text as {self.source.id!r}: make the id from the content, or forget that one first")


def draft(source: Source, text: str) -> Draft:
    """A document with all that a database could not hold replaced. Raises ``BadRequest`` or ``BadName``."""
    if not source.id or len(source.id.encode("utf-8", "replace")) > names.GIVEN_ID_BYTES:
        raise BadName(f"{source.id[:60]!r} cannot be the id of a document: it needs one, of at most {names.GIVEN_ID_BYTES} bytes")
    if not text.strip():
        raise BadRequest(f"the document {source.id!r} has no text")
    name, title, uri, text = map(names.storable, (source.id, source.title, source.uri, text))
    return Draft(Source(SourceId(name), source.kind, title, uri), text, names.digest(text, size=12))
