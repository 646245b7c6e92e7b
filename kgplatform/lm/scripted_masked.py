"""A masked model without weights: for tests, and for machines that have none. What it knows is what the sentences given to it say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kgplatform.cardform import SLOT
from kgplatform.lm.cloze import NOWHERE, Cloze, Floats, Partial, Pieces, Rows, Span, Tokens, by_length, filled, questions, touched
from kgplatform.ports import Progress

_WORD = re.compile(r"\w+|[^\w\s]")
_MASK, _UNKNOWN = 0, 1
_LIKENESS = 3.0
"""What a shared word is worth, in nats."""


class ScriptedMasked:
    """The word at a place is that of the sentences as long as the row, each weighing e³ for every word it shares with it there.

    Any word at all counts together as much as one sentence that shares none; so it is a probability distribution over the vocabulary,
    in which a sentence half remembered outweighs many others. Tokens are whole words; case does not count.
    """

    def __init__(self, sentences: Sequence[str], name: str = "scripted-masked@1") -> None:
        self._name = name
        told = [_words(sentence) for sentence in sentences]
        self._vocabulary = ("", "", *sorted({word for words in told for word in words}))
        self._number = {word: number for number, word in enumerate(self._vocabulary) if word}
        self._lengths = np.array([len(words) for words in told], np.int64)
        self._sentences = np.full((len(told), max(self._lengths, default=0)), -1)
        for row, words in zip(self._sentences, told, strict=True):
            row[: len(words)] = [self._number[word] for word in words]

    @property
    def name(self) -> str:
        return self._name

    @cached_property
    def pieces(self) -> Pieces:
        opens = np.array([any(letter.isalnum() for letter in word) for word in self._vocabulary])
        return Pieces(tuple(word if fit else "" for word, fit in zip(self._vocabulary, opens, strict=True)), opens, np.zeros_like(opens))

    def entity_logprobs(self, items: Sequence[tuple[str, tuple[Span, ...]]], progress: Progress | None = None) -> list[tuple[Floats, ...]]:
        """As the port says."""
        texts = [self._tokens(text, spans) for text, spans in items]
        asked = questions(texts, _MASK)
        values = self._logprobs(asked.rows)[asked.row, asked.wanted]
        if progress:
            progress(len(items), len(items))
        return asked.answers(values, texts)

    def fill(self, cloze: Cloze, partial: Sequence[Partial]) -> npt.NDArray[np.float32]:
        """As the port says."""
        prompts = [([self._ids(part) for part in SLOT.split(prompt)[::2]], cloze.order(prompt)) for prompt in cloze.prompts]
        rows, order = by_length([filled(parts, slots, one, _MASK) for one in partial for parts, slots in prompts])
        logs = np.empty((len(order), len(self._vocabulary)))
        logs[order] = self._logprobs(rows)
        means = np.tensordot(logs.reshape(len(partial), len(prompts), -1), cloze.shares(), (1, 0))
        return np.asarray(means, np.float32)

    def spell(self, names: Sequence[tuple[int, ...]]) -> list[str | None]:
        """As the port says; words stand apart by single spaces."""
        texts = [" ".join(self._vocabulary[token] for token in name) for name in names]
        return [text if tuple(self._ids(text)) == name else None for text, name in zip(texts, names, strict=True)]

    def _ids(self, text: str) -> list[int]:
        return [self._number.get(word, _UNKNOWN) for word in _words(text)]

    def _tokens(self, text: str, spans: Sequence[Span]) -> Tokens:
        ids = self._ids(text)
        entities = touched([match.span() for match in _WORD.finditer(text)], spans)
        return Tokens(ids, tuple(NOWHERE if _UNKNOWN in ids[slice(*span)] else span for span in entities))

    def _logprobs(self, rows: Rows) -> Floats:
        """``(rows, vocabulary)``."""
        found = np.zeros((len(rows.ids), len(self._vocabulary)))
        for number, (ids, at) in enumerate(zip(rows.ids, rows.at, strict=True)):
            counts = np.full(len(self._vocabulary), 1 / len(self._vocabulary))
            if (long := self._lengths == len(ids)).any():
                like = self._sentences[long, : len(ids)]
                counts += np.bincount(like[:, at], np.exp(_LIKENESS * (like == ids).sum(1)), len(counts))
            found[number] = np.log(counts / counts.sum())
        return found


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
