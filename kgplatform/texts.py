"""Many texts in one buffer: a sequence of millions costs their bytes and twelve more each, a list of ``str`` three times as much.

Their order as bytes (UTF-8) is their order as text, so nothing need be decoded to be hashed or compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import eq
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.int32]
Named = TypeVar("Named", str, tuple[str, str])
_CHUNK = 1 << 16


class Texts(Sequence[str]):
    """Texts that never change; equal to any sequence of the same texts."""

    __slots__ = ("_data", "_lengths", "_starts")

    def __init__(self, data: bytes, starts: Ints, lengths: Lengths) -> None:
        """Text ``n`` is the ``lengths[n]`` bytes of ``data`` from ``starts[n]`` on."""
        self._data, self._starts, self._lengths = data, starts, lengths

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        whole = "".join(texts)
        data = whole.encode("utf-8", "surrogatepass")
        many = map(len, texts) if len(data) == len(whole) else (len(text.encode("utf-8", "surrogatepass")) for text in texts)
        lengths = np.fromiter(many, np.int32, len(texts))
        return cls(data, _starts(lengths), lengths)

    @classmethod
    def joined(cls, parts: Sequence[Texts]) -> Texts:
        """One after the other. Bytes that no text uses any more are left behind once they are most of all."""
        parts = [part._compact() if 2 * int(part._lengths.sum()) < len(part._data) else part for part in parts]
        if not parts:
            return cls.of(())
        before = np.cumsum([0, *(len(part._data) for part in parts[:-1])])
        starts = np.concatenate([part._starts + shift for part, shift in zip(parts, before.tolist(), strict=True)])
        return cls(b"".join(part._data for part in parts), starts, np.concatenate([part._lengths for part in parts]))

    def _compact(self) -> Texts:
        return Texts(b"".join(self.pieces()), _starts(self._lengths), self._lengths)

    def take(self, places: Ints | npt.NDArray[np.bool_]) -> Texts:
        """The texts at these places, or those of a mask; the bytes are shared."""
        return Texts(self._data, self._starts[places], self._lengths[places])

    def pieces(self) -> Iterator[bytes]:
        """The bytes of all texts one after the other, in pieces."""
        raw = np.frombuffer(self._data, np.uint8)
        for first in range(0, len(self), _CHUNK):
            starts, lengths = self._starts[first : first + _CHUNK], self._lengths[first : first + _CHUNK]
            yield raw[np.repeat(starts - _starts(lengths), lengths) + np.arange(lengths.sum())].tobytes()

    @property
    def lengths(self) -> Lengths:
        """Of each text, in bytes."""
        return self._lengths

    def find(self, text: str) -> int:
        """The place of a text among sorted ones; -1 where it is not there."""
        place = bisect_left(self, text)
        return place if place < len(self) and self[place] == text else -1

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Texts: ...
    def __getitem__(self, place: int | slice) -> str | Texts:
        if isinstance(place, slice):
            return Texts(self._data, self._starts[place], self._lengths[place])
        start = self._starts[place]
        return self._data[start : start + self._lengths[place]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        data = self._data
        for first in range(0, len(self), _CHUNK):
            starts = self._starts[first : first + _CHUNK]
            ends = starts + self._lengths[first : first + _CHUNK]
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
                yield data[start:end].decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3]))
        return f"Texts({shown}{', …' if len(self) > 3 else ''}; {len(self):,})"


class Numbering(dict[Named, int]):
    """Numbers for texts, or tuples of them, in the order in which they are first asked for."""

    def __missing__(self, one: Named) -> int:
        self[one] = number = len(self)
        return number

    def of(self, some: Sequence[Named]) -> Ints:
        return np.fromiter(map(self.__getitem__, some), np.int64, len(some))


def places(held: Sequence[str], wanted: Sequence[str]) -> Ints:
    """Where each wanted text stands among those ``held``, each there once; -1 where it does not."""
    known = {text: place for place, text in enumerate(held)}
    return np.fromiter((known.get(text, -1) for text in wanted), np.int64, len(wanted))


def _starts(lengths: Lengths) -> Ints:
    starts = np.zeros(len(lengths), dtype=np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    return starts
