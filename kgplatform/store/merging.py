"""Which entities may be merged, and where claims lie since: pure functions of the redirects.

``redirects`` map a merged entity's id to the one it was merged into; chains are followed and never
shortened, so that each step can be undone by itself. A piece of evidence lies where the ends of its
claim, and the entities that qualify it, lead now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from itertools import product

from kgplatform.errors import BadRequest, NotFound
from kgplatform.names import fact_key, parse_key, reference, referred
from kgplatform.store.pieces import Pieces
from kgplatform.types import EntityId, FactKey, Merge, Pairs

Redirects = Mapping[str, str]


def in_force(merges: Iterable[Merge]) -> dict[str, str]:
    """The redirects of the merges that were not undone."""
    return {merge.other: merge.keep for merge in merges if not merge.undone}


def root(entity: str, redirects: Redirects) -> EntityId:
    """The entity that stands for this one now."""
    *_, last = line(entity, redirects)
    return EntityId(last)


def resolved(claimed: FactKey, redirects: Redirects, symmetric: Collection[str]) -> FactKey:
    """The key under which a claim's evidence lies. The ends of a symmetric relation are sorted again."""
    if not redirects:
        return claimed
    parts = parse_key(claimed)
    head, tail = root(parts.head, redirects), parts.tail if parts.tail.startswith("=") else root(parts.tail, redirects)
    qualifiers = leading(parts.qualifiers, redirects) if parts.qualifiers else ()
    if (head, tail, qualifiers) == parts[1:]:
        return claimed
    if parts.relation in symmetric and tail < head:
        head, tail = EntityId(tail), head
    return fact_key(parts.relation, head, tail, qualifiers)


def leading(qualifiers: Pairs, redirects: Redirects) -> Pairs:
    """Written qualifiers with the entities that stand for theirs now."""
    return tuple((name, reference(root(one, redirects)) if (one := referred(value)) else value) for name, value in qualifiers)


def places(claimed: FactKey, redirects: Redirects, symmetric: Collection[str]) -> Iterator[FactKey]:
    """Every key under which a claim's evidence may lie while a merge is being carried out: each step of the chains."""
    parts = parse_key(claimed)
    tails = [parts.tail] if parts.tail.startswith("=") else list(line(parts.tail, redirects))
    told = [[(name, written) for written in _line_of(value, redirects)] for name, value in parts.qualifiers]
    for head, tail in product(line(parts.head, redirects), tails):
        ends = (tail, head) if parts.relation in symmetric and tail < head else (head, tail)
        for qualifiers in product(*told):
            yield fact_key(parts.relation, *ends, qualifiers)


def _line_of(qualifier: str, redirects: Redirects) -> list[str]:
    """A written qualifier, and as it was written after each step."""
    entity = referred(qualifier)
    return [qualifier] if entity is None else list(map(reference, line(entity, redirects)))


def ends(claimed: Iterable[FactKey]) -> set[EntityId]:
    """The entities that claims are of."""
    parts = map(parse_key, claimed)
    return {EntityId(end) for one in parts for end in (one.head, one.tail) if not end.startswith("=")}


def parted(pieces: Pieces, redirects: Redirects, symmetric: Collection[str]) -> dict[FactKey, Pieces]:
    """Pieces by the key of the fact under which they lie now."""
    parts: dict[FactKey, Pieces] = defaultdict(dict)
    for name, piece in pieces.items():
        parts[resolved(piece.claimed, redirects, symmetric)][name] = piece
    return dict(parts)


def kept(keep: EntityId, other: EntityId, redirects: Redirects, known: Container[EntityId]) -> EntityId:
    """The entity into which ``other`` goes. Raises ``NotFound`` and ``BadRequest`` when it cannot."""
    for one in (keep, other):
        if one not in known:
            raise NotFound(f"no entity has the id {one[:120]!r}")
    into = root(keep, redirects)
    if into == other or keep == other:
        raise BadRequest(f"{keep!r} and {other!r} are one entity already: nothing was merged")
    if other in redirects:
        raise BadRequest(f"{other!r} was merged into {redirects[other]!r} already: merge that one, or undo it first")
    return into


def undoable(merge: str, merges: Iterable[Merge]) -> Merge:
    """The merge with that id. Raises ``NotFound`` when there is none, ``BadRequest`` when it was undone already."""
    found = next((one for one in merges if one.id == merge), None)
    if found is None:
        raise NotFound(f"no merge has the id {merge[:60]!r}: see  kg review merges")
    if found.undone:
        raise BadRequest(f"the merge {merge!r} was undone already")
    return found


def line(entity: str, redirects: Redirects) -> Iterator[str]:
    """The entity and all it was merged into, one after the other."""
    yield entity
    seen = {entity}
    while (following := redirects.get(entity)) and following not in seen:
        entity = following
        seen.add(entity)
        yield entity
