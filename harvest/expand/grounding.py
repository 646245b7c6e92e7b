"""Answers that must quote: which texts of the graph's documents speak of a question, and whether a quote supports what is said.

Texts are found by full text, and of those the ones nearest in meaning are shown. A quote counts when it stands in a text that was
shown, and names both things by a word of theirs; it is then evidence from that document, at its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harvest.expand.grown import Question
from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking.forms import form
from kgplatform.linking.spelling import stem
from kgplatform.lm.ports import Encoder
from kgplatform.names import storable
from kgplatform.types import Passage

FOUND, SHOWN, LONGEST = 24, 4, 1_200
"""Passages that full text finds, those of them that are shown, and letters of one that are shown."""
NONE = "no text of the graph's documents speaks of it"
_SHORT = 3
"""Letters of a word that tells too little to find a thing by."""


def check(kg: KnowledgeGraph) -> None:
    """Raises ``BadRequest`` for a graph without texts."""
    if not kg.store.documents("", 1):
        raise BadRequest("--grounded quotes from the graph's documents, and it keeps none:  kg harvest documents PATH  reads some")


def texts(kg: KnowledgeGraph, encoder: Encoder, question: Question, topic: str) -> list[Passage]:
    """The passages that speak of a question, the most telling first."""
    found = kg.passages(question.text, FOUND) or kg.passages(topic, FOUND)
    if len(found) > SHOWN:
        vectors = encoder.encode([question.text, *(one.text[:LONGEST] for one in found)])
        cosines = (vectors[1:] @ vectors[0]).round(6).tolist()
        found = [found[at] for at in sorted(range(len(found)), key=lambda at: (-cosines[at], at))[:SHOWN]]
    return found


def shown(passages: Sequence[Passage]) -> str:
    """The texts as the model reads them."""
    return "\n\n".join(f"Text {number}: {one.text[:LONGEST].strip()}" for number, one in enumerate(passages, 1))


@dataclass(frozen=True, slots=True)
class Support:
    """Words of a document that state an edge, at their place."""

    source: str
    start: int
    quote: str


def supported(kg: KnowledgeGraph, value: Mapping[str, Any], passages: Sequence[Passage]) -> list[dict[str, Any]]:
    """The edges of an answer, each with the ``support`` of its quote where that holds: JSON."""
    edges = []
    for edge in value["edges"]:
        found = next((one for passage in passages if (one := _found(edge["quote"], passage))), None)
        told = None
        if found and _names(found.quote, edge["source"]) and _names(found.quote, edge["target"]):
            document = kg.document(found.source).source
            told = {"source": document.id, "title": document.title, "uri": document.uri, "start": found.start, "quote": found.quote}
        edges.append({**{name: edge[name] for name in ("source", "relation", "target")}, "support": told})
    return edges


def _found(quote: str, passage: Passage) -> Support | None:
    """Where a passage has the quote, but for spaces, capitals and the marks at its ends."""
    words = quote.strip(" \t\n\"'“”‘’.…").split()
    if len(words) < 2:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), passage.text[:LONGEST], re.IGNORECASE)
    return Support(passage.source, passage.start + found.start(), storable(found[0])) if found else None


def _names(quote: str, thing: str) -> bool:
    """Whether a word of the thing, in any ending, stands in the quote."""
    words = form(quote)
    said = {stem(word.plain) for word in (*words.words, *words.behind)}
    told = [stem(word.plain) for word in form(thing).words]
    return not said.isdisjoint([one for one in told if len(one) > _SHORT] or told)
