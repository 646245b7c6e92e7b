"""One word in the ways it may be written: in other alphabets, with other endings, and as it sounds. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from kgplatform.linking import lexicon

_SOUNDS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"x", "ks"),
        (r"shch|schtsch|sch|tsch|tch|tz|ts|sh|ch|cz|zh|sz|c(?=[eiy])|dzh|dj|j(?=[aou])|z", "s"),
        (r"ph|pf", "f"),
        (r"kh|gh|ck|q|c|g", "k"),
        (r"w|ff|f", "v"),
        (r"th|dd", "t"),
        (r"d", "t"),
        (r"b", "p"),
        (r"h", ""),
    )
)

_SPELLINGS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"x", "ks"),
        (r"tsch|tch|cz|ch", "č"),
        (r"sch|sh|sz", "š"),
        (r"zh", "ž"),
        (r"ph", "f"),
        (r"kh|ck|q|c(?![eiy])", "k"),
        (r"c", "s"),
        (r"w|ff", "v"),
        (r"h", ""),
        (r"[yj]", "i"),
    )
)


@lru_cache(maxsize=50_000)
def plainly(word: str) -> str:
    """A word in small letters of the Latin alphabet; a single Greek letter by its name."""
    if len(word) == 1 and (called := unicodedata.name(word, "")).startswith("GREEK ") and " LETTER " in called:
        return called.partition(" LETTER ")[2].split()[0].lower()
    if word.isascii():
        return word.lower().replace("'", "")
    for written, latin in lexicon.UMLAUTS:
        word = word.replace(written, latin)
    return re.sub(r"[^a-z0-9]", "", anyascii(word).lower()) or word.casefold()


@lru_cache(maxsize=50_000)
def stem(plain: str) -> str:
    """A word without the ending of a plural, and as Americans write it."""
    if len(plain) < 4 or plain.endswith(("ss", "us", "is")):
        return plain
    if plain.endswith("ies") and len(plain) > 4:
        plain = plain[:-3] + "y"
    elif plain.endswith(("sses", "shes", "ches", "xes", "zes")):
        plain = plain[:-2]
    elif plain.endswith("s"):
        plain = plain[:-1]
    for british, american in lexicon.BRITISH:
        plain = british.sub(american, plain)
    return plain


@lru_cache(maxsize=50_000)
def sounds(plain: str) -> tuple[str, ...]:
    """The rough sounds of a word, which its ways of being written in Latin letters share; "ch" has two."""
    return tuple(dict.fromkeys(_sound(re.sub(r"(?<![st])ch", to, plain)) for to in ("c\u0301", "kh")))


def _sound(plain: str) -> str:
    plain = plain.replace("c\u0301", "ch")
    for pattern, to in _SOUNDS:
        plain = pattern.sub(to, plain)
    plain = undoubled(plain)
    return ("a" if plain[:1] in "aeiouyj" else plain[:1]) + re.sub(r"[aeiouyj]", "", plain[1:])


@lru_cache(maxsize=50_000)
def spellings(written: str) -> frozenset[str]:
    """A word as it sounds, with its vowels: what "Dostoyevsky" and "Dostojewski" share, and "Petersen" and "Peterson" do not."""
    found = set()
    written_so = (plainly(written), re.sub(r"[^a-z0-9]", "", anyascii(written).lower()))
    for plain in (read for one in written_so for read in (one, re.sub(r"(?<![st])ch", "kh", one))):
        heard = plain
        for pattern, to in _SPELLINGS:
            heard = pattern.sub(to, heard)
        found.add(undoubled(re.sub(r"(?<=[aeou])i(?=[aeou])", "", re.sub(r"ou|oo", "u", heard))))
    return frozenset(found)


@lru_cache(maxsize=50_000)
def is_latin(written: str) -> bool:
    return written.isascii() or all(unicodedata.name(letter, "LATIN").startswith("LATIN") for letter in written if letter.isalpha())


@lru_cache(maxsize=50_000)
def undoubled(plain: str) -> str:
    return re.sub(r"(.)\1+", r"\1", plain)
