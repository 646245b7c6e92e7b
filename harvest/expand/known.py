"""Vectors of names that were encoded before are not encoded anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class Known:
    """Encodes names, each once."""

    def __init__(self, encode: Callable[[Sequence[str]], Array]) -> None:
        self._encode = encode
        self._places: dict[str, int] = {}
        self._rows = np.zeros((0, 0), np.float32)

    def __call__(self, names: Sequence[str]) -> Array:
        """``(names, dimension)``."""
        new = [name for name in dict.fromkeys(names) if name not in self._places]
        if new:
            rows, first = self._encode(new), len(self._places)
            self._places.update((name, first + at) for at, name in enumerate(new))
            if self._rows.shape[0] < len(self._places):
                grown = np.zeros((max(2 * first, len(self._places)), rows.shape[1]), np.float32)
                grown[:first] = self._rows[:first] if first else 0
                self._rows = grown
            self._rows[first : len(self._places)] = rows
        return self._rows[np.fromiter(map(self._places.__getitem__, names), np.int64, len(names))]
