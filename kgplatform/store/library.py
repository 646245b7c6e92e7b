"""Documents in dictionaries: the part of the store in memory that keeps them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from kgplatform import passages
from kgplatform.store import fulltext, relevance
from kgplatform.store.pieces import Clock
from kgplatform.types import Document, Passage, Source, SourceId


@dataclass(frozen=True, slots=True)
class _Kept:
    document: Document
    passages: tuple[Passage, ...]
    digest: str


class Library:
    """Documents as plain dictionaries; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._clock = Clock()
        self._documents: dict[SourceId, _Kept] = {}

    def add_document(self, source: Source, text: str) -> bool:
        given = passages.draft(source, text)
        with self._lock:
            if held := self._documents.get(given.source.id):
                given.check_same(held.digest)
                return False
            cut = passages.cut(given.source.id, given.text)
            document = Document(given.source, len(given.text), len(cut), self._clock())
            self._documents[given.source.id] = _Kept(document, cut, given.digest)
        return True

    def document(self, source: SourceId) -> Document | None:
        held = self._documents.get(source)
        return held.document if held else None

    def documents(self, after: str = "", limit: int = 100) -> list[Document]:
        with self._lock:
            ids = sorted(one for one in self._documents if one > after)[: max(0, limit)]
            return [self._documents[one].document for one in ids]

    def passages(self, source: SourceId, start: int = 0, end: int | None = None) -> Iterator[Passage]:
        held = self._documents.get(source)
        for passage in held.passages if held else ():
            if passage.end > start and (end is None or passage.start < end):
                yield passage

    def find_passages(self, text: str, limit: int = 20) -> list[Passage]:
        with self._lock:
            everything = [passage for held in self._documents.values() for passage in held.passages]
        return relevance.ranked(fulltext.asked(text), everything, limit)

    def _drop_document(self, source: SourceId) -> int:
        """Forget a text; how many passages it had."""
        held = self._documents.pop(source, None)
        return len(held.passages) if held else 0
