"""From evidence to confidence: one additive law, exact to the bit in any order.

    log-odds(fact) = prior + Σ over independence groups of the group's strongest weight

A weight is ``Calibration.weight(method, relation, score)``, signed, in multiples of 1/1024 of a nat, so
sums of integers carry the whole computation and order cannot matter. Evidence from one group (one
document, one model family, one person, all graph models together) counts once, by its strongest
piece; of two equally strong the positive one.

The table that ships holds documented priors, not fitted values. Nothing here touches a store.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from kgplatform.types import Evidence, Method, Status, Verdict

UNIT = 1024
"""Weights are integers: 1 nat of log-odds is 1024."""
ACCEPTANCE = 0.5
"""Below this trust a harvested fact is merely *proposed*."""
GRAPH = "graph"
"""The one group of all graph models."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Log-odds of one method as a clipped line of its score, or of the score's log-odds if the score is a ``probability``."""

    slope: float
    offset: float
    low: float
    high: float
    probability: bool = False

    def __call__(self, score: float) -> float:
        if self.probability:
            p = min(1 - 1e-9, max(1e-9, score))
            score = math.log(p / (1 - p))
        return min(self.high, max(self.low, self.slope * score + self.offset))


PRIOR = -1.0
"""Log-odds of a claim before any evidence: the documented guess that ships."""


PRIORS: Mapping[Method, Curve] = {
    "import": Curve(slope=1.0, offset=-PRIOR, low=-5.0, high=5.0, probability=True),
    "text": Curve(slope=1.0, offset=0.0, low=-4.0, high=4.0),
    "memory": Curve(slope=1.0, offset=0.0, low=-3.0, high=3.0),
    "review": Curve(slope=16.0, offset=0.0, low=-16.0, high=16.0),
    "graph": Curve(slope=1.0, offset=0.0, low=-2.0, high=5.0),
}
"""``import``: the file's confidence, which stands as it is when nothing else speaks (from .01 to .98).
``text``, ``memory``, ``graph``: the method's own log-odds.
``review``: +1 accepts, -1 rejects, and outweighs any three model groups together."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The versioned table that turns a method's score into a weight."""

    revision: str = "priors-2"
    prior: float = PRIOR
    curves: Mapping[Method, Curve] = field(default_factory=lambda: PRIORS)

    def prior_weight(self, relation: str) -> int:  # noqa: ARG002 - a fitted table has an offset for each relation
        return round(self.prior * UNIT)

    def weight(self, method: Method, relation: str, score: float) -> int:  # noqa: ARG002 - as above
        """The signed weight of one piece, in 1/1024 nat. A score that is no number weighs nothing."""
        return round(self.curves[method](score) * UNIT) if math.isfinite(score) else 0

    def written(self) -> str:
        """The table as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Calibration:
        """The inverse of ``written``."""
        told = json.loads(text)
        return cls(told["revision"], told["prior"], {method: Curve(**curve) for method, curve in told["curves"].items()})


def group(piece: Evidence) -> str:
    """The independence group: pieces of one group are not independent, so only one of them counts."""
    return GRAPH if piece.method == "graph" else piece.source.id


def taken_back(piece: Evidence) -> bool:
    """Whether this is a review that its person has withdrawn: it weighs and decides nothing, and stays as history."""
    return piece.method == "review" and not (piece.score > 0 or piece.score < 0)


def log_odds(prior: int, pieces: Iterable[tuple[str, int]]) -> int:
    """Prior plus the strongest weight of each group, in 1/1024 nat. ``pieces`` are (group, weight)."""
    return prior + sum(strongest(pieces).values())


def strongest(pieces: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Of each group the weight that is largest in absolute value, of two equally large the positive one."""
    found: dict[str, int] = {}
    for name, weight in pieces:
        strengthen(found, name, weight)
    return found


def strengthen(found: dict[str, int], group: str, weight: int) -> None:
    """Keep the stronger of a group's weight and this one."""
    held = found.get(group, 0)
    if abs(weight) > abs(held) or weight == -held > 0:
        found[group] = weight


@lru_cache(maxsize=100_000)
def probability(units: int) -> float:
    """The probability of log-odds given in 1/1024 nat."""
    nats = units / UNIT
    return 1.0 / (1.0 + math.exp(-nats)) if nats >= 0 else math.exp(nats) / (1.0 + math.exp(nats))


@dataclass(frozen=True, slots=True)
class Belief:
    """What evidence amounts to; ``trust`` leaves the graph models out, so that none learns from itself."""

    confidence: float
    trust: float


def believe(prior: int, pieces: Iterable[tuple[str, int]]) -> Belief:
    """``pieces`` are (group, weight), in any order."""
    counting = strongest(pieces)
    total = prior + sum(counting.values())
    return Belief(probability(total), probability(total - counting.get(GRAPH, 0)))


def status(verdict: Verdict, trust: float, methods: Iterable[Method]) -> Status:
    """Where a fact stands: a person's word first, then whether anything but a graph model speaks for it."""
    if verdict != "none":
        return "rejected" if verdict == "rejected" else "current"
    if set(methods) <= {"graph"}:
        return "predicted"
    return "current" if trust >= ACCEPTANCE else "proposed"
