"""Facts as integer arrays, pinned to what they were: what graph models and graph measures read.

A view is a snapshot. Its order depends on the facts alone, never on the order in which they came, and its
``revision`` is a hash of its content, so that a prediction can say what it was learned from. Belief comes
without the graph models' own evidence (``Fact.trust``), lest a model learn from itself. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kgplatform.names import digest
from kgplatform.types import Entity, EntityId, Fact, FactKey, Literal

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_Array = TypeVar("_Array", Ints, Floats)


@dataclass(frozen=True, slots=True, eq=False)
class GraphView:
    """The facts between entities: ``triples`` ``(facts, 3)`` are head, relation, tail as positions in the two lists.

    ``confidence`` ``(facts,)`` is each fact's trust, ``keys`` its key; entities are in the order of their ids,
    relations of their names, facts of their triples. Facts that differ only in qualifiers are one row, the
    most trusted. Facts whose tail is a literal are left out.
    """

    entities: tuple[Entity, ...]
    relations: tuple[str, ...]
    triples: Ints
    confidence: Floats
    keys: tuple[FactKey, ...]

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> GraphView:
        """The view of these facts, the same whatever order they come in."""
        entities: dict[EntityId, Entity] = {}
        rows: dict[tuple[str, str, str], tuple[float, FactKey]] = {}
        for fact in facts:
            if isinstance(fact.tail, Literal):
                continue
            for end in (fact.head, fact.tail):
                if (seen := entities.setdefault(end.id, end)) is not end and seen != end:
                    entities[end.id] = min(seen, end, key=astuple)
            row, held = (fact.head.id, fact.relation, fact.tail.id), (fact.trust, fact.key)
            rows[row] = min(rows.get(row, held), held, key=lambda pair: (-pair[0], pair[1]))
        return cls._numbered(entities, rows)

    @classmethod
    def _numbered(cls, entities: dict[EntityId, Entity], rows: dict[tuple[str, str, str], tuple[float, FactKey]]) -> GraphView:
        ids = {id_: number for number, id_ in enumerate(sorted(entities))}
        relations = {name: number for number, name in enumerate(sorted({relation for _, relation, _ in rows}))}
        numbered = sorted((ids[EntityId(h)], relations[r], ids[EntityId(t)], *held) for (h, r, t), held in rows.items())
        return cls(
            tuple(entities[id_] for id_ in ids),
            tuple(relations),
            _fixed(np.array([row[:3] for row in numbered], dtype=np.int64).reshape(-1, 3)),
            _fixed(np.array([row[3] for row in numbered], dtype=np.float32)),
            tuple(row[4] for row in numbered),
        )

    def __len__(self) -> int:
        return len(self.triples)

    @property
    def entity_ids(self) -> tuple[EntityId, ...]:
        return tuple(entity.id for entity in self.entities)

    @property
    def kinds(self) -> tuple[tuple[str, ...], ...]:
        """The kinds of each entity."""
        return tuple(entity.kinds for entity in self.entities)

    @property
    def revision(self) -> str:
        """A hash of everything that a model can learn from: ids, kinds, relations, facts and how far they are trusted."""
        described = [digest(entity.id, *entity.kinds) for entity in self.entities]
        arrays = (self.triples.tobytes().hex(), self.confidence.tobytes().hex())
        return digest(*described, "", *self.relations, "", *arrays)

    def only(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> GraphView:
        """The view with these rows alone (positions or a mask); entities and relations keep their numbers."""
        kept = np.sort(np.arange(len(self))[rows])
        return replace(
            self,
            triples=_fixed(self.triples[kept]),
            confidence=_fixed(self.confidence[kept]),
            keys=tuple(self.keys[row] for row in kept),
        )


def _fixed(array: _Array) -> _Array:
    array.setflags(write=False)
    return array
