"""Which wordings may stand as prompts of a relation.

A wording is refused when it has lost a slot, when it tells the model what one seed is about (BertNet's public prompts hold such
as "{head} was born in {tail}, lancashire"), or when it says what another one says already. The rules know nothing of who wrote it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from kgplatform.cardform import SLOT, slots
from kgplatform.names import normalise
from kgplatform.types import Relation

LONGEST = 200
"""Letters of a prompt, its slots included."""
ALIKE = 75.0
"""Fuzzy similarity (0 to 100) from which two prompts are one; BertNet's."""
STOP_WORDS = frozenset(
    "a about after all also an and any are as at be been before between both but by can could did do does during each every for from had "
    "has have he her him his how i if in into is it its many may more most much must near no not of off on one only or other our out over "
    "own per she should since so some such than that the their them then there these they this those through to too under until up upon us "
    "very was we were what when where which while who whom whose why will with within without would you your".split()
)
_WORD = re.compile(r"\w+")
_ENDINGS = re.compile("s|es|d|ed|ing|ers?|n|an|ian|ese|ic|ish|ist")
_SHORTEST_STEM = 4
_GLUED = re.compile(r"\w+\{[^{}]*\}|\{[^{}]*\}\w+")
_BESIDE = re.compile(r"\}, (?P<words>[^\W\d]+(?: [^\W\d]+)?)(?=[.,;]|$)")
_BEGINS = re.compile(r"(?:^|[.!?:;“”\"(–—-])\s*$")


def why_not(card: Relation, template: str, kept: Iterable[str] = ()) -> str | None:
    """Why a wording that somebody made of the card's prompts cannot stand beside those ``kept``; ``None`` when it can."""
    said = [*card.prompts, *kept]
    return (
        unfit(card, template)
        or contaminated(card, template)
        or strange(card, template)
        or turned(card, template, said)
        or alike(template, kept)
    )


def unfit(card: Relation, template: str) -> str | None:
    """What is wrong with its form: slots, length, letters beside a slot."""
    counts = Counter(SLOT.findall(template))
    wanted = slots(card)
    if wrong := next((slot for slot in wanted if counts[slot] != 1), None):
        return f"it does not hold {{{wrong}}} once"
    if len(counts) > len(wanted) or set("{}") & set(SLOT.sub("", template)):
        return "it has braces that are no slot of the card"
    if len(template) > LONGEST:
        return f"it has {len(template)} letters, more than {LONGEST}"
    if glued := _GLUED.search(template):
        return f"letters stand right beside a slot ({glued.group()}), which few names bear"
    return None


def contaminated(card: Relation, template: str) -> str | None:
    """Which word of a seed it holds, also with an ending (``japanese`` of ``Japan``); function words do not count."""
    seeds = seed_words(card.seeds)
    found = next((word for word in _words(template) if word in seeds or any(_is_form(word, seed) for seed in seeds)), None)
    return None if found is None else f"it holds {found!r}, which belongs to a seed"


def _is_form(word: str, seed: str) -> bool:
    return len(seed) >= _SHORTEST_STEM and word.startswith(seed) and _ENDINGS.fullmatch(word, len(seed)) is not None


@lru_cache(maxsize=256)
def seed_words(seeds: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """The normalised words of seeds, without function words."""
    return frozenset(word for seed in seeds for name in seed for word in _words(name)) - STOP_WORDS


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(normalise(SLOT.sub(" ", text))) if word not in STOP_WORDS]


def strange(card: Relation, template: str) -> str | None:
    """The name or number it brings in of which the card says nothing: probably of the one seed that it was worded with."""
    known = {word for text in (card.name, card.definition, *card.prompts) for word in _words(text)}
    for found in _WORD.finditer(SLOT.sub(lambda slot: "_" * len(slot[0]), template)):
        word = found.group()
        named = word[0].isupper() and word != "I" and not _BEGINS.search(template[: found.start()])
        if (named or any(letter.isdigit() for letter in word)) and normalise(word) not in known:
            return f"it brings in {word!r}, of which the card says nothing"
    for beside in _BESIDE.finditer(template):
        words = _words(beside["words"])
        if words and not STOP_WORDS & set(beside["words"].casefold().split()) and not known.issuperset(words):
            return f"it says {beside['words']!r} beside a slot, which is of one seed"
    return None


def turned(card: Relation, template: str, said: Iterable[str]) -> str | None:
    """Which prompt it is with head and tail changed places: of a relation that is not symmetric it says the opposite."""
    if card.symmetric:
        return None
    swap = {"head": "{tail}", "tail": "{head}"}
    backwards = normalise(SLOT.sub(lambda slot: swap.get(slot[1], slot[0]), template))
    found = next((prompt for prompt in said if normalise(prompt) == backwards), None)
    return f"it is {found!r} with head and tail changed places" if found else None


def alike(template: str, kept: Iterable[str]) -> str | None:
    """Which kept wording it resembles too much. One with its slots in another order asks a model something else, and is not like it."""
    from rapidfuzz import fuzz

    said, order = normalise(template), SLOT.findall(template)
    for other in kept:
        if other == template:
            return "it is there already"
        if SLOT.findall(other) == order and (likeness := fuzz.ratio(said, normalise(other))) >= ALIKE:
            return f"it is too much like {other!r} ({likeness:.0f} of 100)"
    return None
