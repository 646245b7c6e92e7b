"""Try a model out: does it answer, how fast, and what may be asked of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from kgplatform.lm.ports import ChatModel, Encoder, TokenScorer
from kgplatform.lm.talk import Message, Request

_SCHEMA = {
    "title": "capital",
    "type": "object",
    "properties": {"capital": {"type": "string", "maxLength": 30}},
    "required": ["capital"],
    "additionalProperties": False,
}
_QUESTION = Message("user", "What is the capital of France? Answer in one word, as JSON.")
_TELL = Message("user", "Explain in one paragraph what a knowledge graph is.")
_TELLING = 64
_SENTENCES = [f"The {thing} stands in the garden of the house." for thing in "oak elm ash fir yew fig pear plum bench pond".split()]


@dataclass(frozen=True, slots=True)
class Trial:
    """What was seen: ``seconds`` for the short sample, ``rate`` of ``unit`` a second over a longer one."""

    model: str
    sample: str
    seconds: float
    rate: float
    unit: str
    context: int | None = None
    binds: bool | None = None

    def row(self) -> dict[str, Any]:
        """For JSON."""
        facts = {"model": self.model, "sample": self.sample, "seconds": round(self.seconds, 3), "context": self.context}
        return {**facts, "schema_support": self.binds, f"{self.unit}_per_second": round(self.rate, 1)}


def chat(model: ChatModel) -> Trial:
    """Two requests: a question bound to a schema, and a paragraph of at most 64 tokens; nothing of them is remembered."""
    begun = time.perf_counter()
    answer = model.reply(Request((_QUESTION,), _SCHEMA, max_tokens=_TELLING))
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    told = model.reply(Request((_TELL,), max_tokens=_TELLING))
    took = time.perf_counter() - begun
    written = told.usage.completion or model.count(told.text)
    return Trial(model.name, answer.text.strip()[:200], seconds, written / took, "tokens", model.context)


def scorer(model: TokenScorer) -> Trial:
    """Scores the capital of France, then ten sentences."""
    cities = (" Paris", " Berlin", " Rome")
    begun = time.perf_counter()
    scores = model.logprobs([("The capital of France is", city) for city in cities])
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    model.logprobs([("", sentence) for sentence in _SENTENCES])
    rate = len(_SENTENCES) / (time.perf_counter() - begun)
    sample = ", ".join(f"{city.strip()} {score:.1f}" for city, score in zip(cities, scores, strict=True))
    return Trial(model.name, f"The capital of France is: {sample}", seconds, rate, "sentences")


def encoder(model: Encoder) -> Trial:
    """Compares a cat with a kitten, then encodes ten sentences."""
    begun = time.perf_counter()
    cat, kitten, stock = model.encode(["a cat", "a kitten", "the stock market"])
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    model.encode(_SENTENCES)
    rate = len(_SENTENCES) / (time.perf_counter() - begun)
    return Trial(model.name, f"cat is like kitten {cat @ kitten:.2f}, like stock market {cat @ stock:.2f}", seconds, rate, "sentences")
