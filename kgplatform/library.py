"""The texts behind the facts: what ``KnowledgeGraph`` can do with the documents of its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kgplatform import lookup, names
from kgplatform.errors import NotFound
from kgplatform.ports import Store
from kgplatform.types import Document, Evidence, Passage, SourceId

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Context:
    """A quote and the words around it, as they stand in the document."""

    before: str
    quote: str
    after: str


class Library:
    """The part of ``KnowledgeGraph`` that reads documents."""

    store: Store

    def documents(self) -> Iterator[Document]:
        """All documents in the order of their ids, streamed."""
        after = ""
        while page := self.store.documents(after, _PAGE):
            yield from page
            after = page[-1].source.id

    def document(self, source: str) -> Document:
        """The document with that id. Raises ``NotFound`` with near ids."""
        if found := self.store.document(SourceId(names.text(source, "the id of a document"))):
            return found
        near = lookup.near(source, [one.source.id for one in self.documents()])
        raise NotFound(f"the graph keeps no document {source[:120]!r}{near}")

    def text(self, source: str, start: int = 0, end: int | None = None) -> str:
        """The characters of a document from ``start`` to ``end``, all by default. Raises ``NotFound``."""
        kept = self.document(source)
        start, end = max(0, start), kept.length if end is None else min(end, kept.length)
        return _text(self.store, kept.source.id, start, end)

    def passages(self, words: str, limit: int = 20) -> list[Passage]:
        """Passages of documents that hold any of the words, the most telling first."""
        return self.store.find_passages(names.text(words, "what is searched for"), names.count(limit, "limit"))

    def context(self, evidence: Evidence, around: int = 200) -> Context | None:
        """What stands in the document around a quote: at most so many characters on each side.

        None when the graph keeps no text of its source, or this one does not have the quote at that place.
        """
        (evidence,) = names.listed([evidence], Evidence, "the place of a quote is told by")
        if not 0 <= evidence.start < evidence.end:
            return None
        begin = max(0, evidence.start - around)
        found = _text(self.store, evidence.source.id, begin, evidence.end + around)
        start, end = evidence.start - begin, evidence.end - begin
        if len(found) < end or found[start:end] != names.storable(evidence.quote):
            return None
        return Context(found[:start], found[start:end], found[end:])


def _text(store: Store, source: SourceId, start: int, end: int) -> str:
    """The characters of a document that there are between two places."""
    if start >= end:
        return ""
    return "".join(one.text[max(0, start - one.start) : end - one.start] for one in store.passages(source, start, end))
