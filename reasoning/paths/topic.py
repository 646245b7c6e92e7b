"""What a question is about: the entity whose name stands in it.

The longest name with a capital or a digit that stands there as written, else the longest in whatever case (a
graph may have a thing called "actors"), else the first or last word of a name that only one entity has ("Kepler"), else
a name nearly so (a letter or two wrong). Square brackets, where a question has them, say which words are meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kgplatform.names import normalise
from kgplatform.types import Entity
from reasoning.paths.words import FUNCTION_WORDS, Word, words

LONGEST = 12
"""Words in a name that is looked for."""
NEARLY = 84.0
"""Likeness of a name that counts as misspelt, of 100."""
SUGGESTED = 60.0
SHARED = 5
"""Bearers of a surname that are looked at."""
SHORTEST = 4
"""Letters of a name that may be misspelt."""
SHORTEST_SLIP = 5
"""Letters of one in which one slip of the pen is seen to be one: a letter wrong, too many or too few, or two that changed places."""
_BEFORE = re.compile(r"([^\W\d_]+)[ -]$")
_AFTER = re.compile(r"[ -]([^\W\d_])")
_INITIALS = re.compile(r"((?:[^\W\d_](?:\. ?|[ -]))+)(\w{2}.*)")
_ANY = re.compile(r"\b(?:an?|any|some)\s+$", re.IGNORECASE)
"""What stands before a name that is meant of any that is called so, and more: "a Nobel Prize"."""
_OF = frozenset("at for in of on to".split())
"""Words behind which the names of a family tell which of it they are of."""
_BRACKETS = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Mention:
    """Where the topic stands in the question, what it may be, and whether it is spelt otherwise than its name.

    Of a ``family`` any entity is meant: "a Nobel Prize" is the Nobel Prize in Physics as well as that in Chemistry.
    """

    start: int
    end: int
    entities: tuple[Entity, ...]
    exact: bool = True
    family: bool = False


class Names:
    """The names and aliases of a graph's entities, ready to be found in questions."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self.written: dict[str, list[Entity]] = {}
        self.folded: dict[str, list[Entity]] = {}
        for entity in sorted(entities, key=lambda entity: entity.id):
            for name in dict.fromkeys((entity.name, *entity.aliases)):
                self.written.setdefault(name, []).append(entity)
            for name in dict.fromkeys(map(normalise, (entity.name, *entity.aliases))):
                self.folded.setdefault(name, []).append(entity)
        self.listed = list(self.folded)
        self.vocabulary = frozenset(word for name in self.listed for word in name.split(" "))
        self._lengths: dict[int, list[str]] = {}
        for name in self.listed:
            self._lengths.setdefault(len(name), []).append(name)
        self.bare: dict[str, list[str]] = {}
        for name in self.listed:
            self.bare.setdefault(_bare(name), []).append(name)
        self._families: dict[str, list[str]] = {}
        for name, parts in ((name, name.split(" ")) for name in self.listed):
            for at in (at for at, part in enumerate(parts) if part in _OF and at > 1):
                self._families.setdefault(" ".join(parts[:at]), []).append(name)
        self._outer: dict[str, set[str]] = {}
        for name in self.listed:
            parts = name.split(" ")
            # "Kepler", "Johannes", "de Hevesy": the first word, and all endings.
            for part in {parts[0], *(" ".join(parts[at:]) for at in range(1, len(parts)))} if len(parts) > 1 else ():
                self._outer.setdefault(_bare(part), set()).add(name)

    def mention(self, question: str) -> Mention | None:
        """The topic of a question, or ``None``."""
        stretches = spans(question)
        return self.exactly(question, stretches) or self.vaguely(question, stretches)

    def exactly(self, question: str, spans: Sequence[tuple[int, int]]) -> Mention | None:
        """The first of the spans, longest first, that is a name: one with a capital or a digit, else one in whatever case."""
        for start, end in spans:
            text = question[start:end]
            if (bearers := self.written.get(text)) and any(c.isupper() or c.isdigit() for c in text):
                return self.family(question, start, end) or Mention(start, end, tuple(bearers))
        for start, end in spans:
            if bearers := self.folded.get(normalise(question[start:end])):
                return self.family(question, start, end) or Mention(start, end, tuple(bearers))
        return next((found for start, end in spans if (found := self.family(question, start, end))), None)

    def family(self, question: str, start: int, end: int) -> Mention | None:
        """All things of one kind that are called so and more, where any of them is meant: "a Nobel Prize"."""
        if not (_ANY.search(question[:start]) and (names := self._families.get(text := normalise(question[start:end])))):
            return None
        called = [entity for name in (text, *names) for entity in self.folded.get(name, ())]
        kind = Counter(kind for entity in called for kind in entity.kinds if kind != "thing").most_common(1)
        bearers = {entity.id: entity for entity in called if kind and kind[0][0] in entity.kinds}
        return Mention(start, end, tuple(bearers.values()), family=True) if len(bearers) > 1 else None

    def vaguely(self, question: str, spans: Sequence[tuple[int, int]]) -> Mention | None:
        """What one of the spans, longest first, may name though no name stands there as it is written."""
        for start, end in spans:
            if names := self.bare.get(_bare(normalise(question[start:end]))):
                return Mention(start, end, tuple(self.folded[names[0]]), exact=False)
        several = [span for span in spans if " " in question[span[0] : span[1]]]
        return (
            self._initialled(question, spans)
            or self.misspelt(question, several)
            or self._shortened(question, spans)
            or self.misspelt(question, spans)
            or self._misspelt_short(question, spans)
            or self._shortened(question, spans, SHARED)
        )

    def _initialled(self, question: str, spans: Sequence[tuple[int, int]]) -> Mention | None:
        """The end of a name behind the first letters of what stands before it: "J. J. Berzelius"."""
        for start, end in spans:
            if not (match := _INITIALS.fullmatch(question[start:end])):
                continue
            letters, rest = [c for c in normalise(match[1]) if c.isalpha()], _bare(normalise(match[2]))
            names = [name for name in sorted(self._outer.get(rest, ())) if _begin(name.split(" "), letters, rest)]
            bearers = {entity.id: entity for name in names for entity in self.folded[name]}
            if 1 <= len(bearers) <= SHARED:
                return Mention(start, end, tuple(bearers.values()), exact=False)
        return None

    def _shortened(self, question: str, spans: Sequence[tuple[int, int]], most: int = 1) -> Mention | None:
        """The end of a name, or a first name, that one entity has, or a few, and that no other capital stands beside."""
        for start, end in spans:
            text = question[start:end]
            if not text[:1].isupper() or _beside(question, start, end):
                continue
            names = self._outer.get(_bare(normalise(text)), set())
            bearers = {entity.id: entity for name in sorted(names) for entity in self.folded[name]}
            if 1 <= len(bearers) <= most:
                return Mention(start, end, tuple(bearers.values()), exact=False)
        return None

    def misspelt(self, question: str, spans: Sequence[tuple[int, int]]) -> Mention | None:
        """The likeliest of the spans that are nearly a name: by one slip of the pen, else by the letters in common."""
        texts = {span: normalise(question[span[0] : span[1]]) for span in spans}
        for near, reach in ((_slipped, lambda size: (size - 1, size + 1)), (_alike, _sizes)):
            best: tuple[float, int, int, int, str] | None = None
            for (start, end), text in texts.items():
                if len(text) < SHORTEST or not (hit := near(text, self._sized(*reach(len(text))))):
                    continue
                # Of two equally near, the longer: "Marie Curi" is nearer than "Curi" to what was meant.
                found = (hit[1] * (end - start), end - start, start, end, hit[0])
                best = max(best or found, found)
            if best:
                return Mention(best[2], best[3], tuple(self.folded[best[4]]), exact=False)
        return None

    def _sized(self, least: int, most: int) -> list[str]:
        """The names of so many letters."""
        return [name for length in range(least, most + 1) for name in self._lengths.get(length, ())]

    def _misspelt_short(self, question: str, spans: Sequence[tuple[int, int]]) -> Mention | None:
        """Capital words that are nearly the end of one entity's name, or its first name."""
        for start, end in spans:
            text = question[start:end]
            if len(text) < SHORTEST or not text[0].isupper() or _beside(question, start, end):
                continue
            bare = _bare(normalise(text))
            hit = _slipped(bare, list(self._outer)) or _alike(bare, list(self._outer))
            if hit and len(self._outer[hit[0]]) == 1 and len(bearers := self.folded[next(iter(self._outer[hit[0]]))]) == 1:
                return Mention(start, end, tuple(bearers), exact=False)
        return None

    def near(self, question: str, limit: int = 5) -> tuple[str, ...]:
        """Names somewhat like words of the question, nearest first."""
        from rapidfuzz import fuzz, process

        scores: dict[str, float] = {}
        for start, end in spans(question):
            text = normalise(question[start:end])
            for name, score, _ in process.extract(text, self.listed, scorer=fuzz.ratio, limit=limit, score_cutoff=SUGGESTED):
                scores[name] = max(score, scores.get(name, 0.0))
        ranked = sorted(scores, key=lambda name: (-scores[name], name))[:limit]
        return tuple(self.folded[name][0].name for name in ranked)


def _begin(parts: Sequence[str], letters: Sequence[str], rest: str) -> bool:
    """Whether the words of a name before its end begin with these letters: the first with the first, some of the others between."""
    before = iter([_bare(part)[:1] for part in parts[: len(parts) - len(rest.split(" "))]])
    return next(before, "") == letters[0] and all(letter in before for letter in letters[1:])


def bracketed(question: str) -> list[tuple[int, int]]:
    """What stands in square brackets."""
    return [match.span(1) for match in _BRACKETS.finditer(question)]


def spans(question: str) -> list[tuple[int, int]]:
    """Stretches of the question that could be a name, longest first; only what stands in brackets when there are any."""
    if marked := bracketed(question):
        return sorted(marked, key=lambda span: span[0] - span[1])
    found = words(question)
    stretches = {(found[i].start, end) for i in range(len(found)) for end in _ends(question, found[i : i + LONGEST])}
    return sorted(stretches, key=lambda span: (span[0] - span[1], span[0]))


def _slipped(text: str, names: Sequence[str]) -> tuple[str, float] | None:
    """The name that differs from a text by one slip of the pen, and how like they are."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    slip = process.extractOne(text, names, scorer=OSA.distance, score_cutoff=1) if len(text) >= SHORTEST_SLIP else None
    return (slip[0], 100.0 - 100.0 / len(text)) if slip else None


def _alike(text: str, names: Sequence[str]) -> tuple[str, float] | None:
    """The name that has most letters in common with a text, if it is enough of them, and how many of 100."""
    from rapidfuzz import fuzz, process

    hit = process.extractOne(text, names, scorer=fuzz.ratio, score_cutoff=NEARLY)
    return (hit[0], hit[1]) if hit else None


def _sizes(size: int) -> tuple[int, int]:
    """How few and how many letters a name may have that has enough in common with one of this size."""
    return int(size * NEARLY / (200 - NEARLY)), int(size * (200 - NEARLY) / NEARLY) + 1


def _beside(question: str, start: int, end: int) -> bool:
    """Whether a capital word stands right beside: "Albert" in "Albert Einstein" names nobody else."""
    before, after = _BEFORE.search(question[:start]), _AFTER.match(question[end:])
    led = before is not None and before[1][0].isupper() and before[1].casefold() not in FUNCTION_WORDS
    return led or (after is not None and after[1].isupper())


def _bare(text: str) -> str:
    """Without accents: "Irène" is "Irene"."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _ends(question: str, run: Sequence[Word]) -> Iterable[int]:
    for length, word in enumerate(run, start=1):
        if length > 1 or word.text.casefold() not in FUNCTION_WORDS:
            yield word.end
            # A name may end in a mark: "Who's Afraid of Virginia Woolf?", "Dr."
            if question[word.end : word.end + 1] in (".", "!", "?", ")"):
                yield word.end + 1
