"""Which two spans of a sentence may stand in which relation, before any model is asked.

A pair fits a card when its kinds or its datatype do. What the sentence says between the two is given as the
words on the path that joins them in the parse: *born in* for ``Marie Curie``, ``Warsaw`` however far apart
they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harvest.documents.mentions import Sentence, Span
from kgplatform.cards import datatype, fits
from kgplatform.literals import canonical
from kgplatform.types import Kind, Relation

VALUE_LABELS: Mapping[str, tuple[str, ...]] = {
    "date": ("DATE",),
    "year": ("YEAR", "DATE"),
    "integer": ("NUMBER",),
    "decimal": ("NUMBER",),
}
"""Which spans may be values of a datatype."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A possible fact: two spans of one sentence and the card they fit. ``between`` joins them in the parse."""

    sentence: Sentence
    card: Relation
    head: Span
    tail: Span
    between: str


def pairs(sentence: Sentence, cards: Sequence[Relation], kinds: Mapping[str, Kind]) -> Iterator[Pair]:
    """All pairs of the sentence, each once a card; the ends of a symmetric card in the order they stand."""
    joined: dict[tuple[Span, Span], str] = {}
    for card in cards:
        wanted = datatype(card)
        for head in sentence.spans:
            if not head.kind or not fits(head.kind, card.domain, kinds):
                continue
            for tail in sentence.spans:
                if tail.name == head.name or (card.symmetric and (tail.start, tail.end) < (head.start, head.end)):
                    continue
                if not (value(tail, wanted) if wanted else tail.kind and fits(tail.kind, card.range, kinds)):
                    continue
                if (head, tail) not in joined:
                    joined[head, tail] = path_words(sentence, head, tail)
                yield Pair(sentence, card, head, tail, joined[head, tail])


def value(span: Span, wanted: str) -> str | None:
    """The span as a value of a datatype, in canonical form; ``None`` when it is none: 1.5 is no integer."""
    if span.label not in VALUE_LABELS.get(wanted, ()):
        return None
    return canonical(span.name[:4] if wanted == "year" else span.name, wanted)


def path_words(sentence: Sentence, head: Span, tail: Span) -> str:
    """The words on the shortest way from head to tail in the parse, in the order they stand, the ends as ``{head}`` and ``{tail}``."""
    start, end = (_root(sentence, span) for span in (head, tail))
    if start < 0 or end < 0:
        return "{head} {tail}"
    up, down = _ancestors(sentence, start), _ancestors(sentence, end)
    meeting = next((token for token in up if token in down), -1)
    path = set(up[: up.index(meeting) + 1] if meeting >= 0 else up) | set(down[: down.index(meeting)] if meeting >= 0 else down)
    words: list[str] = []
    for index in sorted(path):
        token = sentence.tokens[index]
        inside = next((slot for slot, span in (("{head}", head), ("{tail}", tail)) if span.start <= token.start < span.end), token.text)
        if not words or words[-1] != inside:
            words.append(inside)
    return " ".join(words)


def _root(sentence: Sentence, span: Span) -> int:
    """The token of the span that the others hang on; -1 when the span holds none."""
    inside = [i for i, token in enumerate(sentence.tokens) if span.start <= token.start < span.end]
    return next((i for i in inside if sentence.tokens[i].head not in inside or sentence.tokens[i].head == i), -1)


def _ancestors(sentence: Sentence, index: int) -> list[int]:
    line = [index]
    while (parent := sentence.tokens[line[-1]].head) != line[-1] and parent not in line and 0 <= parent < len(sentence.tokens):
        line.append(parent)
    return line
