"""Questions that this graph can answer, for who does not know what to ask."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kgplatform.types import Entity, Fact, Literal, Relation
from reasoning.agent.ask import Guide

SHOWN, TRIED = 4, 12
"""Examples, and questions that are tried for them."""
_OPEN = re.compile(r" (on|in|by|at|to|of|from|after|with|for)$")
"""Words that something must follow."""
_SAID = re.compile(r"\{head\} (was|is|were|are) ([^{}]+) \{tail\}")


def examples(guide: Guide) -> list[str]:
    """One for each of some relations, of facts that are believed most, each of which it answers."""
    found: list[str] = []
    for tried, question in enumerate(_questions(guide)):
        if len(found) == SHOWN or tried == TRIED:
            break
        if guide.answer(question).supported:
            found.append(question)
    return found


def _questions(guide: Guide) -> Iterator[str]:
    best: dict[str, Fact] = {}
    for fact in guide.network.facts:
        if fact.relation not in best or best[fact.relation].confidence < fact.confidence:
            best[fact.relation] = fact
    ordered = sorted(best.values(), key=lambda fact: (-fact.confidence, fact.key))
    yield from filter(None, (_question(fact, guide.cards.get(fact.relation)) for fact in ordered))


def _question(fact: Fact, card: Relation | None) -> str:
    """In the words of the relation's card: "Which city was Marie Curie born in?"; "" where they make no question."""
    said = next(filter(None, map(_SAID.fullmatch, card.prompts if card else ())), None)
    if said and isinstance(fact.tail, Literal) and fact.tail.datatype in ("date", "year"):
        return f"When {said[1]} {fact.head.name} {_OPEN.sub('', said[2])}?"
    kind = fact.tail.kinds[0] if isinstance(fact.tail, Entity) and fact.tail.kinds else ""
    if said and kind and kind != "thing":
        return f"Which {kind} {said[1]} {fact.head.name} {said[2]}?"
    return "" if _OPEN.search(fact.relation) else f"What is the {fact.relation} of {fact.head.name}?"
