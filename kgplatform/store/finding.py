"""How the store finds entities over the neo4j driver: by id, by name, by words, by meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgplatform.store import fulltext, merging, ranking, records, selection
from kgplatform.store.connection import Connection, Record, run
from kgplatform.store.dialect import Dialect
from kgplatform.store.embedding import Embedding
from kgplatform.store.paging import in_pages
from kgplatform.store.statements import statement
from kgplatform.store.telling import nodes
from kgplatform.types import (
    Entity,
    EntityId,
    Hit,
    VectorSpace,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from neo4j import ManagedTransaction

_CANDIDATES = 100


class Finder:
    """Entities of a graph on a server, those that were merged as what they are now. Safe to share between threads."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._connection = Connection(dialect.login, dialect.turn)
        self._embedding = Embedding(self._connection, dialect)

    def entities(self, ids: Sequence[EntityId]) -> dict[EntityId, Entity]:
        found: dict[str, Mapping[str, Any]] = {}
        ahead = list(dict.fromkeys(map(str, ids)))
        while ahead:
            found |= {row["id"]: row for row in self._connection.reading(lambda tx, a=ahead: list(nodes(tx, a)))}  # type: ignore[misc]
            ahead = [led for row in found.values() if (led := row["redirect"]) is not None and led not in found]
        redirects = {one: row["redirect"] for one, row in found.items() if row["redirect"] is not None}
        return {one: selection.entity(found[merging.root(one, redirects)]) for one in ids if one in found}

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        wanted = records.wanted(text)
        if not wanted or limit < 1:
            return []
        candidates = {one.id: one for one in self.named([wanted])[wanted]}
        if words := fulltext.candidates(wanted):
            many = max(_CANDIDATES, 5 * limit)
            found = self._connection.rows(statement("entities_search"), index=self._dialect.index, text=words, limit=many)
            candidates |= {one.id: one for one in self._standing(found)}
        return ranking.ranked(wanted, candidates.values(), limit)

    def named(self, names: Sequence[str]) -> dict[str, list[Entity]]:
        bearing: dict[str, dict[EntityId, Entity]] = {records.name_key(name): {} for name in names}
        for page in in_pages(list(bearing)):
            marked = [{"key": key, "mark": fulltext.mark(key)} for key in page]
            rows = self._connection.reading(lambda tx, p=page, m=marked: self._bearing(tx, p, m))  # type: ignore[misc]
            for row, one in zip(rows, self._standing(rows), strict=True):
                bearing[row["key"]][one.id] = one
        return {name: [one for _, one in sorted(bearing[records.name_key(name)].items())] for name in names}

    def _bearing(self, tx: ManagedTransaction, keys: Sequence[str], marked: Sequence[Mapping[str, str]]) -> list[Record]:
        by_name = run(tx, statement("entities_named"), keys=keys)
        return by_name + run(tx, statement("entities_aliased"), rows=marked, index=self._dialect.aliases)

    def _standing(self, rows: Sequence[Mapping[str, Any]]) -> list[Entity]:
        """The entities of rows, or those that they were merged into."""
        merged = self.entities([EntityId(row["id"]) for row in rows if row["redirect"] is not None])
        return [merged.get(EntityId(row["id"])) or selection.entity(row) for row in rows]

    # -- vectors -------------------------------------------------------------------------------------

    def vector_space(self) -> VectorSpace | None:
        return self._embedding.space

    def unembedded(self, encoder: str) -> Iterator[Entity]:
        return self._embedding.lacking(encoder)

    def nearest(self, encoder: str, vector: npt.ArrayLike, limit: int = 20) -> list[Hit]:
        return self._embedding.nearest(encoder, vector, limit, self.entities) if limit > 0 else []

    def nearest_each(self, encoder: str, asked: npt.ArrayLike, limit: int = 20) -> list[list[Hit]]:
        found = self._embedding.nearest_each(encoder, asked, limit)
        return [[Hit(one, 2 * row["score"] - 1) for one, row in some] for some in self._each_standing(found)]

    def meeting(self, keys: Sequence[Collection[str]], limit: int = 20) -> list[list[Entity]]:
        return [[one for one, _ in some] for some in self._each_standing(self._embedding.meeting(keys, limit))]

    def _each_standing(self, found: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[list[tuple[Entity, Mapping[str, Any]]]]:
        """The entities of each of several answers, each once, with the row that fits best."""
        standing = iter(self._standing([row for some in found for row in some]))
        for some in found:
            once: dict[EntityId, tuple[Entity, Mapping[str, Any]]] = {}
            for row, one in zip(some, standing, strict=False):
                once.setdefault(one.id, (one, row))
            yield list(once.values())
