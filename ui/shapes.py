"""Facts, evidence and explanations in the forms that people and JSON readers get."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgplatform import belief
from kgplatform.types import Candidate, Claim, Entity, Evidence, Fact, Hit, Literal, Mention, Merge, Path, Receipt, Step, in_words
from ui import history
from ui.cli.screen import percent

if TYPE_CHECKING:
    from kgplatform.graph import Event, Explanation
    from kgplatform.ports import FactStore
    from reasoning.agent.answer import Answer

Shape = dict[str, Any]


def end(value: Entity | Literal) -> Shape:
    """An end of a fact: an entity with its id, or a value with its type."""
    if isinstance(value, Entity):
        return {"id": value.id, "name": value.name, "kinds": list(value.kinds)}
    return {"value": value.value, "datatype": value.datatype, "unit": value.unit, "language": value.language}


def entity(found: Entity) -> Shape:
    """An entity with all that is said of it itself."""
    return {**end(found), "aliases": list(found.aliases), "description": found.description}


def hit(found: Hit) -> Shape:
    """An entity that was searched for."""
    return {**entity(found.entity), "score": found.score}


def many(count: int, what: str) -> str:
    """``1 fact``, ``2,000 facts``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def triple(fact: Fact) -> str:
    """``head | relation | tail`` by names: what ``kg explain`` takes again."""
    return f"{fact.head.name} | {fact.relation} | {in_words(fact.tail)}"


def fact(found: Fact) -> Shape:
    return {
        "key": found.key,
        "head": end(found.head),
        "relation": found.relation,
        "tail": end(found.tail),
        "qualifiers": {name: value if isinstance(value, str) else end(value) for name, value in found.qualifiers},
        "confidence": found.confidence,
        "trust": found.trust,
        "status": belief.status(found.verdict, found.trust, found.methods),
        "verdict": found.verdict,
        "judge": found.judge,
        "origin": list(found.origin),
        "sources": list(found.sources),
    }


def evidence(piece: Evidence) -> Shape:
    return {
        "method": piece.method,
        "source": piece.source.id,
        "title": piece.source.title,
        "score": piece.score,
        "model": piece.model,
        "quote": piece.quote,
        "start": piece.start,
        "end": piece.end,
        "run": piece.run,
        "time": piece.time,
        "detail": dict(piece.detail),
    }


def explanation(found: Explanation) -> Shape:
    reasons = [{**evidence(reason.evidence), "weight": reason.weight, "counts": reason.counts} for reason in found.reasons]
    return {
        **fact(found.fact),
        "prior": found.prior,
        "evidence": reasons,
        "conflicts": [{**fact(conflict.fact), "why": conflict.why} for conflict in found.conflicts],
        "history": [event(one) for one in found.history],
        "support": [fact(one) for one in found.support],
        "derived": [fact(one) for one in found.derived],
    }


def step(store: FactStore, taken: Step) -> Shape:
    """A step with the strongest piece of evidence that has words, else the strongest."""
    best = strongest(store.evidence(taken.fact.key))
    told = {"quote": best.quote, "source": where(best)} if best else {"quote": "", "source": ""}
    return {"words": triple(taken.fact), "forward": taken.forward, "fact": fact(taken.fact), **told}


def walks(store: FactStore, paths: Iterable[Path]) -> list[list[Shape]]:
    """The paths of an answer with the evidence of each step."""
    return [[step(store, one) for one in path.steps] for path in paths]


def believed(path: Path) -> float:
    """How far a path is believed: the product over its facts."""
    return math.prod(step.fact.confidence for step in path.steps)


def path(store: FactStore, found: Path) -> Shape:
    return {"hops": len(found.steps), "confidence": believed(found), "steps": [step(store, one) for one in found.steps]}


def answer(question: str, said: Answer, walks: list[list[Shape]]) -> Shape:
    """An answer, with all that it says of itself and the walks that it rests on."""
    alternatives = [
        {"topic": end(one.topic), "route": list(one.route), "answers": [end(found) for found in one.answers], "share": one.share}
        for one in said.alternatives
    ]
    return {
        "question": question,
        "answer": said.text,
        "supported": said.supported,
        "confidence": said.confidence,
        "entities": [end(one) for one in said.answers],
        "members": [end(one) for one in said.members],
        "route": list(said.route),
        "walks": walks,
        "conflicts": [[fact(one) for one in group] for group in said.conflicts],
        "alternatives": alternatives,
        "choices": [end(one) for one in said.choices],
        "near": list(said.near),
        "guess": said.guess,
        "calls": said.calls,
        "tokens": said.tokens,
    }


def event(happened: Event) -> Shape:
    """Something that happened to a fact; a merge with its id, evidence with its source and run."""
    shape: Shape = {"time": happened.time, "what": history.what(happened)}
    if isinstance(happened.cause, Merge):
        return shape | {"merge": happened.cause.id, "by": happened.cause.by}
    return shape | {"method": happened.cause.method, "source": happened.cause.source.id, "run": happened.cause.run}


def merge(done: Merge) -> Shape:
    return {"id": done.id, "keep": done.keep, "other": done.other, "by": done.by, "time": done.time, "undone": done.undone}


def line(found: Fact) -> str:
    """A fact in one line."""
    return f"{triple(found)}  ({percent(found.confidence)}, {belief.status(found.verdict, found.trust, found.methods)})"


def strongest(evidence: Sequence[Evidence]) -> Evidence | None:
    """Of pieces, the strongest first, the first that has words; else the first."""
    return next((piece for piece in evidence if piece.quote), evidence[0] if evidence else None)


def where(piece: Evidence) -> str:
    """The source of a piece of evidence as a person reads it, with the id that ``kg forget`` takes."""
    return f"{piece.source.title} [{piece.source.id}]" if piece.source.title else piece.source.id


def claim(told: Claim) -> str:
    """A claim in one line."""
    return f"{told.head.name} | {told.relation} | {in_words(told.tail)}"


def candidate(found: Candidate) -> str:
    """A candidate in one line."""
    tail = found.tail.name if isinstance(found.tail, Mention) else in_words(found.tail)
    return f"{found.head.name} | {found.relation} | {tail}"


def counts(done: Receipt) -> Shape:
    """What a put did, in numbers, and the facts that it refused, with the reasons."""
    refused = [f"{claim(one.claim)}: {one.why}" for one in done.refused]
    return {"new": done.new, "merged": done.merged, "unchanged": done.unchanged, "refused": refused}


def receipt(done: Receipt) -> str:
    """What a put did, in one line."""
    return added({"new": done.new, "merged": done.merged, "unchanged": done.unchanged})


def added(counts: Mapping[str, Any]) -> str:
    """The same line from the numbers."""
    return f"{many(counts['new'], 'new fact')}, {counts['merged']:,} with more evidence, {counts['unchanged']:,} unchanged"
