"""What of a graph a question is about, found by names alone: no model is asked, and no more is read than lies around them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import normalise
from kgplatform.types import Entity, Fact, FactQuery, in_words
from reasoning.paths.words import FUNCTION_WORDS, content, stem

_WORD = re.compile(r"[^\s,;:?!()\"“”]+")
_WORDS, _SPAN, _AROUND, _VAGUE = 80, 6, 500, 5
_LIKE = 0.7


def entities(kg: KnowledgeGraph, question: str, limit: int) -> list[Entity]:
    """The things that the question names, longer names first; where it names none as it is, those whose names are like its words."""
    spans = list(_spans(question))
    bearers = kg.store.named(list({name for _, _, name in spans}))
    found, taken = dict[str, Entity](), set[int]()
    for start, end, name in spans:
        if taken.isdisjoint(range(start, end)) and (here := bearers[name]):
            taken.update(range(start, end))
            found |= {one.id: one for one in here}
    if not found:
        hits = (hit for word in content(question)[:_VAGUE] for hit in kg.search(word, limit=1))
        found = {hit.entity.id: hit.entity for hit in hits if hit.score >= _LIKE}
    return list(found.values())[:limit]


def _spans(question: str) -> Iterator[tuple[int, int, str]]:
    """Runs of words, the longest first, that are more than words of the language."""
    words = [word.strip(".'’") or word for word in _WORD.findall(question)[:_WORDS]]
    words = [re.sub(r"['’]s$", "", word) for word in words]
    for length in range(min(_SPAN, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            name = normalise(" ".join(words[start : start + length]))
            if name and not (length == 1 and name in FUNCTION_WORDS):
                yield start, start + length, name


def facts(kg: KnowledgeGraph, question: str, around: list[Entity], limit: int) -> list[Fact]:
    """The facts around these: first those whose relation and other end are in the question's words, then the most believed."""
    if not around or limit < 1:
        return []
    asked = {stem(word) for word in content(question)}

    def fit(fact: Fact) -> int:
        told = content(f"{fact.relation} {fact.head.name} {in_words(fact.tail)}")
        return len(asked.intersection(map(stem, told)))

    near = kg.store.neighbours([one.id for one in around], FactQuery(limit=_AROUND))
    return sorted(near, key=lambda fact: (-fit(fact), -fact.confidence, fact.key))[:limit]
