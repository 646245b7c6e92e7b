"""Vectors of entities in memory: a question is one product of matrices, and its answer is exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from kgplatform.store import vectors
from kgplatform.store.vectors import Kept
from kgplatform.types import Entity, EntityId, Hit, VectorSpace


class Matrix:
    """All vectors of a graph. Whoever shares it between threads locks it."""

    def __init__(self) -> None:
        self.space: VectorSpace | None = None
        self._kept: dict[EntityId, Kept] = {}
        self._bearing: dict[str, set[EntityId]] = defaultdict(set)
        self._rows: npt.NDArray[np.float32] | None = None

    def keep(self, encoder: str, given: Mapping[Entity, npt.ArrayLike], there: Container[EntityId]) -> int:
        """Keep the vectors of entities that are ``there``; how many."""
        rows = vectors.kept(encoder, given, self.space)
        if not rows:
            return 0
        self.space = VectorSpace(encoder, len(rows[0].vector))
        found = {one.id: one for one in rows if one.id in there}
        for one in found:
            self._forget_keys(one)
        self._kept |= found
        for row in found.values():
            for key in row.keys:
                self._bearing[key].add(row.id)
        self._rows = None
        return len(found)

    def lacking(self, encoder: str, entities: Iterable[Entity]) -> list[Entity]:
        """The entities without a vector of that encoder and of their present words, in order of id."""
        marks = {one.id: one.mark for one in self._kept.values()}
        return sorted((e for e in entities if marks.get(e.id) != vectors.mark(encoder, e)), key=lambda e: e.id)

    def nearest(self, encoder: str, vector: npt.ArrayLike, limit: int, entity: Callable[[EntityId], Entity | None]) -> list[Hit]:
        asked = vectors.query(encoder, vector, self.space)
        if not self._kept:
            return []
        if self._rows is None:
            self._rows = np.stack([one.vector for one in self._kept.values()])
        scores = vectors.cosines(self._rows, asked)
        return vectors.ranked(zip(self._kept, scores, strict=True), limit, entity)

    def meeting(self, keys: Collection[str], limit: int) -> list[EntityId]:
        """The entities that share any of the keys, those that share more and rarer ones first."""
        scores: dict[EntityId, float] = defaultdict(float)
        for key in keys:
            for one in (bearing := self._bearing.get(key, set())):
                scores[one] += 1 / len(bearing)
        return sorted(scores, key=lambda one: (-scores[one], one))[:limit]

    def _forget_keys(self, one: EntityId) -> None:
        if held := self._kept.get(one):
            for key in held.keys:
                self._bearing[key].discard(one)

    def discard(self, one: EntityId) -> None:
        """The entity is gone, and so is its vector."""
        self._forget_keys(one)
        if self._kept.pop(one, None):
            self._rows = None

    def drop(self) -> None:
        self.space, self._rows = None, None
        self._kept.clear()
        self._bearing.clear()
