"""Names taken apart: words in one alphabet, numbers, and the keys under which names that may mean one thing meet.

Pure functions of a name. A key is short and many names share it: it only proposes what is then compared word by word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from kgplatform.linking import lexicon
from kgplatform.linking.spelling import plainly, sounds, stem

LONGEST = 300
"""Characters of a name that are compared; two names that are longer and begin alike are one only when they are equal."""
_MOST_WORDS = 24
_PARTS = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?![^\W\d_])|\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+(?:[’'´`][^\W\d_]+)*)|(?P<mark>°\s?[CF]\b|[%$€£₀-₉′+#]+)",
)
_HUMP = re.compile(r"(?<=[a-zß-öø-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_ABBREVIATED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_ROMAN = re.compile(r"(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_VALUE = {"I": 1, "V": 5, "X": 10}
OF_BRIEF = ("a", "i")
"""How keys begin that are of interest where a name of two is brief."""
_BRACKETS = re.compile(r"\(([^()]*)\)\s*$")


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

    @property
    def numbers(self) -> list[str]:
        return sorted(word.number for word in self.words if word.number)


@lru_cache(maxsize=50_000)
def form(name: str) -> Form:
    """The name taken apart."""
    text = unicodedata.normalize("NFC", name)[:LONGEST].strip()
    before, behind = _parted(text)
    words = _words(before)
    if not words:
        words, behind = _words(text), ""
    beside = _words(behind, first=False)[:_MOST_WORDS]
    if len(beside) == 1 and beside[0].plain == acronym(words):
        beside = ()
    return Form(text, words[:_MOST_WORDS], beside)


def _parted(text: str) -> tuple[str, str]:
    """A name and what it is qualified by: "Paris, Texas", "Mercury (planet)"; "Curie, Marie" is turned by who compares."""
    if found := _BRACKETS.search(text):
        return text[: found.start()], found[1]
    before, comma, behind = text.partition(",")
    return (before, behind) if comma and behind.strip() and not re.match(r"\d{3}\b", behind) else (text, "")


def _words(text: str, first: bool = True) -> tuple[Word, ...]:
    text = _ABBREVIATED.sub(lambda found: found[0].replace(".", "") if found[0].isupper() else found[0], text)
    text = _HUMP.sub(" ", text) if " " not in text.strip() else text
    parts = list(_PARTS.finditer(text))
    found = [word for part in parts for word in _expanded(_word(part, text), len(parts) > 1 and part is parts[-1])]
    kept = [word for word, then in zip_longest(found, found[1:]) if not _small(word, then)]
    return tuple(_measured(_numbered(kept if len(kept) and not is_symbol(text) else found, first)))


def _small(word: Word, then: Word | None) -> bool:
    """Whether a word says nothing: an article, or "no." before a number."""
    if word.initial and (word.abbreviated or word.written.isupper()):
        return False
    return word.plain in lexicon.SMALL or (word.plain in lexicon.COUNTING and then is not None and bool(then.number))


def is_symbol(name: str) -> bool:
    """Whether a name is so short that each letter and mark counts: T, t and T* are three."""
    return sum(letter.isalpha() for letter in name) < 4 and not any(letter.isdigit() for letter in name)


def symbol(name: str) -> str:
    """A symbol's letters and marks, without what parts them: "T_g" is "Tg"."""
    return re.sub(r"[\s_.,\-]", "", unicodedata.normalize("NFC", name))


def _word(part: re.Match[str], text: str) -> Word:
    written = part[0]
    if part["number"]:
        return Word(written, written, _value(re.sub(r"\D+$", "", written)))
    if part["mark"]:
        mark = unicodedata.normalize("NFKC", written)
        return Word(written, lexicon.MARKS.get(mark, mark), mark if mark.isdigit() else "")
    plain = plainly(written)
    return Word(written, plain, lexicon.NUMBERS.get(plain, ""), text[part.end() : part.end() + 1] == ".")


def _expanded(word: Word, last: bool) -> list[Word]:
    """What an abbreviation that everybody knows stands for; of two or three letters without a point only in capitals."""
    if word.plain == "st" and last:
        return [Word(word.written, "street")]
    full = lexicon.SHORT.get(word.plain, "")
    if not full or not (word.abbreviated or word.written.isupper() or word.plain in lexicon.CLEAR):
        return [word]
    return [Word(word.written, one) for one in full.split()]


def _value(written: str) -> str:
    """A number without separators of thousands; of a version "2.0" is "2"."""
    bare = re.sub(r"(?<=\d),(?=\d{3}\b)", "", written).replace(",", ".")
    bare = re.sub(r"^(\d+)\.0$", r"\1", bare)
    return str(int(bare)) if bare.isdigit() else bare


def _numbered(words: list[Word], first: bool) -> list[Word]:
    """Words with Roman numerals, which stand behind another word, as numbers."""
    return [
        word
        if (first and at == 0) or word.number or word.abbreviated or not _ROMAN.fullmatch(word.written) or word.written == "X"
        else Word(word.written, word.plain, str(_roman(word.written)))
        for at, word in enumerate(words)
    ]


def _roman(text: str) -> int:
    values = [_ROMAN_VALUE[letter] for letter in text]
    return sum(-one if one < then else one for one, then in zip(values, [*values[1:], 0], strict=True))


def _measured(words: list[Word]) -> list[Word]:
    """Numbers with their units as one word: how much in the base unit, of what."""
    made: list[Word] = []
    for word in words:
        last = made[-1] if made else None
        if last and re.fullmatch(r"\d+(?:\.\d+)?", last.number) and (measure := lexicon.unit(word.written, word.plain)):
            dimension, factor = measure
            made[-1] = Word(f"{last.written} {word.written}", dimension, f"{float(last.number) * factor:.6g} {dimension}")
        elif word.plain not in ("degree", "degrees") or not last or not last.number:
            made.append(word)
    return made


def capitals(name: str) -> str:
    """What the capitals of a name tell: which symbol it is, which unit ("mW", "MW"); empty for most names, which any letters may write."""
    if is_symbol(name) and 0 < sum(letter.isalpha() for letter in name) < 3:
        return symbol(name)
    if not any(one.isdigit() for one in name) or name == name.casefold():
        return ""
    told = form(name).numbers
    return " ".join(told) if told != form(name.casefold()).numbers else ""


def acronym(words: Sequence[Word]) -> str:
    """The first letters of several words; of one in capitals, all."""
    if len(words) < 2:
        return ""
    return "".join(word.plain if word.written.isupper() and len(word.plain) < 5 else word.plain[:1] for word in words)


def is_brief(name: str) -> bool:
    """Whether a name is first letters alone, or has an initial: "WHO", "M. Curie"."""
    words = form(name).words
    return any(word.initial for word in words) or (len(words) < 3 and words[:1] != () and words[0].written.isupper())


@lru_cache(maxsize=50_000)
def keys(name: str) -> tuple[str, ...]:
    """Under what a name is found by others that may mean the same; at most seven."""
    taken = form(name)
    idle = lexicon.LEGAL | lexicon.GENERATIONS
    words = [word for word in taken.words if word.plain not in (idle if word is not taken.words[0] else lexicon.TITLES)] or list(
        taken.words
    )
    if not words:
        return ()
    told = [word.number or stem(word.plain) for word in words]
    found = {f"w{''.join(told)}", "p" + " ".join(sorted({one[: 3 if len(told) > 1 else 4] for one in told}))}
    for variant in (0, -1):
        heard = " ".join(sorted(word.number or sounds(stem(word.plain))[variant] for word in words))
        found |= {f"s{heard}"} if len(heard) > 2 else set()
    if single := re.fullmatch(r"\W*([^\W\d_]{2,8})\W*", taken.written):
        found.add("a" + plainly(single[1])) if single[1].isupper() else None
    if len(words) > 1:
        letters = acronym(words)
        found |= {f"a{letters}" if len(letters) > 2 else f"w{''.join(told)}", f"i{told[0][:1]} {sounds(told[-1])[0]}"}
    elif taken.behind:
        found.add(f"i{taken.behind[0].plain[:1]} {sounds(told[-1])[0]}")
    return tuple(sorted(found))
