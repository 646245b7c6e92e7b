"""Compositional reasoning: the principle of each of some things, what each pair gains from the other, and one hypothesis that uses all.

The hypothesis cites facts of the graph by their numbers, and only those that were shown can be cited; a citation is a fact's key, so
that a reader sees whether it still holds. A hypothesis is a proposal kept beside the graph, and never a fact of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from filelock import FileLock

from harvest.expand.answering import TEMPERATURE
from kgplatform import jsonlines
from kgplatform.errors import BadFile, BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm import structured
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Message, Request
from kgplatform.names import digest
from kgplatform.types import Entity, Fact, FactKey, Status, in_words

FEWEST, MOST = 2, 6
"""Things that one hypothesis uses."""
SHOWN, AROUND = 40, 12
"""Facts that are shown, and those of them around each thing."""
TOKENS = 1_500
_TOLD = (
    "You combine things into one new idea. For each thing state in a sentence the principle by which it works (principles, in their "
    "order). For each pair state what one gains from the other (synergies, in their order). Then state one hypothesis that uses all "
    "things, in two or three sentences, and cite the facts it rests on by their numbers (cites). Answer in JSON."
)


@dataclass(frozen=True, slots=True)
class Cited:
    """A fact of the graph, by its key and in words."""

    key: str
    words: str


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """``principles`` are in the order of ``things``, ``synergies`` in that of their pairs; ``things`` are (id, name).

    ``sources`` speak for the facts that were shown, cited or not.
    """

    id: str
    things: tuple[tuple[str, str], ...]
    principles: tuple[str, ...]
    synergies: tuple[str, ...]
    hypothesis: str
    cites: tuple[Cited, ...]
    model: str
    response: str
    sources: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of which the synergies are, by names."""
        return list(combinations([name for _, name in self.things], 2))


def compose(kg: KnowledgeGraph, things: Sequence[str], chat: ChatModel, quarantine: Path) -> Hypothesis:
    """One hypothesis out of things, by ids or names. Raises ``NotFound``, ``BadRequest`` or ``AnswerUnusable``."""
    entities = list({one.id: one for one in map(kg.entity, things)}.values())
    if not FEWEST <= len(entities) <= MOST:
        raise BadRequest(f"a hypothesis is made of {FEWEST} to {MOST} different things, not of {len(entities)}")
    facts = around(kg, entities)
    if not facts:
        raise BadRequest(f"the graph says nothing of {', '.join(one.name for one in entities)} that a hypothesis could rest on")
    asked = request(entities, facts)
    value, reply = structured.ask(chat, asked, quarantine)
    cited = list(dict.fromkeys(value["cites"]))
    keys = [facts[number - 1].key for number in cited]
    held = kg.facts_at(keys)
    if gone := [number for number, key in zip(cited, keys, strict=True) if key not in held]:
        raise BadRequest(f"facts that the hypothesis cites were forgotten while it was made ({len(gone)}): ask again")
    told = tuple((one.id, one.name) for one in entities)
    cites = tuple(Cited(key, _words(held[key])) for key in keys)
    principles, synergies = tuple(value["principles"]), tuple(value["synergies"])
    id = digest(chat.name, value["hypothesis"], *keys)
    return Hypothesis(id, told, principles, synergies, value["hypothesis"], cites, chat.name, reply.id, asked.sources)


def around(kg: KnowledgeGraph, entities: Sequence[Entity]) -> list[Fact]:
    """What leads from one of the things to another, and what is said of each; proposed facts too, the most believed first."""
    found: dict[FactKey, Fact] = {}
    for one, other in combinations(entities, 2):
        for path in kg.paths(one.id, other.id, k=2):
            found |= {step.fact.key: step.fact for step in path.steps}
    statuses: tuple[Status, ...] = ("current", "proposed")
    for status in statuses:
        for entity in entities:
            near = kg.neighbours(entity.id, limit=AROUND, status=status)
            found |= {fact.key: fact for fact in near if fact.key not in found}
    return list(found.values())[:SHOWN]


def request(entities: Sequence[Entity], facts: Sequence[Fact]) -> Request:
    """What the model is asked; it can cite none but these facts."""
    pairs = list(combinations([one.name for one in entities], 2))
    lines = [
        f"Things: {'; '.join(one.name for one in entities)}",
        f"Pairs: {'; '.join(f'{one} and {other}' for one, other in pairs)}",
        "Facts:",
        *(f"{number}. {_words(fact)}" for number, fact in enumerate(facts, 1)),
    ]
    sources = tuple(sorted({source for fact in facts for source in fact.sources}))
    messages = Message("system", _TOLD), Message("user", "\n".join(lines))
    return Request(messages, _schema(len(entities), len(pairs), len(facts)), TOKENS, TEMPERATURE, sources=sources)


def _schema(things: int, pairs: int, facts: int) -> Mapping[str, Any]:
    def some(count: int) -> dict[str, Any]:
        return {"type": "array", "minItems": count, "maxItems": count, "items": {"type": "string", "minLength": 1, "maxLength": 300}}

    cites = {"type": "array", "minItems": 1, "maxItems": 12, "items": {"type": "integer", "enum": list(range(1, facts + 1))}}
    said = {"type": "string", "minLength": 1, "maxLength": 600}
    properties = {"principles": some(things), "synergies": some(pairs), "hypothesis": said, "cites": cites}
    return {"title": "hypothesis", "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _words(fact: Fact) -> str:
    return f"{fact.head.name} | {fact.relation} | {in_words(fact.tail)}"


def standing(kg: KnowledgeGraph, one: Hypothesis) -> list[bool]:
    """Which of the facts that it cites the graph has still, and nobody has rejected."""
    held = kg.facts_at([FactKey(cited.key) for cited in one.cites])
    return [(fact := held.get(FactKey(cited.key))) is not None and fact.verdict != "rejected" for cited in one.cites]


class Hypotheses:
    """The hypotheses of one graph, a line each in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> list[Hypothesis]:
        """All, the oldest first. Raises ``BadFile`` for a file that is damaged."""
        try:
            return list(map(_read, jsonlines.read(self.file)))
        except (OSError, ValueError, KeyError, TypeError):
            raise BadFile(f"{self.file}: not the hypotheses that were kept there: delete it, and compose anew") from None

    def add(self, one: Hypothesis) -> None:
        """Keep one more; the same once."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.file}.lock"):
            held = self.read()
            if all(other.id != one.id for other in held):
                jsonlines.write(self.file, map(asdict, (*held, one)))

    def forget(self, source: str) -> None:
        """Drop those that were made in sight of what this source says."""
        if self.file.is_file():
            with FileLock(f"{self.file}.lock"):
                jsonlines.write(self.file, (asdict(one) for one in self.read() if source not in one.sources))


def _read(told: Mapping[str, Any]) -> Hypothesis:
    things = tuple((str(id), str(name)) for id, name in told["things"])
    cites = tuple(Cited(one["key"], one["words"]) for one in told["cites"])
    principles, synergies = tuple(told["principles"]), tuple(told["synergies"])
    sources = tuple(told["sources"])
    return Hypothesis(told["id"], things, principles, synergies, told["hypothesis"], cites, told["model"], told["response"], sources)
