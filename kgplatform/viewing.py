"""A view of a whole graph: read at one time, and later brought up to date by what was written since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from kgplatform import belief, names, valued
from kgplatform.errors import BadRequest
from kgplatform.names import KeyParts
from kgplatform.numbered import Mask, Rows, among, gathered, inverse, ordered, renumbered, used
from kgplatform.ports import Store, Values
from kgplatform.store import merging, selection
from kgplatform.store.ahead import ahead
from kgplatform.texts import Ints, Numbering, Texts
from kgplatform.types import CURRENT, Entity, EntityId, Fact, FactKey, FactQuery, Literal
from kgplatform.valued import Literals, Told
from kgplatform.view import Entities, GraphView, Kinds

PAGE = 5_000
"""Entities that are asked for at once."""
NEAR = 500
"""Entities whose values are asked for at once."""
FEW, SHARE = 1_000, 20
"""So many facts are always read by their keys, more only up to this part of all: by its key one costs what so many cost in a stream."""


def read(store: Store, which: FactQuery = CURRENT, literals: bool = False) -> GraphView:
    """The facts that fit as they are now."""
    time = store.now()
    ids, rows, relations = gathered(store.triples(which))
    entities = described(store, Texts.of(ids))
    told = None
    if literals:
        columns = Numbering[tuple[str, str]]()
        places = {one: place for place, one in enumerate(ids)}
        parts = valued.read(store.values(which), lambda one: places.get(one, -1), columns)
        told = valued.arranged(parts, list(columns), np.arange(len(ids)))
    rows, beside = ordered(rows)
    return GraphView(entities, relations, *rows, told, beside, which, time)


def described(store: Store, ids: Texts) -> Entities:
    """What the store tells of these entities."""
    pages = (list(map(EntityId, ids[start : start + PAGE])) for start in range(0, len(ids), PAGE))
    named, kinds = [], list[tuple[str, ...]]()
    for some in ahead(lambda page: _entities(store, page), pages):
        named.append(Texts.of([one.name for one in some]))
        kinds += [one.kinds for one in some]
    return Entities(ids, Texts.joined(named), Kinds.of(kinds))


def _entities(store: Store, page: Sequence[EntityId]) -> list[Entity]:
    found = store.entities(page)
    return [found.get(one) or Entity(one, one) for one in page]


def updated(view: GraphView, store: Store) -> GraphView:
    """What ``read`` would give now. Raises ``BadRequest`` when the view was not read from a whole graph."""
    if not view.time:
        raise BadRequest("this view is not of a whole graph, so it cannot follow one: make it by  kg.view()")
    time = store.now()
    told = {key for change in store.changes(view.time) for key in change.keys}
    if view.which.source is not None or len(told) > max(FEW, len(view) // SHARE):
        return read(store, view.which, view.literals is not None)
    return _Update(view, store).view(told, time)


class _Update:
    """One view being brought up to date. Entities have the numbers of the old view; new ones follow."""

    def __init__(self, view: GraphView, store: Store) -> None:
        self._old, self._store = view, store
        self._new = Numbering[str]()
        self._relations = Numbering[str]({name: number for number, name in enumerate(view.relations)})
        self._find = cache(view.entity_ids.find)

    def view(self, told: Collection[FactKey], time: int) -> GraphView:
        old = self._old
        keys = self._with_moved(set(told))
        parts = [names.parse_key(key) for key in sorted(keys)]
        held = Rows.joined([old.rows, old.beside])
        stale = among(held.triples, self._wanted(parts))
        keys.update(map(FactKey, held.keys.take(stale)))
        values, stale_values = self._held_values(parts)
        keys.update(map(FactKey, values.keys.take(stale_values)))
        found = {fact.key: fact for fact in self._store.facts_at(keys).values()}
        facts = [fact for fact in found.values() if self._fits(fact)]
        rows = Rows.joined([held.take(~stale), self._rows(facts)])
        ids = Texts.joined([old.entity_ids, Texts.of(list(self._new))])
        relations = list(self._relations)
        entities, of_relation = used(rows.triples[:, [0, 2]], ids), used(rows.triples[:, 1], relations)
        rows, beside = ordered(renumbered(rows, entities, of_relation))
        literals = self._literals(values.take(~stale_values), facts, entities) if old.literals is not None else None
        named = tuple(relations[place] for place in of_relation.tolist())
        return GraphView(self._entities(ids, entities, parts, found.values()), named, *rows, literals, beside, old.which, time)

    # -- what is to be read again --------------------------------------------------------------------

    def _with_moved(self, keys: set[FactKey]) -> set[FactKey]:
        """With the keys of what lies at merged entities, and those that all have since."""
        old = self._old
        if redirects := merging.in_force(self._store.merges()):
            gone = np.array([place for one in redirects if (place := self._find(one)) >= 0], dtype=np.int64)
            for rows in (old.rows, old.beside):
                at = np.flatnonzero(np.isin(rows.triples[:, [0, 2]], gone).any(axis=1))
                keys.update(map(FactKey, rows.keys.take(at)))
            if old.literals is not None:
                keys.update(map(FactKey, old.literals.keys.take(np.isin(old.literals.entities, gone))))
            symmetric = {card.name for card in self._store.relations().values() if card.symmetric}
            keys |= {merging.resolved(key, redirects, symmetric) for key in keys}
        return keys

    def _wanted(self, parts: Iterable[KeyParts]) -> Ints:
        """The triples of keys that the old view can have, ``(n, 3)``."""
        listed = [(self._find(one.head), self._relations.get(one.relation, -1), self._find(one.tail)) for one in parts]
        triples = np.array(listed, dtype=np.int64).reshape(-1, 3)
        return triples[(triples >= 0).all(axis=1)]

    def _held_values(self, parts: Iterable[KeyParts]) -> tuple[Told, Mask]:
        """The old view's values, and which of them are to be read again: those with the head and relation of a key."""
        if (held := self._old.literals) is None:
            return Told(), np.zeros(0, dtype=bool)
        relations = Numbering[str]()
        rows = np.stack([held.entities, relations.of(held.relations)[held.columns]], axis=1)
        pairs = [(self._find(one.head), relations.get(one.relation, -1)) for one in parts]
        return held.told, among(rows, np.array(pairs, dtype=np.int64).reshape(-1, 2))

    def _fits(self, fact: Fact) -> bool:
        which = self._old.which
        written = tuple((name, value) for name, value in fact.qualifiers if isinstance(value, str))
        return (
            which.status in ("all", belief.status(fact.verdict, fact.trust, fact.methods))
            and fact.confidence >= which.min_confidence
            and (which.as_of is None or selection.holds_at(written, which.as_of))
        )

    # -- what was read -------------------------------------------------------------------------------

    def _number(self, one: str) -> int:
        """The number of an entity, which is new when the old view has it not."""
        place = self._find(one)
        return place if place >= 0 else len(self._old.entities) + self._new[one]

    def _known(self, one: str) -> int:
        """The number of an entity that is in either view, else -1."""
        return self._number(one) if self._find(one) >= 0 or one in self._new else -1

    def _rows(self, facts: Iterable[Fact]) -> Rows:
        between = [(fact, fact.tail) for fact in facts if isinstance(fact.tail, Entity)]
        ends = [(self._number(fact.head.id), self._relations[fact.relation], self._number(tail.id)) for fact, tail in between]
        trust = np.array([fact.trust for fact, _ in between], dtype=np.float32)
        return Rows(np.array(ends, dtype=np.int64).reshape(-1, 3), trust, Texts.of([fact.key for fact, _ in between]))

    def _entities(self, ids: Texts, places: Ints, parts: Iterable[KeyParts], facts: Iterable[Fact]) -> Entities:
        """The entities at these places of ``ids``: as they were, but for those that any fact speaks of that was touched."""
        old, at = self._old.entities, inverse(places, len(ids))
        spoken = {one: number for one in self._spoken(parts, facts) if (number := self._known(one)) >= 0 and at[number] >= 0}
        fresh = described(self._store, Texts.of(list(spoken)))
        source = places.copy()
        source[at[np.fromiter(spoken.values(), np.int64)]] = len(old) + np.arange(len(fresh))
        kinds = [*old.kinds, *fresh.kinds]
        return Entities(
            ids.take(places), Texts.joined([old.names, fresh.names]).take(source), Kinds.of([kinds[one] for one in source.tolist()])
        )

    def _spoken(self, parts: Iterable[KeyParts], facts: Iterable[Fact]) -> Iterator[str]:
        for one in parts:
            yield from (one.head, one.tail)
            yield from (entity for _, value in one.qualifiers if (entity := names.referred(value)))
        for fact in facts:
            yield from (one.id for one in (fact.head, fact.tail) if isinstance(one, Entity))
            yield from (value.id for _, value in fact.qualifiers if isinstance(value, Entity))

    # -- values --------------------------------------------------------------------------------------

    def _literals(self, kept: Told, facts: Sequence[Fact], entities: Ints) -> Literals:
        old = self._old.literals
        columns = Numbering[tuple[str, str]]()
        if old is not None:
            columns.of(list(zip(old.relations, old.units, strict=True)))
        query, new = replace(self._old.which, tails="literals"), sorted(self._new)
        pages = [[EntityId(one) for one in new[start : start + NEAR]] for start in range(0, len(new), NEAR)]
        near = {fact.key: fact for page in pages for fact in self._store.neighbours(page, query)}
        every = near | {fact.key: fact for fact in facts}
        fresh = valued.read([_values(every.values())], self._known, columns)
        return valued.arranged([kept, *fresh], list(columns), entities)


def _values(facts: Iterable[Fact]) -> Values:
    told = [(fact, fact.tail) for fact in facts if isinstance(fact.tail, Literal)]
    return Values(
        [fact.key for fact, _ in told],
        [fact.head.id for fact, _ in told],
        [fact.relation for fact, _ in told],
        [tail.value for _, tail in told],
        [tail.datatype for _, tail in told],
        [tail.unit for _, tail in told],
    )
