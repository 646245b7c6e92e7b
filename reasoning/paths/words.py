"""Questions as words: which of them carry content, and which two words are forms of one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

FUNCTION_WORDS = frozenset(
    """a an the this that these those and or of in on at by to from with for as into about is are was were be been being am
    do does did has have had having will would can could may might shall should must it its it's he his him she her hers
    they them their theirs we us our i me my you your there here what which who whom whose when where why how than then so
    too very just only any some each every all one s name list tell give show find please know""".split()
)
ARTICLES = frozenset(("a", "an", "the"))
RETURNS = frozenset("also same share shares shared sharing both common too co together alike similar".split())
"""Words that say: along a relation and back, to what shares it. They explain nothing else."""
QUESTION_WORDS = frozenset("what which who whom whose when where".split())
TYPES = ("type", "kind", "sort")
"""The nouns by which English asks for the class of a thing ("what kind of film"), whatever its relation is called."""
LIGHT = frozenset(
    """thing things
    get gets got getting come comes came coming go goes went going gone make makes made making take takes took taken taking give gives
    gave given keep keeps kept happen happened exactly actually really originally officially currently probably finally ever never again
    now today already still well known called famous different various certain""".split()
)
"""Words that a question may hold without asking for anything by them."""
ASKED_BY = (
    ("type kind sort category class genre species style variety", TYPES),
    ("keyword label subject tag theme topic", ("topic", "keyword", "described by words", "about")),
)
"""What else asks for a relation that is called by one of these words."""
_SUFFIXES = (
    *("ations", "ation", "ships", "ship", "ments", "ment", "ions", "ion", "ings", "ing"),
    *("ors", "or", "ers", "er", "ed", "es", "en", "s", "e"),
)
_IRREGULAR = {
    form: base
    for base, forms in {
        "die": "died dies dying dead death",
        "teach": "taught",
        "writ": "wrote",
        "win": "won wins",
        "lead": "led",
        "build": "built",
        "mak": "made",
        "giv": "gave given",
        "speak": "spoke spoken",
        "sing": "sang sung",
        "lie": "lies lay lying",
        "lay": "laid",
        "hold": "held",
        "run": "ran runs",
        "know": "knew known",
        "grow": "grew grown",
        "buy": "bought",
        "sell": "sold",
        "fight": "fought",
        "meet": "met",
    }.items()
    for form in forms.split()
}
"""Forms of common verbs that no ending gives away, with their stem."""
_PLURALS = {"people": "person", "persons": "person", "men": "man", "women": "woman"}
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
SHORTEST_STEM = 3
SHORTEST_PART = 4
SHARED_PREFIX = 5


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in a text, from ``start`` to ``end``."""

    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text; a possessive ``'s`` is no part of one."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group()
        kept = word[:-2] if word[-2:] in ("'s", "’s") else word
        found.append(Word(kept, match.start(), match.start() + len(kept)))
    return found


def content(text: str) -> list[str]:
    """The words that carry content, folded; all words when none does."""
    folded = [word.text.casefold() for word in words(text)]
    return [word for word in folded if word not in FUNCTION_WORDS] or folded


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """A word without its ending: ``stem("directors") == stem("directed")``, ``stem("cities") == stem("city")``."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("ies", "ied")) and len(word) > SHORTEST_STEM + 1:
        return f"{word[:-3]}y"
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= SHORTEST_STEM:
            cut = word[: -len(suffix)]
            return cut[:-1] if len(cut) > SHORTEST_STEM and cut[-1] == cut[-2] else cut
    return word


def singular(word: str) -> str:
    """The name of a kind for its irregular plural."""
    return _PLURALS.get(word, word)


def is_past(word: str) -> bool:
    """Whether a word looks like a verb of what is over: "wrote", "founded"."""
    return word in _IRREGULAR or (word.endswith("ed") and len(word) > SHORTEST_STEM + 1)


def kinship(first: str, second: str) -> float:
    """1 for the same word, less for the same stem, a compound (screenwriter, written) or a long common beginning, else 0."""
    if first == second:
        return 1.0
    one, other = stem(first), stem(second)
    if one == other:
        return 0.9
    if min(len(one), len(other)) >= SHORTEST_PART and (one.endswith(other) or other.endswith(one)):
        return 0.7
    shared = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    return 0.7 if shared >= SHARED_PREFIX and shared >= 0.6 * max(len(first), len(second)) else 0.0


def background() -> list[str]:
    """Ordinary words of no topic, against which a likeness is measured."""
    return resources.files("reasoning.paths").joinpath("background.txt").read_text("utf-8").split()
