"""Where a text names something: spans of people, places, organisations, substances, dates and numbers.

spaCy proposes (named entities, runs of proper nouns, nouns, pronouns); dates and numbers are read by
pattern, which is exact where a tagger guesses. What kind of thing a span names, and which pronoun means
whom, is decided by ``kinds`` and ``coreference``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgplatform.errors import MissingExtra, WeightsCorrupt
from kgplatform.literals import canonical

_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_D = "[0-9]"
"""Not ``\\d``, which takes the digits of every script: a value in canonical form has these."""
_DAY = rf"{_D}{{1,2}}(?:st|nd|rd|th)?"
_DATE = re.compile(rf"\b(?:{_DAY} {_MONTH},? {_D}{{4}}|{_MONTH} {_DAY}, {_D}{{4}}|{_D}{{4}}-{_D}{{2}}-{_D}{{2}})\b")
_YEAR = re.compile(rf"\b[12]{_D}{{3}}\b")
_NUMBER = re.compile(rf"(?<![\w.,-]){_D}{{1,3}}(?:,{_D}{{3}})*(?:\.{_D}+)?(?![\w-]|[.,]\d)")
_PRONOUNS = frozenset({"he", "she", "him", "his", "her"})
_TITLES = frozenset({"sir", "dr", "dr.", "professor", "prof.", "lord", "lady", "mr", "mr.", "mrs", "mrs.", "ms."})
_IGNORED = frozenset({"DATE", "TIME", "CARDINAL", "ORDINAL", "PERCENT", "MONEY", "QUANTITY", "NORP", "LANGUAGE"})
_LINKS = frozenset({"of", "de", "von", "van", "der", "du", "la", "the", "for", "-", "on"})
_LOOSE = frozenset({"X", "ADJ", "NOUN", "VERB"})
"""Tags that the tagger gives to proper nouns it does not know; a capital within a sentence tells."""
_LONGEST = 50_000
"""Characters of a paragraph that are parsed at once: spaCy refuses more than a million, and takes memory for each."""
_HOUSES = "University|Institute|Academy|College|Observatory|Museum|Conservatory"
_INSTITUTION = re.compile(rf"(?:\b(?:of|in|at) (?P<after>[A-Z][\w-]+)|^(?P<before>[A-Z][\w-]+) (?:{_HOUSES}))$")


@dataclass(frozen=True, slots=True)
class Span:
    """Words of the document that name something.

    ``name`` is what they name: the words with plain spaces, or a value in canonical form. ``label`` is spaCy's, or
    ``DATE``, ``YEAR``, ``NUMBER`` for values, ``NOUN`` for common nouns, ``NAME`` for proper nouns without a label,
    ``PRONOUN``. Offsets are characters of the document.
    """

    start: int
    end: int
    words: str
    name: str
    label: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A word and its place in the parse: ``head`` is the index of the token it hangs on (its own at the root)."""

    start: int
    end: int
    text: str
    head: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, its spans in order, and its parse."""

    start: int
    end: int
    text: str
    spans: tuple[Span, ...]
    tokens: tuple[Token, ...] = ()


class Reader:
    """Finds spans with the spaCy pipeline in ``folder``."""

    def __init__(self, folder: Path) -> None:
        try:
            import spacy
        except ImportError:
            raise MissingExtra("spacy", extra="harvest", need="reading documents") from None
        try:
            self._nlp = spacy.load(folder, exclude=["lemmatizer"])
        except (OSError, ValueError) as error:
            raise WeightsCorrupt(f"{folder}: is not a spaCy pipeline ({error}): run  kg models fetch en_core_web_sm") from None

    def sentences(self, text: str) -> list[Sentence]:
        """All sentences of a document, paragraph by paragraph."""
        return [
            _sentence(sentence, offset)
            for offset, paragraph in _paragraphs(text)
            for sentence in self._nlp(paragraph).sents
            if not sentence.text.isspace()
        ]


def _sentence(parsed: Any, offset: int) -> Sentence:
    tokens = tuple(Token(offset + token.idx, offset + token.idx + len(token), token.text, token.head.i - parsed.start) for token in parsed)
    text = parsed.text.rstrip()
    start = offset + parsed.start_char
    return Sentence(start, start + len(text), text, tuple(_spans(parsed, offset)), tokens)


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"\S(?:.*?\S)?(?=\s*\n\s*\n|\s*\Z)", text, re.DOTALL):
        start, end = match.span()
        while end - start > _LONGEST:
            cut = next((at for space in "\n " if (at := text.rfind(space, start + 1, start + _LONGEST)) > 0), start + _LONGEST)
            yield start, text[start:cut]
            start = cut
        yield start, text[start:end]


def _spans(sentence: Any, offset: int) -> Iterator[Span]:
    taken: set[int] = set()
    values = list(_values(sentence.text, offset + sentence.start_char))
    for value in values:
        taken.update(range(value.start, value.end))
    spans = list(values)
    for start, end, label in (*_entities(sentence), *_proper_runs(sentence), *_nouns(sentence)):
        where = range(offset + start, offset + end)
        if start < end and not taken.intersection(where):
            taken.update(where)
            words = sentence.doc.text[start:end]
            spans.append(Span(where.start, where.stop, words, " ".join(words.split()), label))
            spans += _place_within(spans[-1])
    yield from sorted(spans, key=lambda span: span.start)


def _place_within(span: Span) -> list[Span]:
    """The place in an institution's name, which the name says it lies in: *Uppsala* in *Uppsala University*."""
    if not (found := _INSTITUTION.search(span.name)) or span.words != span.name:
        return []
    part = "after" if found["after"] else "before"
    start, end = found.span(part)
    return [Span(span.start + start, span.start + end, found[part], found[part], "GPE")]


def _values(text: str, offset: int) -> Iterator[Span]:
    taken: set[int] = set()
    for pattern, label, datatype in ((_DATE, "DATE", "date"), (_YEAR, "YEAR", "year"), (_NUMBER, "NUMBER", "decimal")):
        for match in pattern.finditer(text):
            value = canonical(match.group(), datatype)
            if value and not taken.intersection(range(*match.span())):
                taken.update(range(*match.span()))
                yield Span(offset + match.start(), offset + match.end(), match.group(), value, label)


def _trimmed(tokens: Sequence[Any]) -> tuple[int, int]:
    """Character offsets of the tokens without articles and titles before, possessives and stops behind."""
    kept = list(tokens)
    while kept and (kept[0].lower_ in ("the", "a", "an", *_TITLES) or _wordless(kept[0])):
        kept = kept[1:]
    while kept and (kept[-1].tag_ == "POS" or _wordless(kept[-1])):
        kept = kept[:-1]
    return (kept[0].idx, kept[-1].idx + len(kept[-1])) if kept else (0, 0)


def _wordless(token: Any) -> bool:
    """Stops, spaces, symbols and emoji: no name begins or ends with one."""
    return not any(map(str.isalnum, token.text))


def _entities(sentence: Any) -> Iterator[tuple[int, int, str]]:
    for entity in sentence.ents:
        if entity.label_ not in _IGNORED and any(token.is_title or token.is_upper for token in entity):
            yield (*_trimmed([*_before(entity), *entity]), entity.label_)


def _before(entity: Any) -> list[Any]:
    """Proper nouns just before an entity that belong to it: *Johannes* before *Kepler*."""
    first = entity.start
    while (
        first > entity.sent.start and (token := entity.doc[first - 1]).pos_ == "PROPN" and token.dep_ == "compound" and not token.ent_type_
    ):
        first -= 1
    return list(entity.doc[first : entity.start])


def _proper_runs(sentence: Any) -> Iterator[tuple[int, int, str]]:
    """Runs of proper nouns that the entity recogniser left out; small words may join them: *Bank of England*."""
    run: list[Any] = []
    for token in (*sentence, None):
        if token is not None and (_proper(token) or (run and token.lower_ in _LINKS)):
            run.append(token)
            continue
        while run and run[-1].lower_ in _LINKS:
            run.pop()
        if run:
            yield (*_trimmed(run), "NAME")
            run = []


def _proper(token: Any) -> bool:
    return bool((token.pos_ == "PROPN" and not token.is_lower) or (token.is_title and token.pos_ in _LOOSE and not token.is_sent_start))


def _nouns(sentence: Any) -> Iterator[tuple[int, int, str]]:
    for token in sentence:
        if token.tag_ in ("NN", "NNP") and token.is_alpha and token.is_lower and len(token) > 2:
            yield token.idx, token.idx + len(token), "NOUN"
        elif token.lower_ in _PRONOUNS:
            yield token.idx, token.idx + len(token), "PRONOUN"
