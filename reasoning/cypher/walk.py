"""The walk that the agent would take for a question, as a pattern: a hint for a model that is weak at several hops."""

from __future__ import annotations

import numpy as np

from kgplatform import names
from kgplatform.types import Entity, Literal
from reasoning.agent.ask import Guide
from reasoning.cypher.naming import Naming, quoted
from reasoning.paths.question import read

LONGEST = 80
"""Characters of a name."""
_STEPS = "bcd"


def hint(guide: Guide, naming: Naming) -> str:
    """The best-aligned walk from the first thing that a question names; empty where none fits."""
    if guide.walker is None or not naming.mentions:
        return ""
    mention, topic = naming.mentions[0], naming.meant[0]
    asked = read(naming.asked, mention.start, mention.end)
    start: dict[int, Entity | None] = {guide.network.numbers[topic.id]: topic}
    best = guide.walker.chosen(guide.walker.readings(asked, start))
    if best is None:
        return ""
    said, at = f"(:{names.label(topic.kinds[0])} {{name: {quoted(topic.name[:LONGEST])}}})", "it"
    count, nodes = len(guide.network.relations), np.array(best.starts, dtype=np.int64)
    for place, (variable, hop) in enumerate(zip(_STEPS, best.hops, strict=False)):
        relation, nodes = guide.network.relations[hop % count], guide.network.step(nodes, hop)
        if isinstance(guide.network.nodes[nodes[0]], Literal):
            return f"{said}, {names.property_name(relation)} of {at}" if place == len(best.hops) - 1 else ""
        card = guide.cards.get(relation)
        left, right = ("<-" if hop >= count else "-"), ("->" if hop < count and not (card and card.symmetric) else "-")
        said, at = f"{said}{left}[:{names.relationship_type(relation)}]{right}({variable})", variable
    return said
