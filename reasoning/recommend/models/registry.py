"""Recommenders by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgplatform.errors import BadRequest

if TYPE_CHECKING:
    import torch

    from reasoning.recommend.interactions import Interactions
    from reasoning.recommend.models.factors import Factors

FLOORS = ("popularity", "itemknn")
"""Counted, not learned."""
LEARNED = ("bpr", "lightgcn")
MODELS = (*FLOORS, *LEARNED)


def known(name: str) -> str:
    """The name. Raises ``BadRequest`` where it is none."""
    if name not in MODELS:
        raise BadRequest(f"{name!r} is no recommender: there are {', '.join(MODELS)}")
    return name


def make(name: str, known: Interactions, dim: int, generator: torch.Generator) -> Factors:
    """A fresh model of one that is learned."""
    from reasoning.recommend.models.factors import BPR, LightGCN

    kinds: dict[str, type[Factors]] = {"bpr": BPR, "lightgcn": LightGCN}
    return kinds[name](known, dim, generator)
