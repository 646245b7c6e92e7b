"""Walk a question with one topic: every relation path from there is aligned with it, and the best one is walked as a whole set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from kgplatform.cards import ancestors
from kgplatform.literals import DATATYPES
from kgplatform.lm.ports import Encoder
from kgplatform.types import Entity, Kind, Literal, Path, Relation
from reasoning.agent.sets import Member, belief
from reasoning.paths.alignment import Aligner
from reasoning.paths.learning import Learned
from reasoning.paths.question import Asked
from reasoning.paths.search import Hops, Network
from reasoning.paths.words import content, kinship, singular, stem

Ints = npt.NDArray[np.int64]

HOPS = 3
FLOOR = 3.2
"""What the worst hop must be worth: words so much nearer to it than ordinary words are, in standard deviations, above what they
are to other relations, with the kind of answer. Below it the question asks for something that the graph has no relation for."""
FLOOR_OF_CARDS = 4.2
"""The same where cards say in several ways what a relation means: what fits is seen to fit."""
TEMPERATURE = 3.0
"""How many standard deviations of alignment make one path e times likelier than another."""
CONSIDERED = 60
"""Paths that are walked to see where they lead, the best aligned first."""
ALIKE = 0.68
"""Cosine of a word with the name of a kind that means it: "prize" is an award."""
INSIDE = 3
"""How many times over a thing that lies in another may hold others."""
_LITERALS = frozenset(map(stem, DATATYPES))
_TIMES = frozenset(map(stem, ("date", "year", "time")))
_DAYS, _WITHIN_YEARS = frozenset((stem("date"),)), frozenset(map(stem, ("month", "day")))
_PERSONS, _PLACES = frozenset((stem("person"),)), frozenset((stem("place"),))
_SOMEBODY = _PERSONS | frozenset(map(stem, ("organisation", "company")))
_KINDLESS = frozenset((stem("thing"),))


@dataclass(frozen=True, slots=True)
class Reading:
    """A path from a topic, and where it leads; nowhere when other things of the topic's kind have such a fact and it has none."""

    topic: Entity | None
    starts: tuple[int, ...]
    hops: Hops
    score: float
    worst: float
    reached: tuple[int, ...]
    share: float = field(default=0.0, compare=False)


class Walker:
    """Some facts made ready to be walked."""

    def __init__(self, network: Network, cards: Mapping[str, Relation], kinds: Mapping[str, Kind], encoder: Encoder) -> None:
        self.network, self.cards, self.encoder = network, cards, encoder
        self.aligner = Aligner(network, cards, kinds, encoder)
        self.count = len(network.relations)
        self.floor = FLOOR_OF_CARDS if self.aligner.carded else FLOOR
        held: dict[str, list[int]] = {}
        for number, node in enumerate(network.nodes):
            for kind in {kind for own in node.kinds for kind in ancestors(own, kinds)} if isinstance(node, Entity) else ():
                held.setdefault(kind, []).append(number)
        self.of_kind = {kind: np.array(numbers, dtype=np.int64) for kind, numbers in held.items()}
        self.kindless = np.array([not isinstance(node, Entity) or set(node.kinds) <= {"thing"} for node in network.nodes], dtype=np.bool_)
        self.kinds = frozenset(stem(kind.casefold()) for kind in held) - _KINDLESS
        self.roles = frozenset(word for group in self.aligner.wording.said for text in group for word in content(text))
        """The words of relations: a student is no kind of thing, but what somebody is to another."""

    def over(self, network: Network) -> Walker:
        """The same, over a part of its network."""
        other = copy(self)
        other.network = network
        return other

    def taught(self, learned: Learned | None) -> Walker:
        """The same with what was learned, and nothing that was learned before."""
        other = copy(self)
        other.aligner = copy(self.aligner)
        other.aligner.learned = learned
        return other

    def readings(
        self, asked: Asked, topics: Mapping[int, Entity | None], fits: Callable[[int], bool] = lambda _: True, together: bool = False
    ) -> list[Reading]:
        """Every path that leads somewhere, best first; of those that reach the same, the best alone, with the likelihood of all.

        ``fits`` says of a last hop whether its end may be an answer. The topics are looked at one by one, or ``together`` as one set.
        """
        return _merged(self.walked(asked, topics, fits, together))

    def walked(
        self, asked: Asked, topics: Mapping[int, Entity | None], fits: Callable[[int], bool] = lambda _: True, together: bool = False
    ) -> list[Reading]:
        """The same without leaving out any that reach what a better one does, and in no order."""
        kinds = {stem(kind) for noun in asked.nouns if (kind := self.kind_of(noun))}
        asked = replace(asked, named=asked.named | kinds)
        groups = [tuple(topics)] if together else [(start,) for start in topics]
        return [reading for starts in groups for reading in self._from(asked, starts, topics[starts[0]], fits)]

    def _from(self, asked: Asked, starts: tuple[int, ...], topic: Entity | None, fits: Callable[[int], bool]) -> Iterator[Reading]:
        at = np.array(starts, dtype=np.int64)
        real = self.network.paths(at, HOPS if topic else HOPS - 1)
        lacking = [(hop,) for hop in self._lacking(topic, at)] if topic else []
        paths = [path for path in (*real, *lacking) if fits(path[-1]) and self._answers(asked, path[-1])]
        if not paths:
            return
        scores, worst = self.aligner.scores(asked, paths)
        absent = set(lacking)
        for row in np.argsort(-scores, kind="stable")[:CONSIDERED].tolist():
            if not np.isfinite(scores[row]):
                continue
            reached = () if paths[row] in absent else tuple(self._of_kinds(asked.named, self.network.reached(at, paths[row])))
            if reached or paths[row] in absent:
                yield Reading(topic, starts, paths[row], float(scores[row]), float(worst[row]), reached)

    def _of_kinds(self, named: frozenset[str], reached: Ints) -> list[int]:
        """Without what is known to be of other kinds than those named, where anything is of those."""
        fitting = np.zeros(len(reached), np.bool_)
        for kind, things in self.of_kind.items():
            if stem(kind.casefold()) in named - _KINDLESS:
                fitting |= things[np.minimum(np.searchsorted(things, reached), len(things) - 1)] == reached
        kept: Ints = reached[fitting | self.kindless[reached]] if fitting.any() else reached
        return [int(node) for node in kept]

    def _lacking(self, topic: Entity, at: Ints) -> list[int]:
        """The hops by which other things of the topic's kind lead on, and it does not."""
        alike = [self.of_kind[kind] for kind in topic.kinds if kind != "thing" and kind in self.of_kind]
        return sorted(set(self.network.exits(np.concatenate(alike))) - set(self.network.exits(at))) if alike else []

    def _answers(self, asked: Asked, hop: int) -> bool:
        """Whether the end can answer the question word at all.

        "Where" is no date and nobody, "when" is nothing but a date, "who" no language, "which country" no city, "which month" no year.
        """
        every = self.aligner.wording.ends
        ends = every[hop]
        kinds = self.kinds.intersection(stem(singular(noun)) for noun in asked.nouns)
        if kinds and not ends <= _KINDLESS and kinds.isdisjoint(ends):
            return False
        if ends <= _KINDLESS:
            return True
        if asked.named & _WITHIN_YEARS and not ends & _DAYS:
            return False
        if not asked.wanted:
            return True
        for kinds in (_TIMES, _SOMEBODY):
            if asked.wanted & kinds and any(kinds & other for other in every):
                return bool(ends & kinds)
        if asked.wanted & _PLACES and ends & _PERSONS:
            return False
        return bool(asked.wanted & _LITERALS) or not ends <= _LITERALS

    def chosen(self, readings: Sequence[Reading]) -> Reading | None:
        """The best reading, if it explains the question and leads somewhere; one that leads nowhere must be better by much to win."""
        real = next((one for one in readings if one.reached), None)
        if real is None or real.worst < self.floor or readings[0].score > real.score + TEMPERATURE:
            return None
        return real

    def kind_of(self, noun: str) -> str:
        """The kind of things that a word asks for: its own name, or the nearest; "" when there is none."""
        kinds = [kind for kind in self.of_kind if kind != "thing"]
        wanted = stem("person" if noun == "who" else singular(noun))
        same = next((kind for kind in kinds if stem(kind) == wanted), "")
        if same or not noun or not kinds or any(kinship(noun, word) for word in self.roles):
            return same if noun else ""
        near = (self.encoder.encode(kinds) @ self.encoder.encode([noun, noun.removesuffix("s")]).T).max(axis=1)
        return kinds[int(np.argmax(near))] if float(near.max()) >= ALIKE else ""

    def members(self, reading: Reading) -> dict[int, Member]:
        """What the reading leads to, each with its most believed walk."""
        walks = self.network.walks(np.array(reading.starts, dtype=np.int64), reading.hops) if reading.reached else {}
        return {end: Member(belief(walks[end]), (walks[end],)) for end in reading.reached}

    def inside(self, start: int) -> dict[int, Path]:
        """What lies in a thing, by the relations that pass on from part to whole, with the walk there."""
        found: dict[int, Path] = {}
        for name, card in self.cards.items():
            if card.transitive and name in self.network.relations:
                hop = self.network.relations.index(name) + self.count
                for times in range(INSIDE, 0, -1):
                    found |= self.network.walks(start, (hop,) * times)
        return found

    def around(self, nodes: Sequence[int]) -> dict[int, Path]:
        """What things lie in, by the same relations."""
        found: dict[int, Path] = {}
        for name, card in self.cards.items():
            if card.transitive and name in self.network.relations and nodes:
                hop = self.network.relations.index(name)
                for times in range(INSIDE, 0, -1):
                    found |= self.network.walks(np.array(nodes, dtype=np.int64), (hop,) * times)
        return found

    def passes(self, hops: Hops) -> bool:
        """Whether what is said of the parts is said of the whole: of cities' people, not of what is one thing's alone."""
        card = self.cards.get(self.network.relations[hops[0] % self.count])
        return len(hops) == 1 and not (card and card.inverse_functional)

    def route(self, hops: Hops) -> tuple[str, ...]:
        """The hops in words; against its direction a relation is called by its inverse's name."""
        names = ((self.network.relations[hop % self.count], hop >= self.count) for hop in hops)
        return tuple(self._inverse(name) if against else name for name, against in names)

    def _inverse(self, name: str) -> str:
        card = self.cards.get(name)
        return card.inverse if card and card.inverse else f"{name}, backwards"

    def known(self, start: int) -> list[str]:
        """What the graph says of a thing, relation by relation."""
        return [self.route((hop,))[0] for hop in self.network.exits(np.array([start]))]

    def node(self, number: int) -> Entity | Literal:
        return self.network.nodes[number]


def _merged(found: Sequence[Reading]) -> list[Reading]:
    """The best reading of each set, best first; its share is that of all that lead there."""
    if not found:
        return []
    weights = np.exp((np.array([reading.score for reading in found]) - max(reading.score for reading in found)) / TEMPERATURE)
    weights /= weights.sum()
    best: dict[tuple[object, ...], Reading] = {}
    total: dict[tuple[object, ...], float] = {}
    for reading, weight in zip(found, weights.tolist(), strict=True):
        key = reading.reached or (None, reading.hops)
        total[key] = total.get(key, 0.0) + weight
        if key not in best or best[key].score < reading.score:
            best[key] = reading
    ordered = sorted(best.items(), key=lambda item: (-item[1].score, item[1].starts, item[1].hops))
    return [replace(reading, share=total[key]) for key, reading in ordered]
