"""How well words fit a relation, as a masked language model reads them.

In a filled prompt each token of an entity is hidden, with the rest of the entity behind it, and l is its log-probability. A plain mean
per token would let a long name hide one absurd token; so the mean per entity and the weakest token count as much as it does:

    f = ⅓ (mean of l over tokens + mean over entities of the sum of its l + min l)

After BertNet (Hao et al., 2023).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harvest.bertnet.stopwords import STOP
from kgplatform.lm.cloze import sentence
from kgplatform.lm.ports import MaskedModel
from kgplatform.ports import Progress
from kgplatform.types import Words

Floats = npt.NDArray[np.float64]
_WORD = re.compile(r"(?<!\w)[^\W\d_][^\s-]*")


class MaskedJudge:
    """BertNet's compatibility f, of words as they are given or as a title, whichever a prompt likes better."""

    def __init__(self, model: MaskedModel, slots: Sequence[str]) -> None:
        self._model, self._slots = model, tuple(slots)

    @property
    def name(self) -> str:
        return self._model.name

    def scores(self, prompts: Sequence[str], tuples: Sequence[Words], progress: Progress | None = None) -> Floats:
        """f in nats, ``(prompts, tuples)``, at most 0; -inf where the model has no tokens for a word. ``progress`` counts sentences.

        Raises ``BadRequest`` for a sentence longer than the model's window.
        """
        both = [*tuples, *(tuple(map(title, words)) for words in tuples)]
        placed = {words: number for number, words in enumerate(dict.fromkeys(both))}
        items = [sentence(prompt, self._slots, words) for prompt in prompts for words in placed]
        values = compatibility(self._model.entity_logprobs(items, progress)).reshape(len(prompts), len(placed))
        which = np.array([placed[words] for words in both], np.int64).reshape(2, len(tuples))
        return np.asarray(values[:, which].max(1), np.float64)


def compatibility(logs: Sequence[tuple[Floats, ...]]) -> Floats:
    """f of sentences, given log p of each token of each entity: ``(sentences,)``."""
    if not logs:
        return np.zeros(0)
    entities = [entity for one in logs for entity in one]
    flat, sizes = np.concatenate(entities), np.array([len(entity) for entity in entities])
    sums = np.add.reduceat(flat, _starts(sizes))
    counts = np.array([len(one) for one in logs])
    first = _starts(counts)
    tokens = np.add.reduceat(sizes, first)
    total = np.add.reduceat(sums, first)
    weakest = np.minimum.reduceat(flat, _starts(tokens))
    return np.asarray((total / tokens + total / counts + weakest) / 3, np.float64)


def title(words: str) -> str:
    """``the bank of england`` → ``The Bank of England``: a capital at every word, at the small ones only in front."""

    def capital(match: re.Match[str]) -> str:
        word = match.group()
        return word if match.start() and word in STOP else word[:1].upper() + word[1:]

    return _WORD.sub(capital, words)


def _starts(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(np.cumsum(sizes) - sizes, np.int64)
