"""Facts as integer arrays, pinned to what they were: what graph models and graph measures read.

A view is a snapshot. Its order depends on the facts alone, never on the order in which they came, and its
``revision`` is a hash of its content, so that a prediction can say what it was learned from. Belief comes
without the graph models' own evidence (``Fact.trust``), lest a model learn from itself. Ten million facts fit
into memory: ids, names and keys are packed (``kgplatform.texts``), an ``Entity`` is made when it is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import eq
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from kgplatform.errors import MissingExtra
from kgplatform.numbered import NONE, Floats, Rows, gathered, ordered
from kgplatform.ports import Triples
from kgplatform.texts import Ints, Texts
from kgplatform.types import CURRENT, Entity, EntityId, Fact, FactQuery, Literal
from kgplatform.valued import Literals

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph

__all__ = ["Entities", "Floats", "GraphView", "Ints", "Kinds", "Literals", "Rows"]

_PART = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Kinds(Sequence[tuple[str, ...]]):
    """The kinds of each entity: ``codes`` ``(entities,)`` are places in ``distinct``, which is sorted."""

    distinct: tuple[tuple[str, ...], ...]
    codes: Ints

    @classmethod
    def of(cls, kinds: Sequence[tuple[str, ...]]) -> Kinds:
        distinct = tuple(sorted(set(kinds)))
        places = {one: place for place, one in enumerate(distinct)}
        return cls(distinct, np.fromiter(map(places.__getitem__, kinds), np.int64, len(kinds)))

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[str, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return tuple(self.distinct[code] for code in self.codes[place]) if isinstance(place, slice) else self.distinct[self.codes[place]]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return map(self.distinct.__getitem__, self.codes.tolist())

    def __eq__(self, other: object) -> bool:
        return _equal(self, other)


@dataclass(frozen=True, slots=True, eq=False)
class Entities(Sequence[Entity]):
    """Entities with what a view tells of them: id, name, kinds."""

    ids: Texts
    names: Texts
    kinds: Kinds

    @classmethod
    def of(cls, entities: Iterable[Entity]) -> Entities:
        listed = list(entities)
        ids, names = Texts.of([one.id for one in listed]), Texts.of([one.name for one in listed])
        return cls(ids, names, Kinds.of([one.kinds for one in listed]))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Entity: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Entity, ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        return Entity(EntityId(self.ids[place]), self.names[place], self.kinds[place])

    def __iter__(self) -> Iterator[Entity]:
        return (Entity(EntityId(one), name, kinds) for one, name, kinds in zip(self.ids, self.names, self.kinds, strict=True))

    def __eq__(self, other: object) -> bool:
        return _equal(self, other)


@dataclass(frozen=True, slots=True, eq=False)
class GraphView:
    """The facts between entities: ``triples`` ``(facts, 3)`` are head, relation, tail as positions in the two lists.

    ``confidence`` ``(facts,)`` is each fact's trust, ``keys`` its key; entities are in the order of their ids,
    relations of their names, facts of their triples. Facts that differ only in qualifiers are one row, the
    most trusted; the others stand ``beside``. Facts whose tail is a literal are left out. ``which`` facts of a graph
    were read, and ``time`` is the server's at which that was (milliseconds), 0 for facts that were chosen otherwise.
    """

    entities: Entities
    relations: tuple[str, ...]
    triples: Ints
    confidence: Floats
    keys: Texts
    literals: Literals | None = None
    beside: Rows = NONE
    which: FactQuery = CURRENT
    time: int = 0

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> GraphView:
        """The view of these facts, the same whatever order they come in."""
        told: dict[str, Entity] = {}
        ids, rows, relations = gathered(_parts(facts, told))
        entities = Entities.of(told[one] for one in ids)
        rows, beside = ordered(rows)
        return cls(entities, relations, *rows, beside=beside)

    def __len__(self) -> int:
        return len(self.triples)

    @property
    def entity_ids(self) -> Texts:
        return self.entities.ids

    @property
    def kinds(self) -> Kinds:
        """The kinds of each entity."""
        return self.entities.kinds

    @property
    def rows(self) -> Rows:
        return Rows(self.triples, self.confidence, self.keys)

    @property
    def revision(self) -> str:
        """A hash of everything that a model can learn from: ids, kinds, relations, facts and how far they are trusted, values."""
        hashed = hashlib.blake2b(digest_size=8)
        kinds = self.kinds
        _hash_texts(hashed, self.entity_ids)
        for some in (*kinds.distinct, self.relations):
            _hash_texts(hashed, Texts.of(some))
        for array in (kinds.codes, self.triples, self.confidence):
            _hash_array(hashed, array)
        if self.literals is not None:
            for names in (self.literals.relations, self.literals.units):
                _hash_texts(hashed, Texts.of(names))
            for numbers in (self.literals.entities, self.literals.columns, self.literals.values):
                _hash_array(hashed, numbers)
        return hashed.hexdigest()

    def only(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> GraphView:
        """The view with these rows alone (positions or a mask); entities and relations keep their numbers."""
        kept = self.rows.take(np.sort(np.arange(len(self))[rows]))
        return replace(self, triples=kept.triples, confidence=kept.confidence, keys=kept.keys, beside=NONE, time=0)

    def updated(self, kg: KnowledgeGraph) -> GraphView:
        """What ``kg.view()`` would give now; only what was written since ``time`` is read.

        Raises ``BadRequest`` for a view that was not read from a whole graph.
        """
        from kgplatform import viewing

        return viewing.updated(self, kg.store)

    def to_pyg(self) -> Any:
        """A ``torch_geometric.data.Data`` with ``edge_index`` ``(2, facts)``, ``edge_type``, ``edge_weight`` and ``num_nodes``.

        Raises ``MissingExtra`` without the package.
        """
        try:
            import torch
            from torch_geometric.data import Data
        except ImportError:
            raise MissingExtra("torch_geometric", extra="reasoning", need="handing a graph to PyG") from None
        heads, relations, tails = torch.tensor(self.triples).T
        return Data(
            edge_index=torch.stack([heads, tails]),
            edge_type=relations.contiguous(),
            edge_weight=torch.tensor(self.confidence),
            num_nodes=len(self.entities),
        )


def _parts(facts: Iterable[Fact], told: dict[str, Entity]) -> Iterator[Triples]:
    """Facts between entities as columns; their entities are put into ``told``."""
    stream = iter(facts)
    while part := list(islice(stream, _PART)):
        rows = []
        for fact in part:
            if isinstance(fact.tail, Literal):
                continue
            for end in (fact.head, fact.tail):
                _tell(told, end)
            rows.append((fact.key, fact.head.id, fact.relation, fact.tail.id, fact.trust))
        if rows:
            yield Triples(*map(list, zip(*rows, strict=True)))


def _tell(told: dict[str, Entity], entity: Entity) -> None:
    """Of two that say otherwise of one entity, the same one whatever the order."""
    seen = told.setdefault(entity.id, entity)
    if seen is not entity and (entity.name, entity.kinds) < (seen.name, seen.kinds):
        told[entity.id] = entity


def _equal(one: Sequence[Any], other: object) -> bool:
    return isinstance(other, Sequence) and len(one) == len(other) and all(map(eq, one, other))


def _hash_texts(hashed: hashlib.blake2b, texts: Texts) -> None:
    _hash_array(hashed, texts.lengths)
    for piece in texts.pieces():
        hashed.update(piece)


def _hash_array(hashed: hashlib.blake2b, array: npt.NDArray[Any]) -> None:
    """With its length in front, so that nothing can be taken for a part of its neighbour."""
    hashed.update(len(array).to_bytes(8, "little"))
    hashed.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
