"""``Reader``: the half of ``KnowledgeGraph`` that asks, and writes nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Unpack

from kgplatform import explanation, facts, lookup, names, viewing
from kgplatform import similar as similarity
from kgplatform.analysis.between import Between, Ends, Wanted
from kgplatform.errors import BadRequest, NotFound, StoreError, WriteRefused
from kgplatform.explanation import Explanation
from kgplatform.facts import Facts, Which
from kgplatform.library import Library
from kgplatform.lm.ports import Encoder
from kgplatform.ports import CypherRunner, Limits, Mirroring, Rows, Signature, Store
from kgplatform.types import By, Change, Entity, EntityId, Fact, FactKey, FactQuery, Hit, Kind, Merge, Path, Relation, SourceId
from kgplatform.view import GraphView

if TYPE_CHECKING:
    import networkx as nx


class Reader(Library):
    """One graph that is asked: by names, in arrays, in Cypher."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._between = Between(store)

    # vocabulary

    def relations(self) -> dict[str, Relation]:
        return self.store.relations()

    def kinds(self) -> dict[str, Kind]:
        return self.store.kinds()

    def signatures(self) -> list[Signature]:
        """Which kinds each relation joins in the current facts, and how often; the most frequent first. It reads the whole graph."""
        return self.store.signatures()

    # facts

    def facts(
        self,
        head: str | None = None,
        relation: str | None = None,
        tail: str | None = None,
        *,
        limit: int | None = None,
        after: str | None = None,
        **which: Unpack[Which],
    ) -> Facts:
        """Facts by names or ids, and as ``which`` says; literals as tails are given by ``explain``'s triple form only.

        They come in the order of head and key; those behind the key ``after`` are the next ones. A fact of a symmetric relation has no
        direction: it is found by either end as head, though it is kept with the one that its key names first.

        Raises ``NotFound`` (with near names) or ``Ambiguous``, and ``BadRequest`` for the inverse's name: facts are kept in one direction.
        """
        if limit is not None:
            names.count(limit, "limit")
        if relation is not None:
            lookup.check_relation(self.store, relation)
        begin, end = (None if name is None else self.entity(name).id for name in (head, tail))
        query = dataclasses.replace(self._selected(**which), head=begin, relation=relation, tail=end, limit=limit, after=_key(after))
        return Facts(self.store, query, self._turned(query) if begin or end else ())

    def _turned(self, query: FactQuery) -> tuple[FactQuery, ...]:
        """The same facts with head and tail exchanged, of the symmetric relations among those that are asked for."""
        symmetric = [card.name for card in self.store.relations().values() if card.symmetric and query.relation in (None, card.name)]
        return tuple(dataclasses.replace(query, head=query.tail, tail=query.head, relation=name) for name in symmetric)

    def view(self, *, literals: bool = False, **which: Unpack[Which]) -> GraphView:
        """The facts between entities as integer arrays, as they are now; with ``literals`` also numbers and dates of entities."""
        return viewing.read(self.store, self._selected(**which), literals)

    def to_networkx(self, **which: Unpack[Which]) -> nx.MultiDiGraph[str]:
        """All facts that fit as a graph of networkx, as ``Facts.to_networkx`` says."""
        return self.facts(**which).to_networkx()

    def _selected(self, **which: Unpack[Which]) -> FactQuery:
        """Raises ``NotFound`` (with near ids) for a source that has neither said anything nor a text, and what ``facts.which`` raises."""
        query = facts.which(**which)
        if query.source is not None and not query.source.strip():
            raise NotFound("the id of a source is empty: give one, or leave it out to mean all")
        if (source := query.source) is not None and not (self.store.speaks(source) or self.store.document(source)):
            raise self._no_source(source)
        return query

    def _no_source(self, source: str) -> NotFound:
        """With those that are called much like it, else those that said most."""
        said = self.store.speaking()
        near = lookup.near(source, {*said, *(one.source.id for one in self.documents())})
        most = f"; there are {', '.join(said[:3])}" if said else ": it has no facts"
        return NotFound(f"the graph has no source {source[:120]!r}{near or most}")

    def entity(self, name: str) -> Entity:
        """The entity with that id, name or alias. Raises ``NotFound`` (with near names) or ``Ambiguous``."""
        return lookup.entity(self.store, name)

    def sources(self) -> dict[SourceId, int]:
        """Every source that speaks in the graph, and for how many facts; reads all facts."""
        return Counter(source for fact in self.facts(status="all") for source in fact.sources)

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        return self.store.search(names.text(text, "what is searched for"), names.count(limit, "limit"))

    def similar(self, text: str, encoder: Encoder, limit: int = 20) -> list[Hit]:
        """The entities that mean the most like the text; ``score`` is the cosine. Those without a vector (``embed``) are not found."""
        return similarity.similar(self.store, names.text(text, "what is searched for"), encoder, names.count(limit, "limit"))

    def neighbours(self, entity: str, hops: int = 1, limit: int = 200, **which: Unpack[Which]) -> list[Fact]:
        """The facts around an entity, hop by hop, the most believed first within a hop; at most ``limit``."""
        return facts.around(self.store, self.entity(entity).id, hops, limit, self._selected(**which))

    def paths(
        self,
        a: Ends,
        b: Ends | None = None,
        max_hops: int = 4,
        k: int = 5,
        *,
        by: By = "shortest",
        pattern: str | None = None,
        directed: bool = False,
        **which: Unpack[Which],
    ) -> list[Path]:
        """The ``k`` best paths between two entities, or two sets, by ids or names; no entity comes twice in one.

        ``by``: the fewest hops; ``"specific"``, which avoids entities and relations of many facts; or ``"confidence"``, the product of
        how far the facts are believed. Facts are walked either way unless ``directed``, or as a ``pattern`` says
        (``"author of/^cites+"``: see ``kgplatform.analysis.pattern``). With a pattern and no ``b``: a walk to each entity that it leads to.

        The product is of belief without graph models' evidence (``Fact.trust``). Of a server's facts those around the ends are read; where
        they are many, and for ``"specific"``, all that fit, once (about 25 seconds and 250 MB a million): the current ones, and the last
        others that were asked for, stay in memory.
        Raises ``BadRequest``, ``NotFound`` or ``Ambiguous``.
        """
        return self._between.paths(a, b, Wanted(k, max_hops, by, pattern, directed, self._selected(**which)))

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        """The facts under these keys, or under those they have since their entities were merged; by the keys that were asked."""
        return self.store.facts_at(keys)

    def fact(self, fact: Fact | str) -> Fact:
        """The fact with that key, or ``head | relation | tail`` by names. Raises ``NotFound`` or ``Ambiguous``."""
        return lookup.fact(self.store, fact.key if isinstance(fact, Fact) else fact)

    def explain(self, fact: Fact | str) -> Explanation:
        """All that speaks for and against a fact, its history, and what was derived from it."""
        return explanation.explain(self.store, self.store.calibration, self.fact(fact))

    def cypher(self, query: str, /, limits: Limits | None = None, **parameters: Any) -> Rows:
        """Reading Cypher, limited in rows, bytes and seconds. Raises ``WriteRefused`` for anything that writes."""
        return self.read(query, parameters, limits or Limits())

    def read(self, query: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        """As ``cypher``, for parameters of any name. First the values of entities, as plain properties, are brought up to date."""
        runner = self._runner()
        if isinstance(self.store, Mirroring):
            with suppress(StoreError, WriteRefused):  # who may not write, or comes among too many writers, sees them as they were
                self.store.mirror()
        return runner.read(query, parameters, limits)

    def examine(self, query: str, parameters: Mapping[str, Any]) -> None:
        """Have the server plan a query, not run it. Raises ``BadQuery``, and ``WriteRefused`` where the plan shows that it writes."""
        self._runner().examine(query, parameters)

    def _runner(self) -> CypherRunner:
        if isinstance(self.store, CypherRunner):
            return self.store
        if (address := self.store.address).startswith("snapshot:"):
            raise BadRequest(
                f"{address} is a snapshot, which has no Cypher: ask the graph itself, or one that is made of it by  "
                f"kg import FOLDER/facts.parquet --graph NAME  (kg snapshots show {address.removeprefix('snapshot:')}  tells the folder)"
            )
        raise BadRequest("a graph in memory has no Cypher: use  connect()  with the local server or Neo4j")

    # what happened

    def merges(self, entity: str | None = None) -> list[Merge]:
        """All merges, or those an entity took part in; the latest first."""
        return self.store.merges(None if entity is None else self._id(entity))

    def _id(self, name: str) -> EntityId:
        """An id as it was given, even one that was merged, else that of the entity with the name."""
        return EntityId(name) if self.store.entities([EntityId(names.text(name, "the id of an entity"))]) else self.entity(name).id

    def changes(self, since: int = 0) -> Iterator[Change]:
        """What was written after ``since`` (milliseconds since the epoch), oldest first. Some come again; none is missed."""
        return self.store.changes(names.count(since, "since"))


def _key(text: str | None) -> FactKey | None:
    """A key of a fact, which need not be there. Raises ``NotFound`` when it is none."""
    if text is not None:
        names.parse_key(text)
    return None if text is None else FactKey(text)
