"""A question unrolled into content words, in the order in which a walk from its topic would meet them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reasoning.paths.direction import NOTHING, Beside, beside
from reasoning.paths.words import ARTICLES, FUNCTION_WORDS, QUESTION_WORDS, RETURNS, singular, stem, words

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
_BREAKS = frozenset(("of", "for", "in", "on", "at", "to", "by", "from", "with", "that", "who", "which", "whose"))
_BEING = frozenset(("is", "are", "was", "were"))
_DOING = frozenset(("do", "does", "did"))
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

    ``returns``: words such as "also" and "same" ask for a relation and back. ``wanted`` are stems of the kinds of answer that
    the question word allows ("where"), ``named`` those that it names ("which city"), ``nouns`` in its own words, and
    ``called`` the word that tells most of the role of the answer ("directed" of "who directed"). ``said`` are the stems of all words
    but the mention's and other names'. ``owned`` are words for what is of something: "the *dog* of X", "X's *dog*".
    """

    orders: tuple[Unrolled, ...]
    sure: bool
    returns: bool
    wanted: frozenset[str]
    named: frozenset[str]
    nouns: tuple[str, ...] = ()
    called: str = ""
    said: tuple[str, ...] = ()
    beside: Beside = NOTHING
    owned: frozenset[str] = frozenset()


def read(question: str, start: int, end: int) -> Asked:
    """The question whose mention stands from ``start`` to ``end``.

    Outward from the mention: to the right first after "'s", in "the X director" and in a clause that begins there ("the city in
    which Ann was born"), else to the left first, but what the question asks for ("which country") last. The other way counts too,
    as likely when a content word follows the mention ("Heat actors", "Heat starred whom").
    """
    before, after = words(question[:start]), words(question[end:])
    possessive = question[end:].lstrip("]").lower().startswith(("'s", "’s"))
    if possessive and after and after[0].text.casefold() == "s":
        after = after[1:]
    left = [(word.text.casefold(), place) for place, word in enumerate(before)][::-1][:MOST_WORDS]
    right = [(word.text.casefold(), len(before) + 1 + place) for place, word in enumerate(after)][:MOST_WORDS]
    compound = bool(left and right) and left[0][0] in ARTICLES and not _plain(right[0][0])
    rightwards = possessive or compound or (len(left) > 2 and left[0][0] in QUESTION_WORDS)
    near, named = _split_named(left)
    first, other = ((right, left), (near, right, named)) if rightwards else ((near, right, named), (right, left))
    said = [word for word, _ in left[::-1] + right]
    nouns = _nouns(said, possessive, right)
    stands = beside([word for word, _ in left[::-1]], [word for word, _ in right], possessive)
    if _of_place(said, nouns):
        located = [("located", len(before) + 1)]  # "Where is Heidelberg?", "Which cities are in Germany?"
        first, other = (located, near, named), (near, named, located)
        stands = Beside((stem("located"), "in")) if left[:1] and left[0][0] == "in" else Beside(after=stem("located"))
    elif left[:1] and left[0][0] == "about" and _only_kinds(said, nouns):
        first, other = ([("topic", left[0][1])], near, named), (near, named, [("topic", left[0][1])])
    return Asked(
        orders=tuple(dict.fromkeys((_unrolled(*first), _unrolled(*other)))),
        sure=rightwards or not right or _plain(right[0][0]),
        returns=not RETURNS.isdisjoint(said),
        wanted=frozenset(stem(kind) for word in said for kind in _KINDS.get(word, ())),
        named=frozenset(map(stem, nouns)),
        nouns=nouns,
        called="" if _done_to(left) else _called(said),
        said=tuple(sorted({stem(word.text.casefold()) for at, word in enumerate(before + after) if not at or word.text.islower()})),
        beside=stands,
        owned=frozenset([word for word, next_ in pairwise(said) if next_ == "of"] + [word for word, _ in right[: int(possessive)]]),
    )


def _of_place(said: Sequence[str], nouns: Sequence[str]) -> bool:
    """Whether a place is asked for, or what is in one: no other word tells more than what kind of thing is asked for."""
    return ("where" in said or "in" in said) and _only_kinds(said, nouns)


def _only_kinds(said: Sequence[str], nouns: Sequence[str]) -> bool:
    return all(_plain(word) or singular(word) in nouns for word in said)


def _plain(word: str) -> bool:
    return word in FUNCTION_WORDS or word in RETURNS


def _split_named(left: _Placed) -> tuple[_Placed, _Placed]:
    """What stands left of the mention, outward, without and with only the words that name the answer: the walk comes to them last."""
    at = next((at for at, (word, _) in enumerate(left) if word in ("which", "what")), None)
    if at is None:
        return left, []
    start = at
    while start and not _plain(left[start - 1][0]):
        start -= 1
    return left[:start] + left[at:], left[start:at]


def _unrolled(*sides: _Placed) -> Unrolled:
    kept = [(word, place) for side in sides for word, place in side if not _plain(word)]
    places = [place for _, place in kept]
    free = (True, *(abs(place - last) != 1 for last, place in pairwise(places))) if kept else ()
    return Unrolled(tuple(word for word, _ in kept), tuple(places), free, bool(sides[0]) and not _plain(sides[0][0][0]))


def _nouns(said: Sequence[str], possessive: bool, right: _Placed) -> tuple[str, ...]:
    """The words that say what is asked for: ``which city``, ``what languages``, ``Ann's prize``. A date tells the year too."""
    nouns = [singular(next_) for word, next_ in pairwise(said) if word in ("which", "what") and next_ not in FUNCTION_WORDS]
    if said[:1] == ["what"] and said[1:3] in (["is", "the"], ["was", "the"], ["are", "the"], ["were", "the"]):
        nouns += [singular(word) for word in said[3:4] if word not in FUNCTION_WORDS]
    if possessive and QUESTION_WORDS.isdisjoint(said):
        nouns += [word for word, _ in right if not _plain(word)][-1:]
    return (*nouns, *(["date"] if any(stem(noun) == "year" for noun in nouns) else []))


def _done_to(left: _Placed) -> bool:
    """Whether the word before the mention is a verb, and so tells no role: "who *likes* X", "who was *liked* by X"."""
    words = [word for word, _ in left[:3]]
    if words[:1] == ["by"] and len(words) > 2:
        return not _plain(words[1]) and words[2] in _BEING
    return len(words) > 1 and words[0].endswith("s") and not _plain(words[0]) and words[1] in ("who", "what")


def _called(said: Sequence[str]) -> str:
    """The word for the role of the answer: "what *genres* are", "who *directed*", "who is the *author* of", "was *directed* by who"."""
    at = next((at for at, word in enumerate(said) if word in ("who", "which", "what")), None)
    if at is None:
        return ""
    rest = [word for word in said[at + 1 :] if singular(word) != "person" and word not in RETURNS]
    if rest and (not _plain(rest[0]) or rest[0] in _DOING):
        return "" if rest[0] in _DOING else rest[0]
    end = next((end for end, word in enumerate(rest) if word in _BREAKS), len(rest))
    found = [word for word in rest[:end] if not _plain(word)]
    before = [word for word in said[:at] if word != "by"][-1:]
    return next((word for word in (*found[-1:], *before) if not _plain(word)), "")
