"""How likely two names mean one thing: a sum of weights, one for each thing that speaks for it or against it.

The words of both names are paired, each with the one it is most like; what is left over counts by what it is. ``WEIGHTS`` are in
nats of log-odds, chosen on the pairs of ``benchmarks/linking`` that are for it. Likeness of meaning alone never makes two names
one: it can only ask, since an encoder finds opposites as alike as synonyms.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from rapidfuzz.distance import OSA

from kgplatform.linking import differing, lexicon
from kgplatform.linking.exact import ANYTHING
from kgplatform.linking.forms import Form, Word, acronym, form, is_symbol
from kgplatform.linking.spelling import is_latin, plainly, sounds, spellings, stem, undoubled

WEIGHTS: Mapping[str, float] = {
    "alike": 4.0,
    "inflected": -0.5,
    "respelt": -2.5,
    "sounds": -2.0,
    "transcribed": -0.5,
    "abbreviated": -0.25,
    "shortened": -1.0,
    "cut": -2.5,
    "initial": -0.5,
    "middle": -2.5,
    "brief": -2.0,
    "order": -2.5,
    "legal": -2.5,
    "article": -2.5,
    "acronym": -0.5,
    "letters": -3.0,
    "symbol": -6.0,
    "replaced": -8.0,
    "extra": -4.5,
    "number": -8.0,
    "generation": -6.0,
    "where": -6.0,
    "placed": -3.0,
    "context": 20.0,
    "neighbours": 0.5,
    "contradicting": -3.0,
}
"""What each thing counts: "alike" once, "context" by the cosine (beyond ``USUAL``) of what is said of both,
"contradicting" for each relation, the others for each word."""
DOUBT = -2.0
"""What counts so much against one thing, or more, is a question that no neighbour answers."""
USUAL = 0.36
"""The cosine of what is said of both from which on it speaks for one thing."""
_MOST = {"context": 0.1, "neighbours": 3}
_CUT = re.compile(r"(?!(.?er|.?or|.?ing|.?ed|.?ion|ation|al|ist|ity|ic|ive|ment|ness|y|ly|age|able|ian?|s?burg|land|stan)$)")
"""What is not cut off: a word with such an ending is another word, and no abbreviated one."""
_AGAINST = ("number", "generation", "where", "symbol")
PEOPLE = frozenset({"person", "human", "people", "character", "author", "family"})


@dataclass(frozen=True, slots=True)
class Named:
    """One side of a comparison: a name, its kinds, and what is said of it."""

    name: str
    kinds: tuple[str, ...] = (ANYTHING,)
    about: str = ""

    @property
    def person(self) -> bool:
        return not PEOPLE.isdisjoint(self.kinds)

    @property
    def proper(self) -> bool:
        """Whether its words are a name's, which have no plural."""
        return self.kinds != (ANYTHING,) and any(letter.isupper() for letter in self.name)


def compared(one: Named, other: Named) -> Counter[str]:
    """What speaks for and against two names meaning one thing, as counts of the names of ``WEIGHTS``."""
    found: Counter[str] = Counter(alike=1)
    if one.name == other.name:
        return found
    person = one.person or other.person
    first, second = _form(one, person), _form(other, person)
    found["article"] += differing.article(first, second)
    if is_symbol(one.name) and is_symbol(other.name):
        found["symbol"] += not differing.same_symbol(one.name, other.name)
        return found
    if differing.marks(one.name) != differing.marks(other.name):
        found["number"] += 1
        return found
    if differing.joined(first) == differing.joined(second) and not (one.proper and other.proper and _plural(first, second)):
        found["inflected"] += "".join(word.number or word.plain for word in first.words) != "".join(
            word.number or word.plain for word in second.words
        )
        found["brief"] += differing.brief(first, second)
        _where(first, second, one, other, found)
        return found
    if letters := _acronym(first, second) or _acronym(second, first):
        found["letters" if letters < 3 and not (one.proper and other.proper) else "acronym"] += 1
        return found
    if not person and first.numbers != second.numbers and not (first.behind or second.behind):
        found["number"] += 1
        return found
    paired, left, right = _paired(first.words, second.words, person, one.proper and other.proper)
    found.update(paired)
    if not differing.cut_in_label(first, second):
        found["cut"] = found.pop("shortened", 0)
    if person:
        del found["order"]
    elif not (first.behind or second.behind):
        found["legal"] += ANYTHING in (*one.kinds, *other.kinds) and differing.legal(first) != differing.legal(second)
    left, right = _beside(left, second.behind), _beside(right, first.behind)
    left, right = _telling(left, other, person), _telling(right, one, person)
    _left_over([_sort(word, first, person) for word in left], [_sort(word, second, person) for word in right], found)
    if min(len(first.words), len(second.words)) > 2:  # both have two given names, and one has a third
        found["extra"] += found.pop("middle", 0)
    _titled(first, second, found)
    if not (left or right) or (first.behind and second.behind):
        _where(first, second, one, other, found)
    return found


def total(found: Mapping[str, float]) -> float:
    """The log-odds that what was found amounts to."""
    return sum(WEIGHTS[name] * min(count, _MOST.get(name, count)) for name, count in found.items())


def unopposed(found: Mapping[str, float]) -> bool:
    """Whether nothing says outright that the names mean two things, so that what is not in them may still make them one."""
    return not any(found.get(name) for name in _AGAINST) and found.get("replaced", 0) < 2


def doubtful(found: Mapping[str, float]) -> bool:
    """Whether the names differ in a way that only a person can judge, whoever is around the two: siblings share their neighbours."""
    return any(count and WEIGHTS[name] <= DOUBT for name, count in found.items())


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def _form(named: Named, person: bool) -> Form:
    """The name taken apart. A person's initials stand alone, and what stands behind a comma stands first."""
    taken = form(named.name)
    if not person:
        return taken
    behind = taken.behind
    later = behind and all(word.number or word.plain in lexicon.GENERATIONS for word in behind)
    words = (*taken.words, *behind) if later else (*behind, *taken.words)
    if len(words) > 1:
        words = tuple(part for word in words for part in _initials(word))
    return Form(taken.written, words)


def _initials(word: Word) -> Sequence[Word]:
    split = word.written.isupper() and word.written.isalpha() and 1 < len(word.written) < 4 and not word.number
    return [Word(letter, letter.lower(), abbreviated=True) for letter in word.written] if split else [word]


def _plural(one: Form, other: Form) -> bool:
    return [word.plain for word in one.words] != [word.plain for word in other.words] and len(one.words) == len(other.words)


def _acronym(short: Form, long: Form) -> int:
    """Of how many letters a name is that stands for the first letters of another; 0 when it is none."""
    written = re.sub(r"[\W_]", "", short.written)
    if not (written.isalpha() and written.isupper() and 1 < len(written) < 9) or len(long.words) < 2:
        return 0
    letters = plainly(written)
    return len(letters) if letters in (acronym(long.words), *(plainly(word.written) for word in long.behind)) else 0


def _paired(first: Sequence[Word], second: Sequence[Word], person: bool, proper: bool) -> tuple[Counter[str], list[Word], list[Word]]:
    """The words of two names, each paired with the one it is most like; how they differ, and what is left of each."""
    best = sorted(
        (rank, abs(i - j), i, j)
        for (i, one), (j, other) in product(enumerate(first), enumerate(second))
        if (rank := _ALIKE.index(_likeness(one, other, person, proper))) < len(_ALIKE) - 1
    )
    taken: tuple[dict[int, str], dict[int, str]] = ({}, {})
    pairs = list[tuple[int, int]]()
    for rank, _, i, j in best:
        if i not in taken[0] and j not in taken[1]:
            taken[0][i] = taken[1][j] = _ALIKE[rank]
            pairs.append((i, j))
    found = Counter(how for how in taken[0].values() if how != "same")
    found["order"] += any(differing.crossing([(i, j) for i, j in pairs if bool(first[i].number) is number]) for number in (True, False))
    return found, [w for i, w in enumerate(first) if i not in taken[0]], [w for j, w in enumerate(second) if j not in taken[1]]


_ALIKE = ("same", "inflected", "transcribed", "abbreviated", "shortened", "sounds", "respelt", "initial", "other")


def _likeness(one: Word, other: Word, person: bool, proper: bool) -> str:
    if one.number or other.number:
        return "same" if one.number == other.number else "other"
    a, b = one.plain, other.plain
    if a == b:
        return "same"
    if stem(a) == stem(b) and not proper:
        return "inflected"
    if one.initial or other.initial:
        return "initial" if a[0] == b[0] and (person or one.abbreviated or other.abbreviated) else "other"
    if one.written.isupper() and other.written.isupper():
        return "other"
    if not lexicon.APART.isdisjoint((a, b)) or (person and a.endswith("a") != b.endswith("a")):
        return "other"
    if lexicon.opposed(a, b) or lexicon.opposed(b, a):
        return "other"
    if cut := _shortened(one, other, proper) or _shortened(other, one, proper):
        return cut
    if undoubled(a) == undoubled(b):
        return "respelt"
    heard = max(map(len, set(sounds(a)) & set(sounds(b))), default=0)
    if heard and OSA.normalized_distance(a, b) <= 0.6:
        if spellings(one.written) & spellings(other.written) and (proper or not (one.written.isascii() and other.written.isascii())):
            return "transcribed"
        if heard > 1 and is_latin(one.written) != is_latin(other.written):
            return "transcribed"
        if differing.goes_on(a, b) or differing.goes_on(b, a):
            return "other"
        if heard > 2:
            return "sounds"
    if min(len(a), len(b)) > 4 and a[0] == b[0] and OSA.distance(a, b) <= 1 + (min(len(a), len(b)) > 9) and stem(a) != stem(b):
        return "respelt"
    return "other"


def _shortened(short: Word, long: Word, proper: bool) -> str:
    """Whether a word is another one cut off: "Intl." is "International"; without a point it may be, but of no proper name."""
    a, b = stem(short.plain), stem(long.plain)
    if len(a) < 2 or len(b) < len(a) + 2 or a[0] != b[0]:
        return ""
    if short.abbreviated:
        letters = iter(b)
        return "abbreviated" if all(letter in letters for letter in a) else ""
    return "shortened" if not proper and 3 <= len(a) <= 5 and a[-1] not in "aeiouy" and b.startswith(a) and _CUT.match(b[len(a) :]) else ""


def _telling(words: Sequence[Word], other: Named, person: bool) -> list[Word]:
    """Words that are left over and not said of the other thing elsewhere."""
    said = {stem(word.plain) for kind in other.kinds for word in form(kind).words}
    said |= {stem(word.plain) for word in form(other.about).words} if other.about else set()
    return [word for word in words if word.number or not (stem(word.plain) in said or (word.plain in lexicon.LEGAL and not person))]


def _beside(words: Sequence[Word], behind: Sequence[Word]) -> list[Word]:
    return [word for word in words if all(word.plain != one.plain for one in behind)]


def _sort(word: Word, of: Form, person: bool) -> str:
    """What a word is that has no partner."""
    if word.number:
        return "number"
    if person and word.plain in lexicon.GENERATIONS:
        return "generation"
    if person and word.plain in lexicon.TITLES and word is of.words[0]:
        return "title"
    return "middle" if person and word.initial and word is not of.words[0] else "word"


def _left_over(left: Sequence[str], right: Sequence[str], found: Counter[str]) -> None:
    """What words without a partner, by their sorts, say against the names' meaning one thing."""
    for sort in ("number", "generation"):
        found[sort] += max(left.count(sort), right.count(sort))
    sides = [[sort for sort in side if sort in ("word", "middle")] for side in (left, right)]
    few, many = sorted(sides, key=len)
    found["replaced"] += len(few)
    for sort in sorted(many, reverse=True)[len(few) :]:
        found["extra" if sort == "word" else "middle"] += 1


def _titled(first: Form, second: Form, found: Counter[str]) -> None:
    """Mr. and Mrs. are two."""
    a, b = (form.words[0].plain if form.words else "" for form in (first, second))
    if a != b and {a, b} <= lexicon.TITLES and (a in lexicon.GENDERED) != (b in lexicon.GENDERED):
        found["generation"] += 1


def _where(first: Form, second: Form, one: Named, other: Named, found: Counter[str]) -> None:
    """What stands behind commas or in brackets: "Paris, Texas" is not "Paris, France"."""
    a, b = _places(first), _places(second)
    if a and b:
        found["where"] += not (a <= b or b <= a)
    elif a or b:
        words, told = (a, other) if a else (b, one)
        said = {stem(word.plain) for text in (*told.kinds, told.about, told.name) for word in form(text).words}
        found["placed"] += not words & said


def _places(taken: Form) -> set[str]:
    full = (lexicon.STATES.get(word.plain, word.plain) if word.written.isupper() else word.plain for word in taken.behind)
    return {stem(word) for words in full for word in words.split()}
