"""From a graph into a file of facts, whatever its format. The file appears when it is whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from kgplatform import belief
from kgplatform.formats import registry
from kgplatform.formats.registry import Place
from kgplatform.formats.rows import Stated
from kgplatform.types import Claim, Entity, FactQuery
from kgplatform.wholefile import whole

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.ports import Progress

EVERY = 1_000
"""Facts between two words of progress."""
_LEVEL = 6
"""Of gzip: 9 takes five times as long for 5 % less."""


def dump(kg: KnowledgeGraph, path: Path, which: FactQuery, *, format: str | None = None, progress: Progress | None = None) -> int:
    """Write the facts that fit to a file; how many. ``progress`` is told of facts. Raises ``BadFile`` when it cannot be written."""
    place = registry.place(path, format)
    total = kg.store.count(which) if progress else 0
    count = 0
    if progress:
        progress(count, total)

    def counted() -> Iterator[Stated]:
        nonlocal count
        for claims, confidence in told(kg, which) if place.format.evidence else _untold(kg, which):
            count += 1
            for claim in claims:
                yield claim, confidence
            if progress and count % EVERY == 0:
                progress(count, total)

    _write(place, counted())
    return count


def _untold(kg: KnowledgeGraph, which: FactQuery) -> Iterator[tuple[list[Claim], float]]:
    """Facts without their evidence."""
    for fact in kg.store.facts(which):
        yield [Claim(fact.head, fact.relation, fact.tail, (), fact.qualifiers)], fact.confidence


def told(kg: KnowledgeGraph, which: FactQuery) -> Iterator[tuple[list[Claim], float]]:
    """The claims of each fact, and its confidence, which follows from them."""
    keyed = {card.name: card.key_qualifiers for card in kg.relations().values() if card.key_qualifiers}

    def key(claim: Claim) -> object:
        wanted = keyed.get(claim.relation, ())
        tail = claim.tail.id if isinstance(claim.tail, Entity) else claim.tail
        return claim.relation, claim.head.id, tail, [pair for pair in claim.qualifiers if pair[0] in wanted]

    for _, claims in groupby(kg.store.claims(which), key):
        of_fact = list(claims)
        relation, weight = of_fact[0].relation, kg.store.calibration.weight
        pieces = [piece for claim in of_fact for piece in claim.evidence]
        weights = ((belief.group(piece), weight(piece.method, relation, piece.score)) for piece in pieces)
        yield of_fact, belief.believe(kg.store.calibration.prior_weight(relation), weights).confidence


def _write(place: Place, stated: Iterator[Stated]) -> None:
    with whole(place.path) as raw, ExitStack() as stack:
        place.format.translator.write(stated, _packed(raw, stack) if place.packed else raw)


def _packed(raw: IO[bytes], stack: ExitStack) -> IO[bytes]:
    return cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0)))
