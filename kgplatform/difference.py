"""What a run changed: facts that are new, believed more or less, withdrawn, and those that now contradict others.

What was believed is read before the put (``seen``) and kept in a step of its own before the step that puts, so that the difference is
exact also for a run that was killed and taken up. What others write to the same facts meanwhile counts as the run's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgplatform.conflicts import conflicts
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Steps
from kgplatform.store import records
from kgplatform.types import Claim, Fact, FactKey, FactQuery, SourceId, in_words

Seen = dict[str, float | None]
"""By the key of a fact what it was believed; ``None`` where there was no such fact. It is JSON."""
EXAMPLES = 5
LOOKED = 1_000
"""New and strengthened facts that are looked at for what contradicts them, since each takes questions to the graph."""


@dataclass(frozen=True, slots=True)
class Part:
    """How many facts, and the first of them in words."""

    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Each fact counts in one of ``new``, ``strengthened``, ``weakened`` and ``withdrawn``, if at all.

    ``conflicting`` are the new and strengthened ones that a current fact contradicts, among the first ``looked``.
    """

    new: Part = field(default_factory=Part)
    strengthened: Part = field(default_factory=Part)
    weakened: Part = field(default_factory=Part)
    withdrawn: Part = field(default_factory=Part)
    conflicting: Part = field(default_factory=Part)
    looked: int = 0

    def shape(self) -> dict[str, Any]:
        """As the result of a job holds it."""
        parts = ("new", "strengthened", "weakened", "withdrawn", "conflicting")
        return {name: dataclasses.asdict(getattr(self, name)) for name in parts} | {"looked": self.looked}


def seen(graph: KnowledgeGraph, claims: Iterable[Claim] = (), sources: Iterable[SourceId] = ()) -> Seen:
    """What is believed now of the facts that will be claimed, and of all facts of sources that will be read anew or forgotten.

    Claims that the graph will refuse are passed over.
    """
    accepted, _ = records.rows(list(graph.canonical(claims)), graph.relations(), 0)
    found: Seen = {fact.key: fact.confidence for source in sources for fact in graph.store.facts(FactQuery(source=source, status="all"))}
    keys = [row.key for row in accepted]
    held = graph.store.facts_at(keys)
    for key in keys:
        found.setdefault(held[key].key if key in held else key, held[key].confidence if key in held else None)
    return found


class Before:
    """What was believed before each step of a run, looked at in a step of its own; the first look at a fact counts."""

    def __init__(self, graph: KnowledgeGraph, steps: Steps) -> None:
        self._graph, self._steps = graph, steps
        self._seen: Seen = {}

    def look(self, step: str, claims: Callable[[], Iterable[Claim]] = tuple, sources: Iterable[SourceId] = ()) -> bool:
        """Look before a step at the facts of its claims and of sources; whether that went well."""
        found = self._steps.step(f"before {step}", lambda: seen(self._graph, claims(), sources))
        self._seen = {**(found or {}), **self._seen}
        return found is not None

    def difference(self) -> Difference:
        """What became of all that was looked at."""
        return difference(self._graph, self._seen)


def difference(graph: KnowledgeGraph, before: Mapping[str, float | None], examples: int = EXAMPLES) -> Difference:
    """What became of the facts since they were seen."""
    facts = {str(key): fact for key, fact in graph.store.facts_at([FactKey(key) for key in before]).items()}
    now = {key: fact.confidence for key, fact in facts.items()}

    def part(fits: Callable[[float | None, float | None], bool]) -> Part:
        keys = [key for key, was in before.items() if fits(was, now.get(key))]
        return Part(len(keys), tuple(_words(facts[key]) if key in facts else key for key in keys[:examples]))

    told = [fact for key, fact in facts.items() if (before[key] is None or fact.confidence > (before[key] or 0.0))]
    known = graph.relations()
    against = [fact for fact in told[:LOOKED] if conflicts(graph.store, fact, known)]
    return Difference(
        new=part(lambda was, now: was is None and now is not None),
        strengthened=part(lambda was, now: was is not None and now is not None and now > was),
        weakened=part(lambda was, now: was is not None and now is not None and now < was),
        withdrawn=part(lambda was, now: was is not None and now is None),
        conflicting=Part(len(against), tuple(map(_words, against[:examples]))),
        looked=min(len(told), LOOKED),
    )


def _words(fact: Fact) -> str:
    return f"{fact.head.name} | {fact.relation} | {in_words(fact.tail)}"
