"""A graph in dictionaries: for tests and small work in one process. It knows no Cypher, and is gone with the process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kgplatform import belief
from kgplatform.belief import Calibration
from kgplatform.store import ranking, records
from kgplatform.store.pieces import Clock, Pieces, Summary, merge, strongest, summarise
from kgplatform.store.records import Row
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Forgotten,
    Hit,
    Kind,
    Literal,
    Receipt,
    Relation,
    SourceId,
)


@dataclass(slots=True)
class _Held:
    """A fact without its entities, which change by themselves."""

    head: EntityId
    tail: EntityId | Literal
    relation: str
    pieces: Pieces
    summary: Summary


class MemoryStore:
    """The store as plain dictionaries; safe to share between threads."""

    def __init__(self, calibration: Calibration | None = None) -> None:
        self._calibration = calibration or Calibration()
        self._lock = threading.RLock()
        self._clock = Clock()
        self._held: dict[FactKey, _Held] = {}
        self._entities: dict[EntityId, Entity] = {}
        self._at: dict[EntityId, set[FactKey]] = defaultdict(set)
        self._from: dict[SourceId, set[FactKey]] = defaultdict(set)
        self._names: dict[str, set[EntityId]] = defaultdict(set)
        self._relations: dict[str, Relation] = {}
        self._kinds: dict[str, Kind] = {}

    @property
    def address(self) -> str:
        return "memory"

    def close(self) -> None:
        """Nothing to close: the graph lives as long as this object."""

    def put(self, claims: Sequence[Claim]) -> Receipt:
        with self._lock:
            rows, refused = records.rows(claims, self._relations, self._clock)
            for entity in records.told_entities(rows).values():
                self._tell(entity)
            outcomes = [self._take(row) for row in rows]
        return Receipt(outcomes.count("new"), outcomes.count("merged"), outcomes.count("unchanged"), tuple(refused))

    def _tell(self, entity: Entity) -> None:
        held = self._entities.get(entity.id)
        kept = self._entities[entity.id] = records.joined(held, entity) if held else entity
        for name in (kept.name, *kept.aliases):
            self._names[records.name_key(name)].add(kept.id)

    def _take(self, row: Row) -> str:
        held = self._held.get(row.key)
        merged = merge(held.pieces if held else {}, row.pieces)
        if not merged.changed:
            return "unchanged"
        summary = summarise(row.relation, merged.pieces, self._calibration)
        tail = row.tail if isinstance(row.tail, Literal) else row.tail.id
        self._held[row.key] = _Held(row.head.id, tail, row.relation, merged.pieces, summary)
        for end in self._ends(row.key):
            self._at[end].add(row.key)
        for piece in row.pieces.values():
            self._from[piece.evidence.source.id].add(row.key)
        if held is None:
            return "new"
        return "merged" if merged.told or summary != held.summary else "unchanged"

    def _ends(self, key: FactKey) -> list[EntityId]:
        held = self._held[key]
        return [held.head] if isinstance(held.tail, Literal) else [held.head, held.tail]

    def _fact(self, key: FactKey) -> Fact:
        held, found = self._held[key], self._held[key].summary
        return Fact(
            key,
            self._entities[held.head],
            held.relation,
            held.tail if isinstance(held.tail, Literal) else self._entities[held.tail],
            found.confidence,
            found.trust,
            found.verdict,
            found.judge,
            found.methods,
            found.sources,
            found.qualifiers,
        )

    def _fits(self, key: FactKey, query: FactQuery) -> bool:
        held, found = self._held[key], self._held[key].summary
        return (
            (query.head is None or held.head == query.head)
            and (query.tail is None or held.tail == query.tail)
            and (query.relation is None or held.relation == query.relation)
            and (query.source is None or query.source in found.sources)
            and found.confidence >= query.min_confidence
            and (query.status == "all" or belief.status(found.verdict, found.trust, found.methods) == query.status)
        )

    def _keys(self, query: FactQuery) -> list[FactKey]:
        narrow: Iterable[FactKey] = self._held
        for end in (query.head, query.tail):
            if end is not None:
                narrow = self._at.get(end, set())
        return sorted((k for k in narrow if self._fits(k, query)), key=lambda k: (self._held[k].head, k))

    def facts(self, query: FactQuery) -> Iterator[Fact]:
        with self._lock:
            keys = self._keys(query)[: query.limit]
        for key in keys:
            with self._lock:
                found = self._fact(key) if key in self._held else None
            if found:
                yield found

    def count(self, query: FactQuery) -> int:
        with self._lock:
            return len(self._keys(query)[: query.limit])

    def fact(self, key: FactKey) -> Fact | None:
        with self._lock:
            return self._fact(key) if key in self._held else None

    def evidence(self, key: FactKey) -> tuple[Evidence, ...]:
        with self._lock:
            held = self._held.get(key)
            return strongest(held.relation, held.pieces, self._calibration) if held else ()

    def entities(self, ids: Sequence[EntityId]) -> dict[EntityId, Entity]:
        with self._lock:
            return {one: self._entities[one] for one in ids if one in self._entities}

    def neighbours(self, ids: Sequence[EntityId], query: FactQuery) -> list[Fact]:
        with self._lock:
            keys = {key for one in ids for key in self._at.get(one, ()) if self._fits(key, query)}
            found = [self._fact(key) for key in keys]
        return sorted(found, key=lambda fact: (-fact.confidence, fact.key))[: query.limit]

    def forget(self, source: SourceId) -> Forgotten:
        with self._lock:
            evidence = removed = kept = 0
            for key in self._from.pop(source, set()) & self._held.keys():
                held = self._held[key]
                left = {name: piece for name, piece in held.pieces.items() if piece.evidence.source.id != source}
                evidence += len(held.pieces) - len(left)
                if left:
                    kept += 1
                    summary = summarise(held.relation, left, self._calibration)
                    self._held[key] = _Held(held.head, held.tail, held.relation, left, summary)
                else:
                    removed += 1
                    self._remove(key)
        return Forgotten(evidence, removed, kept)

    def _remove(self, key: FactKey) -> None:
        ends = self._ends(key)
        del self._held[key]
        for end in ends:
            self._at[end].discard(key)
            if not self._at[end] and end in self._entities:
                entity = self._entities.pop(end)
                for name in (entity.name, *entity.aliases):
                    self._names[records.name_key(name)].discard(end)

    def search(self, text: str, limit: int = 20) -> list[Hit]:
        wanted = records.wanted(text)
        with self._lock:
            return ranking.ranked(wanted, self._entities.values(), limit) if wanted and limit > 0 else []

    def named(self, names: Sequence[str]) -> dict[str, list[Entity]]:
        with self._lock:
            return {name: [self._entities[one] for one in sorted(self._names.get(records.name_key(name), ()))] for name in names}

    def relations(self) -> dict[str, Relation]:
        return dict(self._relations)

    def kinds(self) -> dict[str, Kind]:
        return dict(self._kinds)

    def learn(self, relations: Sequence[Relation] = (), kinds: Sequence[Kind] = ()) -> None:
        with self._lock:
            self._relations |= {card.name: card for card in relations}
            self._kinds |= {kind.name: kind for kind in kinds}
