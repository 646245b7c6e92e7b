"""Answer a question by walking the graph, and show the walk.

No language model is asked: the topic is found by its name, every relation path of up to three hops from there
is aligned with the question, and the best one is walked with the whole set it reaches. What the graph
does not say is not answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kgplatform.lm.ports import Encoder
from kgplatform.types import Entity, Fact, Kind, Literal, Path, Relation, Status, in_words
from reasoning.paths.alignment import Aligner
from reasoning.paths.question import read
from reasoning.paths.search import Hops, Network
from reasoning.paths.topic import Mention, Names

HOPS = 3
FLOOR = 3.2
"""What the worst hop must be worth: words so much nearer to it than ordinary words are, in standard deviations, above what they
are to other relations, with the kind of answer. Below it the question asks for something that the graph has no relation for."""
TEMPERATURE = 3.0
"""How many standard deviations of alignment make one path e times likelier than another."""
CONSIDERED = 60
"""Paths that are walked to see where they lead, the best aligned first."""
BEARERS = 5
SHOWN = 10


class Graph(Protocol):
    """What answering needs of ``kgplatform.graph.KnowledgeGraph``."""

    def facts(self, *, status: Status = "current") -> Iterable[Fact]: ...

    def relations(self) -> Mapping[str, Relation]: ...

    def kinds(self) -> Mapping[str, Kind]: ...


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the question: the route it takes, where that leads, and its share of likelihood."""

    topic: Entity
    route: tuple[str, ...]
    answers: tuple[Entity | Literal, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the graph says. ``paths`` hold one walk to each answer, in the answers' order: the most believed.

    ``confidence`` is the share of this reading among the readings times the belief in the best walk. ``supported`` is false
    when nothing was found; ``text`` then says why, and ``near`` has names that may have been meant. ``conflicts`` are facts
    on the walk that cannot all be true.
    """

    text: str
    supported: bool
    topic: Entity | None = None
    route: tuple[str, ...] = ()
    answers: tuple[Entity | Literal, ...] = ()
    paths: tuple[Path, ...] = ()
    confidence: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    conflicts: tuple[tuple[Fact, ...], ...] = ()
    near: tuple[str, ...] = ()

    @property
    def entities(self) -> tuple[Entity, ...]:
        return tuple(answer for answer in self.answers if isinstance(answer, Entity))

    @property
    def literals(self) -> tuple[Literal, ...]:
        return tuple(answer for answer in self.answers if isinstance(answer, Literal))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A path from a topic that leads somewhere."""

    topic: Entity
    hops: Hops
    score: float
    worst: float
    reached: tuple[int, ...]


def ask(kg: Graph, question: str, encoder: Encoder, *, predicted: bool = False) -> Answer:
    """Answer from the current facts, and from predicted ones too when asked; rejected ones are never walked."""
    statuses: tuple[Status, ...] = ("current", "predicted") if predicted else ("current",)
    facts = [fact for status in statuses for fact in kg.facts(status=status)]
    return Guide(facts, kg.relations(), kg.kinds(), encoder).answer(question)


class Guide:
    """Some facts made ready for many questions."""

    def __init__(self, facts: Iterable[Fact], cards: Mapping[str, Relation], kinds: Mapping[str, Kind], encoder: Encoder) -> None:
        self.cards = cards
        self.network = Network.of(facts, [name for name, card in cards.items() if card.symmetric])
        self.names = Names(node for node in self.network.nodes if isinstance(node, Entity))
        self.aligner = Aligner(self.network, cards, kinds, encoder) if self.network.facts else None

    def answer(self, question: str) -> Answer:
        """The best-aligned reading of the question, or an honest no."""
        if self.aligner is None:
            return Answer("The graph holds no facts yet: import or harvest some first.", False)
        mention = self.names.mention(question)
        if mention is None:
            return self._no_topic(question)
        readings = self._readings(question, mention, self.aligner)
        if not readings or readings[0].worst < FLOOR:
            return self._no_relation(mention, readings)
        return self._told(readings, mention)

    def _readings(self, question: str, mention: Mention, aligner: Aligner) -> list[_Reading]:
        """Every path that leads somewhere, best first; of those that reach the same, the best alone."""
        asked = read(question, mention.start, mention.end)
        found: dict[tuple[int, ...], _Reading] = {}
        for topic in mention.entities[:BEARERS]:
            start = self.network.numbers[topic.id]
            paths = self.network.paths(start, HOPS)
            scores, worst = aligner.scores(asked, paths)
            for row in np.argsort(-scores, kind="stable")[:CONSIDERED].tolist():
                reached = tuple(self.network.reached(start, paths[row]).tolist()) if np.isfinite(scores[row]) else ()
                if reached and (reached not in found or found[reached].score < scores[row]):
                    found[reached] = _Reading(topic, paths[row], float(scores[row]), float(worst[row]), reached)
        return sorted(found.values(), key=lambda reading: (-reading.score, reading.topic.id, reading.hops))

    def _told(self, readings: Sequence[_Reading], mention: Mention) -> Answer:
        best = readings[0]
        shares = np.exp((np.array([reading.score for reading in readings]) - best.score) / TEMPERATURE)
        shares /= shares.sum()
        walks = sorted(
            self.network.walks(self.network.numbers[best.topic.id], best.hops).items(),
            key=lambda walk: (-_belief(walk[1]), in_words(self.network.nodes[walk[0]])),
        )
        answers = tuple(self.network.nodes[end] for end, _ in walks)
        paths = tuple(path for _, path in walks)
        conflicts = tuple(self._conflicts(best))
        return Answer(
            text=_text(best.topic, self._route(best.hops), answers, paths, conflicts, mention),
            supported=True,
            topic=best.topic,
            route=self._route(best.hops),
            answers=answers,
            paths=paths,
            confidence=float(shares[0]) * _belief(paths[0]),
            alternatives=tuple(self._alternative(reading, share) for reading, share in zip(readings[1:4], shares[1:4], strict=False)),
            conflicts=conflicts,
        )

    def _alternative(self, reading: _Reading, share: float) -> Alternative:
        answers = tuple(self.network.nodes[end] for end in reading.reached)
        return Alternative(reading.topic, self._route(reading.hops), answers, float(share))

    def _route(self, hops: Hops) -> tuple[str, ...]:
        """The hops in words; against its direction a relation is called by its inverse's name."""
        count = len(self.network.relations)
        names = ((self.network.relations[hop % count], hop >= count) for hop in hops)
        return tuple(self._inverse(name) if against else name for name, against in names)

    def _inverse(self, name: str) -> str:
        card = self.cards.get(name)
        return card.inverse if card and card.inverse else f"{name}, backwards"

    def _conflicts(self, reading: _Reading) -> Iterator[tuple[Fact, ...]]:
        """Facts on the walk that give one head of a functional relation several tails."""
        nodes = np.array([self.network.numbers[reading.topic.id]], dtype=np.int64)
        for length, hop in enumerate(reading.hops, start=1):
            name = self.network.relations[hop % len(self.network.relations)]
            card = self.cards.get(name)
            if card is not None and card.functional and hop < len(self.network.relations):
                edges, places = self.network.edges(nodes, hop)
                for place in np.flatnonzero(np.bincount(places) > 1).tolist():
                    facts = tuple(self.network.facts[self.network.origin[edge]] for edge in edges[places == place])
                    if not _one_date(facts):
                        yield facts
            nodes = self.network.reached(self.network.numbers[reading.topic.id], reading.hops[:length])

    def _no_topic(self, question: str) -> Answer:
        near = self.names.near(question)
        hint = f" Names somewhat like it: {', '.join(near)}." if near else ""
        return Answer(f"The question names nothing that is in the graph.{hint}", False, near=near)

    def _no_relation(self, mention: Mention, readings: Sequence[_Reading]) -> Answer:
        topic = mention.entities[0]
        known = [self._route((hop,))[0] for hop in self.network.exits(np.array([self.network.numbers[topic.id]]))]
        alternatives = tuple(self._alternative(reading, 0.0) for reading in readings[:3])
        text = f"The graph says nothing of {topic.name} that fits the question. It knows: {', '.join(known[:SHOWN])}."
        return Answer(text, False, topic=topic, alternatives=alternatives)


def _belief(path: Path) -> float:
    belief = 1.0
    for step in path.steps:
        belief *= step.fact.confidence
    return belief


def _one_date(facts: Sequence[Fact]) -> bool:
    """Whether the tails are one date, told more and less precisely: that is no disagreement."""
    dates = [fact.tail.value for fact in facts if isinstance(fact.tail, Literal) and fact.tail.datatype in ("date", "year")]
    return len(dates) == len(facts) and all(max(dates, key=len).startswith(date) for date in dates)


def _text(
    topic: Entity,
    route: Sequence[str],
    answers: Sequence[Entity | Literal],
    paths: Sequence[Path],
    conflicts: Sequence[Sequence[Fact]],
    mention: Mention,
) -> str:
    shown = [
        in_words(answer) + (" (predicted)" if any(step.fact.origin == ("predicted",) for step in path.steps) else "")
        for answer, path in zip(answers[:SHOWN], paths[:SHOWN], strict=True)
    ]
    more = f" and {len(answers) - SHOWN} more" if len(answers) > SHOWN else ""
    parts = [f"{topic.name} – {' – '.join(route)}: {', '.join(shown)}{more}."]
    parts += [
        f"The sources disagree: {facts[0].head.name} has {len(facts)} values of {facts[0].relation!r}"
        f" ({', '.join(in_words(fact.tail) for fact in facts)}), and one at most can be true."
        for facts in conflicts
    ]
    if not mention.exact:
        parts.append(f"I took the topic to be {topic.name}.")
    if len(mention.entities) > 1:
        parts.append(f"{len(mention.entities)} things bear that name; this is {topic.id}.")
    return " ".join(parts)
