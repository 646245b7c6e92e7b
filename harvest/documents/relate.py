"""Whether a sentence says that a pair stands in a relation.

Six numbers are read for each pair, and a logistic regression fitted on ``benchmarks/extraction/dev`` weighs them:

1. ``words``: likeness of the words between the two and the card's prompts, less its mean over all cards, which
   flattens words that fit everything;
2. ``shape``: the same with the ends replaced by their kinds;
3. ``lead``: by how much the shape leads that of the other cards for this pair;
4. ``statement``: log p(the prompt filled with the pair | the sentence), in nats;
5. ``rivals``: by how much log p(tail | sentence, prompt with head) leads that of the sentence's other heads;
6. ``memory``: the head's slot PMI without the sentence: what the model knows anyway.

The first three need only the encoder, and choose the pairs that the language model is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harvest.documents.pairs import Pair
from harvest.rivals import leads
from harvest.shipped import relations
from kgplatform.belief import PRIOR
from kgplatform.cards import datatype
from kgplatform.errors import BadCard
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.types import Relation

Floats = npt.NDArray[np.float64]
NAMES = ("words", "shape", "lead", "statement", "rivals", "memory")
WEIGHTS: Mapping[str, float] = {"words": 4.459, "shape": 4.76, "lead": -2.401, "statement": 0.137, "rivals": 0.351, "memory": 0.101}
OFFSET = -2.218
WORTH_ASKING = 0.5
"""``words`` + ``shape`` below which the language model is not asked."""
PROPOSED = -0.7
"""Log-odds below which a pair is not even proposed for review."""


class Likely(NamedTuple):
    """A pair, its score for ``belief`` (log-odds beyond the prior that belief adds), and the numbers behind it."""

    pair: Pair
    score: float
    detail: dict[str, str]


class Judge:
    """Reads pairs with an encoder and a language model."""

    def __init__(self, scorer: TokenScorer, encoder: Encoder, cards: Sequence[Relation]) -> None:
        self._scorer, self._encoder = scorer, encoder
        self._cards = list({card.name: card for card in (*relations().values(), *cards)}.values())
        if mute := [card.name for card in self._cards if not card.prompts]:
            raise BadCard(f"{mute[0]!r} has no prompts: give at least one, such as '{{head}} {mute[0]} {{tail}}'")
        prompts = [(number, prompt) for number, card in enumerate(self._cards) for prompt in _prompts(card)]
        self._owner = np.array([number for number, _ in prompts])
        self._prompts = encoder.encode([_without_slots(prompt) for _, prompt in prompts])

    def likely(self, pairs: Sequence[Pair]) -> list[Likely]:
        """The pairs worth keeping, each with its score."""
        asked, features = self.features(pairs)
        if not asked:
            return []
        odds = features @ np.array([WEIGHTS[name] for name in NAMES]) + OFFSET
        return [
            Likely(pair, round(float(log_odds) - PRIOR, 3), {name: f"{value:.3f}" for name, value in zip(NAMES, row, strict=True)})
            for pair, log_odds, row in zip(asked, odds, features, strict=True)
            if log_odds >= PROPOSED
        ]

    def features(self, pairs: Sequence[Pair]) -> tuple[list[Pair], Floats]:
        """The pairs worth asking about and their numbers: ``(pairs, 6)`` in the order of ``NAMES``."""
        if not pairs:
            return [], np.zeros((0, len(NAMES)))
        words, shape = self._words(pairs), self._shape(pairs)
        lead = leads(shape, [(pair.sentence.start, pair.head.name, pair.tail.name) for pair in pairs])
        keep = np.flatnonzero(words + shape >= WORTH_ASKING)
        asked = [pairs[index] for index in keep.tolist()]
        columns = [words[keep], shape[keep], lead[keep], self._statement(asked), self._rivals(asked), self._memory(asked)]
        return asked, np.stack(columns, axis=1)

    def _words(self, pairs: Sequence[Pair]) -> Floats:
        near = self._encoder.encode([_without_slots(pair.between) or "." for pair in pairs]) @ self._prompts.T
        best = np.stack([near[:, self._owner == number].max(1) for number in range(len(self._cards))], axis=1)
        own = np.array([next(n for n, card in enumerate(self._cards) if card.name == pair.card.name) for pair in pairs])
        return np.asarray(best[np.arange(len(pairs)), own] - best.mean(1), dtype=np.float64)

    def _shape(self, pairs: Sequence[Pair]) -> Floats:
        said = self._encoder.encode([_filled(pair.between, pair.head.kind, _kind(pair)) for pair in pairs])
        owner = np.array([row for row, pair in enumerate(pairs) for _ in _prompts(pair.card)])
        prompts = self._encoder.encode([_filled(prompt, pair.head.kind, _kind(pair)) for pair in pairs for prompt in _prompts(pair.card)])
        near = (said[owner] * prompts).sum(1)
        best = np.full(len(pairs), -1.0)
        np.maximum.at(best, owner, near)
        return best

    def _statement(self, pairs: Sequence[Pair]) -> Floats:
        items = [(resolved(pair), f" {_sentence(_filled(_prompts(pair.card)[0], pair.head.name, tail_words(pair)))}.") for pair in pairs]
        return self._scorer.logprobs(items)

    def _rivals(self, pairs: Sequence[Pair]) -> Floats:
        openings = [_opening(pair.card, "{tail}") for pair in pairs]
        items = [
            (f"{resolved(pair)} {_sentence(opening.replace('{head}', pair.head.name))}", f" {tail_words(pair)}" if opening else "")
            for pair, opening in zip(pairs, openings, strict=True)
        ]
        return leads(self._scorer.logprobs(items), [(pair.sentence.start, pair.card.name, pair.tail.name) for pair in pairs])

    def _memory(self, pairs: Sequence[Pair]) -> Floats:
        openings = [_opening(pair.card, "{head}") for pair in pairs]
        heads = [f" {pair.head.name}" if opening else "" for pair, opening in zip(pairs, openings, strict=True)]
        told = [_sentence(opening.replace("{tail}", tail_words(pair))) for pair, opening in zip(pairs, openings, strict=True)]
        plain = [
            _sentence(opening.replace("{tail}", f"This {pair.tail.kind or 'time'}")) for pair, opening in zip(pairs, openings, strict=True)
        ]
        scores = self._scorer.logprobs([*zip(told, heads, strict=True), *zip(plain, heads, strict=True)])
        return np.asarray(scores[: len(pairs)] - scores[len(pairs) :], dtype=np.float64)


def resolved(pair: Pair) -> str:
    """The pair's sentence in one line, with full names in place of surnames and pronouns."""
    text, start = pair.sentence.text, pair.sentence.start
    for span in sorted(pair.sentence.spans, key=lambda span: -span.start):
        if span.kind and span.words != span.name:
            name = f"{span.name}'s" if span.words.lower() in ("his", "her") else span.name
            text = text[: span.start - start] + name + text[span.end - start :]
    return " ".join(text.split())


def tail_words(pair: Pair) -> str:
    """The tail as a sentence would say it: a name, or a value as it stands in the text."""
    if pair.tail.kind:
        return pair.tail.name
    return pair.tail.name[:4] if datatype(pair.card) == "year" else pair.tail.words


def _prompts(card: Relation) -> list[str]:
    """The card's prompts between two ends: what a wider relation says besides is ``something`` here."""
    return [re.sub(r"\{(?!head\}|tail\})[^{}]*\}", "something", prompt) for prompt in card.prompts]


def _opening(card: Relation, slot: str) -> str:
    """The first prompt that ends with the slot, without it; empty when the card has none."""
    return next((prompt.removesuffix(slot).rstrip() for prompt in _prompts(card) if prompt.endswith(slot)), "")


def _kind(pair: Pair) -> str:
    return pair.tail.kind or datatype(pair.card) or "thing"


def _filled(text: str, head: str, tail: str) -> str:
    # In one pass, so that a name that looks like a slot stays a name.
    return re.sub(r"\{(head|tail)\}", lambda slot: head if slot[1] == "head" else tail, text)


def _without_slots(text: str) -> str:
    return text.replace("{head}", "").replace("{tail}", "").strip()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
