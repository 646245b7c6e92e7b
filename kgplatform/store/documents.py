"""Documents on a server: nodes of passages, and on the source the word that they are all there.

A text may be larger than one transaction, so its passages come in several, and the last marks the source as a document.
Until then, and once the source is forgotten, no reader sees any of them: a passage counts only with the source's own
epoch and digest. A passage that a slow writer commits after a forget is thus void, and the second sweep takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from kgplatform import passages
from kgplatform.errors import NotFound, StoreConflict
from kgplatform.passages import Draft
from kgplatform.store import fulltext, relevance
from kgplatform.store.connection import Connection, Record, run
from kgplatform.store.reading import Reader
from kgplatform.store.statements import statement
from kgplatform.types import Document, Passage, Source, SourceId

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

PAGE = 500
"""Passages that are read or dropped at once; the local server takes milliseconds to drop one."""
BYTES = 1_000_000
"""Text in one transaction: what is full-text indexed takes its time, and a transaction has but a minute."""
_CANDIDATES = 200
_TRIES = 5


class _Changed(Exception):
    """The source was forgotten, or another text has taken its id, since the writer began."""


class DocumentKeeper(Reader):
    """The part of a graph on a server that keeps documents. Safe to share between threads."""

    def add_document(self, source: Source, text: str) -> bool:
        given = passages.draft(source, text)
        for _ in range(_TRIES):
            with suppress(_Changed):
                return self._keep(given)
        raise StoreConflict(f"{given.source.id!r} is being forgotten again and again: try again when nobody does")

    def _keep(self, given: Draft) -> bool:
        source = given.source
        if held := self._kept(source.id):
            given.check_same(held["digest"])
            return False
        epoch = self._connection.writing(partial(_meet, source=source))
        cut = passages.cut(source.id, given.text)
        for rows in _batches(_row(passage, epoch, given.digest) for passage in cut):
            self._connection.writing(partial(_write, rows=rows, source=source.id, epoch=epoch))
        marks = {"epoch": epoch, "digest": given.digest, "length": len(given.text), "passages": len(cut)}
        told = {"id": source.id, "kind": source.kind, "title": source.title, "uri": source.uri}
        self._connection.writing(partial(_complete, marks=marks | told))
        return True

    def _kept(self, source: str) -> Record | None:
        return next(iter(self._connection.rows(statement("documents_find"), id=source)), None)

    def document(self, source: SourceId) -> Document | None:
        held = self._kept(source)
        return _document(held) if held else None

    def documents(self, after: str = "", limit: int = 100) -> list[Document]:
        return [_document(row) for row in self._connection.rows(statement("documents_page"), after=after, limit=max(0, limit))]

    def passages(self, source: SourceId, start: int = 0, end: int | None = None) -> Iterator[Passage]:
        held = self._kept(source)
        if held:
            for row in _read(self._connection, held, self._places(held, start, held["length"] if end is None else end)):
                yield _passage(row)

    def _places(self, held: Record, start: int, end: int) -> Sequence[int]:
        if start <= 0 and end >= held["length"]:
            return range(held["passages"])
        marks = {"source": held["id"], "epoch": held["epoch"], "digest": held["digest"], "passages": held["passages"]}
        return [row["place"] for row in self._connection.rows(statement("passages_between"), start=start, end=end, **marks)]

    def find_passages(self, text: str, limit: int = 20) -> list[Passage]:
        asked = fulltext.asked(text)
        if not asked or limit < 1:
            return []
        query, many = fulltext.any_of(asked), max(_CANDIDATES, 5 * limit)
        found = self._connection.rows(statement("passages_search"), index=self._dialect.passages, text=query, limit=many)
        return relevance.ranked(asked, [_passage(row) for row in found], limit)


# -- writing -----------------------------------------------------------------------------------------


def _meet(tx: ManagedTransaction, *, source: Source) -> int:
    """Make the source known; how often it was forgotten."""
    row = {"id": source.id, "kind": source.kind, "title": source.title, "uri": source.uri}
    return int(run(tx, statement("sources_create"), rows=[row])[0]["epochs"][0][1])


def _write(tx: ManagedTransaction, *, rows: Sequence[Mapping[str, Any]], source: SourceId, epoch: int) -> None:
    run(tx, statement("passages_write"), rows=rows)
    if run(tx, statement("sources_epochs"), ids=[source])[0]["epochs"] != [[source, epoch]]:
        raise _Changed


def _complete(tx: ManagedTransaction, *, marks: Mapping[str, Any]) -> None:
    if not run(tx, statement("documents_complete"), **marks):
        raise _Changed


def _row(passage: Passage, epoch: int, digest: str) -> dict[str, Any]:
    return {
        "id": _id(passage.source, epoch, digest, passage.place),
        "source": passage.source,
        "epoch": epoch,
        "digest": digest,
        "place": passage.place,
        "start": passage.start,
        "stop": passage.end,
        "text": passage.text,
    }


def _id(source: str, epoch: int, digest: str, place: int) -> str:
    return f"{source}#{epoch}.{digest}.{place}"


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        more = len(row["text"].encode()) + len(row["id"]) + len(row["source"])
        if part and size + more > BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += more
    if part:
        yield part


def drop(connection: Connection, source: str, epoch: int) -> int:
    """Drop the passages of a source that were written before it was forgotten for the ``epoch``-th time; how many."""
    cypher, dropped = statement("passages_drop"), 0
    while n := connection.writing(lambda tx: run(tx, cypher, source=source, epoch=epoch, limit=PAGE))[0]["n"]:
        dropped += n
    return dropped


# -- reading -----------------------------------------------------------------------------------------


def _read(connection: Connection, held: Record, places: Sequence[int]) -> Iterator[Record]:
    """Rows of a document's passages. Raises ``NotFound`` when it is forgotten meanwhile."""
    for at in range(0, len(places), PAGE):
        ids = [_id(held["id"], held["epoch"], held["digest"], place) for place in places[at : at + PAGE]]
        rows = connection.rows(statement("passages_read"), ids=ids)
        if len(rows) < len(ids):
            raise NotFound(f"the document {held['id']!r} was forgotten while it was read")
        yield from rows


def told(connection: Connection, held: Record) -> Iterator[dict[str, Record]]:
    """A source as lines of a backup, behind those of its passages; what is forgotten meanwhile is told as it is then."""
    while held["passages"]:
        with suppress(NotFound):
            yield from ({"passage": row} for row in _read(connection, held, range(held["passages"])))
        now = connection.rows(statement("sources_read"), ids=[held["id"]])[0]
        if now == held:
            break
        held = now
    yield {"source": held}


def _document(row: Record) -> Document:
    return Document(Source(row["id"], row["kind"], row["title"], row["uri"]), row["length"], row["passages"], row["time"])


def _passage(row: Record) -> Passage:
    return Passage(row["source"], row["place"], row["start"], row["stop"], row["text"])
