"""Answers that must quote: which texts of the graph's documents speak of a question, and whether a quote supports what is said.

Texts are found by full text, and of those the ones nearest in meaning are shown. A quote counts when it stands in a text that was
shown, names both things by all their words, has a word of the relation, and denies nothing; it is then evidence from that document, at
its place. What it means beyond that is not understood: "Ann did not see that Bob left" is no word for it, and neither is "never".
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
from kgplatform.types import Passage, Relation

FOUND, SHOWN, LONGEST = 24, 4, 1_200
"""Passages that full text finds, those of them that are shown, and letters of one that are shown."""
NONE = "no text of the graph's documents speaks of it"
_DENIAL = re.compile(r"\b(?:no|not|never|neither|nor|none|nobody|without|cannot)\b|n[’']t\b", re.IGNORECASE)
_SLOT = re.compile(r"\{(?:head|tail)\}")
_SAYING = frozenset(map(stem, "is are was were be been has have had in on at by to of for from with and or the a an as".split()))
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
    edges, cards = [], kg.relations()
    for edge in value["edges"]:
        found = next((one for passage in passages if (one := _found(edge["quote"], passage))), None)
        told = None
        if found and _states(found.quote, edge, cards.get(edge["relation"])):
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


def _states(quote: str, edge: Mapping[str, str], card: Relation | None) -> bool:
    """Whether a quote names both things, has a word of the relation, in any ending, and denies nothing."""
    said = set(_stems(quote))
    if _DENIAL.search(quote) or not all(said.issuperset(_telling(edge[end])) for end in ("source", "target")):
        return False
    wordings = [edge["relation"], *([card.inverse, *card.prompts] if card else [])]
    told = {one for words in wordings for one in _stems(_SLOT.sub(" ", words.replace("_", " ")))} - _SAYING
    return not told or not said.isdisjoint(told)


def _telling(thing: str) -> list[str]:
    """The words of a thing's name, without short ones where there are longer."""
    told = _stems(thing)
    return [one for one in told if len(one) > _SHORT] or told


def _stems(text: str) -> list[str]:
    words = form(text)
    return [stem(word.plain) for word in (*words.words, *words.behind)]
