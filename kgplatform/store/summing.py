"""What the pieces of evidence on a fact amount to: belief, verdict, qualifiers. Pure functions of the set of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.store.pieces import Piece, Pieces, live
from kgplatform.types import ORIGINS, Method, Pairs, SourceId, Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """What the pieces of a fact amount to."""

    confidence: float
    trust: float
    verdict: Verdict
    judge: str
    methods: tuple[Method, ...]
    sources: tuple[SourceId, ...]
    qualifiers: Pairs


class Part(NamedTuple):
    """What some of a fact's pieces amount to, when all pieces of a group are among them: parts add up to the whole.

    ``size`` counts them. ``weight`` is the sum over groups but the graph models', whose strongest is ``graph``, in 1/1024
    nat. ``review`` is the last one: (version, id, score, source). ``told`` are qualifiers: (name, weight, version, id, value).
    ``unheard`` are those, (name, value), of observations that do not count, as far as they name entities.
    """

    size: int = 0
    weight: int = 0
    graph: int = 0
    methods: tuple[Method, ...] = ()
    sources: tuple[SourceId, ...] = ()
    review: tuple[int, str, float, SourceId] | None = None
    told: tuple[tuple[str, int, int, str, str], ...] = ()
    unheard: Pairs = ()


def part(relation: str, pieces: Pieces, calibration: Calibration) -> Part:
    """A function of the set of pieces alone."""
    strongest: dict[str, int] = {}
    methods, sources, reviews, told = set[Method](), set[SourceId](), [], []
    listed = live(pieces)
    for one in listed:
        weight = calibration.weight(one.method, relation, one.score)
        belief.strengthen(strongest, one.group, weight)
        sources.add(one.source)
        if not one.taken_back:
            methods.add(one.method)
            if one.method == "review":
                reviews.append((one.version, str(one.id), one.score, one.source))
        if one.qualifiers:
            told += [(name, weight, one.version, str(one.id), value) for name, value in one.qualifiers]
    graph = strongest.pop(belief.GRAPH, 0)
    return Part(
        len(pieces),
        sum(strongest.values()),
        graph,
        tuple(sorted(methods)),
        tuple(sorted(sources)),
        max(reviews) if reviews else None,
        tuple(told),
        _unheard(pieces, listed) if len(listed) < len(pieces) else (),
    )


def _unheard(pieces: Pieces, counting: Sequence[Piece]) -> Pairs:
    heard = {one.id for one in counting}
    said = {pair for one in pieces.values() if one.qualifiers and one.id not in heard for pair in one.qualifiers}
    return tuple(sorted(pair for pair in said if names.referred(pair[1])))


def total(prior: int, parts: Sequence[Part]) -> Summary:
    """All parts of a fact together; ``prior`` in 1/1024 nat."""
    weight, graph = prior + sum([one.weight for one in parts]), sum([one.graph for one in parts])
    whole = parts[0] if len(parts) == 1 else _joined(parts)
    verdict, judge = _verdict(whole.review)
    told = {name: value for _, _, _, name, value in sorted((w, version, id_, n, v) for n, w, version, id_, v in whole.told)}
    return Summary(
        belief.probability(weight + graph),
        belief.probability(weight),
        verdict,
        judge,
        tuple([method for method in ORIGINS if method in whole.methods]),
        whole.sources,
        tuple(sorted(told.items())),
    )


def _joined(parts: Sequence[Part]) -> Part:
    """What several parts say besides their weights."""
    return Part(
        methods=tuple({method for one in parts for method in one.methods}),
        sources=tuple(sorted({source for one in parts for source in one.sources})),
        review=max((one.review for one in parts if one.review), default=None),
        told=tuple(said for one in parts for said in one.told),
    )


def summarise(relation: str, pieces: Pieces, calibration: Calibration) -> Summary:
    """Belief, verdict and qualifiers: a function of the set of pieces alone."""
    return total(calibration.prior_weight(relation), [part(relation, pieces, calibration)])


def check_news(calibration: Calibration, held: Calibration) -> None:
    """Raises ``BadRequest`` when facts could not be told from those of the held one."""
    if calibration.revision == held.revision:
        raise BadRequest(f"the graph believes by calibration {held.revision!r} already: give the new one another revision")


def _verdict(review: tuple[int, str, float, SourceId] | None) -> tuple[Verdict, str]:
    if review is None:
        return "none", ""
    return "accepted" if review[2] > 0 else "rejected", review[3]
