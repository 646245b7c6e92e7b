"""Pieces of evidence on a fact: which observation stays, what they amount to, and how they are written down.

A *piece* is one evidence id on one fact; of two observations with the same id the one with the larger
version (time, then score) stays, so order cannot matter. Pure functions, but for the clock.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.types import ORIGINS, Evidence, EvidenceId, Method, Pairs, Source, SourceId, Verdict

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
    return min(max(when, 0), _LATEST) << _HASH_BITS | int(names.digest(repr(float(score))), 16) % (1 << _HASH_BITS)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence as it lies on a fact, with the qualifiers of the claim that brought it.

    ``dated`` is false when nobody gave it a time: then the same score again is no news.
    """

    id: EvidenceId
    evidence: Evidence
    qualifiers: Pairs
    version: int
    dated: bool = True

    @property
    def score_mark(self) -> int:
        """The part of the version that tells scores apart."""
        return self.version % (1 << _HASH_BITS)

    def outdoes(self, held: Piece) -> bool:
        """Whether this observation replaces ``held``, which has the same id."""
        return self.version > held.version and (self.dated or self.score_mark != held.score_mark)


Pieces = dict[EvidenceId, Piece]


def ordered(pieces: Pieces) -> list[Piece]:
    """The pieces by id: the one order in which they are stored."""
    return [pieces[name] for name in sorted(pieces)]


@dataclass(frozen=True, slots=True)
class Merged:
    """Held pieces after news came. ``told`` says that a reader can see a difference, not just a later time."""

    pieces: Pieces
    changed: bool
    told: bool


def merge(held: Pieces, news: Pieces) -> Merged:
    pieces, changed, told = dict(held), False, False
    for name, piece in news.items():
        old = pieces.get(name)
        if old is None or piece.outdoes(old):
            pieces[name], changed = piece, True
            told |= old is None or old.evidence.score != piece.evidence.score
    return Merged(pieces, changed, told)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the pieces of a fact amount to. ``weights`` follow the pieces in the order of their ids."""

    confidence: float
    trust: float
    verdict: Verdict
    judge: str
    methods: tuple[Method, ...]
    sources: tuple[SourceId, ...]
    qualifiers: Pairs
    weights: tuple[int, ...]


def summarise(relation: str, pieces: Pieces, calibration: Calibration) -> Summary:
    """Belief, verdict and qualifiers: a function of the set of pieces alone."""
    held = ordered(pieces)
    weights = tuple(calibration.weight(p.evidence.method, relation, p.evidence.score) for p in held)
    groups = [belief.group(p.evidence) for p in held]
    believed = belief.believe(calibration.prior_weight(relation), zip(groups, weights, strict=True))
    reviews = [p for p in held if p.evidence.method == "review"]
    last = max(reviews, key=lambda p: (p.version, p.id), default=None)
    verdict, judge = _verdict(last.evidence) if last else ("none", "")
    methods = {p.evidence.method for p in held}
    qualifiers: dict[str, str] = {}
    for _, piece in sorted(zip(weights, held, strict=True), key=lambda pair: (pair[0], pair[1].version, pair[1].id)):
        qualifiers.update(piece.qualifiers)
    return Summary(
        believed.confidence,
        believed.trust,
        verdict,
        judge,
        tuple(m for m in ORIGINS if m in methods),
        tuple(sorted({p.evidence.source.id for p in held})),
        tuple(sorted(qualifiers.items())),
        weights,
    )


def _verdict(review: Evidence) -> tuple[Verdict, str]:
    if review.score > 0:
        return "accepted", review.source.id
    return ("rejected", review.source.id) if review.score < 0 else ("none", "")


def strongest(relation: str, pieces: Pieces, calibration: Calibration) -> tuple[Evidence, ...]:
    """Evidence for people: by absolute weight, then the latest."""
    held = ordered(pieces)
    weight = {p.id: abs(calibration.weight(p.evidence.method, relation, p.evidence.score)) for p in held}
    return tuple(p.evidence for p in sorted(held, key=lambda p: (-weight[p.id], -p.version, p.id)))


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DEFAULTS = {
    name: Evidence.__dataclass_fields__[name].default
    for name in ("score", "model", "quote", "start", "end", "head_words", "tail_words", "run", "time", "detail")
}


def encode(piece: Piece) -> str:
    """A piece as the JSON document that lies on the relationship; defaults are left out."""
    evidence = piece.evidence
    source = {name: value for name in ("id", "kind", "title", "uri") if (value := getattr(evidence.source, name))}
    document: dict[str, Any] = {"method": evidence.method, "source": source}
    document |= {name: value for name, default in _DEFAULTS.items() if (value := getattr(evidence, name)) != default}
    if piece.qualifiers:
        document["qualifiers"] = piece.qualifiers
    return _JSON.encode(document)


def decode(name: str, held_version: int, text: str) -> Piece:
    """The inverse of ``encode``."""
    document = json.loads(text)
    qualifiers = tuple((k, v) for k, v in document.pop("qualifiers", ()))
    document["detail"] = tuple((k, v) for k, v in document.get("detail", ()))
    evidence = Evidence(**{**document, "source": Source(**document["source"])})
    return Piece(EvidenceId(name), evidence, qualifiers, held_version)
