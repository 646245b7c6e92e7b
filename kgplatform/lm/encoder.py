"""Sentences and names as unit vectors, by a model of sentence-transformers.

To import and load that takes many seconds, so the first few texts are read in numpy where the model allows it (``bert``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kgplatform.errors import MissingExtra, ModelError
from kgplatform.lm import device as devices
from kgplatform.lm.bert import Bert
from kgplatform.lm.quiet import quiet
from kgplatform.lm.text import first_line, wellformed

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

_REMEMBERED = 50_000
_BATCH = 64
FEW = 5_000
"""Characters that are read in numpy sooner than sentence-transformers is there."""


class SentenceEncoder:
    """Encodes with the model in ``folder`` (safetensors; code and pickles in it are never run).

    Phrases come again and again while linking, so the last 50,000 are remembered. A text longer than the
    model's window is cut. Threads may share an encoder. ``device`` is as in ``KG_DEVICE``.
    """

    def __init__(self, folder: Path, name: str, device: str) -> None:
        self._folder, self._name, self._device = folder, name, device
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()
        self._few = Bert.read(folder) if device in ("auto", "cpu") else None
        self._model: SentenceTransformer | None = None
        if self._few is None:
            self._loaded()

    def _loaded(self) -> SentenceTransformer:
        """The model of sentence-transformers, which takes over from the first reader."""
        if self._model is not None:
            return self._model
        try:
            import sentence_transformers
        except ImportError as error:
            raise MissingExtra(error.name or "sentence-transformers", extra="models", need="encoding sentences") from None
        device = devices.resolve(self._device)
        try:
            with quiet():
                self._model = sentence_transformers.SentenceTransformer(
                    str(self._folder), device=device, local_files_only=True, model_kwargs={"use_safetensors": True}
                )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(
                f"{self._name}: {self._folder} holds no readable sentence encoder ({first_line(error)}): fetch it again"
            ) from None
        if device == "cpu":
            devices.share_cores()
        self._few = None
        return self._model

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return few.dimension if (few := self._few) else int(self._loaded().get_embedding_dimension() or 0)

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
        listed = [wellformed(texts[number]) for number in ordered]
        if (few := self._few) and sum(map(len, texts)) <= FEW:  # another thread may have loaded the other meanwhile
            vectors = np.concatenate([few.encode(listed[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)])
        else:
            vectors = self._loaded().encode(listed, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)
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
