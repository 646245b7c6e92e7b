"""Sentences and names as unit vectors, by a model of sentence-transformers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from kgplatform.errors import MissingExtra, ModelError
from kgplatform.lm.device import share_cores
from kgplatform.lm.quiet import quiet
from kgplatform.lm.text import first_line, wellformed

Vectors = npt.NDArray[np.float32]

_REMEMBERED = 50_000
_BATCH = 64


class SentenceEncoder:
    """Encodes with the model in ``folder`` (safetensors; code and pickles in it are never run).

    Phrases come again and again while linking, so the last 50,000 are remembered. A text longer than the
    model's window is cut. Threads may share an encoder.
    """

    def __init__(self, folder: Path, name: str, device: str) -> None:
        try:
            import sentence_transformers
        except ImportError as error:
            raise MissingExtra(error.name or "sentence-transformers", extra="models", need="encoding sentences") from None
        self._name = name
        try:
            with quiet():
                self._model = sentence_transformers.SentenceTransformer(
                    str(folder), device=device, local_files_only=True, model_kwargs={"use_safetensors": True}
                )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{name}: {folder} holds no readable sentence encoder ({first_line(error)}): fetch it again") from None
        if device == "cpu":
            share_cores()
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the port says; of equal texts one is encoded, and the batches are of like lengths."""
        with self._lock:
            found = {text: self._known[text] for text in set(texts) if text in self._known}
            missing = [text for text in dict.fromkeys(texts) if text not in found]
            found.update(zip(missing, self._encoded(missing), strict=True))
            self._remember(found)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    def _encoded(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        ordered = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors = self._model.encode(
            [wellformed(texts[number]) for number in ordered], batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        result = np.empty((len(texts), self.dimension), np.float32)
        result[ordered] = vectors
        return result

    def _remember(self, found: dict[str, Vectors]) -> None:
        for text, vector in found.items():
            if text not in self._known:
                self._known[text] = vector.copy()  # a row would keep the whole batch alive
            self._known.move_to_end(text)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
