"""A graph in dictionaries: for tests and small work in one process. It knows no Cypher, and is gone with the process."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import merging, records
from kgplatform.store.held import Held, HeldFacts
from kgplatform.store.interactions import Taken
from kgplatform.store.matrix import Matrix
from kgplatform.store.pieces import Piece, Pieces, merge, without_run
from kgplatform.store.records import Row
from kgplatform.store.summing import Summary, check_news, summarise
from kgplatform.types import (
    Change,
    Claim,
    Entity,
    EntityId,
    FactKey,
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
)

if TYPE_CHECKING:
    import numpy.typing as npt


class MemoryStore(HeldFacts):
    """The store as plain dictionaries; safe to share between threads."""

    def __init__(self) -> None:
        super().__init__()
        self._by: dict[EntityId, set[FactKey]] = defaultdict(set)  # facts that evidence qualifies by an entity, as claimed
        self._ran: dict[str, set[FactKey]] = defaultdict(set)
        self._merges: list[Merge] = []
        self._changes: list[Change] = []
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
        self._held[key] = Held(head, tail, relation, pieces, summary)
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

    def learn(self, relations: Sequence[Relation] = (), kinds: Sequence[Kind] = ()) -> None:
        with self._lock:
            self._relations |= {card.name: card for card in relations}
            self._kinds |= {kind.name: kind for kind in kinds}
