"""Which facts a page draws around the entities that a person has opened. Nothing here draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from kgplatform import cards
from kgplatform.errors import Ambiguous
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Claim, Entity, EntityId, Fact, FactKey, FactQuery, Origin, Status

DRAWN = 200
"""More edges than this are a ball of wool, not a picture."""
ASKED = 2_000
"""How many facts of one entity are looked through when a filter is applied here rather than by the store."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person wants to see; no relation or no origin chosen means all of them."""

    statuses: tuple[Status, ...] = ("current", "predicted")
    relations: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    min_confidence: float = 0.0

    def queries(self, limit: int) -> Iterator[FactQuery]:
        """The store answers one status and one relation at a time."""
        for status in self.statuses:
            for relation in self.relations or (None,):
                yield FactQuery(status=status, relation=relation, min_confidence=self.min_confidence, limit=limit)

    def keep(self, fact: Fact) -> bool:
        """Whether the origin fits: the one filter that the store does not know."""
        return not self.origins or not set(self.origins).isdisjoint(fact.origin)


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The facts to draw, and whether there were more."""

    facts: tuple[Fact, ...] = ()
    cut: bool = False

    @property
    def entities(self) -> dict[EntityId, Entity]:
        ends = (end for fact in self.facts for end in (fact.head, fact.tail))
        return {end.id: end for end in ends if isinstance(end, Entity)}

    @property
    def keys(self) -> frozenset[FactKey]:
        return frozenset(fact.key for fact in self.facts)


def around(kg: KnowledgeGraph, opened: Sequence[EntityId], filters: Filters, limit: int = DRAWN) -> Neighbourhood:
    """The most believed facts of each opened entity, taken in turn, so that a hub does not crowd the others out."""
    near = [_of(kg, entity, filters, limit) for entity in opened]
    turns = (fact for turn in zip_longest(*near) for fact in turn if fact is not None)
    facts = {fact.key: fact for fact in turns}
    return Neighbourhood(tuple(facts.values())[:limit], len(facts) > limit)


def _of(kg: KnowledgeGraph, entity: EntityId, filters: Filters, limit: int) -> list[Fact]:
    """One more than ``limit``, where there are more, so that the cut is seen."""
    asked = ASKED if filters.origins else limit + 1
    found = chain.from_iterable(kg.store.neighbours([entity], query) for query in filters.queries(asked))
    return sorted(filter(filters.keep, found), key=lambda fact: (-fact.confidence, fact.key))[: limit + 1]


def newest(kg: KnowledgeGraph, links: dict[tuple[str, str, str], None], limit: int = DRAWN) -> Neighbourhood:
    """The last of these links, (head, relation, tail) by id, as they now stand; what the graph no longer has is left out."""
    known = kg.relations()
    claims = (Claim(_bare(head), relation, _bare(tail), ()) for head, relation, tail in islice(reversed(links), limit))
    found = kg.facts_at([cards.key(cards.canonical(claim, known), known) for claim in claims])
    return Neighbourhood(tuple({fact.key: fact for fact in found.values()}.values()), len(links) > limit)


def _bare(id: str) -> Entity:
    return Entity(EntityId(id), id)


def liveliest(facts: Iterable[Fact]) -> EntityId | None:
    """The entity that most of the facts are about: where to begin when nobody has said."""
    counts: dict[EntityId, int] = {}
    for fact in facts:
        for end in (fact.head, fact.tail):
            if isinstance(end, Entity):
                counts[end.id] = counts.get(end.id, 0) + 1
    return max(counts, key=lambda entity: (counts[entity], entity), default=None)


def short_name(kg: KnowledgeGraph, entity: Entity) -> str:
    """What a link calls an entity: its name where that is enough, else its id."""
    try:
        return entity.name if kg.entity(entity.name).id == entity.id else entity.id
    except Ambiguous:
        return entity.id
