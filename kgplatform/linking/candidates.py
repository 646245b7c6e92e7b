"""Which entities a new one may be: found in the store's indexes and among its batch, never by a scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from kgplatform.linking.scoring import Named
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Store
from kgplatform.store import vectors
from kgplatform.types import Entity, EntityId

Vectors = npt.NDArray[np.float32]
SHARING = 12
"""Entities that share keys of a name."""
NEAR = 10
"""Entities that are near in meaning."""
_SAME_KEY = 50


def met(store: Store, encoder: Encoder, new: Sequence[Entity]) -> Iterator[tuple[int, Entity, float, bool]]:
    """Of each new entity (by its place) who may be the same, the cosine of both where it is known, and whether that one is new too.

    Of proper names only those that share a key: what these mean is not in their words.
    """
    keys, own = [vectors.keys(one) for one in new], {one.id for one in new}
    found: list[dict[EntityId, tuple[Entity, float]]] = [{one.id: (one, 0.0) for one in some} for some in store.meeting(keys, SHARING)]
    meant = [at for at, one in enumerate(new) if not Named(one.name, one.kinds).proper]
    encoded = encoder.encode([vectors.words(new[at]) for at in meant])
    if meant and store.vector_space() is not None:
        for at, hits in zip(meant, store.nearest_each(encoder.name, encoded, NEAR), strict=True):
            found[at] |= {hit.entity.id: (hit.entity, hit.score) for hit in hits}
    for at, entities in enumerate(found):
        yield from ((at, one, cosine, False) for one, cosine in entities.values() if one.id not in own)
    cosines = dict(near(meant, encoded))
    for at, other in sorted(sharing(keys) | cosines.keys()):
        yield at, new[other], cosines.get((at, other), 0.0), True


def sharing(keys: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    """Pairs of places, each once, that share a key which is not frequent."""
    bearing: dict[str, list[int]] = defaultdict(list)
    for at, listed in enumerate(keys):
        for key in listed:
            bearing[key].append(at)
    return {(a, b) for ones in bearing.values() if len(ones) <= _SAME_KEY for a in ones for b in ones if a < b}


def near(places: Sequence[int], encoded: Vectors) -> Iterator[tuple[tuple[int, int], float]]:
    """Pairs of places whose vectors are near each other, with the cosine."""
    for start in range(0, len(encoded), 1_000):
        cosines = encoded[start : start + 1_000] @ encoded.T
        count = min(NEAR + 1, cosines.shape[1])
        for row, nearest in enumerate(np.argpartition(-cosines, count - 1, axis=1)[:, :count].tolist()):
            for column in nearest:
                one, other = sorted((places[start + row], places[column]))
                if one != other:
                    yield (one, other), float(cosines[row, column])
