"""A chat model's word on which way to walk, where the words of a question leave several open.

It chooses relation by relation from ranked options, and only among walks that are there: it can make none up. Its choice weighs as much as
``BONUS`` of alignment, so it decides what is nearly even and nothing else: a small model does not make the answers worse. Where one
reading is ahead by more than that it is not asked at all. What is not answered so it may cut into shorter questions (``parts``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kgplatform.errors import AnswerUnusable, TextTooLong
from kgplatform.lm import structured
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Message, Request, Usage
from kgplatform.types import Fact, in_words
from reasoning.agent import parts
from reasoning.agent.answer import Answer
from reasoning.agent.ask import LONGEST, Guide
from reasoning.agent.solve import Solver
from reasoning.agent.walker import TEMPERATURE, Reading, Walker
from reasoning.paths.question import Asked
from reasoning.paths.search import Hops, Network

BONUS = TEMPERATURE / 2
"""What a choice is worth, in standard deviations of alignment."""
MOST = 8
"""Readings that are chosen among, and options that are shown at once."""
EXAMPLES = 3
"""Things that an option is shown to lead to."""
CALLS = 8
"""Times that a model is asked for one question."""

_TASK = (
    "You walk a knowledge graph to answer a question. You are told where you are and which relations lead on from there. "
    "Choose the one that the question asks to follow next, or to stop where the answer is reached. "
    'Answer in JSON: {"choice": NUMBER}; 0 where none of them fits the question.'
)
_CUT = (
    "A question needs several steps. Cut it into two or three short questions, each about one thing, in the order in which they are to be "
    "answered. Use the words of the question, and no others. Write #1 for the answer of the first question, #2 for that of the second. "
    'Example: "Where was the wife of the discoverer of X born?" is {"questions": ["Who was the discoverer of X?", '
    '"Who was the wife of #1?", "Where was #2 born?"]}. Answer in JSON: {"questions": [TEXT, ...]}.'
)
_GUESS = 'Answer the question in a few words, from what you know. Answer in JSON: {"answer": TEXT}; an empty text where you do not know.'
_SAID = {"type": "string", "maxLength": 200}
_PARTS = {"type": "array", "items": _SAID, "minItems": 2, "maxItems": parts.MOST}


@dataclass(slots=True)
class Advisor:
    """One question's talk with a chat model: what was asked, and what it took. Unusable answers are no advice."""

    model: ChatModel
    quarantine: Path
    seed: int = 0
    calls: int = 0
    usage: Usage = field(default_factory=Usage)

    def choose(self, question: str, so_far: str, options: Sequence[str], sources: Sequence[str]) -> int | None:
        """The place of the option that it takes, whichever way round they stand; shown in an order by the seed, and in reverse."""
        order = list(range(len(options)))
        random.Random(f"{self.seed} {question} {so_far}").shuffle(order)  # noqa: S311 - an order, no secret
        first = self._chosen(question, so_far, options, order, sources)
        if first is None or self._chosen(question, so_far, options, order[::-1], sources) != first:
            return None
        return first

    def _chosen(self, question: str, so_far: str, options: Sequence[str], order: Sequence[int], sources: Sequence[str]) -> int | None:
        if self.calls >= CALLS:
            return None
        listed = "\n".join(f"{number}. {options[place]}" for number, place in enumerate(order, 1))
        text = f"Question: {question}\nYou are at: {so_far}\nOptions:\n{listed}"
        number = {"type": "integer", "minimum": 0, "maximum": len(options)}
        told = self._asked(_TASK, text, "choice", number, sources)
        return order[told - 1] if isinstance(told, int) and told else None

    def cut(self, question: str) -> tuple[str, ...]:
        """The question as shorter ones, in its own words; none where it cannot be cut."""
        if self.calls >= CALLS:
            return ()
        check = partial(_uncut, question)
        return tuple(self._asked(_CUT, f"Question: {question}", "questions", _PARTS, (), check) or ())

    def guess(self, question: str) -> str:
        """What the model says by itself, which nothing in the graph supports."""
        return str(self._asked(_GUESS, f"Question: {question}", "answer", _SAID, ()) or "")

    def _asked(
        self, task: str, text: str, name: str, kind: dict[str, Any], sources: Sequence[str], check: structured.Check | None = None
    ) -> Any:
        schema = {"title": name, "type": "object", "properties": {name: kind}, "required": [name], "additionalProperties": False}
        request = Request((Message("system", task), Message("user", text)), schema, max_tokens=100, sources=tuple(sorted(set(sources))))
        self.calls += 1
        try:
            value, reply = structured.ask(self.model, request, self.quarantine, check)
        except (AnswerUnusable, TextTooLong):
            return None
        self.usage += reply.usage
        return value[name]


@dataclass(frozen=True, slots=True)
class Way:
    """A relation that may be followed next, or the stop at the end of a reading: its words, and the sources of the facts in them."""

    hop: int | None
    best: float
    words: str
    sources: tuple[str, ...]


class Advised(Walker):
    """A walker whose readings of one question a chat model has its word on."""

    def __init__(self, walker: Walker, advisor: Advisor, question: str) -> None:
        self.__dict__.update(walker.__dict__)
        self._advisor, self._question = advisor, question

    def readings(self, asked: Asked, topics: Any, fits: Callable[[int], bool] = lambda _: True, together: bool = False) -> list[Reading]:
        found = super().readings(asked, topics, fits, together)
        return self._weighed(found)

    def _weighed(self, found: list[Reading]) -> list[Reading]:
        real = [one for one in found if one.reached]
        near = [one for one in real if one.score >= real[0].score - BONUS and one.worst >= self.floor][:MOST]
        if len({one.hops for one in near}) < 2:
            return found
        chosen = self._walked(near)
        if not chosen:
            return found
        # A share is that of all paths to a set: those that lead where the model went get as much likelier as the bonus says.
        goes = np.array([_goes(one.hops, chosen) for one in found])
        shares = np.array([one.share for one in found]) * np.exp(goes * BONUS / TEMPERATURE)
        raised = zip(found, goes.tolist(), (shares / shares.sum()).tolist(), strict=True)
        told = [replace(one, score=one.score + BONUS * gone, share=share) for one, gone, share in raised]
        return sorted(told, key=lambda one: (-one.score, one.starts, one.hops))

    def _walked(self, near: Sequence[Reading]) -> tuple[int | None, ...]:
        """The hops that the model takes, with ``None`` where it stops; as far as it says."""
        chosen: tuple[int | None, ...] = ()
        while True:
            alive = [one for one in near if _goes(one.hops, chosen)]
            ways = self._ways(alive, len(chosen))
            if len(ways) > 1:
                told = self._advisor.choose(self._question, self._place(alive[0], len(chosen)), [way.words for way in ways], _sources(ways))
                if told is None:
                    return chosen
                chosen = (*chosen, ways[told].hop)
            else:
                chosen = (*chosen, ways[0].hop)
            if chosen[-1] is None:
                return chosen

    def _ways(self, alive: Sequence[Reading], depth: int) -> list[Way]:
        best: dict[int | None, Reading] = {}
        for one in alive:
            hop = one.hops[depth] if depth < len(one.hops) else None
            if hop not in best or best[hop].score < one.score:
                best[hop] = one
        return [self._way(hop, one, depth) for hop, one in best.items()]

    def _way(self, hop: int | None, one: Reading, depth: int) -> Way:
        starts = np.array(one.starts, dtype=np.int64)
        nodes = self.network.reached(starts, one.hops[:depth]) if depth else starts
        if hop is None:
            return Way(None, one.score, f"stop: the answer is {self._named(nodes)}", ())
        facts = _some(self.network, nodes, hop)
        ends = self.network.step(nodes, hop)
        relation = self.network.relations[hop % self.count]
        words = f'its "{relation}": {self._named(ends)}' if hop < self.count else f'what has it as "{relation}": {self._named(ends)}'
        return Way(hop, one.score, words, tuple(source for fact in facts for source in fact.sources))

    def _named(self, nodes: Any) -> str:
        shown = ", ".join(in_words(self.node(int(node)))[:60] for node in nodes[:EXAMPLES])
        return f"{shown} and {len(nodes) - EXAMPLES} more" if len(nodes) > EXAMPLES else shown

    def _place(self, one: Reading, depth: int) -> str:
        start = one.topic.name if one.topic else self._named(np.array(one.starts))
        return " – ".join((start, *self.route(one.hops[:depth])))


def _goes(hops: Hops, chosen: Sequence[int | None]) -> bool:
    """Whether a reading is one of those that are left after these choices."""
    padded = (*hops, None)
    return len(chosen) <= len(padded) and padded[: len(chosen)] == tuple(chosen)


def _some(network: Network, nodes: Any, hop: int) -> list[Fact]:
    edges, _ = network.edges(nodes, hop)
    return [network.facts[network.origin[edge]] for edge in edges[:EXAMPLES].tolist()]


def _uncut(question: str, told: Any) -> str | None:
    return parts.wrong(question, told["questions"])


def _sources(ways: Sequence[Way]) -> list[str]:
    return [source for way in ways for source in way.sources]


def answer(
    guide: Guide,
    question: str,
    model: ChatModel,
    quarantine: Path,
    *,
    means: Collection[str] = (),
    seed: int = 0,
    guess: bool = True,
) -> Answer:
    """The guide's answer with the model's word on what is nearly even; where it has none, that to the parts that the model cuts.

    Where the graph is silent even then, also the model's own ``guess``.

    Raises what the model raises.
    """
    advisor = Advisor(model, quarantine, seed)
    own = copy(guide)
    if guide.walker:
        own.walker = Advised(guide.walker, advisor, question)
        own.solver = Solver(own.walker, guide.solver.scale)
    found = own.answer(question, means)
    if not (found.supported or found.choices or found.unknown) and guide.walker and len(question) <= LONGEST:
        found = parts.answered(partial(guide.answer, means=means), advisor.cut(question)) or found
    said = advisor.guess(question) if guess and not found.supported and not found.choices else ""
    return replace(found, guess=said, calls=advisor.calls, tokens=advisor.usage.tokens)
