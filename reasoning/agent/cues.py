"""The words that say what is to be done with sets: count them, compare, take the first, leave out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal as OneOf

from reasoning.paths.values import Compare

Scale = OneOf["date", "number", "count"]

AUXILIARIES = frozenset("is are was were am did does do has have had can could will would".split())
ASKING = frozenset("which what who whom whose where when".split())
IMPERATIVES = frozenset("name list give show tell find count".split())
AND = frozenset(("and", "&", "also"))
OR = frozenset(("or", "nor"))
TURNS = frozenset("and or but that who which whom nor yet while , ;".split())
"""Words at which one condition ends and the next begins."""
NOT = frozenset("not never without except neither excluding".split())
AMONG = frozenset("both either neither all".split())

BORN = "born"
"""What "older" and "youngest" are about."""
COMPARISONS: tuple[tuple[tuple[str, ...], Compare, str], ...] = (
    *(((word, "than"), "<", BORN) for word in ("older", "elder")),
    (("younger", "than"), ">", BORN),
    *(((word, "than"), "<", "") for word in ("earlier", "less", "lower", "smaller", "fewer", "lighter")),
    *(((word, "than"), ">", "") for word in ("later", "greater", "higher", "larger", "bigger", "more", "heavier")),
    (("prior", "to"), "<", ""),
    (("at", "least"), ">=", ""),
    (("at", "most"), "<=", ""),
    *(((word,), "<", "") for word in ("before", "below", "under")),
    *(((word,), ">", "") for word in ("after", "above", "over", "exceeding")),
    (("since",), ">=", ""),
    (("until",), "<=", ""),
    (("by",), "=", ""),
)
"""What stands before a value or a name that is compared with; whether the first is earlier or smaller; what "older" is about."""
THAN: dict[str, Compare] = {phrase[0]: compare for phrase, compare, _ in COMPARISONS if phrase[1:] == ("than",)}


@dataclass(frozen=True, slots=True)
class Extreme:
    """The first or last of a set by a date, a number or how many things a relation leads to.

    ``about`` is what the word itself is about: "oldest" asks for births. ``noun`` says what is counted; with ``slot`` all are meant
    whose count stands to that number as ``compare`` says. "The second highest" is of ``rank`` 2, of "the three oldest" there are ``many``.
    """

    highest: bool
    scale: Scale
    about: str = ""
    noun: str = ""
    word: str = ""
    rank: int = 1
    many: int = 1
    slot: int = -1
    compare: Compare = "="

    @property
    def single(self) -> bool:
        """Whether only the very first is asked for."""
        return self.rank == self.many == 1


def _extremes() -> dict[tuple[str, ...], Extreme]:
    rows: tuple[tuple[str, bool, Scale, str], ...] = (
        ("most recently|most recent|latest|last|newest|later|newer", True, "date", ""),
        ("first|earliest|earlier|least recently|least recent", False, "date", ""),
        ("oldest|eldest|older|elder", False, "date", BORN),
        ("youngest|younger", True, "date", BORN),
        ("largest|highest|greatest|biggest|heaviest|larger|higher|greater|bigger|heavier", True, "number", ""),
        ("smallest|lowest|lightest|smaller|lower|lighter", False, "number", ""),
        ("most|more", True, "count", ""),
        ("fewest|fewer|least", False, "count", ""),
    )
    return {
        tuple(phrase.split()): Extreme(highest, scale, about, word=phrase)
        for phrases, highest, scale, about in rows
        for phrase in phrases.split("|")
    }


EXTREMES = _extremes()
NUMBERS = {
    word: number
    for number, word in enumerate(
        """two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
        twenty""".split(),
        start=2,
    )
}
RANKS = {word: number for number, word in enumerate("second third fourth fifth sixth seventh eighth ninth tenth".split(), start=2)}
_FIRST_WORDS = "|".join(sorted({phrase[0] for phrase in EXTREMES}))
_IN_DIGITS = re.compile(rf"(?<=\bthe )(\d\d?)(nd|rd|th)?(?=[ -](?:{_FIRST_WORDS})\b)|(?<=\bwhich )(\d\d?)(?= )", re.IGNORECASE)
COMPARATIVE = frozenset(
    "older elder younger earlier later newer larger higher greater bigger heavier smaller lower lighter more fewer".split()
)
"""They compare two; they take the first of more only where the question offers the choice."""
SPENT = frozenset("also together both either".split())
"""Words that have done their work once a question is cut at them."""
JOINING = (OR | NOT | AMONG | frozenset(("and", "&", "but", "than", "before", "after"))) - {"all"}
"""Words that stand beside a name of several."""
WORDS = AUXILIARIES | ASKING | IMPERATIVES | JOINING | {word for phrase in EXTREMES for word in phrase} | {"number", "many", "much"}
"""All of them: none names a thing."""


def spelt(question: str) -> str:
    """The question with "which 2", "the 3 oldest" and "the 2nd oldest" in words: no number that something is compared with."""

    def word(digits: re.Match[str]) -> str:
        told = RANKS if digits[2] else NUMBERS
        return next((word for word, number in told.items() if number == int(digits[1] or digits[3])), digits[0])

    return _IN_DIGITS.sub(word, question)
