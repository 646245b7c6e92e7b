"""The small world that ships: its texts, its labelled facts, its questions."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from kgplatform.names import normalise
from kgplatform.types import Fact, Literal

FOLDER = Path(__file__).parent / "world"
TEXTS = FOLDER / "texts"
FROM_MEMORY = ("capital of", "located in", "discovered by")
"""The relations that the demo also asks the language model for; it does not know all of them."""
QUESTIONS_SHOWN = 3

Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Gold:
    """True facts by normalised names: those that the texts state, and all that are listed (the texts' and well-known ones)."""

    stated: frozenset[Triple]
    true: frozenset[Triple]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many facts were found, and how many of them, and of the expected ones, are right."""

    found: int
    right: int
    expected: int
    recalled: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.recalled / self.expected if self.expected else 0.0


def _rows(name: str) -> list[list[str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def gold() -> Gold:
    """The labelled list."""
    rows = [((normalise(head), relation, normalise(tail)), where) for head, relation, tail, where in _rows("gold.tsv")]
    return Gold(frozenset(triple for triple, where in rows if where != "world"), frozenset(triple for triple, _ in rows))


def questions() -> list[tuple[str, frozenset[str]]]:
    """(question, its right answers by normalised name)."""
    return [(question, frozenset(map(normalise, answers.split("|")))) for question, answers in _rows("questions.tsv")]


def triple(fact: Fact) -> Triple:
    """A fact as the list writes it."""
    tail = fact.tail.value if isinstance(fact.tail, Literal) else fact.tail.name
    return normalise(fact.head.name), fact.relation, normalise(tail)


def turned(one: Triple) -> Triple:
    return one[2], one[1], one[0]


def tally(facts: list[Fact], expected: frozenset[Triple], true: frozenset[Triple], symmetric: frozenset[str]) -> Tally:
    """Judge facts by the lists; symmetric relations either way round."""
    found = {triple(fact) for fact in facts}
    both = found | {turned(one) for one in found if one[1] in symmetric}
    right = {one for one in found if one in true or (one[1] in symmetric and turned(one) in true)}
    return Tally(len(found), len(right), len(expected), len(expected & both))
