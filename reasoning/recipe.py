"""Everything besides the facts that decides what a graph model learns, and settings that suit a graph of that size."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.names import digest
from kgplatform.view import GraphView
from reasoning.models.registry import known

WATCHED = 1_000
"""A graph of so many facts spares some for watching; on a smaller one they are worth more as facts."""
LARGE = 30_000
"""Below so many facts the matrices are so small that a second thread only waits (UMLS: 14 s on one, 97 s on two busy cores)."""
TELLING, EACH, MANY_RELATIONS = 2.0, 1.2, 20
"""Where a pair of entities has no more relations than that on average, of at least so many, which one it has is worth learning, with this
weight (Chen et al., 2021: the more relations, the more it helps)."""
MANY = 10_000_000_000
"""With so many facts times entities a question is set against a sample of them: against all, an epoch took an hour and more."""
DISTANCES = ("transe", "rotate", "hake", "house")
"""Models that learn from a sample of wrong answers and a margin."""
Objective = Literal["all", "some"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """``objective``: answers are set against ``all`` entities or against ``some``, of which there are ``negatives``.

    ``dim`` is the number of coordinates (complex ones where the model has such), ``batch`` counts questions, ``rate`` is the learning
    rate, ``norm`` weighs the model's penalty, ``relation_weight`` telling which relation holds; ``margin`` and ``temperature`` are those
    of self-adversarial training. ``features`` is a hash of what is said of the entities, where that is learned from, ``start`` names the
    model that this one goes on from; training sets both.
    """

    dim: int
    epochs: int
    norm: float = 0.0
    rate: float = 0.1
    batch: int = 500
    seed: int = 0
    model: str = "complex"
    objective: Objective = "all"
    optimiser: Literal["adagrad", "adam"] = "adagrad"
    relation_weight: float = 0.0
    negatives: int = 256
    margin: float = 9.0
    temperature: float = 1.0
    features: str = ""
    start: str = ""

    def __post_init__(self) -> None:
        known(self.model)
        for name in ("dim", "epochs", "batch", "negatives"):
            if getattr(self, name) < 1:
                raise BadRequest(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.rate < math.inf:
            raise BadRequest(f"the learning rate must be above 0, not {self.rate}")
        for name in ("norm", "relation_weight", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadRequest(f"{name} must be 0 or more, not {getattr(self, name)}")

    @classmethod
    def fitting(cls, view: GraphView, model: str = "complex", **given: Any) -> Recipe:
        """Settings by model and size, from measurements of graphs of 200 to 300,000 facts (``benchmarks/links``); ``given`` ones stand."""
        settings: dict[str, Any] = {"model": known(model), **_by_size(view)}
        settings |= _SUITED.get(model, {})
        if model == "transe" and len(view) < LARGE:  # where one can afford it, all entities teach it more than a sample
            settings |= {"objective": "all", "dim": 200, "rate": 0.005}
        if model == "complex":
            settings |= {"dim": 2 * settings["dim"]} if WATCHED <= len(view) < LARGE else {}
            settings |= {"relation_weight": TELLING} if _tells_relations(view) else {}
        if len(view) * len(view.entities) > MANY:
            settings |= {"objective": "some", "dim": min(settings["dim"], 100), "epochs": 10, "batch": 4_000}
            settings |= {"optimiser": "adagrad", "rate": 0.1}
        return replace(cls(**settings), **given)

    def revision(self, view: GraphView) -> str:
        """``complex@`` and a hash of snapshot and settings: scores of two names are never compared."""
        return f"{self.model}@{digest(view.revision, repr(sorted(asdict(self).items())))}"


_ADAM: dict[str, Any] = {"optimiser": "adam", "norm": 0.0}
_DISTANCE: dict[str, Any] = {**_ADAM, "objective": "some", "batch": 500, "epochs": 100}
_SUITED: dict[str, dict[str, Any]] = {
    "rescal": {"dim": 128, "rate": 0.02},
    "transe": {**_DISTANCE, "rate": 0.002},
    "rotate": {**_DISTANCE, "rate": 0.002},
    "hake": {**_DISTANCE, "dim": 200, "rate": 0.005},
    "house": {**_DISTANCE, "dim": 100, "rate": 0.01},
    "conve": {**_ADAM, "dim": 200, "rate": 0.003, "batch": 256, "epochs": 100},
    "compgcn": {**_ADAM, "dim": 100, "rate": 0.003, "batch": 256, "epochs": 60},
    "nbfnet": {**_ADAM, "dim": 32, "rate": 0.005, "batch": 32, "epochs": 10},
}
"""Where a model wants other settings than ComplEx."""


def _tells_relations(view: GraphView) -> bool:
    if len(view.relations) < MANY_RELATIONS:
        return False
    pairs = view.triples[:, 0] * len(view.entities) + view.triples[:, 2]
    return 0 < len(view) <= EACH * len(np.unique(pairs))


def _by_size(view: GraphView) -> dict[str, Any]:
    if len(view) < WATCHED:
        return {"dim": 128, "norm": 0.1, "epochs": 40, "batch": 50}
    # As what is best for UMLS, CoDEx-S, FB15k-237 and WN18RR grows with their entities: .01, .015, .05, .1.
    norm = round(min(0.1, 0.01 * max(1.0, len(view.entities) / 1_000) ** 0.6), 3)
    if len(view) < LARGE:
        return {"dim": 500, "norm": norm, "epochs": 40, "batch": 100}
    return {"dim": 200, "norm": norm, "epochs": 50, "batch": 1_000}
