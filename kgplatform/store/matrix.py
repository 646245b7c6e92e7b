"""Vectors of entities in memory: a question is one product of matrices, and its answer is exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from kgplatform.store import vectors
from kgplatform.store.vectors import Kept, Vector
from kgplatform.types import Entity, EntityId, Hit, VectorSpace

Rows = npt.NDArray[np.float32]
_ASKED = 256
"""Vectors whose cosines with all entities are held at once."""
_MORE = 8
"""So many times more rows than are asked for are ranked at first: entities that were merged stand for several."""
_ALIKE = 1e-5
"""Scores that differ less may be equal when they are rounded."""


class Matrix:
    """All vectors of a graph. Whoever shares it between threads locks it."""

    def __init__(self) -> None:
        self.space: VectorSpace | None = None
        self._kept: dict[EntityId, Kept] = {}
        self._bearing: dict[str, set[EntityId]] = defaultdict(set)
        self._rows = np.zeros((0, 0), np.float32)
        self._ids: list[EntityId] = []

    def keep(self, encoder: str, given: Mapping[Entity, npt.ArrayLike], there: Container[EntityId]) -> int:
        """Keep the vectors of entities that are ``there``; how many."""
        rows = vectors.kept(encoder, given, self.space)
        if not rows:
            return 0
        self.space = VectorSpace(encoder, len(rows[0].vector))
        found = {one.id: one for one in rows if one.id in there}
        for one in found:
            self._forget_keys(one)
        if not self._kept.keys().isdisjoint(found):
            self._ids = []
        self._kept |= found
        for row in found.values():
            for key in row.keys:
                self._bearing[key].add(row.id)
        return len(found)

    def lacking(self, encoder: str, entities: Iterable[Entity]) -> list[Entity]:
        """The entities without a vector of that encoder and of their present words, in order of id."""
        marks = {one.id: one.mark for one in self._kept.values()}
        return sorted((e for e in entities if marks.get(e.id) != vectors.mark(encoder, e)), key=lambda e: e.id)

    def nearest(
        self, encoder: str, asked: Sequence[npt.ArrayLike], limit: int, entity: Callable[[EntityId], Entity | None]
    ) -> list[list[Hit]]:
        """The nearest of each of these vectors."""
        wanted = [vectors.query(encoder, one, self.space) for one in asked]
        if not self._kept or not wanted:
            return [[] for _ in wanted]
        rows = self._whole()
        some = (wanted[first : first + _ASKED] for first in range(0, len(wanted), _ASKED))
        return [
            self._ranked(rows, one, near, limit, entity)
            for part in some
            for one, near in zip(part, (rows @ np.stack(part, axis=1)).T, strict=True)
        ]

    def _ranked(self, rows: Rows, asked: Vector, near: Rows, limit: int, entity: Callable[[EntityId], Entity | None]) -> list[Hit]:
        """Of the rows the best alone are looked at, unless too few entities stand for them."""
        many = _MORE * limit
        best = np.flatnonzero(near >= np.partition(near, -many)[-many] - _ALIKE) if many < len(near) else np.arange(len(near))
        scores = vectors.cosines(rows[best], asked)
        hits = vectors.ranked(zip(map(self._ids.__getitem__, best.tolist()), scores, strict=True), limit, entity)
        if len(hits) < limit and len(best) < len(rows):
            return vectors.ranked(zip(self._ids, vectors.cosines(rows, asked), strict=True), limit, entity)
        return hits

    def _whole(self) -> Rows:
        """All vectors, ``(entities, dimension)``, in the order of ``_ids``; those that are new are added behind."""
        known, count = len(self._ids), len(self._kept)
        new = list(islice(self._kept.values(), known, None))
        if not known or count > len(self._rows):
            rows = np.zeros((count + count // 4, len(next(iter(self._kept.values())).vector)), np.float32)
            rows[:known] = self._rows[:known] if known else 0
            self._rows = rows
        if new:
            self._rows[known:count] = [one.vector for one in new]
            self._ids += [one.id for one in new]
        return self._rows[:count]

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
            self._ids = []

    def drop(self) -> None:
        self.space, self._ids = None, []
        self._kept.clear()
        self._bearing.clear()
