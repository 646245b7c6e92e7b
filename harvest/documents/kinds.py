"""What kind of thing a name names: a person, a city, an element, or nothing that the cards ask for.

The language model reads ``{name} is a {kind}`` after examples of every kind, taken from the taxonomy. For a
proper name half of what it thinks of the kind for any name is subtracted, so that frequent words do not
win, and the tagger's label and the likeness to the kind's examples add to it. A common noun may only be of
a kind whose examples are common nouns (*radium* is an element), and must clearly beat the root kind, which
all nouns fit. The constants were set on ``benchmarks/extraction/dev``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kgplatform.cards import ancestors
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.types import Kind

ROOT = "thing"
LABELS: Mapping[str, str] = {
    "PERSON": "person",
    "GPE": "place",
    "LOC": "place",
    "FAC": "place",
    "ORG": "organisation",
    "WORK_OF_ART": "work",
}
"""spaCy's labels and the kind (or any kind of it) that each speaks for."""
LABEL_NATS = 4.0
LIKENESS_NATS = 10.0
FREQUENCY_SHARE = 0.5
NOUN_LIKENESS = 0.22
"""Cosine to a kind's examples below which a common noun is not even asked about."""
NOUN_NATS = 0.8
"""By how much a kind must beat the root before a common noun is taken for one of it."""


class KindGuesser:
    """Guesses kinds from a taxonomy."""

    def __init__(self, scorer: TokenScorer, encoder: Encoder, kinds: Mapping[str, Kind]) -> None:
        self._scorer, self._encoder, self._kinds = scorer, encoder, kinds
        self._names = [kind for kind in kinds if kinds[kind].examples]
        self._root = np.array([kind == ROOT for kind in self._names])
        self._common = np.array([kind == ROOT or _common(kinds[kind]) for kind in self._names])
        shown = (
            f"{example} is {_a(kind)}."
            for round_ in range(2)
            for kind in self._names
            for example in kinds[kind].examples[round_ : round_ + 1]
        )
        self._examples = " ".join(shown)
        self._prototypes = {kind: encoder.encode(kinds[kind].examples) for kind in self._names}

    def guess(self, names: Sequence[str], labels: Sequence[str]) -> list[str]:
        """The kind of each name; ``labels`` are the tagger's. ``thing`` where no other kind fits."""
        if not names or not self._names:
            return [ROOT] * len(names)
        likeness = self._likeness(names)
        nouns = np.array([label == "NOUN" for label in labels])[:, None]
        allowed = self._allowed(nouns, likeness)
        read = self._model(names, allowed & (allowed.sum(1) > 1)[:, None])
        as_noun = read + NOUN_NATS * self._root
        as_name = read - FREQUENCY_SHARE * self._usual + LIKENESS_NATS * likeness + self._labels(labels)
        # Rounded, so that a tie stays one whatever batch a name came in: sums differ in their last bits.
        scores = np.where(allowed, np.where(nouns, as_noun, as_name).round(6), -np.inf)
        return [self._names[best] if np.isfinite(row[best]) else ROOT for row, best in zip(scores, scores.argmax(1), strict=True)]

    def _allowed(self, nouns: npt.NDArray[np.bool_], likeness: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which kinds a name may be of, before the model is asked: ``(names, kinds)``."""
        return np.where(nouns, self._root | (self._common & (likeness >= NOUN_LIKENESS)), ~self._common)

    def _model(self, names: Sequence[str], asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """log p(kind | name) where ``asked``, else 0: ``(names, kinds)``."""
        scores = np.zeros(asked.shape)
        rows, columns = np.nonzero(asked)
        items = [
            (f"{self._examples} {names[row]} is", f" {_a(self._names[column])}")
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        scores[rows, columns] = self._scorer.logprobs(items)
        return scores

    @cached_property
    def _usual(self) -> npt.NDArray[np.float64]:
        """How each kind reads after names of all kinds: ``(kinds,)``; the same whatever is being guessed."""
        shown = [self._kinds[kind].examples for kind in self._names]
        others = [example for examples in shown for example in examples[2:4] or examples[:2]]
        return np.asarray(self._model(others, np.ones((len(others), len(self._names)), dtype=np.bool_)).mean(0))

    def _likeness(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        vectors = self._encoder.encode(names)
        near = [np.sort(vectors @ self._prototypes[kind].T, axis=1)[:, -2:].mean(1) for kind in self._names]
        return np.stack(near, axis=1).astype(np.float64)

    def _labels(self, labels: Sequence[str]) -> npt.NDArray[np.float64]:
        lines = [set(ancestors(kind, self._kinds)) for kind in self._names]
        return np.array([[LABEL_NATS * (LABELS.get(label) in line) for line in lines] for label in labels])


def _a(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aeiou" else f"a {kind}"


def _common(kind: Kind) -> bool:
    return all(example.islower() for example in kind.examples)
