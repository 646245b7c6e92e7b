"""The same question asked for one span of years after the other: what holds when, and which relations change.

Each span is asked with what was said of the one before, so that what still holds is said in the same words. When all are asked, every
statement is put once, with the first and the last year of the spans in which it was said; what was said for all spans is constant.
After ChroKnowledge (Park et al., arXiv 2410.09870).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harvest.expand.grown import Question
from kgplatform.errors import BadRequest
from kgplatform.names import normalise
from kgplatform.types import Candidate, Mention

Statement = tuple[str, str, str]
Answers = Sequence[tuple["Span", Sequence[Candidate]]]
MOST = 200
TOLD = 24
"""Statements of the span before that are told."""


@dataclass(frozen=True, slots=True)
class Span:
    """Years from the first to the last, both of them in it."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Lasting:
    """Of a relation how many statements were said for all spans (``constant``) and for some only (``dynamic``)."""

    relation: str
    constant: int
    dynamic: int


def spans(years: str, step: int = 1) -> tuple[Span, ...]:
    """``1990-2000`` as spans of so many years, the last one shorter where they do not fit. Raises ``BadRequest``."""
    first, _, last = years.partition("-")
    if not (first.isascii() and last.isascii() and first.isdigit() and last.isdigit() and len(first) == len(last) == 4 and first <= last):
        raise BadRequest(f"{years[:40]!r} is no span of years: write it as  1990-2000")
    if not 1 <= step <= 1_000:
        raise BadRequest(f"step {step}: a span has from 1 to 1,000 years")
    begins = range(int(first), int(last) + 1, step)
    if len(begins) > MOST:
        raise BadRequest(
            f"{years} in steps of {step} are {len(begins):,} spans: at most {MOST} are asked for, so take longer ones by  --step"
        )
    return tuple(Span(one, min(one + step - 1, int(last))) for one in begins)


def question(topic: str, span: Span, before: Sequence[Candidate]) -> Question:
    """What is asked of a span."""
    when = f"in the year {span}" if span.first == span.last else f"in the years {span}"
    told = "\n".join(" | ".join(_words(one)) for one in before[:TOLD])
    known = f"\nOf the time before it was said:\n{told}\nSay again, in the same words, what of this still holds {when}." if told else ""
    return Question(f"{topic}\nSay what held {when}, and only that.{known}")


def _words(one: Candidate) -> Statement:
    return one.head.name, one.relation, one.tail.name if isinstance(one.tail, Mention) else one.tail.value


def _statement(one: Candidate) -> Statement:
    head, relation, tail = map(normalise, _words(one))
    return head, relation, tail


def dated(answers: Answers) -> list[list[Candidate]]:
    """The candidates of each span that were said in none before it, with the years in which they were said."""
    said: dict[Statement, list[Span]] = defaultdict(list)
    for span, some in answers:
        for one in some:
            said[_statement(one)].append(span)
    new: list[list[Candidate]] = []
    for span, some in answers:
        new.append([_dated(one, said[_statement(one)]) for one in some if said[_statement(one)][0] == span])
    return new


def _dated(one: Candidate, of: Sequence[Span]) -> Candidate:
    when = (("valid_from", f"{of[0].first:04}"), ("valid_to", f"{of[-1].last:04}"))
    detail = tuple(sorted((*one.evidence.detail, ("years", ", ".join(map(str, of))))))
    return replace(one, evidence=replace(one.evidence, detail=detail), qualifiers=when)


def lasting(answers: Answers) -> tuple[Lasting, ...]:
    """By relation, those with the most statements first."""
    counts: dict[str, dict[Statement, int]] = defaultdict(lambda: defaultdict(int))
    for _, some in answers:
        for one in some:
            counts[one.relation][_statement(one)] += 1
    told = [
        Lasting(relation, constant := sum(count == len(answers) for count in found.values()), len(found) - constant)
        for relation, found in counts.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.constant - one.dynamic, one.relation)))
