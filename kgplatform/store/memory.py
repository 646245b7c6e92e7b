"""A graph in dictionaries: for tests and small work in one process. It knows no Cypher, and is gone with the process."""

from __future__ import annotations

import uuid
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.ports import Columns, Signature, Triples, Values
from kgplatform.store import merging, qualifying, ranking, records, selection
from kgplatform.store.interactions import Taken
from kgplatform.store.library import Library
from kgplatform.store.matrix import Matrix
from kgplatform.store.pieces import Piece, Pieces, claims, merge, strongest, without_run
from kgplatform.store.records import Row
from kgplatform.store.summing import Summary, check_news, summarise
from kgplatform.types import (
    Change,
    Claim,
    Entity,
    EntityId,
    Evidence,
    Fact,
    FactKey,
    FactQuery,
    Forgotten,
    Hit,
    Interaction,
    Kind,
    Literal,
    Merge,
    Mirrored,
    Receipt,
    Relation,
    SourceId,
    VectorSpace,
    in_words,
)

if TYPE_CHECKING:
    import numpy.typing as npt


_PAGE = 10_000
"""Facts in one part of columns."""


@dataclass(slots=True)
class _Held:
    """A fact without its entities, which change by themselves."""

    head: EntityId
    tail: EntityId | Literal
    relation: str
    pieces: Pieces
    summary: Summary


class MemoryStore(Library):
    """The store as plain dictionaries; safe to share between threads."""

    def __init__(self) -> None:
        super().__init__()
        self._calibration = Calibration()
        self._held: dict[FactKey, _Held] = {}
        self._entities: dict[EntityId, Entity] = {}
        self._at: dict[EntityId, set[FactKey]] = defaultdict(set)
        self._by: dict[EntityId, set[FactKey]] = defaultdict(set)  # facts that evidence qualifies by an entity, as claimed
        self._from: dict[SourceId, set[FactKey]] = defaultdict(set)
        self._ran: dict[str, set[FactKey]] = defaultdict(set)
        self._names: dict[str, set[EntityId]] = defaultdict(set)
        self._redirects: dict[str, str] = {}
        self._merges: list[Merge] = []
        self._changes: list[Change] = []
        self._relations: dict[str, Relation] = {}
        self._kinds: dict[str, Kind] = {}
        self._vectors = Matrix()
        self._taken = Taken()

    @property
    def address(self) -> str:
        return "memory"

    def close(self) -> None:
        """Nothing to close: the graph lives as long as this object."""

    def put(self, claims: Sequence[Claim]) -> Receipt:
        with self._lock:
            rows, refused = records.rows(claims, self._relations, self._clock())
            for entity in records.told_entities(rows).values():
                self._tell(entity)
            rows = records.moved(rows, self._redirects, {}, self._symmetric())
            outcomes = [self._take(row) for row in rows]
            for keys, source, run in records.changed_keys(rows):
                self._changes.append(Change(self._clock(), tuple(keys), source, run))
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
        tail = row.tail if isinstance(row.tail, Literal) else EntityId(row.ends[1])
        summary = self._hold(row.key, EntityId(row.ends[0]), tail, row.relation, merged.pieces)
        if held is None:
            return "new"
        return "merged" if merged.told or summary != held.summary else "unchanged"

    def _hold(self, key: FactKey, head: EntityId, tail: EntityId | Literal, relation: str, pieces: Pieces) -> Summary:
        summary = summarise(relation, pieces, self._calibration)
        before = self._named(key)
        self._held[key] = _Held(head, tail, relation, pieces, summary)
        for end in self._ends(key):
            self._at[end].add(key)
        for one in self._named(key):
            self._by[one].add(key)
        if lost := before - self._named(key):
            self._leave(key, (), lost)
        for piece in pieces.values():
            self._from[piece.source].add(key)
            self._ran[piece.run].add(key)
        return summary

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
        facts = list(self.facts(query))
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

    def triples(self, query: FactQuery) -> Iterator[Triples]:
        for part in self._parts(replace(query, tails="entities")):
            rows = [(key, one.head, one.relation, str(one.tail), one.summary.trust) for key, one in part]
            yield Triples(*map(list, zip(*rows, strict=True)))

    def values(self, query: FactQuery) -> Iterator[Values]:
        for part in self._parts(replace(query, tails="literals")):
            told = [(key, one.head, one.relation, one.tail) for key, one in part]
            rows = [(*at, tail.value, tail.datatype, tail.unit) for *at, tail in told if isinstance(tail, Literal)]
            yield Values(*map(list, zip(*rows, strict=True)))

    def _parts(self, query: FactQuery) -> Iterator[list[tuple[FactKey, _Held]]]:
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

    def forget(self, source: SourceId) -> Forgotten:
        with self._lock:
            done = self._withdraw(self._from.pop(source, set()), lambda piece: piece.source == source)
            return replace(done, passages=self._drop_document(source))

    def forget_run(self, run: str) -> Forgotten:
        return self._withdraw(self._ran.pop(run, set()), lambda piece: piece.run == run)

    def would_forget_run(self, run: str) -> Forgotten:
        with self._lock:
            return without_run([self._held[key].pieces for key in self._ran.get(run, set()) & self._held.keys()], run)

    def withdraw(self, source: SourceId, keys: Collection[FactKey]) -> Forgotten:
        return self._withdraw(set(keys), lambda piece: piece.source == source)

    def _withdraw(self, keys: set[FactKey], gone: Callable[[Piece], bool]) -> Forgotten:
        with self._lock:
            evidence = removed = kept = 0
            for key in sorted(keys & self._held.keys()):
                held = self._held[key]
                left = {name: piece for name, piece in held.pieces.items() if not gone(piece)}
                evidence += len(held.pieces) - len(left)
                if left:
                    kept += len(left) < len(held.pieces)
                    self._hold(key, held.head, held.tail, held.relation, left)
                else:
                    removed += 1
                    self._remove(key)
            self._changes.append(Change(self._clock(), tuple(sorted(keys))))
        return Forgotten(evidence, removed, kept)

    def _remove(self, key: FactKey) -> None:
        ends, named = self._ends(key), self._named(key)
        del self._held[key]
        self._leave(key, ends, named)

    def _leave(self, key: FactKey, ends: Collection[EntityId], named: Collection[EntityId]) -> None:
        """A fact has these ends, and is qualified by these entities, no more; what nothing holds any more goes."""
        for one in ends:
            self._at[one].discard(key)
        for one in named:
            self._by[one].discard(key)
        merged = {*self._redirects, *self._redirects.values()}
        for one in {*ends, *named} - merged:
            if one in self._entities and not self._at[one] and not self._by[one]:
                entity = self._entities.pop(one)
                self._vectors.discard(one)
                self._taken.leave(one)
                for name in (entity.name, *entity.aliases):
                    self._names[records.name_key(name)].discard(one)

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

    # -- vectors -------------------------------------------------------------------------------------

    def vector_space(self) -> VectorSpace | None:
        return self._vectors.space

    def embed(self, encoder: str, vectors: Mapping[Entity, npt.ArrayLike]) -> int:
        with self._lock:
            return self._vectors.keep(encoder, vectors, self._entities)

    def unembedded(self, encoder: str) -> Iterator[Entity]:
        with self._lock:
            return iter(self._vectors.lacking(encoder, self._entities.values()))

    def nearest(self, encoder: str, vector: npt.ArrayLike, limit: int = 20) -> list[Hit]:
        with self._lock:
            return self._vectors.nearest(encoder, [vector], limit, self._entity)[0] if limit > 0 else []

    def nearest_each(self, encoder: str, asked: npt.ArrayLike, limit: int = 20) -> list[list[Hit]]:
        listed = list(np.asarray(asked))
        with self._lock:
            return self._vectors.nearest(encoder, listed, limit, self._entity) if limit > 0 else [[] for _ in listed]

    def meeting(self, keys: Sequence[Collection[str]], limit: int = 20) -> list[list[Entity]]:
        with self._lock:
            found = [[self._entity(one) for one in self._vectors.meeting(asked, limit)] for asked in keys]
        return [list({one.id: one for one in entities}.values()) for entities in found]

    def drop_vectors(self) -> None:
        with self._lock:
            self._vectors.drop()

    # -- interactions --------------------------------------------------------------------------------

    def mirror_interactions(self, interactions: Sequence[Interaction]) -> Mirrored:
        with self._lock:
            placed = [(merging.root(one.entity, self._redirects), one) for one in interactions]
            kept = [(entity, one) for entity, one in placed if entity in self._entities]
            for entity, one in kept:
                self._taken.keep(entity, one)
        return Mirrored(len(kept), len(placed) - len(kept))

    def drop_interactions(self) -> int:
        with self._lock:
            count = len(self._taken)
            self._taken.drop()
        return count

    def interactions_mirrored(self) -> int:
        with self._lock:
            return len(self._taken)

    # -- belief --------------------------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    def publish(self, calibration: Calibration) -> int:
        with self._lock:
            check_news(calibration, self._calibration)
            self._calibration = calibration
            for key, held in self._held.items():
                self._held[key] = replace(held, summary=summarise(held.relation, held.pieces, calibration))
            self._changes.append(Change(self._clock(), tuple(sorted(self._held))))
            return len(self._held)

    # -- merging -------------------------------------------------------------------------------------

    def merge(self, keep: EntityId, other: EntityId, by: str = "") -> Merge:
        with self._lock:
            kept = merging.kept(keep, other, self._redirects, self._entities)
            made = Merge(uuid.uuid4().hex, kept, other, by, self._clock())
            keys = self._around(other)
            self._redirects[other] = kept
            self._merges.append(made)
            self._move(keys)
            self._taken.move(other, kept)
        return made

    def undo(self, merge: str) -> Merge:
        with self._lock:
            made = merging.undoable(merge, self._merges)
            keys = self._around(merging.root(made.other, self._redirects))
            del self._redirects[made.other]
            self._merges[self._merges.index(made)] = undone = replace(made, undone=True)
            self._move(keys)
        return undone

    def merges(self, entity: EntityId | None = None) -> list[Merge]:
        with self._lock:
            return [one for one in reversed(self._merges) if entity in (None, one.keep, one.other)]

    def claimed(self, ids: Collection[EntityId]) -> set[EntityId]:
        with self._lock:
            keys = {key for one in ids for key in self._at.get(one, ())}
            return merging.ends(piece.claimed for key in keys for piece in self._held[key].pieces.values())

    def _around(self, entity: EntityId) -> set[FactKey]:
        """The facts that end at an entity, or that it qualifies, also by the ids of what was merged into it."""
        return self._at[entity].union(*(keys for one, keys in self._by.items() if merging.root(one, self._redirects) == entity))

    def _move(self, keys: Iterable[FactKey]) -> None:
        """Put every piece where its claim lies now."""
        touched: set[FactKey] = set()
        for key in sorted(keys):
            held = self._held[key]
            parts = merging.parted(held.pieces, self._redirects, self._symmetric())
            stays = parts.pop(key, {})
            for now, part in parts.items():
                touched |= {key, now}
                ends = names.parse_key(now)
                tail = held.tail if isinstance(held.tail, Literal) else EntityId(ends.tail)
                there = self._held[now].pieces if now in self._held else {}
                self._hold(now, EntityId(ends.head), tail, held.relation, merge(there, part).pieces)
            if self._named(key):
                touched.add(key)
            if stays:
                self._hold(key, held.head, held.tail, held.relation, stays)
            else:
                self._remove(key)
        if touched:
            self._changes.append(Change(self._clock(), tuple(sorted(touched))))

    def changes(self, since: int = 0) -> Iterator[Change]:
        with self._lock:
            return iter([one for one in self._changes if one.time > since])

    def now(self) -> int:
        return self._clock()

    def relations(self) -> dict[str, Relation]:
        return dict(self._relations)

    def kinds(self) -> dict[str, Kind]:
        return dict(self._kinds)

    def signatures(self) -> list[Signature]:
        joined = Counter((fact.relation, fact.head.kinds[0], _sort(fact.tail)) for fact in self.facts(FactQuery()))
        return sorted((Signature(*names, count) for names, count in joined.items()), key=lambda one: (-one.facts, one))

    def learn(self, relations: Sequence[Relation] = (), kinds: Sequence[Kind] = ()) -> None:
        with self._lock:
            self._relations |= {card.name: card for card in relations}
            self._kinds |= {kind.name: kind for kind in kinds}


def _sort(tail: Entity | Literal) -> str:
    return tail.datatype if isinstance(tail, Literal) else tail.kinds[0]
