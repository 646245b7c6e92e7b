"""A relation card made from the facts that a graph holds of a relation: seeds, kinds, and a first prompt.

Seeds are facts that people accepted; where fewer than two are, the best-believed ones too. What the graph's own card of the relation
says stays as it is; only its seeds are new. What the facts cannot show, that a rule holds, is not written but suggested.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harvest.bertnet.firstprompt import first_prompt
from harvest.bertnet.grounds import grounded, says, told_in
from kgplatform.cardform import ENDS, check
from kgplatform.cards import ancestors, slots
from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking import ANYTHING
from kgplatform.literals import DATATYPES
from kgplatform.names import normalise
from kgplatform.types import Entity, Fact, Literal, Relation

SEEDS = 8
LEAST = 2
SURE = 10
"""So many heads, each with one tail, and the relation looks functional."""


@dataclass(frozen=True, slots=True)
class Made:
    """A card from a graph. ``accepted`` of its seeds are facts that people accepted; the others are those believed best.

    ``hint`` is what a person may add to it, if there is anything.
    """

    card: Relation
    facts: int
    accepted: int
    hint: str = ""


def card_from_graph(kg: KnowledgeGraph, name: str) -> Made:
    """The card of the graph's relation of that name, from its current facts.

    Raises ``NotFound`` (with near names) when there is none, ``BadRequest`` when there are too few facts, or none to take seeds from.
    """
    facts = list(kg.facts(relation=name))
    if not facts:
        raise NotFound(f"the graph holds no current facts of {name[:80]!r}")
    known = kg.relations().get(name) or Relation(name)
    card = _told(kg, known, facts)
    found = _seeds(card, [fact for fact in facts if grounded(fact)])
    if len(facts) < LEAST or len(found) < LEAST:
        what = f"{len(facts):,} fact{'' if len(facts) == 1 else 's'}, of which {len(found)} can be a seed"
        raise BadRequest(
            f"the graph holds {what}, of {name!r}: a card needs at least {LEAST} of distinct heads and tails, so add or accept more"
        )
    accepted = [fact for fact in found if fact.verdict == "accepted"]
    taken = (accepted if len(accepted) >= LEAST else found)[:SEEDS]
    card = dataclasses.replace(card, seeds=tuple(told_in(fact, slots(card)) for fact in taken))
    check(card)
    return Made(card, len(facts), sum(fact.verdict == "accepted" for fact in taken), _hint(card, facts))


def _hint(card: Relation, facts: Sequence[Fact]) -> str:
    """That the relation may be functional, which facts alone do not make a rule."""
    turned = facts if card.symmetric else ()
    heads = Counter([fact.head.id for fact in facts] + [fact.tail.id for fact in turned if isinstance(fact.tail, Entity)])
    if card.functional or len(heads) < SURE or max(heads.values()) > 1:
        return ""
    return f"looks functional: {len(heads):,} heads, each with one tail; add functional: true if that is a rule"


def _told(kg: KnowledgeGraph, known: Relation, facts: Sequence[Fact]) -> Relation:
    """The card with what the facts say of the relation, in the fields that it leaves open."""
    tails = Counter(fact.tail.id if isinstance(fact.tail, Entity) else fact.tail.value for fact in facts)
    return dataclasses.replace(
        known,
        domain=known.domain or _kinds(kg, [fact.head for fact in facts]),
        range=known.range or _range(kg, facts),
        prompts=known.prompts or (first_prompt(known.name, one=max(tails.values()) == 1),),
    )


def _range(kg: KnowledgeGraph, facts: Sequence[Fact]) -> tuple[str, ...]:
    values = [fact.tail for fact in facts if isinstance(fact.tail, Literal)]
    if not values:
        return _kinds(kg, [fact.tail for fact in facts if isinstance(fact.tail, Entity)])
    types = {value.datatype for value in values}
    return (*types,) if len(values) == len(facts) and len(types) == 1 and types <= DATATYPES else ()


def _kinds(kg: KnowledgeGraph, ends: Sequence[Entity]) -> tuple[str, ...]:
    """The narrowest kinds that more than half of the ends have, sub-kinds counted."""
    taxonomy = kg.kinds()
    lines = [{kind for own in end.kinds for kind in ancestors(own, taxonomy)} - {ANYTHING} for end in ends]
    most = {kind for kind, count in Counter(kind for line in lines for kind in line).items() if 2 * count > len(ends)}
    wide = {above for kind in most for above in ancestors(kind, taxonomy)[1:]}
    return tuple(sorted(most - wide))


def _seeds(card: Relation, facts: Iterable[Fact]) -> list[Fact]:
    """Facts of distinct heads and tails, the accepted ones first, then by belief."""
    wanted, heads, tails, found = slots(card), set[str](), set[str](), list[Fact]()
    for fact in sorted(facts, key=lambda fact: (fact.verdict != "accepted", -fact.trust, fact.key)):
        head, tail = (normalise(end) for end in told_in(fact, ENDS))
        told = head in heads or tail in tails or (card.symmetric and (head in tails or tail in heads))
        if head != tail and not told and says(fact, wanted):
            heads.add(head)
            tails.add(tail)
            found.append(fact)
    return found
