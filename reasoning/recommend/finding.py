"""Items by what a person types: an id, or a part of the name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.names import normalise
from reasoning.recommend.beside import Items

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 8


class Finder:
    """Finds ``items`` by their numbers; a million names are looked through in milliseconds."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def find(self, words: str, most: int = MOST) -> list[int]:
        """Those with this id first, then those whose names begin so, then those that have the words within their names or ids."""
        return list(islice(dict.fromkeys(self._found(words.strip())), most)) if words.strip() else []

    def _found(self, words: str) -> Iterator[int]:
        from pyarrow import compute

        if (place := self._items.ids.find(words)) >= 0:
            yield place
        folded = normalise(words)
        for holds, among in (
            (compute.starts_with, self._names),
            (compute.match_substring, self._names),
            (compute.match_substring, self._ids),
        ):
            yield from np.flatnonzero(holds(among, folded).to_numpy(zero_copy_only=False)).tolist()

    @cached_property
    def _names(self) -> pa.Array:
        return _folded(self._items.names)

    @cached_property
    def _ids(self) -> pa.Array:
        return _folded(self._items.ids)


def _folded(texts: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array([normalise(one) for one in texts], pa.large_string())
