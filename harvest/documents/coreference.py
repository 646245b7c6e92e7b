"""Whom a surname or a pronoun means, within one document.

A shorter name is the full name that the document gave first; *he* and *she* are the first person of the
sentence before the pronoun, else the person that the sentence before was about. The words stay in the
evidence, so a reader sees *She* beside the name it was taken for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harvest.documents.mentions import Sentence, Span

PERSON = "person"


def resolve(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences with every span of a person under its full name; pronouns that mean nobody are gone."""
    full = list(dict.fromkeys(span.name for sentence in sentences for span in sentence.spans if span.kind == PERSON and " " in span.name))
    resolved, topic = [], ""
    for sentence in sentences:
        spans = tuple(_named(sentence.spans, full, topic))
        persons = [span.name for span in spans if span.kind == PERSON]
        topic = persons[0] if persons else topic
        resolved.append(replace(sentence, spans=spans))
    return resolved


def _named(spans: Iterable[Span], full: Sequence[str], topic: str) -> Iterable[Span]:
    spoken, met = topic, False
    for span in spans:
        if span.label == "PRONOUN":
            if spoken:
                yield replace(span, name=spoken, kind=PERSON)
            continue
        if span.label not in ("NOUN", "DATE", "YEAR", "NUMBER"):
            longer = next((name for name in full if short_for(span.name, name)), "")
            if longer and (span.kind == PERSON or " " not in span.name):
                span = replace(span, name=longer, kind=PERSON)
        if span.kind == PERSON and not met:
            spoken, met = span.name, True
        yield span


def short_for(short: str, full: str) -> bool:
    """Whether a name is the surname part or the first name of a fuller one: *Curie*, *Marie* for *Marie Curie*."""
    parts, whole = short.split(), full.split()
    return 0 < len(parts) < len(whole) and (whole[-len(parts) :] == parts or whole[: len(parts)] == parts)
