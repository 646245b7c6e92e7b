"""A scorer and an encoder without weights: for tests, and for machines that have none.

Both keep the laws of their ports. What they know of language is what the sentences given to them say.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

import numpy as np
import numpy.typing as npt

from kgplatform.lm.ports import Tokens
from kgplatform.ports import Progress

_WORD = re.compile(r"\w+|[^\w\s]")
_SPELL = math.log(257)
"""An unknown word is spelled in bytes, each of 256 or the end."""


_NEVER = (np.zeros(0, np.int64), np.zeros(0, np.int64))


class ScriptedScorer:
    """Log-probabilities from ``table``; for all else those of a small word model fitted on ``sentences``.

    The word model is a mixture of two add-one estimates: the word after the word before it, and the word after
    any word earlier in the text. So it is a probability distribution over texts, and finds ``" France"``
    likelier after ``"Paris lies in"`` when it was given ``"Paris is the capital of France"``. Case and spaces do not count.
    Its tokens are words, spelled as in the first sentence that has them; the table, of whole continuations, does not count in decoding.
    """

    def __init__(
        self, table: Mapping[tuple[str, str], float] | None = None, sentences: Sequence[str] = (), name: str = "scripted@1"
    ) -> None:
        self._table = dict(table or {})
        self._name = name
        self._next: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._later: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._spelled: dict[str, str] = {"": ""}
        for sentence in sentences:
            written = _WORD.findall(sentence)
            words = ["", *(word.casefold() for word in written)]
            for word in written:
                self._spelled.setdefault(word.casefold(), word)
            for place in range(1, len(words)):
                self._next[words[place - 1]][words[place]] += 1
                for earlier in set(words[:place]):
                    self._later[earlier][words[place]] += 1
        self._words = {word for counts in self._next.values() for word in counts}
        self._numbers = {word: number for number, word in enumerate(self._spelled)}
        self._next_rows, self._later_rows = self._rows(self._next), self._rows(self._later)
        self._meeting = Lock()

    def _rows(self, counted: Mapping[str, Counter[str]]) -> dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """For each word the numbers of the words that follow it, and how often."""
        return {
            word: (np.array([self._numbers[one] for one in counts]), np.fromiter(counts.values(), np.int64))
            for word, counts in counted.items()
        }

    @property
    def name(self) -> str:
        return self._name

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The known words, sorted; their probabilities and that of an unknown word sum to one."""
        return tuple(sorted(self._words))

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        """As the port says. A word split between prefix and continuation counts as the two words that the parts are."""
        values = np.fromiter((self._table[item] if item in self._table else self._text(*item) for item in items), np.float64, len(items))
        if progress:
            progress(len(items), len(items))
        return values

    def tokens(self, items: Sequence[tuple[str, str]]) -> list[tuple[Tokens, int]]:
        """As the port says. A word that it meets for the first time becomes a token."""
        return [
            ((0, *map(self._number, _WORD.findall(prefix)), *map(self._number, _WORD.findall(continuation))), 1 + len(_words(prefix)))
            for prefix, continuation in items
        ]

    def text(self, tokens: Tokens, first: int) -> str:
        """As the port says; a space before each word and none before a mark."""
        spelled = list(self._spelled.values())
        return "".join(f" {spelled[token]}" if spelled[token][:1].isalnum() else spelled[token] for token in tokens[first:])

    def following(self, sequences: Sequence[Tokens], wanted: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float64]]:
        """As the port says."""
        words, known = list(self._spelled), len(self._words)
        found = []
        for tokens, ids in zip(sequences, wanted, strict=True):
            before = [words[token] for token in tokens]
            logs = np.array([self._word(before, words[token]) if not 0 < token <= known else 0.0 for token in ids.tolist()])
            met = (ids > 0) & (ids <= known)
            logs[met] = self._distribution(before)[ids[met] - 1]
            found.append(logs)
        return found

    def likeliest(self, sequences: Sequence[Tokens], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """As the port says; only words of its sentences."""
        known = np.arange(1, len(self._words) + 1)
        values = np.array(self.following(sequences, [known] * len(sequences))).reshape(len(sequences), len(known))
        best = np.argsort(-values, 1, kind="stable")[:, :count]
        return known[best], np.take_along_axis(values, best, 1)

    def _distribution(self, before: list[str]) -> npt.NDArray[np.float64]:
        """``_word`` of all known words, in the order of their numbers."""
        far = [self._row(self._later_rows, word) for word in sorted(set(before))]
        mixed: npt.NDArray[np.float64] = np.log((self._row(self._next_rows, before[-1]) + np.mean(far, 0)) / 2)
        return mixed

    def _row(self, rows: Mapping[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], word: str) -> npt.NDArray[np.float64]:
        estimates = np.ones(len(self._words))
        ids, counts = rows.get(word, _NEVER)
        estimates[ids - 1] += counts
        scaled: npt.NDArray[np.float64] = estimates / (counts.sum() + len(self._words) + 1)
        return scaled

    def _number(self, word: str) -> int:
        known = word.casefold()
        with self._meeting:
            if known not in self._numbers:
                self._numbers[known] = len(self._numbers)
                self._spelled[known] = word
            return self._numbers[known]

    def _text(self, prefix: str, continuation: str) -> float:
        before, total = ["", *_words(prefix)], 0.0
        for word in _words(continuation):
            total += self._word(before, word)
            before.append(word)
        return total

    def _word(self, before: list[str], word: str) -> float:
        after = self._estimate(self._next[before[-1]] if before[-1] in self._next else Counter(), word)
        earlier = sorted(set(before))
        far = math.fsum(self._estimate(self._later.get(one, Counter()), word) for one in earlier) / len(earlier)
        spelled = 0.0 if word in self._words else -_SPELL * (len(word.encode("utf-8", "surrogatepass")) + 1)
        return math.log((after + far) / 2) + spelled

    def _estimate(self, counts: Counter[str], word: str) -> float:
        """Add-one, over the known words and one place for all unknown ones."""
        return (counts[word] + 1) / (counts.total() + len(self._words) + 1)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


class HashingEncoder:
    """Bags of character 3- and 4-grams, hashed with signs into ``dimension`` places (feature hashing).

    Texts that share spelling are close; meaning is not known.
    """

    def __init__(self, dimension: int = 256, name: str = "hashing@1") -> None:
        self._dimension = dimension
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """As the port says; equal up to case and spaces is equal."""
        known = {text: self._vector(text) for text in set(texts)}
        return np.array([known[text] for text in texts], np.float32).reshape(len(texts), self._dimension)

    def _vector(self, text: str) -> npt.NDArray[np.float64]:
        vector = np.zeros(self._dimension)
        for gram in _grams(text):
            number = int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
            vector[(number >> 1) % self._dimension] += 1 if number & 1 else -1
        length = float(np.linalg.norm(vector))
        if not length:
            vector[0] = length = 1.0
        return vector / length


def _grams(text: str) -> Iterator[str]:
    padded = f"  {' '.join(text.casefold().split())} "
    for size in (3, 4):
        yield from (padded[at : at + size] for at in range(len(padded) - size + 1))
