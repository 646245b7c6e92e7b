"""What tells two names apart, or makes a question of them, though their words agree. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from kgplatform.linking import lexicon
from kgplatform.linking.forms import Form, symbol
from kgplatform.linking.spelling import stem

_RAISED = re.compile(r"(?<=\d)([⁺⁻]?[⁰¹²³⁴-⁹]+)")
_MARKS = re.compile(
    r"^\s*[-−–](?=\s?[.\d])|(?<!\w)(?<!\d )[-−](?=[.\d])|(?<=\de)[-−](?=\d)|(?<=\d)(?:\^|\*\*)|(?<![\w.])\.(?=\d)",
    re.IGNORECASE,
)
BRIEF = 5
"""Letters of a single word whose plural may be another word ("arms", "goods", "news"): a person is asked. A longer one and its
plural are one ("pathogens"), at the price of a few words ("customs")."""


def joined(name: Form) -> str:
    """A name's stems without what parts them; two numbers stay apart: 1/2 is not 12."""
    return re.sub(r"(?<!\d) | (?!\d)", "", " ".join(word.number or stem(word.plain) for word in name.words))


def marks(name: str) -> list[str]:
    """The signs, exponents and points of a name's numbers, which are no words: 10^-3 is not 10^3, and .5 is not 5."""
    found = _MARKS.findall(_RAISED.sub(lambda raised: "^" + unicodedata.normalize("NFKC", raised[1]), name))
    return [{"**": "^"}.get(mark, "-" if mark.strip() in "-−–" else mark) for mark in found]


def same_symbol(one: str, other: str) -> bool:
    """Whether two short names are one in all letters and marks; a word of three letters may be written in any way."""
    a, b = symbol(one), symbol(other)
    return a == b or (a.casefold() == b.casefold() and a.isalpha() and len(a) > 2 and one.isalpha() and other.isalpha())


def article(one: Form, other: Form) -> bool:
    """Whether one has an article of its own, which the other lacks: "The Who" is neither "WHO" nor "who"."""
    for called, bare in ((one, other), (other, one)):
        if _opens(called) and not _opens(bare) and called.words and bare.words:
            a, b = called.words[0].written, bare.words[0].written
            return a != b and a.casefold() == b.casefold() and (a[:1].isupper() or b.isupper())
    return False


def _opens(name: Form) -> bool:
    return name.written.partition(" ")[0].casefold() in lexicon.SMALL


def legal(name: Form) -> bool:
    """Whether a name tells a legal form, which makes a firm of an apple."""
    return any(word.plain in lexicon.LEGAL for word in name.words[1:])


def cut_in_label(one: Form, other: Form) -> bool:
    """Whether the shorter name is words written together, as "SequenceStats": there words are cut off without a point."""
    name = min(one, other, key=lambda taken: sum(len(word.plain) for word in taken.words))
    return len(name.words) > 1 and not any(letter.isspace() for letter in name.written)


def brief(one: Form, other: Form) -> bool:
    """Whether two single words are a short one and its plural."""
    words = sorted((word.plain for word in (*one.words, *other.words)), key=len)
    return len(one.words) == len(other.words) == 1 and len(words[0]) <= BRIEF and words[0] != words[1] and words[1][-1:] == "s"


def crossing(pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether words, or numbers, that two names share stand in another order."""
    second = [j for _, j in sorted(pairs)]
    return second != sorted(second)


def goes_on(a: str, b: str) -> bool:
    """Whether a word is another one with more behind it, as "Nigeria" is "Niger"."""
    return len(b) > len(a) + 1 and b.startswith(a)
