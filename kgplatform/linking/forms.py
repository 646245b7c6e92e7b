"""Names taken apart: words in one alphabet, numbers, and the keys under which names that may mean one thing meet.

Pure functions of a name. A key is short and many names share it: it only proposes what is then compared word by word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from kgplatform.linking import lexicon

LONGEST = 300
"""Characters of a name that are compared; two names that are longer and begin alike are one only when they are equal."""
_MOST_WORDS = 24
_PARTS = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+(?:[’'´`][^\W\d_]+)*)|(?P<mark>[%$€£°₀-₉′]+)",
)
_HUMP = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_ABBREVIATED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_ROMAN = re.compile(r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_VALUE = {"I": 1, "V": 5, "X": 10}
_BRACKETS = re.compile(r"\(([^()]*)\)\s*$")
_SOUNDS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"shch|schtsch|sch|tsch|tch|tz|ts|sh|ch|cz|zh|sz|c(?=[eiy])|dzh|dj|j(?=[aou])|z|x", "s"),
        (r"ph|pf", "f"),
        (r"kh|gh|ck|q|c|g", "k"),
        (r"w|ff|f", "v"),
        (r"th|dd", "t"),
        (r"d", "t"),
        (r"b", "p"),
        (r"h", ""),
    )
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as it was written, in plain small letters, and its value where it is a number."""

    written: str
    plain: str
    number: str = ""
    abbreviated: bool = False

    @property
    def initial(self) -> bool:
        return len(self.plain) == 1 and not self.number


@dataclass(frozen=True, slots=True)
class Form:
    """A name: its words without small ones, and what stands behind a comma or in brackets at its end."""

    written: str
    words: tuple[Word, ...]
    behind: tuple[Word, ...] = ()


@lru_cache(maxsize=50_000)
def form(name: str) -> Form:
    """The name taken apart."""
    text = unicodedata.normalize("NFC", name)[:LONGEST].strip()
    before, behind = _parted(text)
    words = _words(before)
    if not words:
        words, behind = _words(text), ""
    return Form(text, words[:_MOST_WORDS], _words(behind)[:_MOST_WORDS])


def _parted(text: str) -> tuple[str, str]:
    """A name and what it is qualified by: "Paris, Texas", "Mercury (planet)"; "Curie, Marie" is turned by who compares."""
    if found := _BRACKETS.search(text):
        return text[: found.start()], found[1]
    before, comma, behind = text.partition(",")
    return (before, behind) if comma and behind.strip() and not re.match(r"\d{3}\b", behind) else (text, "")


def _words(text: str) -> tuple[Word, ...]:
    text = _ABBREVIATED.sub(lambda found: found[0].replace(".", "") if found[0].isupper() and len(found[0]) > 4 else found[0], text)
    text = _HUMP.sub(" ", text) if " " not in text.strip() else text
    found = [_word(part, text) for part in _PARTS.finditer(text)]
    kept = [word for word in found if word.plain not in lexicon.SMALL]
    return tuple(_numbered(kept or found))


def _word(part: re.Match[str], text: str) -> Word:
    written = part[0]
    if part["number"]:
        return Word(written, written, _value(written))
    if part["mark"]:
        mark = unicodedata.normalize("NFKC", written)
        return Word(written, lexicon.MARKS.get(mark, mark), mark if mark.isdigit() else "")
    dotted = text[part.end() : part.end() + 1] == "."
    plain = plainly(written)
    return Word(written, plain, lexicon.NUMBERS.get(plain, ""), dotted)


def _value(written: str) -> str:
    """A number without separators of thousands; versions and decimals as they stand."""
    bare = re.sub(r"(?<=\d),(?=\d{3}\b)", "", written).replace(",", ".")
    return str(int(bare)) if bare.isdigit() else bare


def _numbered(words: list[Word]) -> list[Word]:
    """Words with Roman numerals, which stand behind another word, as numbers."""
    return [
        word
        if at == 0 or word.number or word.abbreviated or not _ROMAN.fullmatch(word.written) or word.written == "X"
        else Word(word.written, word.plain, str(_roman(word.written)))
        for at, word in enumerate(words)
    ]


def _roman(text: str) -> int:
    values = [_ROMAN_VALUE[letter] for letter in text]
    return sum(-one if one < then else one for one, then in zip(values, [*values[1:], 0], strict=True))


@lru_cache(maxsize=50_000)
def plainly(word: str) -> str:
    """A word in small letters of the Latin alphabet; a single Greek letter by its name."""
    if len(word) == 1 and "GREEK" in (called := unicodedata.name(word, "")):
        return called.split()[-1].lower() if "LETTER" in called and "WITH" not in called else anyascii(word).lower()
    if word.isascii():
        return word.lower().replace("'", "")
    for written, latin in lexicon.UMLAUTS:
        word = word.replace(written, latin)
    return re.sub(r"[^a-z0-9]", "", anyascii(word).lower()) or word.casefold()


@lru_cache(maxsize=50_000)
def stem(plain: str) -> str:
    """A word without the ending of a plural."""
    if len(plain) < 4 or plain.endswith(("ss", "us", "is")):
        return plain
    if plain.endswith("ies") and len(plain) > 4:
        return plain[:-3] + "y"
    if plain.endswith(("sses", "shes", "ches", "xes", "zes")):
        return plain[:-2]
    return plain[:-1] if plain.endswith("s") else plain


@lru_cache(maxsize=50_000)
def sound(plain: str) -> str:
    """A rough sound of a word, which its ways of being written in Latin letters share."""
    for pattern, to in _SOUNDS:
        plain = pattern.sub(to, plain)
    first, rest = plain[:1], re.sub(r"[aeiouyj]", "", plain[1:])
    return re.sub(r"(.)\1+", r"\1", ("a" if first in "aeiouyj" else first) + rest)


def acronym(words: tuple[Word, ...]) -> str:
    """The first letters of several words."""
    return "".join(word.plain[:1] for word in words) if len(words) > 1 else ""


@lru_cache(maxsize=50_000)
def keys(name: str) -> tuple[str, ...]:
    """Under what a name is found by others that may mean the same; at most five."""
    taken = form(name)
    words = tuple(word for word in taken.words if word.plain not in lexicon.TITLES) or taken.words
    if not words:
        return ()
    told = [_canonical(word) for word in words]
    found = {"w" + " ".join(sorted(stem(one) for one in told)), "s" + " ".join(sorted(sound(stem(one)) for one in told))}
    found.add("p" + " ".join(sorted({one[:3] for one in told})))
    if len(words) > 1:
        found.add("a" + acronym(words))
        last = words[0] if taken.behind and len(taken.behind) <= 2 else words[-1]
        found.add(f"i{words[0].plain[:1]} {sound(last.plain)}")
    elif words[0].written.isupper() or words[0].abbreviated:
        found.add("a" + words[0].plain)
    return tuple(sorted(found))


def _canonical(word: Word) -> str:
    return word.number or lexicon.SHORT.get(word.plain, word.plain)
