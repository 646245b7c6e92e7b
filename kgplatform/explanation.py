"""Why a fact is believed: its evidence with the weight of each piece, and the facts that contradict it."""

from __future__ import annotations

from dataclasses import dataclass

from kgplatform import belief
from kgplatform.ports import Store
from kgplatform.types import Entity, Evidence, Fact, FactQuery, Literal


@dataclass(frozen=True, slots=True)
class Reason:
    """A piece of evidence with its part in the sum: ``weight`` in nats, and whether its group counts it."""

    evidence: Evidence
    weight: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a fact is believed: the prior in nats, each reason, and facts that contradict it."""

    fact: Fact
    prior: float
    reasons: tuple[Reason, ...]
    conflicts: tuple[Fact, ...]


def explain(store: Store, calibration: belief.Calibration, fact: Fact) -> Explanation:
    """All that speaks for and against a fact of the store."""
    evidence = store.evidence(fact.key)
    weights = [calibration.weight(piece.method, fact.relation, piece.score) for piece in evidence]
    best: dict[str, int] = {}
    for index, piece in enumerate(evidence):
        rival = best.setdefault(belief.group(piece), index)
        if (abs(weights[index]), weights[index]) > (abs(weights[rival]), weights[rival]):
            best[belief.group(piece)] = index
    counting = set(best.values())
    reasons = [Reason(piece, weights[i] / belief.UNIT, i in counting) for i, piece in enumerate(evidence)]
    prior = calibration.prior_weight(fact.relation) / belief.UNIT
    return Explanation(fact, prior, tuple(sorted(reasons, key=lambda r: -abs(r.weight))), _conflicts(store, fact))


def _conflicts(store: Store, fact: Fact) -> tuple[Fact, ...]:
    card = store.relations().get(fact.relation)
    if card is None or not card.functional:
        return ()
    others = store.facts(FactQuery(head=fact.head.id, relation=fact.relation))
    return tuple(other for other in others if other.key != fact.key and not _coarser(other.tail, fact.tail))


def _coarser(one: Entity | Literal, other: Entity | Literal) -> bool:
    """Whether two dates agree, one being less precise: 1867 and 1867-11-07."""
    if not (isinstance(one, Literal) and isinstance(other, Literal) and one.datatype == other.datatype == "date"):
        return False
    return one.value.startswith(other.value) or other.value.startswith(one.value)
