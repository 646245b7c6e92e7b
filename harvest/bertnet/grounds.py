"""What a harvest may build on: a model that is measured, or fed, by what models made up learns to agree with itself."""

from __future__ import annotations

from kgplatform.types import Fact

_MODELS = frozenset({"memory", "graph"})


def grounded(fact: Fact) -> bool:
    """Whether a person accepted the fact, or anything but a model's memory or a graph model speaks for it."""
    return fact.verdict == "accepted" or not _MODELS.issuperset(fact.methods)
