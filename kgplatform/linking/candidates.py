"""Which entities a new one may be: found in the store's indexes and among its batch, never by a scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from kgplatform.ports import Store
from kgplatform.store import vectors
from kgplatform.types import Entity, EntityId

Vectors = npt.NDArray[np.float32]
SHARING = 20
"""Entities that share keys of a name."""
NEAR = 10
"""Entities that are near in meaning."""
_SAME_KEY = 50


def met(store: Store, encoder: str, new: Sequence[Entity], encoded: Vectors) -> Iterator[tuple[int, Entity, float, bool]]:
    """Of each new entity (by its place) who may be the same, the cosine of both where it is known, and whether that one is new too."""
    keys = [vectors.keys(one) for one in new]
    own = {one.id for one in new}
    found: list[dict[EntityId, tuple[Entity, float]]] = [{} for _ in new]
    if store.vector_space() is not None:
        for at, entities in enumerate(store.meeting(keys, SHARING)):
            found[at] = {one.id: (one, 0.0) for one in entities}
        for at, hits in enumerate(store.nearest_each(encoder, encoded, NEAR)):
            found[at] |= {hit.entity.id: (hit.entity, hit.score) for hit in hits}
    for at, entities_ in enumerate(found):
        yield from ((at, one, cosine, False) for one, cosine in entities_.values() if one.id not in own)
    for at, beside in among(keys, encoded):
        yield at, new[beside], float(encoded[at] @ encoded[beside]), True


def among(keys: Sequence[Sequence[str]], encoded: Vectors) -> Iterator[tuple[int, int]]:
    """Pairs of places, each once, that share a key, or are near each other in meaning."""
    bearing: dict[str, list[int]] = defaultdict(list)
    for at, listed in enumerate(keys):
        for key in listed:
            bearing[key].append(at)
    pairs = {(a, b) for ones in bearing.values() if len(ones) <= _SAME_KEY for a in ones for b in ones if a < b}
    for start in range(0, len(encoded), 1_000):
        near = encoded[start : start + 1_000] @ encoded.T
        count = min(NEAR + 1, near.shape[1])
        nearest = np.argpartition(-near, count - 1, axis=1)[:, :count]
        pairs |= {(min(a, b), max(a, b)) for a, row in enumerate(nearest.tolist(), start) for b in row if a != b}
    yield from sorted(pairs)
