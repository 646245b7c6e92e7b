"""What the store reads over the neo4j driver: facts, evidence, vocabulary; entities are found by ``finding``.

What differs between the servers stands in a *dialect* (``store/neo4j.py``, ``store/local.py``).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from kgplatform.belief import Calibration
from kgplatform.names import is_key, referred
from kgplatform.ports import Columns, Signature, Triples, Values
from kgplatform.store import merging, selection
from kgplatform.store.ahead import ahead
from kgplatform.store.collecting import seldom
from kgplatform.store.dialect import Dialect
from kgplatform.store.finding import Finder
from kgplatform.store.paging import heads_of, in_pages
from kgplatform.store.pieces import Pieces, claims, strongest
from kgplatform.store.properties import pieces
from kgplatform.store.shelving import on_shelves
from kgplatform.store.statements import statement
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Kind,
    Relation,
    SourceId,
    origins,
)

if TYPE_CHECKING:
    pass

_EVER = 1 << 62


class Reader(Finder):
    """The reading half of a graph on a server. Safe to share between threads."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._calibration = Calibration()

    # -- facts ---------------------------------------------------------------------------------------

    def facts(self, query: FactQuery) -> Iterator[Fact]:
        found = (fact for page in self._pages_of(query, selection.RETURN) for fact in self._facts(page))
        return found if query.limit is None else islice(found, query.limit)

    def _facts(self, rows: Sequence[Mapping[str, Any]]) -> list[Fact]:
        """Rows as facts. The entities that qualify them are read for all at once."""
        entity = self._qualifying(rows)
        return [selection.fact(row, entity) for row in rows]

    def _qualifying(self, rows: Sequence[Mapping[str, Any]]) -> Callable[[EntityId], Entity]:
        """Who knows the entities that qualify the facts of rows; another is looked up when it is asked for."""
        written = [selection.written_qualifiers(row) for row in rows if row["qualifiers"]]
        named = {one for pairs in written for _, value in pairs if (one := referred(value))}
        known = self.entities(sorted(named)) if named else {}

        def entity(one: EntityId) -> Entity:
            if one not in known:
                known[one] = self.entities([one]).get(one) or Entity(one, one)
            return known[one]

        return entity

    def columns(self, query: FactQuery) -> Iterator[Columns]:
        for key, head, relation, tail, unit, confidence, trust, verdict, methods in self._cells(query, selection.CELLS):
            words = [f"{value} {of}" if of else value for value, of in zip(tail, unit, strict=True)] if any(unit) else tail
            yield Columns(key, head, relation, words, confidence, trust, verdict, [origins(tuple(one)) for one in methods])

    def triples(self, query: FactQuery) -> Iterator[Triples]:
        yield from itertools.starmap(Triples, self._cells(replace(query, tails="entities"), selection.TRIPLE))

    def values(self, query: FactQuery) -> Iterator[Values]:
        yield from itertools.starmap(Values, self._cells(replace(query, tails="literals"), selection.VALUE))

    def _cells(self, query: FactQuery, cells: Sequence[str]) -> Iterator[Sequence[list[Any]]]:
        """Facts as columns of cells, a page of heads at a time; no page is empty."""
        left = query.limit
        for page in self._pages_of_cells(query, cells):
            part = page if left is None else [one[:left] for one in page]
            if part[0]:
                yield part
            if left is not None and (left := left - len(part[0])) <= 0:
                return

    def _pages_of_cells(self, query: FactQuery, cells: Sequence[str]) -> Iterator[Sequence[list[Any]]]:
        if query.source is not None or query.tail is not None:
            returned = f"{selection.RETURN}, [{', '.join(cells)}] AS cells"
            for page in in_pages([row for some in self._pages_of(query, returned) for row in some]):
                yield list(map(list, zip(*(row["cells"] for row in page), strict=True)))
            return
        splices, values = selection.splices(query, ""), selection.values(query)
        pages = [[str(query.head)]] if query.head is not None else heads_of(self._connection, query)

        def read(heads: list[str]) -> Sequence[list[Any]]:
            with seldom():
                return self._dialect.cells(self._connection, cells, splices, {"heads": heads, **values})

        yield from ahead(read, pages, many=2)

    def _pages_of(self, query: FactQuery, returned: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Rows of the facts that fit, page by page."""
        splices, values = selection.splices(query, returned), selection.values(query)
        if query.source is not None:
            yield from self._of_source(query, returned)
        elif query.head is not None:
            yield self._connection.rows(statement("facts_from_heads", **splices), heads=[query.head], **values)
        elif query.tail is not None:
            yield self._connection.rows(statement("facts_from_tails", **splices), tails=[query.tail], **values)
        else:
            for heads in heads_of(self._connection, query):
                yield self._connection.rows(statement("facts_from_heads", **splices), heads=heads, **values)

    def _of_source(self, query: FactQuery, returned: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Through the source's batches, so that nothing scans the graph."""
        which = {"WHICH": "source", "EPOCH": "epoch", "LIMIT": ""}
        batches = self._connection.rows(statement("batches_of", **which), name=query.source, epoch=_EVER, time=-1, after="")
        redirects, symmetric = self.redirects(), symmetric_ones(self.relations())
        keys = {merging.resolved(FactKey(key), redirects, symmetric) for batch in batches for key in batch["keys"]}
        places = [selection.place(key) for key in keys]
        for page in in_pages(sorted(places, key=lambda p: (p["head"], p["key"]))):
            found = self._found(page, selection.where(query), returned, **selection.values(query))
            yield sorted(found, key=lambda row: (row["head"][0], row["key"]))

    def _found(self, places: Sequence[dict[str, Any]], where: str, returned: str, **values: Any) -> list[Mapping[str, Any]]:
        return [
            row
            for cypher, part in self._dialect.plans("find", places, WHERE=where, RETURN=returned)
            for row in self._connection.rows(cypher, rows=part, **values)
        ]

    def count(self, query: FactQuery) -> int:
        if query.source is not None:
            return sum(1 for _ in self.facts(query))
        splices = selection.splices(query, "")
        if query.head is None and query.tail is not None:
            cypher = statement("facts_count_from_tail", **splices)
        else:
            cypher = statement("facts_count", HEAD="" if query.head is None else " {id: $head}", **splices)
        found = int(self._connection.rows(cypher, **selection.values(query))[0]["n"])
        return found if query.limit is None else min(found, query.limit)

    def relates(self, relation: str) -> bool:
        cypher = statement("facts_relate", TYPE=selection.type_of(FactQuery(relation=relation)))
        return bool(self._connection.rows(cypher, relation=relation))

    def speaks(self, source: SourceId) -> bool:
        return bool(self._connection.rows(statement("sources_speak"), id=source))

    def speaking(self) -> list[SourceId]:
        return [SourceId(row["id"]) for row in self._connection.rows(statement("sources_speaking"))]

    def fact(self, key: FactKey) -> Fact | None:
        return self.facts_at([key]).get(key)

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        found = self._at(keys, selection.RETURN)
        return dict(zip(found, self._facts(list(found.values())), strict=True))

    def evidence(self, key: FactKey) -> tuple[Evidence, ...]:
        return self.evidence_at([key]).get(key, ())

    def evidence_at(self, keys: Collection[FactKey]) -> dict[FactKey, tuple[Evidence, ...]]:
        found = self._at(keys, selection.EVIDENCE)
        held = self._pieces(found.values())
        return {key: strongest(row["relation"], held[FactKey(row["key"])], self._calibration) for key, row in found.items()}

    def claimed(self, ids: Collection[EntityId]) -> set[EntityId]:
        near = [fact.key for fact in self.neighbours(list(ids), FactQuery(status="all"))]
        held = self._pieces(self._under(near, selection.EVIDENCE).values())
        return merging.ends(piece.claimed for some in held.values() for piece in some.values())

    def _pieces(self, rows: Iterable[Mapping[str, Any]]) -> dict[FactKey, Pieces]:
        """All pieces of facts, wherever they lie."""
        found, shelved = dict[FactKey, Pieces](), list[tuple[FactKey, int, Sequence[int]]]()
        for row in rows:
            key, many = FactKey(row["key"]), len(row["parts"] or ())
            found[key] = {} if many else pieces(row)
            shelved += [(key, many, range(many))] if many else []
        return found | self._connection.reading(lambda tx: on_shelves(tx, shelved)) if shelved else found

    def _at(self, keys: Collection[FactKey], returned: str) -> dict[FactKey, Mapping[str, Any]]:
        """What lies under keys, or under those they have since their entities were merged."""
        wanted = [key for key in dict.fromkeys(keys) if is_key(key)]
        found = self._under(wanted, returned)
        if (missing := [key for key in wanted if key not in found]) and (redirects := self.redirects()):
            symmetric = symmetric_ones(self.relations())
            now = {key: merging.resolved(key, redirects, symmetric) for key in missing}
            moved = self._under(list(set(now.values())), returned)
            found |= {key: moved[led] for key, led in now.items() if led in moved}
        return {key: found[key] for key in wanted if key in found}

    def _under(self, keys: Sequence[FactKey], returned: str) -> dict[FactKey, Mapping[str, Any]]:
        pages = (self._found([selection.place(key) for key in page], "true", returned) for page in in_pages(keys))
        return {FactKey(row["key"]): row for page in pages for row in page}

    def claims(self, query: FactQuery) -> Iterator[Claim]:
        pages = self._pages_of(query, f"{selection.RETURN}, {selection.PIECES}")
        told = ((row, entity) for page in pages for entity in [self._qualifying(page)] for row in page)
        for row, entity in told if query.limit is None else islice(told, query.limit):
            yield from claims(selection.fact(row, entity), self._pieces([row])[FactKey(row["key"])], entity)

    def neighbours(self, ids: Sequence[EntityId], query: FactQuery) -> list[Fact]:
        near: dict[FactKey, Fact] = {}
        for name in ("facts_near_heads", "facts_near_tails"):
            found = (fact for fact in self._near(name, ids, query) if self._speaks(query.source, fact))
            near |= {fact.key: fact for fact in islice(found, query.limit)}
        return sorted(near.values(), key=lambda fact: (-fact.confidence, fact.key))[: query.limit]

    def _near(self, name: str, ids: Sequence[EntityId], query: FactQuery) -> Iterator[Fact]:
        """Facts that may fit, the most believed first: at first as many as are wanted, then twice as many each time."""
        cypher = statement(name, **selection.splices(query, selection.RETURN))
        values, limit = selection.values(query) | {"ids": sorted(set(ids)), "below": 2.0, "behind": ""}, query.limit
        while rows := self._connection.rows(cypher, **values | {"limit": limit}):
            yield from self._facts(rows)
            if limit is None or len(rows) < limit:
                return
            limit *= 2
            values |= {"below": rows[-1]["confidence"], "behind": rows[-1]["key"]}

    def _speaks(self, source: SourceId | None, fact: Fact) -> bool:
        """Whether a source, if one is asked for, is among those of a fact; where they are many, the fact does not name them all."""
        return source is None or source in fact.sources or any(piece.source.id == source for piece in self.evidence(fact.key))

    # -- vocabulary ----------------------------------------------------------------------------------

    def relations(self) -> dict[str, Relation]:
        cards = [Relation(**_frozen(raw)) for raw in self._described(":KgRelation")]
        return {card.name: card for card in cards}

    def kinds(self) -> dict[str, Kind]:
        kinds = [Kind(**_frozen(raw)) for raw in self._described(":KgKind")]
        return {kind.name: kind for kind in kinds}

    def signatures(self) -> list[Signature]:
        query = FactQuery()
        rows = self._connection.rows(statement("signatures", WHERE=selection.where(query)), **selection.values(query))
        joined = (Signature(row["relation"], row["head"], row["tail"], row["facts"]) for row in rows)
        return sorted(joined, key=lambda one: (-one.facts, one))

    def _described(self, label: str) -> list[dict[str, Any]]:
        return [json.loads(row["json"]) for row in self._connection.rows(statement("vocabulary", LABELS=label))]

    def redirects(self) -> dict[str, str]:
        return dict(self._connection.rows(statement("redirects"))[0]["redirects"])


def symmetric_ones(cards: Mapping[str, Relation]) -> set[str]:
    return {card.name for card in cards.values() if card.symmetric}


def _frozen(raw: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples of our values."""
    return {
        name: tuple(tuple(item) if isinstance(item, list) else item for item in value) if isinstance(value, list) else value
        for name, value in raw.items()
    }
