"""Answer a question by walking the graph, and show the walk.

No language model is asked: names are found in the question, every relation path of up to three hops from there
is aligned with it, and the best one is walked with the whole set it reaches. A question that needs more than a
walk (how many, both, not, before, the first, whether) is cut into such, and their sets are put together
(``plan``, ``solve``, ``truth``). What the graph does not say is not answered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Protocol

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.lm.ports import Encoder
from kgplatform.types import Entity, EntityId, Fact, Kind, Literal, Relation, Status
from reasoning.agent import cues, sets, telling
from reasoning.agent.answer import Alternative, Answer
from reasoning.agent.found import Found, Topic, Unsaid
from reasoning.agent.marks import marked, of
from reasoning.agent.phrases import Slot
from reasoning.agent.plan import Plan, plan
from reasoning.agent.solve import Solver, ambiguous
from reasoning.agent.truth import judged
from reasoning.agent.walker import Reading, Walker
from reasoning.paths.learning import Mark, learn
from reasoning.paths.linking import link
from reasoning.paths.question import read
from reasoning.paths.search import Network
from reasoning.paths.topic import Mention, Names
from reasoning.paths.values import NUMBERS, Scale, Value
from reasoning.paths.words import FUNCTION_WORDS, background, stem, words

FOREIGN = 0.25
"""Of the words beside the names fewer are known in a question that is in another language."""
_AGE = re.compile(r"\bhow old\b.*\b(?:when|in|at)\b", re.IGNORECASE)
_RELATED = re.compile(r"^\W*how (?:is|are|was|were)\b.*\b(?:related|connected|linked)\b", re.IGNORECASE)
_REASON = re.compile(r"^\W*(?:why|how (?:come|is|are|was|were|do|does|did|can|could|has|have))\b", re.IGNORECASE)
LONGEST = 1_000
"""Characters of a question."""
SUPPORT = 100
"""Walks that an answer made of sets shows at most."""


class Graph(Protocol):
    """What answering needs of ``kgplatform.graph.KnowledgeGraph``."""

    def facts(self, *, status: Status = "current") -> Iterable[Fact]: ...

    def relations(self) -> Mapping[str, Relation]: ...

    def kinds(self) -> Mapping[str, Kind]: ...


def ask(kg: Graph, question: str, encoder: Encoder, *, predicted: bool = False, means: Collection[str] = ()) -> Answer:
    """Answer from the current facts, and from predicted ones too when asked; rejected ones are never walked.

    ``means`` are ids of entities: a name in the question that several bear is one of these.
    """
    return guide(kg, encoder, predicted=predicted).answer(question, means)


def guide(kg: Graph, encoder: Encoder, *, predicted: bool = False) -> Guide:
    """The facts made ready for many questions."""
    statuses: tuple[Status, ...] = ("current", "predicted") if predicted else ("current",)
    facts = [fact for status in statuses for fact in kg.facts(status=status)]
    return Guide(facts, kg.relations(), kg.kinds(), encoder)


class Guide:
    """Some facts made ready for many questions."""

    def __init__(self, facts: Iterable[Fact], cards: Mapping[str, Relation], kinds: Mapping[str, Kind], encoder: Encoder) -> None:
        self.cards = cards
        self.network = Network.of(facts, [name for name, card in cards.items() if card.symmetric])
        self.names = Names(node for node in self.network.nodes if isinstance(node, Entity))
        self.walker = Walker(self.network, cards, kinds, encoder) if self.network.facts else None
        if self.walker:
            scale = Scale(self.network.nodes)
            self.solver = Solver(self.walker, scale.within)
            kinds_said = [word for kind in self.walker.of_kind for word in kind.split()]
            self.known = frozenset(map(stem, (*FUNCTION_WORDS, *cues.WORDS, *background(), *kinds_said, *self.walker.roles)))

    def without(self, facts: Iterable[Fact]) -> Guide:
        """The same guide over the other facts alone."""
        network = self.network.without(facts)
        return self._by(self.walker and self.walker.over(network), network)

    def taught(self, marks: Sequence[Mark]) -> Guide:
        """The same guide, having learned from these questions whose right answers are marked, and from no others."""
        return self._by(self.walker and self.walker.taught(learn(marks)), self.network)

    def _by(self, walker: Walker | None, network: Network) -> Guide:
        other = copy(self)
        other.network, other.walker = network, walker
        if walker:
            other.solver = Solver(walker, self.solver.scale)
        return other

    def answer(self, question: str, means: Collection[str] = ()) -> Answer:
        """The best-aligned reading of the question, or an honest no; ``means`` as for ``ask``."""
        if self.walker is None:
            return Answer("The graph holds no facts yet: import or harvest some first.", False)
        if len(question) > LONGEST:
            return Answer(f"The question has {len(question):,} characters: ask in at most {LONGEST:,}.", False)
        if unknown := next((id for id in means if EntityId(id) not in self.network.numbers), None):
            raise BadRequest(f"no entity has the id {unknown[:80]!r} that a name was said to mean: kg search shows ids")
        try:
            return self._answer(cues.spelt(question.lower() if question.isupper() else question), self.walker, frozenset(means))
        except Unsaid as unsaid:
            text, topic = str(unsaid), unsaid.topic
            return Answer(text, False, topic=topic, near=unsaid.near, choices=unsaid.choices, unknown=unsaid.unknown)

    def mark(self, question: str, right: Collection[str] = ()) -> Mark:
        """The question with the walks that lead to just what is right: to these names or values, or to the answer given to it.

        Raises ``BadRequest`` where no walk does.
        """
        if self.walker is None or len(question) > LONGEST:
            raise BadRequest("only what the graph answers can be marked")
        try:
            topics, todo = self._planned(question, self.walker)
        except Unsaid as unsaid:
            raise BadRequest(f"only what the graph answers can be marked: {unsaid}") from None
        if not (todo.simple and isinstance(topics[0], Mention)):
            raise BadRequest(
                "only a question that one walk answers can be marked: this one puts several sets together, or counts or judges"
            )
        if topics[0].family:
            raise BadRequest("only a question about one thing can be marked: this one asks about any of several")
        asked = read(question, topics[0].start, topics[0].end)
        return replace(marked(self.walker, asked, self.solver.bearers(topics[0]), right), of=of(question))

    def _answer(self, question: str, walker: Walker, means: frozenset[str]) -> Answer:
        topics, todo = self._planned(question, walker, means)
        if todo.simple and isinstance(topics[0], Mention):
            return self._plain(question, topics[0], todo)
        if todo.form == "truth":
            return self._judged(todo, topics)
        try:
            return self._made(todo, topics)
        except Unsaid:
            # "The first to isolate radium" need not ask for an order.
            if todo.extreme and todo.extreme.word in ("first", "last") and len(topics) == 1 and isinstance(topics[0], Mention):
                return self._plain(question, topics[0], todo)
            raise

    def _planned(self, question: str, walker: Walker, means: frozenset[str] = frozenset()) -> tuple[list[Topic], Plan]:
        """What the question names, and what is to be done."""
        if _RELATED.search(question):
            raise Unsaid("The graph does not say in one walk: kg paths A B shows how two things hang together.")
        if _REASON.search(question):
            raise Unsaid("The graph does not say: it holds what is so, and not why or how.")
        if _AGE.search(question):
            raise Unsaid("The graph does not say: it holds dates, and no ages at them.")
        linked = link(self.names, question, self.known, cues.JOINING)
        if linked.unknown:
            unknown = ", ".join(linked.unknown)
            text = f"The graph has nothing called {unknown}.{self._hint(unknown)}"
            raise Unsaid(text, self.names.near(unknown), unknown=linked.unknown[0])
        mentions = [_meant(mention, means) for mention in linked.mentions]
        topics: list[Topic] = sorted((*mentions, *linked.values), key=lambda topic: topic.start)
        if _foreign(question, topics, self.known):
            raise Unsaid("The question is in no words that are known here: ask in English, in the words of the graph's relations.")
        slots = [Slot(topic.start, topic.end, isinstance(topic, Value)) for topic in topics]
        todo = plan(question, slots, self._is_wording, lambda noun: bool(walker.kind_of(noun)))
        if not topics and (todo.form == "truth" or not (todo.extreme or todo.clauses or todo.every)):
            raise Unsaid(f"The question names nothing that is in the graph.{self._hint(question)}", self.names.near(question))
        return topics, todo

    def _is_wording(self, phrase: str) -> bool:
        said = self.walker.aligner.wording.said if self.walker else []
        return any(f" {phrase} " in f" {text.casefold()} " for group in said for text in group)

    def _hint(self, said: str) -> str:
        near = self.names.near(said)
        return f" Names somewhat like it: {', '.join(near)}." if near else ""

    # --- one walk ---

    def _plain(self, question: str, mention: Mention, todo: Plan) -> Answer:
        assert self.walker is not None
        asked = read(question, mention.start, mention.end)
        readings = self.walker.readings(asked, self.solver.bearers(mention), together=mention.family)
        best = self.walker.chosen(readings)
        if best is not None:
            ambiguous(readings)
            return self._told(best, [one for one in readings if one is not best and one.reached], mention, todo.year)
        try:
            # What is said of no country may be said of its cities.
            return self._made(todo, [mention])
        except Unsaid as unsaid:
            alternatives = tuple(self._alternative(reading, 0.0) for reading in readings[:3] if reading.reached)
            return Answer(str(unsaid), False, topic=unsaid.topic, alternatives=alternatives)

    def _told(self, best: Reading, others: Sequence[Reading], mention: Mention, year: bool) -> Answer:
        assert best.topic is not None and self.walker is not None
        ranked = sets.ranked(self.walker.members(best), self.solver.name)
        answers = telling.years([self.network.nodes[end] for end, _ in ranked]) if year else [self.network.nodes[end] for end, _ in ranked]
        paths = tuple(member.walks[0] for _, member in ranked)
        conflicts = tuple(self._conflicts(best))
        route = self.walker.route(best.hops)
        return Answer(
            text=telling.walked(best.topic, route, answers, paths, conflicts, mention),
            supported=True,
            topic=best.topic,
            route=route,
            answers=tuple(answers),
            paths=paths,
            confidence=best.share * min(map(sets.belief, paths)),
            alternatives=tuple(self._alternative(reading) for reading in others[:3]),
            conflicts=conflicts,
        )

    def _alternative(self, reading: Reading, share: float | None = None) -> Alternative:
        assert reading.topic is not None and self.walker is not None
        answers = tuple(self.network.nodes[end] for end in reading.reached)
        return Alternative(reading.topic, self.walker.route(reading.hops), answers, reading.share if share is None else share)

    def _conflicts(self, reading: Reading) -> Iterator[tuple[Fact, ...]]:
        """Facts on the walk that give one head of a functional relation several tails."""
        nodes = starts = np.array(reading.starts, dtype=np.int64)
        for length, hop in enumerate(reading.hops, start=1):
            name = self.network.relations[hop % len(self.network.relations)]
            card = self.cards.get(name)
            if card is not None and card.functional and hop < len(self.network.relations):
                edges, places = self.network.edges(nodes, hop)
                for place in np.flatnonzero(np.bincount(places) > 1).tolist():
                    facts = tuple(self.network.facts[self.network.origin[edge]] for edge in edges[places == place])
                    if not telling.one_date(facts):
                        yield facts
            nodes = self.network.reached(starts, reading.hops[:length])

    # --- sets ---

    def _made(self, todo: Plan, topics: Sequence[Topic]) -> Answer:
        found = self._chosen(todo, topics) if todo.form == "choice" else self.solver.gathered(todo, topics)
        several = todo.extreme and todo.extreme.many > 1  # stands in its own order
        ranked = list(found.members.items()) if several else sets.ranked(found.members, self.solver.name)
        members = [self.network.nodes[node] for node, _ in ranked]
        if todo.year:
            members = telling.years(members)
        walks = tuple(dict.fromkeys(walk for _, member in ranked for walk in member.walks))[:SUPPORT]
        counts = todo.form == "count" and not all(isinstance(one, Literal) and one.datatype in NUMBERS for one in members)
        counted = Literal(str(len(members)), "integer")
        if counts:
            text = f"{len(members)}: {self.solver.names(found.members)} ({found.said})."
        else:
            text = f"{telling.listed(members)} ({found.said})."
        answers = (counted,) if counts else tuple(members)  # "how many stars" is told by a number, where the graph has one
        topic = next((one.entities[0] for one in topics if isinstance(one, Mention)), None)
        text += telling.vague(topics)
        return Answer(
            text,
            True,
            topic=topic,
            answers=answers,
            paths=walks,
            confidence=found.share * sets.whole(found.members).belief,
            members=tuple(members),
        )

    def _chosen(self, todo: Plan, topics: Sequence[Topic]) -> Found:
        """The foremost of the things that the question itself offers."""
        offered = [topic.entities[0] for topic in topics if isinstance(topic, Mention)]
        members = {self.network.numbers[entity.id]: sets.Member(1.0, ()) for entity in offered}
        said = " or ".join(entity.name for entity in offered)
        return self.solver.foremost(todo, Found(members, said, 1.0), topics)

    def _judged(self, todo: Plan, topics: Sequence[Topic]) -> Answer:
        verdict = judged(self.solver, todo, topics)
        text = f"{'Yes' if verdict.true else 'No'}: {verdict.said}.{telling.vague(topics)}"
        answer = Literal("true" if verdict.true else "false", "boolean")
        topic = next((one.entities[0] for one in topics if isinstance(one, Mention)), None)
        return Answer(text, True, topic=topic, answers=(answer,), paths=verdict.walks[:SUPPORT], confidence=verdict.confidence)


def _foreign(question: str, topics: Sequence[Topic], known: Collection[str]) -> bool:
    """Whether hardly a word beside the names is known."""
    beside = [word.text for word in words(question) if all(word.end <= topic.start or topic.end <= word.start for topic in topics)]
    return len(beside) > 1 and sum(stem(word.casefold()) in known for word in beside) < FOREIGN * len(beside)


def _meant(mention: Mention, means: frozenset[str]) -> Mention:
    """A mention of what is meant alone, where that is among what it may be."""
    chosen = tuple(entity for entity in mention.entities if entity.id in means)
    return replace(mention, entities=chosen, family=False) if chosen else mention
