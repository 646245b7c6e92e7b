"""Which facts contradict one another: found at reading, never written down.

Two facts cannot both hold when their relation allows one tail a head (or one head a tail), their ends differ,
and both hold at one time; or when their relations want an entity that they share to be of disjoint kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kgplatform import cards
from kgplatform.ports import Store
from kgplatform.types import Entity, EntityId, Fact, FactQuery, Kind, Literal, Qualifiers, Relation

NEAR = 200
"""Facts around an entity that are looked through for kinds that cannot be."""
OF_KINDS = 5
"""An entity's wrong fact is at odds with all its right ones: these are enough to see it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A fact that contradicts another, and a sentence that says why."""

    fact: Fact
    why: str


def conflicts(store: Store, fact: Fact, known: Mapping[str, Relation]) -> tuple[Conflict, ...]:
    """The current facts that contradict a fact, each once."""
    card = known.get(fact.relation)
    if card is None:
        return ()
    found = {one.fact.key: one for one in _of_kinds(store, fact, known)}
    found |= {one.fact.key: one for one in _of_number(store, fact, card)}
    return tuple(found.values())


def _of_number(store: Store, fact: Fact, card: Relation) -> Iterator[Conflict]:
    """From relations that hold once."""
    for shared, rival in _rivals(store, fact, card):
        if _ends(rival) != _ends(fact) and differ(rival, fact):
            yield Conflict(rival, f"“{fact.relation}” holds once for {shared.name}")


def differ(one: Fact, other: Fact) -> bool:
    """Whether two facts, of a relation that holds once, cannot both hold of one thing: their ends are others, at one time."""
    return not _coarser(one.tail, other.tail) and overlap(one.qualifiers, other.qualifiers)


def _rivals(store: Store, fact: Fact, card: Relation) -> Iterator[tuple[Entity, Fact]]:
    """Facts with the end that has the relation only once, and that end."""
    if card.symmetric:
        ends = {end.id: end for end in _entities(fact)} if card.functional or card.inverse_functional else {}
        for rival in store.neighbours(list(ends), FactQuery(relation=card.name)) if ends else ():
            yield next(end for end in _entities(rival) if end.id in ends), rival
        return
    if card.functional:
        yield from ((fact.head, rival) for rival in store.facts(FactQuery(head=fact.head.id, relation=card.name)))
    if card.inverse_functional and isinstance(fact.tail, Entity):
        end = fact.tail
        yield from ((end, rival) for rival in store.facts(FactQuery(tail=end.id, relation=card.name)))


def _of_kinds(store: Store, fact: Fact, known: Mapping[str, Relation]) -> Iterator[Conflict]:
    """From what cards say of the kinds of their ends."""
    wanted = {end.id: kinds for end in _entities(fact) if (kinds := _kinds_at(fact, end, known))}
    taxonomy = store.kinds() if wanted else {}
    if not taxonomy:
        return
    told = 0
    for other in store.neighbours(sorted(wanted), FactQuery(limit=NEAR)):
        clash = _clash(other, wanted, known, taxonomy)
        if clash and other.key != fact.key and told < OF_KINDS:
            told += 1
            yield Conflict(other, clash)


def _clash(other: Fact, wanted: Mapping[EntityId, tuple[str, ...]], known: Mapping[str, Relation], taxonomy: Mapping[str, Kind]) -> str:
    """A sentence about an entity that would have to be of two disjoint kinds; empty when there is none."""
    for end in _entities(other):
        kinds, others = wanted.get(end.id, ()), _kinds_at(other, end, known)
        if kinds and others and all(cards.disjoint(a, b, taxonomy) for a in kinds for b in others):
            return f"{end.name} cannot be {' or '.join(kinds)} and {' or '.join(others)} as well"
    return ""


def _kinds_at(fact: Fact, end: Entity, known: Mapping[str, Relation]) -> tuple[str, ...]:
    """The kinds that a fact's card asks of one of its ends."""
    card = known.get(fact.relation)
    return () if card is None else card.domain if end.id == fact.head.id else card.range


def _entities(fact: Fact) -> list[Entity]:
    return [end for end in (fact.head, fact.tail) if isinstance(end, Entity)]


def _ends(fact: Fact) -> tuple[str, str | Literal]:
    return fact.head.id, fact.tail.id if isinstance(fact.tail, Entity) else fact.tail


def overlap(one: Qualifiers, other: Qualifiers) -> bool:
    """Whether two validities (``valid_from``, ``valid_to``) have a time in common for certain.

    Where none is told, a fact holds always. One may end in the year, or on the day, that the other begins.
    """
    return _ends_after(one, other) and _ends_after(other, one)


def _ends_after(one: Qualifiers, other: Qualifiers) -> bool:
    end, start = _date(one, "valid_to"), _date(other, "valid_from")
    precision = min(len(end), len(start))
    return not precision or end[:precision] > start[:precision]


def _date(qualifiers: Qualifiers, name: str) -> str:
    return next((value for told, value in qualifiers if told == name and isinstance(value, str)), "")


def _coarser(one: Entity | Literal, other: Entity | Literal) -> bool:
    """Whether two dates agree, one being less precise: 1867 and 1867-11-07."""
    if not (isinstance(one, Literal) and isinstance(other, Literal) and one.datatype == other.datatype == "date"):
        return False
    return one.value.startswith(other.value) or other.value.startswith(one.value)
