"""Why a fact is believed: each piece of evidence with its weight, what contradicts it, its history, and what was derived from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain

from kgplatform import belief, cards, derivation
from kgplatform.conflicts import Conflict, conflicts
from kgplatform.ports import Store
from kgplatform.store.merging import in_force, resolved
from kgplatform.types import Claim, Entity, EntityId, Evidence, Fact, FactKey, FactQuery, Literal, Merge, Relation

_PREDICTED = 1_000
"""Predictions around one end of a fact that are looked through."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A piece of evidence with its part in the sum: ``weight`` in nats, and whether its group counts it."""

    evidence: Evidence
    weight: float
    counts: bool


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a fact: evidence came, a person judged it or took that back, its entities were merged.

    ``time`` is in milliseconds since the epoch, UTC.
    """

    time: int
    cause: Evidence | Merge


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a fact is believed: the prior in nats and each reason, strongest first; the facts that contradict it.

    ``history`` has the oldest event first. ``support`` are the facts that graph models name as its grounds, as far as they
    still stand; ``derived`` the predicted facts that name this one.
    """

    fact: Fact
    prior: float
    reasons: tuple[Reason, ...]
    conflicts: tuple[Conflict, ...] = ()
    history: tuple[Event, ...] = ()
    support: tuple[Fact, ...] = ()
    derived: tuple[Fact, ...] = ()


def explain(store: Store, calibration: belief.Calibration, fact: Fact) -> Explanation:
    """All that the store knows of a fact."""
    evidence, known = store.evidence(fact.key), store.relations()
    merges = _merges(store, fact)
    return Explanation(
        fact,
        calibration.prior_weight(fact.relation) / belief.UNIT,
        _reasons(calibration, fact, [piece for piece in evidence if not belief.taken_back(piece)]),
        conflicts(store, fact, known),
        _history(evidence, merges),
        tuple(_standing(store, chain.from_iterable(map(derivation.support, evidence)))),
        tuple(_standing(store, _derived(store, fact, merges, known))),
    )


def _reasons(calibration: belief.Calibration, fact: Fact, evidence: Collection[Evidence]) -> tuple[Reason, ...]:
    weights = [calibration.weight(piece.method, fact.relation, piece.score) for piece in evidence]
    best: dict[str, int] = {}
    for index, piece in enumerate(evidence):
        rival = best.setdefault(belief.group(piece), index)
        if (abs(weights[index]), weights[index]) > (abs(weights[rival]), weights[rival]):
            best[belief.group(piece)] = index
    counting = set(best.values())
    reasons = [Reason(piece, weights[i] / belief.UNIT, i in counting) for i, piece in enumerate(evidence)]
    return tuple(sorted(reasons, key=lambda r: -abs(r.weight)))


def _history(evidence: Collection[Evidence], merges: Collection[Merge]) -> tuple[Event, ...]:
    events = [*(Event(piece.time, piece) for piece in evidence), *(Event(merge.time, merge) for merge in merges)]
    return tuple(sorted(events, key=lambda event: event.time))


def _merges(store: Store, fact: Fact) -> list[Merge]:
    """The merges that its entities took part in, also those that qualify it, and those of all that was merged into them."""
    found: dict[str, Merge] = {}
    ends = [end.id for end in (fact.head, fact.tail, *(value for _, value in fact.qualifiers)) if isinstance(end, Entity)]
    while ends:
        for merge in store.merges(end := ends.pop()):
            if merge.id not in found and not merge.undone and merge.keep == end:
                ends.append(merge.other)
            found[merge.id] = merge
    return list(found.values())


def _standing(store: Store, keys: Iterator[FactKey]) -> Iterator[Fact]:
    """The facts under these keys that the graph still holds, each once."""
    yield from {fact.key: fact for fact in store.facts_at(list(keys)).values()}.values()


def _derived(store: Store, fact: Fact, merges: Collection[Merge], known: dict[str, Relation]) -> Iterator[FactKey]:
    """Keys of predicted facts that name this fact as support; each shares an end with it (``kgplatform.derivation``)."""
    if isinstance(fact.tail, Literal):
        return
    redirects = in_force(merges)
    symmetric = {card.name for card in known.values() if card.symmetric}
    for claim in chain.from_iterable(_predicted(store, end.id) for end in (fact.head, fact.tail)):
        named = chain.from_iterable(map(derivation.support, claim.evidence))
        if any(resolved(key, redirects, symmetric) == fact.key for key in named):
            yield cards.key(claim, known)


def _predicted(store: Store, end: EntityId) -> Iterator[Claim]:
    yield from store.claims(FactQuery(head=end, status="predicted", limit=_PREDICTED))
    yield from store.claims(FactQuery(tail=end, status="predicted", limit=_PREDICTED))
