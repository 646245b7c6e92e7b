"""How the hops of a network are said, and how near a phrase comes to them.

A hop's wordings are its card's name and prompts, and against its direction the inverse's name as well; the
definition counts for likeness alone, since its words are many and common. Its profile says what it leads to.
Likeness is measured against ordinary words, hop by hop, because the vectors of some wordings are near to
everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kgplatform.cardform import SLOT
from kgplatform.cards import ancestors
from kgplatform.literals import DATATYPES
from kgplatform.lm.ports import Encoder
from kgplatform.types import Entity, Kind, Relation
from reasoning.paths.search import Network
from reasoning.paths.words import ASKED_BY, FUNCTION_WORDS, background, content, is_past, kinship, singular, stem

Reals = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

KINDLESS = frozenset(map(stem, ("thing", "date", "year", "time")))
VALUES = frozenset(map(stem, DATATYPES))
TELLING = 2.0
"""So many telling words are enough of a long prompt."""


class Wording:
    """The wording of all hops of a network: likeness of phrases and words in common, hop by hop."""

    def __init__(self, network: Network, cards: Mapping[str, Relation], kinds: Mapping[str, Kind], encoder: Encoder) -> None:
        self.encoder = encoder
        held = [cards.get(name) or Relation(name) for name in network.relations]
        self.said = said = [wordings(card)[0] for card in held] + [wordings(card)[1] for card in held]
        meant = [[*texts, card.definition] if card.definition else texts for texts, card in zip(said, held * 2, strict=True)]
        self.ends = ends(network, kinds)
        self.level = level(network)
        self.kinds = frozenset(set().union(*self.ends) - KINDLESS)
        self.words = _weighed(said, set().union(*self.ends))
        ordinary = encoder.encode(background())
        self.named = Likeness(encoder, meant, ordinary)
        profiles = _profiles(network, self.ends)
        self.profile = Likeness(encoder, profiles, ordinary)
        self.titles = titles(held)
        kindless = all(end <= KINDLESS for end in self.ends)
        self.called = (
            Likeness(encoder, [own or other for own, other in zip(self.titles, profiles, strict=True)], ordinary) if kindless else None
        )

    def titled(self, noun: str) -> Reals:
        """Whether a noun is a form of a word by which each hop's end is called."""
        return np.array([max((kinship(noun, word) for text in texts for word in content(text)), default=0.0) for texts in self.titles])

    def untold(self, stretch: Sequence[str]) -> Truths:
        """The hops of which words for kinds alone tell nothing: those between things of that kind, and those from dates or numbers."""
        named = {stem(singular(word)) for word in stretch}
        if not named or not named <= self.kinds:
            return np.zeros(len(self.ends), dtype=np.bool_)
        starts = self.ends[len(self.ends) // 2 :] + self.ends[: len(self.ends) // 2]
        held = [(level and named <= end) or start <= VALUES for level, start, end in zip(self.level, starts, self.ends, strict=True)]
        return np.array(held, dtype=np.bool_)

    def shared(self, stretch: Sequence[str]) -> Reals:
        """What part of each hop's wording stands in a stretch, itself or in another form; words of few relations count more."""
        return np.array([max(_covered(stretch, text) for text in texts) for texts in self.words])


class Likeness:
    """Cosine of phrases with texts of each hop (the nearest counts), in standard deviations over ordinary words."""

    def __init__(self, encoder: Encoder, texts: Sequence[Sequence[str]], ordinary: Vectors) -> None:
        self.vectors = encoder.encode([text for group in texts for text in group])
        self.starts = np.cumsum([0, *(len(group) for group in texts)])[:-1]
        plain = self._nearest(ordinary)
        self.mean, self.spread = plain.mean(axis=0), plain.std(axis=0) + 1e-6

    def _nearest(self, vectors: Vectors) -> Reals:
        return np.maximum.reduceat((vectors @ self.vectors.T).astype(np.float64), self.starts, axis=1)

    def __call__(self, vectors: Vectors) -> Reals:
        """``(phrases, dimension) -> (phrases, hops)``."""
        standard: Reals = (self._nearest(vectors) - self.mean) / self.spread
        return standard


def plain(name: str) -> str:
    """A relation's name as words: ``plain("directed_by") == "directed by"``."""
    return " ".join(name.replace("_", " ").split())


def wordings(card: Relation) -> tuple[list[str], list[str]]:
    """How a relation is said along its direction, and against it; a class ("genre") and a topic ("tags") as such are asked for."""
    prompts = [" ".join(SLOT.sub(" ", prompt).strip(" .?").split()) for prompt in card.prompts]
    called = {stem(word) for word in content(plain(card.name))[-1:]}
    besides = [text for names, texts in ASKED_BY if not called.isdisjoint(map(stem, names.split())) for text in texts]
    forward = [text for text in dict.fromkeys([plain(card.name), *prompts, *besides]) if text]
    return forward, [text for text in dict.fromkeys([plain(card.inverse), *forward]) if text]


def titles(cards: Sequence[Relation]) -> list[list[str]]:
    """What the end of each hop is called: the tail of "directed by" or "genre" by that, but the head of "author of" or "wrote"."""
    called: list[list[str]] = [[] for _ in range(2 * len(cards))]
    for number, card in enumerate(cards):
        for name, tail in ((plain(card.name), number), (plain(card.inverse), number + len(cards))):
            last = name.split(" ")[-1].casefold()
            if last == "of" or is_past(last):
                called[(tail + len(cards)) % len(called)].append(name)
            elif last == "by" or last not in FUNCTION_WORDS | {""}:
                called[tail].append(name)
    return called


def ends(network: Network, kinds: Mapping[str, Kind]) -> list[set[str]]:
    """For each hop, the stems of the kinds, super-kinds and datatypes that it leads to, and "year" or "date" where its name says so."""
    count = len(network.relations)
    numbers = {name: number for number, name in enumerate(network.relations)}
    found: list[set[str]] = [set() for _ in range(network.hops)]
    for fact in network.facts:
        relation = numbers[fact.relation]
        found[relation + count].update(fact.head.kinds)
        found[relation].update(fact.tail.kinds if isinstance(fact.tail, Entity) else (fact.tail.datatype,))
    for number, name in enumerate(network.relations):
        found[number].update({"date", "year", "time"}.intersection(content(plain(name))))
    return [{stem(kind.casefold()) for held in group for kind in ancestors(held, kinds)} for group in found]


def level(network: Network) -> Truths:
    """The hops of which most lead from a thing to one of the same kinds."""
    numbers = {name: number for number, name in enumerate(network.relations)}
    alike, count = np.zeros(len(numbers)), np.zeros(len(numbers))
    for fact in network.facts:
        count[numbers[fact.relation]] += 1
        alike[numbers[fact.relation]] += isinstance(fact.tail, Entity) and fact.head.kinds == fact.tail.kinds
    return np.tile(2 * alike > count, 2)


def _profiles(network: Network, kinds: Sequence[set[str]]) -> list[list[str]]:
    """For each hop, words for what it leads to: its kinds, and all that is said of things there ("film" is what has directors)."""
    count = len(network.relations)
    taken = network.codes % network.hops
    profiles = []
    for hop, held in enumerate(kinds):
        leading = [other for other in network.exits(np.unique(network.ends[taken == hop])) if other < count]
        texts = (" ".join(sorted(held - {stem("thing")})), " ".join(plain(network.relations[other]) for other in leading))
        profiles.append([text for text in texts if text] or ["thing"])
    return profiles


def _weighed(texts: Sequence[Sequence[str]], kinds: set[str]) -> list[list[dict[str, float]]]:
    """For each text of each hop its words, and how much each (by its stem) says about which relation is meant.

    1 for a word of one relation alone; nothing for the name of a kind ("person"), which the question may use of anything.
    """
    relations = len(texts) // 2
    users: dict[str, set[int]] = {}
    for hop, group in enumerate(texts):
        for form in {stem(word) for text in group for word in content(text)}:
            users.setdefault(form, set()).add(hop % relations)
    worth = {form: float(np.log1p(relations / len(held)) / np.log1p(relations)) for form, held in users.items() if form not in kinds}
    return [[{word: worth[stem(word)] for word in content(text) if stem(word) in worth} for text in group] for group in texts]


def _covered(stretch: Sequence[str], text: Mapping[str, float]) -> float:
    if not text:
        return 0.0
    kin = sum(rarity * max(kinship(word, other) for word in stretch) for other, rarity in text.items())
    return min(1.0, kin / min(TELLING, sum(text.values())))
