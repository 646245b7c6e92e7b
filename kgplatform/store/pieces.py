"""Pieces of evidence on a fact: which observation stays, what they amount to, and how they are written down.

A *piece* is one run's observation of one evidence id on one fact; of two that the same run made, the one
with the larger version (time, then score) stays, so order cannot matter. Of all runs the latest counts: a
run that is forgotten takes its own observation with it. Pure functions, but for the clock.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.types import (
    Claim,
    Entity,
    EntityId,
    Evidence,
    EvidenceId,
    Fact,
    FactKey,
    Forgotten,
    Method,
    Pairs,
    Qualifiers,
    Source,
    SourceId,
)

_HASH_BITS = 21
_LATEST = (1 << 42) - 1


class Clock:
    """Milliseconds since the epoch, UTC; never the same twice, so that the later of two calls wins."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            return self._last


def version(when: int, score: float) -> int:
    """Time and a hash of the score in one signed 64-bit integer: the larger one is the later observation."""
    return min(max(when, 0), _LATEST) << _HASH_BITS | _hash(score)


@lru_cache(maxsize=10_000)
def _hash(score: float) -> int:
    return int(names.digest(repr(float(score))), 16) % (1 << _HASH_BITS)


class Piece(NamedTuple):
    """One piece of evidence as it lies on a fact.

    ``claimed`` is the key of the claim that brought it: merged entities give the fact another one, and undoing that
    goes by the claim. ``document`` is the evidence as JSON, with the claim's qualifiers. ``dated`` is false when nobody
    gave it a time: then the same score again is no news.
    """

    id: EvidenceId
    claimed: FactKey
    method: Method
    score: float
    source: SourceId
    run: str
    qualifiers: Pairs
    version: int
    document: str
    dated: bool = True

    @property
    def group(self) -> str:
        """The independence group, as ``belief.group`` has it."""
        return belief.GRAPH if self.method == "graph" else self.source

    @property
    def evidence_id(self) -> str:
        """The id that all runs share."""
        return self.id.partition(".")[0]

    @property
    def epochs(self) -> tuple[int, int]:
        """How often its source and its run had been forgotten when it was put: no two epochs share a piece."""
        source, _, run = self.id.rpartition(".")[2].partition("-")
        return (int(source), int(run)) if run else (0, 0)

    @property
    def score_mark(self) -> int:
        """The part of the version that tells scores apart."""
        return self.version % (1 << _HASH_BITS)

    @property
    def evidence(self) -> Evidence:
        """The evidence as people and formats see it."""
        told = orjson.loads(self.document)
        told.pop("qualifiers", None)
        detail = tuple((k, v) for k, v in told.pop("detail", ()))
        return Evidence(**{**told, "source": Source(**told["source"]), "score": self.score, "detail": detail})

    @property
    def speaker(self) -> str:
        """What only one observation counts of: the evidence, or a person, who may have judged two facts that are one since a merge."""
        return self.source if self.method == "review" else self.evidence_id

    @property
    def taken_back(self) -> bool:
        """Whether it is a verdict that its person took back: it weighs nothing and speaks no more."""
        return self.method == "review" and self.score == 0

    def outdoes(self, held: Piece) -> bool:
        """Whether this observation replaces ``held``, which has the same id."""
        return self.version > held.version and (self.dated or self.score_mark != held.score_mark)

    def in_epochs(self, epochs: tuple[int, int]) -> Piece:
        """The piece as it is put after its source and its run were forgotten so many times."""
        if epochs == self.epochs:
            return self
        bare = self.id if self.epochs == (0, 0) else self.id.rpartition(".")[0]
        return self._replace(id=EvidenceId(f"{bare}.{epochs[0]}-{epochs[1]}" if any(epochs) else bare))


Pieces = dict[EvidenceId, Piece]


def piece(claimed: FactKey, evidence: Evidence, qualifiers: Pairs, when: int) -> Piece:
    """A claim's evidence as a piece; ``when`` is its time if it has none of its own."""
    run = _utf8(evidence.run)
    at = evidence.time or when
    score = float(evidence.score)
    return Piece(
        EvidenceId(names.evidence_id(claimed, evidence) + (f".{_mark(run)}" if run else "")),
        claimed,
        evidence.method,
        score,
        SourceId(_utf8(evidence.source.id)),
        run,
        qualifiers,
        version(at, score),
        _document(evidence, at, qualifiers),
        bool(evidence.time) or evidence.method == "review",
    )


@lru_cache(maxsize=1_000)
def _mark(run: str) -> str:
    return names.digest(run, size=4)


_utf8 = names.storable


def _document(evidence: Evidence, when: int, qualifiers: Pairs) -> str:
    """The JSON document that lies on the relationship; defaults are left out."""
    source, score = evidence.source, evidence.score
    told: dict[str, Any] = {"method": evidence.method, "source": {"id": source.id, "kind": source.kind}, "time": when}
    if source.title:
        told["source"]["title"] = source.title
    if source.uri:
        told["source"]["uri"] = source.uri
    if score != 1:
        told["score"] = score if math.isfinite(score) else str(score)
    for name, value in (
        ("model", evidence.model),
        ("quote", evidence.quote),
        ("head_words", evidence.head_words),
        ("tail_words", evidence.tail_words),
        ("run", evidence.run),
        ("detail", evidence.detail),
        ("qualifiers", qualifiers),
    ):
        if value:
            told[name] = value
    if evidence.start != -1 or evidence.end != -1:
        told |= {"start": evidence.start, "end": evidence.end}
    try:
        return orjson.dumps(told).decode()
    except orjson.JSONEncodeError:  # a lone surrogate, or a number of more than 64 bits
        return _utf8(json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def read(key: FactKey, name: str, held_version: int, document: str, claimed: str | None) -> Piece:
    """A piece as it was written down under a key; ``claimed`` is empty when the claim had that key too."""
    told = orjson.loads(document)
    qualifiers = tuple((k, v) for k, v in told.get("qualifiers", ()))
    source, run = SourceId(told["source"]["id"]), told.get("run", "")
    score = float(told.get("score", 1.0))
    return Piece(EvidenceId(name), FactKey(claimed or key), told["method"], score, source, run, qualifiers, held_version, document)


def ordered(pieces: Pieces) -> list[Piece]:
    """The pieces by id: the one order in which they are stored."""
    return [pieces[name] for name in sorted(pieces)] if len(pieces) > 1 else list(pieces.values())


def live(pieces: Pieces) -> list[Piece]:
    """The observations that count: of each evidence, and of each person, the latest."""
    listed = ordered(pieces)
    if len(listed) == 1:
        return listed
    latest: dict[str, Piece] = {}
    for one in listed:
        held = latest.get(one.speaker)
        if held is None or one.version >= held.version:
            latest[one.speaker] = one
    return list(latest.values())


@dataclass(frozen=True, slots=True)
class Merged:
    """Held pieces after news came. ``told`` says that a reader can see a difference, not just a later time or another run."""

    pieces: Pieces
    changed: bool
    told: bool


def merge(held: Pieces, news: Pieces) -> Merged:
    pieces, changed = dict(held), False
    for name, piece in news.items():
        old = pieces.get(name)
        if old is None or piece.outdoes(old):
            pieces[name], changed = piece, True
    return Merged(pieces, changed, changed and _scores(held) != _scores(pieces))


def _scores(pieces: Pieces) -> dict[str, float]:
    return {one.evidence_id: one.score for one in live(pieces)}


def strongest(relation: str, pieces: Pieces, calibration: Calibration) -> tuple[Evidence, ...]:
    """Evidence for people: by absolute weight, then the latest."""
    held = live(pieces)
    weight = {one.id: abs(calibration.weight(one.method, relation, one.score)) for one in held}
    return tuple(one.evidence for one in sorted(held, key=lambda one: (-weight[one.id], -one.version, one.id)))


def without_run(held: Iterable[Pieces], run: str) -> Forgotten:
    """What it takes from facts that a run is forgotten."""
    told = [[one.run == run for one in pieces.values()] for pieces in held]
    removed = sum(map(all, told))
    return Forgotten(sum(map(sum, told)), removed, sum(map(any, told)) - removed)


def claims(fact: Fact, pieces: Pieces, entity: Callable[[EntityId], Entity]) -> Iterator[Claim]:
    """A fact with its evidence as claims that make it again: one for each set of qualifiers. ``entity`` knows those that qualify."""
    told: dict[Qualifiers, list[Evidence]] = defaultdict(list)
    for one in live(pieces):
        told[names.qualifiers(one.qualifiers, entity)].append(one.evidence)
    for qualifiers, evidence in told.items():
        yield Claim(fact.head, fact.relation, fact.tail, tuple(evidence), qualifiers)
