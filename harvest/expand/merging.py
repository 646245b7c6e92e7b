"""Which things an answer means: the claims of a round, what the linker decided of their things, and the record that the round leaves.

The decisions are kept before anything is put, so that a run which was killed between the two merges what it would have merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harvest.expand.grown import Question
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking.deciding import Decision, Pair
from kgplatform.linking.linker import Linker, Linking
from kgplatform.types import Candidate, Claim, Entity, EntityId, Merge

NOTES = 20
Answer = tuple[Question, Mapping[str, Any]]
"""A question with what its step keeps of the answer; ``value`` is ``None`` for one that could not be used."""


@dataclass(frozen=True, slots=True)
class Merging:
    """The claims of a round, linked, with the decisions; ``spans`` says of which answer each claim is."""

    linking: Linking
    spans: tuple[int, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        return self.linking.claims


def merging(linker: Linker, candidates: Sequence[Sequence[Candidate]], decided: Mapping[str, Any] | None = None) -> Merging:
    """Link the candidates of a round's answers all at once; ``decided`` is what was decided of them before, by ``decisions``.

    What would link a thing with itself is left out.
    """
    linking = linker.link([one for some in candidates for one in some])
    if decided is not None:
        linking = replace(linking, **_decisions(decided))
    of = {id(one.evidence[0]): one for one in linking.claims}
    same = {pair.entity.id: pair.other.id for pair in _same(linking)}
    kept = [
        (claim, number)
        for number, some in enumerate(candidates)
        for one in some
        if (claim := of.get(id(one.evidence))) and isinstance(claim.tail, Entity) and not _one(claim.head.id, claim.tail.id, same)
    ]
    return Merging(replace(linking, claims=tuple(claim for claim, _ in kept)), tuple(number for _, number in kept))


def _one(head: EntityId, tail: EntityId, same: Mapping[EntityId, EntityId]) -> bool:
    return same.get(head, head) == same.get(tail, tail)


def decisions(linking: Linking) -> dict[str, Any]:
    """What was decided, as a step keeps it."""
    return {
        "new": [[one.id, one.name] for one in linking.new],
        "decided": [
            [
                one.verdict,
                *((end.id, end.name) for end in (one.pair.entity, one.pair.other)),
                one.pair.score,
                one.pair.found,
                one.pair.rival,
            ]
            for one in linking.decisions
        ],
    }


def _decisions(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of ``decisions``."""
    return {
        "new": tuple(_entity(*one) for one in kept["new"]),
        "decisions": tuple(
            Decision(Pair(_entity(*one), _entity(*other), score, tuple((name, count) for name, count in found), rival=rival), verdict)
            for verdict, one, other, score, found, rival in kept["decided"]
        ),
    }


def _entity(id: str, name: str) -> Entity:
    return Entity(EntityId(id), name)


def put(kg: KnowledgeGraph, linker: Linker, answers: Sequence[Answer], merging: Merging, run: str) -> dict[str, Any]:
    """Put the claims, merge what was decided to be one, and give the record of the round."""
    done = kg.put(merging.claims)
    linker.settle(merging.linking, run)
    refused = {id(one.claim) for one in done.refused}
    there = kg.store.entities(sorted({end.id for claim in merging.claims for end in _ends(claim)}))
    links: list[list[list[str]]] = [[] for _ in answers]
    for claim, number in zip(merging.claims, merging.spans, strict=True):
        head, tail = (there.get(end.id, end) for end in _ends(claim))
        if id(claim) not in refused and head.id != tail.id:
            links[number].append([head.id, head.name, claim.relation, tail.id, tail.name])
    return {
        "questions": [[one.text, list(one.about), one.depth] for one, _ in answers],
        "answered": sum(answer["value"] is not None for _, answer in answers),
        "sources": sorted({source for _, answer in answers for source in answer["sources"]}),
        "grown": [
            {"depth": question.depth, "synthesis": answer["value"]["synthesis"] if answer["value"] else "", "links": some}
            for (question, answer), some in zip(answers, links, strict=True)
        ],
        "merges": [[made.id, one.other.name, one.entity.name] for one in _same(merging.linking) if (made := _made(kg, one))],
        "asked": [
            [one.pair.entity.name, one.pair.other.name, round(one.pair.score, 2), one.pair.why]
            for one in merging.linking.decisions
            if one.verdict == "ask"
        ],
        "new": done.new,
        "merged": done.merged,
        "unchanged": done.unchanged,
        "notes": [
            *(f"refused: {one.why}" for one in done.refused),
            *(f"not linked: {one.why}" for one in merging.linking.unlinked),
            *(
                f"the answer to {one.text[:80]!r} links nothing"
                for one, answer in answers
                if answer["value"] and not answer["value"]["edges"]
            ),
        ][:NOTES],
    }


def nothing(answers: Sequence[Answer]) -> dict[str, Any]:
    """The record of a round that failed."""
    asked = [[one.text, list(one.about), one.depth] for one, _ in answers]
    return {
        "questions": asked,
        "answered": 0,
        "grown": [],
        "merges": [],
        "asked": [],
        "sources": [],
        **dict.fromkeys(("new", "merged", "unchanged"), 0),
        "notes": [],
    }


def _same(linking: Linking) -> Iterator[Pair]:
    return (one.pair for one in linking.decisions if one.verdict == "same")


def _made(kg: KnowledgeGraph, pair: Pair) -> Merge | None:
    """The merge that stands; also where it was made before a kill."""
    return next((one for one in kg.store.merges(pair.entity.id) if one.other == pair.entity.id and not one.undone), None)


def _ends(claim: Claim) -> Iterator[Entity]:
    yield claim.head
    if isinstance(claim.tail, Entity):
        yield claim.tail
