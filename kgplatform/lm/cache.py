"""What a scorer or an encoder has answered once is kept in a file, so that an interrupted harvest goes on where it was.

``Cached...(inner, path)`` wraps any of them. Any number of threads and processes may share the file, and what is
committed survives a kill. Every answer is kept under a hash of the model's name and the words, so models never mix.
Numbers under hashes hold no text: there is nothing in these files to erase when a source is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kgplatform.lm.answers import Answers, key
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.ports import Progress

_CHUNK = 512
"""Answers in one transaction: what a kill loses at most."""


class CachedScorer:
    """``inner`` with a memory; scores are kept as float64, exactly as given."""

    def __init__(self, inner: TokenScorer, path: Path) -> None:
        self._inner = inner
        self._answers = Answers(path)

    @property
    def name(self) -> str:
        return self._inner.name

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        """As the port says. What is missing is asked for in chunks, those with a common beginning together."""
        keys = {item: key("score", self.name, *item) for item in items}
        known = self._answers.get(keys.values(), 8)
        missing = sorted(item for item, hashed in keys.items() if hashed not in known)
        done = len(items) - len(missing)
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            values = np.asarray(self._inner.logprobs(chunk), "<f8")
            new = {keys[item]: value.tobytes() for item, value in zip(chunk, values, strict=True)}
            self._answers.put(new)
            known |= new
            done += len(chunk)
            if progress:
                progress(done, len(items))
        if progress and not missing:
            progress(done, done)
        return np.frombuffer(b"".join(known[keys[item]] for item in items), "<f8").astype(np.float64)


class CachedEncoder:
    """``inner`` with a memory; vectors are kept as float32, exactly as given."""

    def __init__(self, inner: Encoder, path: Path) -> None:
        self._inner = inner
        self._answers = Answers(path)

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As the port says."""
        keys = {text: key("vector", self.name, text) for text in texts}
        known = self._answers.get(keys.values(), 4 * self.dimension)
        missing = sorted((text for text, hashed in keys.items() if hashed not in known), key=lambda text: (len(text), text))
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            values = np.asarray(self._inner.encode(chunk), "<f4")
            new = {keys[text]: value.tobytes() for text, value in zip(chunk, values, strict=True)}
            self._answers.put(new)
            known |= new
        vectors = np.frombuffer(b"".join(known[keys[text]] for text in texts), "<f4").astype(np.float32)
        return vectors.reshape(len(texts), self.dimension)
