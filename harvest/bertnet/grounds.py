"""What a harvest may build on: a model that is measured, or fed, by what models made up learns to agree with itself."""

from __future__ import annotations

from collections.abc import Sequence

from kgplatform.cardform import ENDS
from kgplatform.types import Fact, Words, in_words

_MODELS = frozenset({"memory", "graph"})


def grounded(fact: Fact) -> bool:
    """Whether a person accepted the fact, or anything but a model's memory or a graph model speaks for it."""
    return fact.verdict == "accepted" or not _MODELS.issuperset(fact.methods)


def says(fact: Fact, slots: Sequence[str]) -> bool:
    """Whether the fact has a word for each of a card's slots."""
    return {*ENDS, *(name for name, _ in fact.qualifiers)}.issuperset(slots)


def told_in(fact: Fact, slots: Sequence[str]) -> Words:
    """The fact's words for a card's slots."""
    said = {**dict(fact.qualifiers), "head": fact.head, "tail": fact.tail}
    return tuple(in_words(said[name]) for name in slots)
