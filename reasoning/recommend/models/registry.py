"""Recommenders by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgplatform.errors import BadRequest

if TYPE_CHECKING:
    import torch

    from reasoning.recommend.interactions import Interactions
    from reasoning.recommend.models.factors import Factors
    from reasoning.recommend.reading import Facts

FLOORS = ("popularity", "itemknn")
"""Counted, not learned."""
CLEANING = ("diffkg", "diffkg-guided")
"""Learned from the graph about the items, and from what is left of it when it is cleaned."""
WITH_GRAPH = ("kgat", *CLEANING)
"""Learned from the graph about the items too."""
MODELS = (*FLOORS, "bpr", "lightgcn", *WITH_GRAPH)


AUTO = "auto"
"""Not a recommender, but the best of the ``candidates``."""


def candidates(facts: Facts | None) -> tuple[str, ...]:
    """What is tried where none is asked for: from the cheapest on, and what reads a graph where one tells of items."""
    tells = facts is not None and len(facts.triples) and (facts.of_item >= 0).any()
    return (*FLOORS, "lightgcn", *(("kgat", "diffkg") if tells else ()))


def known(name: str) -> str:
    """The name. Raises ``BadRequest`` where it is none."""
    if name not in MODELS:
        raise BadRequest(f"{name!r} is no recommender: there are {', '.join(MODELS)}")
    return name


def make(name: str, known: Interactions, facts: Facts | None, dim: int, generator: torch.Generator) -> Factors:
    """A fresh model of one that is learned. Raises ``BadRequest`` where it wants a graph and there is none."""
    from reasoning.recommend.models.diffkg import DiffKG, Guided
    from reasoning.recommend.models.factors import BPR, LightGCN
    from reasoning.recommend.models.kgat import KGAT

    if name not in WITH_GRAPH:
        plain: dict[str, type[Factors]] = {"bpr": BPR, "lightgcn": LightGCN}
        return plain[name](known, dim, generator)
    if facts is None or not len(facts.triples):
        raise BadRequest(f"{name} learns from a graph about the items, and there is none beside the interactions: take lightgcn")
    if not (facts.of_item >= 0).any():
        raise BadRequest(f"{name} learns from a graph about the items, but no item is an entity of it: see the file that links them")
    return {"kgat": KGAT, "diffkg": DiffKG, "diffkg-guided": Guided}[name](known, facts, dim, generator)
