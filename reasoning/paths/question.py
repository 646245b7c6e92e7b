"""A question unrolled into content words, in the order in which a walk from its topic would meet them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reasoning.paths.words import FUNCTION_WORDS, RETURNS, stem, words

MOST_WORDS = 16
"""Words on each side of the mention that are read."""
_KINDS = {
    "who": ("person", "organisation", "company"),
    "whom": ("person",),
    "whose": ("person",),
    "where": ("place",),
    "when": ("date", "year", "time"),
    "old": ("date", "year"),
    "many": ("integer", "decimal", "number"),
    "much": ("integer", "decimal", "number"),
}
_PLURALS = {"people": "person", "persons": "person", "men": "person", "women": "person"}
_Placed = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Unrolled:
    """Content words in the order of the walk, and where each stands in the question.

    ``free[i]``: a function word or the mention stands before word ``i``, so that a cut there is natural.
    ``beside``: the first word stands right at the mention, and may only say what it is ("the film X").
    """

    words: tuple[str, ...]
    places: tuple[int, ...]
    free: tuple[bool, ...]
    beside: bool

    def phrase(self, start: int, end: int) -> str:
        """The words from ``start`` to ``end``, as the question orders them."""
        stretch = sorted(zip(self.places[start:end], self.words[start:end], strict=True))
        return " ".join(word for _, word in stretch)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question made ready. ``orders`` are its unrollings, the likelier first; ``sure`` if it is much likelier.

    ``returns``: words such as "also" and "same" ask for a relation and back. ``wanted`` are stems of kinds of answer.
    """

    orders: tuple[Unrolled, ...]
    sure: bool
    returns: bool
    wanted: frozenset[str]


def read(question: str, start: int, end: int) -> Asked:
    """The question whose mention stands from ``start`` to ``end``.

    Outward from the mention: to the right first after "'s", else to the left first; the other way counts too, as likely when
    a content word follows the mention ("[Heat] actors", "[Heat] starred whom").
    """
    before, after = words(question[:start]), words(question[end:])
    possessive = question[end:].lstrip("]").lower().startswith(("'s", "’s"))
    if possessive and after and after[0].text.casefold() == "s":
        after = after[1:]
    left = [(word.text.casefold(), place) for place, word in enumerate(before)][::-1][:MOST_WORDS]
    right = [(word.text.casefold(), len(before) + 1 + place) for place, word in enumerate(after)][:MOST_WORDS]
    sides = (right, left) if possessive else (left, right)
    said = [word for word, _ in left[::-1] + right]
    return Asked(
        orders=tuple(dict.fromkeys((_unrolled(*sides), _unrolled(*sides[::-1])))),
        sure=possessive or not right or _plain(right[0][0]),
        returns=not RETURNS.isdisjoint(said),
        wanted=frozenset(_wanted(said)),
    )


def _plain(word: str) -> bool:
    return word in FUNCTION_WORDS or word in RETURNS


def _unrolled(first: _Placed, second: _Placed) -> Unrolled:
    kept = [(word, place) for word, place in first + second if not _plain(word)]
    places = [place for _, place in kept]
    free = (True, *(abs(place - last) != 1 for last, place in pairwise(places))) if kept else ()
    return Unrolled(tuple(word for word, _ in kept), tuple(places), free, bool(first) and not _plain(first[0][0]))


def _wanted(said: Sequence[str]) -> list[str]:
    """Stems of the kinds that the question words ask for: ``where`` a place, ``which city`` a city."""
    found = [stem(kind) for word in said for kind in _KINDS.get(word, ())]
    named = [
        _PLURALS.get(following, following)
        for word, following in pairwise(said)
        if word in ("which", "what") and following not in FUNCTION_WORDS
    ]
    return found + [stem(word) for word in named]
