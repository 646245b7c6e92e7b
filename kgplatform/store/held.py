"""Facts in dictionaries, as they are read: the part of the store in memory that answers."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.ports import Columns, Signature, Triples, Values
from kgplatform.store import merging, qualifying, ranking, records, selection
from kgplatform.store.library import Library
from kgplatform.store.pieces import Pieces, claims, strongest
from kgplatform.store.summing import Summary
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Hit,
    Kind,
    Literal,
    Relation,
    SourceId,
    in_words,
)

if TYPE_CHECKING:
    pass


_PAGE = 10_000
"""Facts in one part of columns."""


@dataclass(slots=True)
class Held:
    """A fact without its entities, which change by themselves."""

    head: EntityId
    tail: EntityId | Literal
    relation: str
    pieces: Pieces
    summary: Summary


class HeldFacts(Library):
    """Facts and entities as plain dictionaries; safe to share between threads."""

    def __init__(self) -> None:
        super().__init__()
        self._calibration = Calibration()
        self._held: dict[FactKey, Held] = {}
        self._entities: dict[EntityId, Entity] = {}
        self._at: dict[EntityId, set[FactKey]] = defaultdict(set)
        self._from: dict[SourceId, set[FactKey]] = defaultdict(set)
        self._names: dict[str, set[EntityId]] = defaultdict(set)
        self._redirects: dict[str, str] = {}
        self._relations: dict[str, Relation] = {}
        self._kinds: dict[str, Kind] = {}

    def _symmetric(self) -> set[str]:
        return {card.name for card in self._relations.values() if card.symmetric}

    def _ends(self, key: FactKey) -> list[EntityId]:
        held = self._held[key]
        return [held.head] if isinstance(held.tail, Literal) else [held.head, held.tail]

    def _named(self, key: FactKey) -> set[EntityId]:
        """The entities by which any evidence qualifies a fact."""
        return {one for _, one in qualifying.told(self._held[key].pieces)} if key in self._held else set()

    def _fact(self, key: FactKey) -> Fact:
        held, found = self._held[key], self._held[key].summary
        return Fact(
            key,
            self._entity(held.head),
            held.relation,
            held.tail if isinstance(held.tail, Literal) else self._entity(held.tail),
            found.confidence,
            found.trust,
            found.verdict,
            found.judge,
            found.methods,
            found.sources,
            names.qualifiers(found.qualifiers, self._entity),
        )

    def _fits(self, key: FactKey, query: FactQuery) -> bool:
        held, found = self._held[key], self._held[key].summary
        return (
            (query.head is None or held.head == query.head)
            and (query.tail is None or held.tail == query.tail)
            and (query.relation is None or held.relation == query.relation)
            and (query.source is None or query.source in found.sources)
            and (query.method is None or query.method in found.methods)
            and (query.tails == "any" or isinstance(held.tail, Literal) == (query.tails == "literals"))
            and (query.as_of is None or selection.holds_at(found.qualifiers, query.as_of))
            and found.confidence >= query.min_confidence
            and (query.status == "all" or belief.status(found.verdict, found.trust, found.methods) == query.status)
        )

    def _keys(self, query: FactQuery) -> list[FactKey]:
        narrow: Iterable[FactKey] = self._held
        for end in (query.head, query.tail):
            if end is not None:
                narrow = self._at.get(end, set())
        found = sorted((k for k in narrow if self._fits(k, query)), key=self._place)
        return found if query.after is None else found[bisect_right(found, (selection.begin(query), query.after), key=self._place) :]

    def _place(self, key: FactKey) -> tuple[str, FactKey]:
        return self._held[key].head, key

    def facts(self, query: FactQuery) -> Iterator[Fact]:
        with self._lock:
            keys = self._keys(query)[: query.limit]
        for key in keys:
            with self._lock:
                found = self._fact(key) if key in self._held else None
            if found:
                yield found

    def columns(self, query: FactQuery) -> Iterator[Columns]:
        return in_columns(list(self.facts(query)))

    def triples(self, query: FactQuery) -> Iterator[Triples]:
        for part in self._parts(replace(query, tails="entities")):
            rows = [(key, one.head, one.relation, str(one.tail), one.summary.trust) for key, one in part]
            yield Triples(*map(list, zip(*rows, strict=True)))

    def values(self, query: FactQuery) -> Iterator[Values]:
        for part in self._parts(replace(query, tails="literals")):
            told = [(key, one.head, one.relation, one.tail) for key, one in part]
            rows = [(*at, tail.value, tail.datatype, tail.unit) for *at, tail in told if isinstance(tail, Literal)]
            yield Values(*map(list, zip(*rows, strict=True)))

    def _parts(self, query: FactQuery) -> Iterator[list[tuple[FactKey, Held]]]:
        with self._lock:
            found = [(key, self._held[key]) for key in self._keys(query)[: query.limit]]
        for start in range(0, len(found), _PAGE):
            yield found[start : start + _PAGE]

    def count(self, query: FactQuery) -> int:
        with self._lock:
            return len(self._keys(query)[: query.limit])

    def relates(self, relation: str) -> bool:
        with self._lock:
            return any(held.relation == relation for held in self._held.values())

    def speaks(self, source: SourceId) -> bool:
        with self._lock:
            return any(source in self._held[key].summary.sources for key in self._from.get(source, ()) if key in self._held)

    def speaking(self) -> list[SourceId]:
        with self._lock:
            return [one for one, _ in Counter(name for held in self._held.values() for name in held.summary.sources).most_common()]

    def fact(self, key: FactKey) -> Fact | None:
        return self.facts_at([key]).get(key)

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]:
        with self._lock:
            return {key: self._fact(now) for key in keys if names.is_key(key) and (now := self._now(key)) in self._held}

    def evidence(self, key: FactKey) -> tuple[Evidence, ...]:
        return self.evidence_at([key]).get(key, ())

    def evidence_at(self, keys: Collection[FactKey]) -> dict[FactKey, tuple[Evidence, ...]]:
        with self._lock:
            found = {key: self._held.get(self._now(key)) for key in keys if names.is_key(key)}
            return {key: strongest(held.relation, held.pieces, self._calibration) for key, held in found.items() if held}

    def _now(self, key: FactKey) -> FactKey:
        """The key that a fact has since its entities were merged."""
        return merging.resolved(key, self._redirects, self._symmetric()) if self._redirects else key

    def claims(self, query: FactQuery) -> Iterator[Claim]:
        for fact in self.facts(query):
            with self._lock:
                held = self._held.get(fact.key)
                yield from claims(fact, held.pieces, self._entity) if held else ()

    def entities(self, ids: Sequence[EntityId]) -> dict[EntityId, Entity]:
        with self._lock:
            return {one: self._entity(one) for one in ids if one in self._entities}

    def _entity(self, one: EntityId) -> Entity:
        """The entity for an id: the kept one where it was merged, with the names of all that were merged into it."""
        kept = self._entities[EntityId(merging.root(one, self._redirects))]
        others = [self._entities[EntityId(o)] for o in self._redirects if merging.root(o, self._redirects) == kept.id]
        return records.with_names(kept, others)

    def neighbours(self, ids: Sequence[EntityId], query: FactQuery) -> list[Fact]:
        with self._lock:
            keys = {key for one in ids for key in self._at.get(one, ()) if self._fits(key, query)}
            found = [self._fact(key) for key in keys]
        return sorted(found, key=lambda fact: (-fact.confidence, fact.key))[: query.limit]

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        wanted = records.wanted(text)
        with self._lock:
            return ranking.ranked(wanted, map(self._entity, self._entities), limit) if wanted and limit > 0 else []

    def named(self, names: Sequence[str]) -> dict[str, list[Entity]]:
        with self._lock:
            bearing = {
                name: {self._entity(one).id: self._entity(one) for one in self._names.get(records.name_key(name), ())} for name in names
            }
            return {name: [entities[one] for one in sorted(entities)] for name, entities in bearing.items()}

    def claimed(self, ids: Collection[EntityId]) -> set[EntityId]:
        with self._lock:
            keys = {key for one in ids for key in self._at.get(one, ())}
            return merging.ends(piece.claimed for key in keys for piece in self._held[key].pieces.values())

    def relations(self) -> dict[str, Relation]:
        return dict(self._relations)

    def kinds(self) -> dict[str, Kind]:
        return dict(self._kinds)

    def signatures(self) -> list[Signature]:
        joined = Counter((fact.relation, fact.head.kinds[0], _sort(fact.tail)) for fact in self.facts(FactQuery()))
        return sorted((Signature(*names, count) for names, count in joined.items()), key=lambda one: (-one.facts, one))


def _sort(tail: Entity | Literal) -> str:
    return tail.datatype if isinstance(tail, Literal) else tail.kinds[0]


def in_columns(facts: Sequence[Fact]) -> Iterator[Columns]:
    """Facts as columns, all at once; none of none."""
    if facts:
        yield Columns(
            [fact.key for fact in facts],
            [fact.head.name for fact in facts],
            [fact.relation for fact in facts],
            [in_words(fact.tail) for fact in facts],
            [fact.confidence for fact in facts],
            [fact.trust for fact in facts],
            [fact.verdict for fact in facts],
            [fact.origin for fact in facts],
        )
