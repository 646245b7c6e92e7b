"""Claims as a store takes them: checked, cleaned, merged by key, and cut into transactions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any

from kgplatform import belief, names
from kgplatform.errors import BadName, BadRequest
from kgplatform.store.merging import Redirects, resolved
from kgplatform.store.pieces import Piece, Pieces, merge, piece
from kgplatform.types import Claim, Entity, EntityId, Evidence, FactKey, Literal, Pairs, Qualifiers, Refusal, Relation, SourceId

PIECES = 5_000
"""Pieces of evidence in one transaction."""
BYTES = 6_000_000
"""Text in one transaction: a Bolt message may have 16 MB, and a fact with news sends what it held as well."""
KEY_BYTES = 4_000
PIECE_BYTES = 1_000_000
RELATION_BYTES = 200
NAME_KEY_BYTES = 1_000
"""Neo4j's index holds about 8,000 bytes, the local server's page less."""


@dataclass(slots=True)
class Row:
    """All that one ``put`` says of one key. ``head`` and ``tail`` are as claimed; ``ends`` are the ids they stand for now."""

    key: FactKey
    head: Entity
    relation: str
    tail: Entity | Literal
    ends: tuple[str, str]
    pieces: Pieces = field(default_factory=dict)
    size: int = 0
    qualifying: tuple[Entity, ...] = ()
    """The entities among its qualifiers, as claimed."""
    draft: dict[str, Any] | None = None
    """The fact as it is written if it is new, when that was computed ahead (``properties.draft``)."""

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All that it tells of, as claimed."""
        return tuple(one for one in (self.head, self.tail, *self.qualifying) if isinstance(one, Entity))

    @property
    def tail_id(self) -> str:
        """The id of the node at the relationship's end: a literal's node bears the key of its fact."""
        return self.key if isinstance(self.tail, Literal) else self.ends[1]


_utf8 = names.storable


def _qualifiers(told: Qualifiers) -> tuple[Pairs, tuple[Entity, ...]]:
    """Qualifiers as they are written, and the entities among them. Raises ``BadRequest`` when one is said twice and means an entity."""
    entities = tuple(_entity(value) for _, value in told if isinstance(value, Entity))
    written = tuple(sorted((_utf8(name), _utf8(names.qualifier(value))) for name, value in told))
    if entities and len(dict(written)) < len(written):
        twice = next(name for (name, _), (other, _) in pairwise(written) if name == other)
        raise BadRequest(f"the claim says {twice[:60]!r} twice: of a qualifier that is an entity there can be one")
    return written, entities


@lru_cache(maxsize=10_000)
def _entity(entity: Entity) -> Entity:
    """The entity with clean names; remembered, since a batch speaks of the same ones again and again."""
    if not entity.id:
        raise BadName(f"{entity.name[:60]!r} has no id")
    name = names.given_name(entity.name)
    aliases = sorted({a for a in map(names.given_name, filter(str.strip, entity.aliases)) if a != name})
    kinds = tuple(dict.fromkeys(map(names.clean, entity.kinds))) or ("thing",)
    return Entity(names.given_id(entity.id), name, kinds, tuple(aliases), _utf8(entity.description))


def _literal(value: Literal) -> Literal:
    return Literal(_utf8(value.value), value.datatype, _utf8(value.unit), _utf8(value.language))


def _check_evidence(evidence: Evidence) -> None:
    if evidence.method not in belief.PRIORS:
        raise BadRequest(f"{evidence.method!r} is no method of evidence: use one of {', '.join(belief.PRIORS)}")
    if not evidence.source.id:
        raise BadRequest("the evidence names no source: it could never be withdrawn")


def _row(claim: Claim, cards: Mapping[str, Relation], when: int) -> Row:
    if not claim.evidence:
        raise BadRequest(f"the claim {claim.head.name!r} {claim.relation!r} brings no evidence: facts are kept only as evidence")
    if claim.relation != names.clean(claim.relation) or len(claim.relation.encode()) > RELATION_BYTES:
        raise BadName(f"{claim.relation[:60]!r} cannot be a relation: at most {RELATION_BYTES} bytes, no control characters or outer space")
    head = _entity(claim.head)
    tail = _literal(claim.tail) if isinstance(claim.tail, Literal) else _entity(claim.tail)
    qualifiers, qualifying = _qualifiers(claim.qualifiers) if claim.qualifiers else ((), ())
    wanted = cards[claim.relation].key_qualifiers if claim.relation in cards else ()
    end = tail if isinstance(tail, Literal) else tail.id
    key = names.fact_key(claim.relation, head.id, end, tuple(pair for pair in qualifiers if pair[0] in wanted))
    if len(key.encode()) > KEY_BYTES:
        raise BadName(f"the key of {head.name[:60]!r} {claim.relation!r} has more than {KEY_BYTES} bytes: shorten its qualifiers")
    ends = (head.id, "" if isinstance(tail, Literal) else tail.id)
    row = Row(key, head, claim.relation, tail, ends, size=2 * len(key) + 500, qualifying=qualifying)
    for evidence in claim.evidence:
        _check_evidence(evidence)
        made = piece(key, evidence, qualifiers, when)
        size = len(made.document) if made.document.isascii() else len(made.document.encode())
        if size > PIECE_BYTES:
            raise BadRequest(f"a piece of evidence of {size:,} bytes is too large for the graph: at most {PIECE_BYTES:,}")
        row.pieces = merge(row.pieces, {made.id: made}).pieces if made.id in row.pieces else {**row.pieces, made.id: made}
        row.size += size
    return row


def rows(claims: Sequence[Claim], cards: Mapping[str, Relation], when: int) -> tuple[list[Row], list[Refusal]]:
    """Claims merged by key and sorted by relation and key; claims that cannot be kept, with the reason.

    ``when`` is the time of evidence that has none: the same for all of one put, so that it does not matter how that is cut.
    """
    merged: dict[FactKey, Row] = {}
    refused = []
    for claim in claims:
        try:
            row = _row(claim, cards, when)
        except BadRequest as error:
            refused.append(Refusal(claim, str(error)))
            continue
        _gather(merged, row)
    return _sorted(merged), refused


def parts(claims: Sequence[Claim], first: int, most: int) -> Iterator[Sequence[Claim]]:
    """All claims, cut into parts of about ``first``, then twice as many each time, up to ``most``.

    Claims of the same two ends stay together: of one fact's evidence without a time the strongest counts, wherever it is cut.
    """
    if len(claims) <= first:
        yield from (claims,) if claims else ()
        return
    drawers: list[list[Claim]] = [[] for _ in range(-(-len(claims) // first))]
    for claim in claims:
        tail = claim.tail.value if isinstance(claim.tail, Literal) else claim.tail.id
        drawers[hash((claim.head.id, tail)) % len(drawers)].append(claim)
    start, many = 0, 1
    while start < len(drawers):
        yield list(chain.from_iterable(drawers[start : start + many]))
        start, many = start + many, min(2 * many, most // first)


def in_order(refused: Sequence[Refusal], claims: Sequence[Claim]) -> tuple[Refusal, ...]:
    """Refusals in the order of their claims."""
    if len(refused) < 2:
        return tuple(refused)
    order = {id(claim): number for number, claim in enumerate(claims)}
    return tuple(sorted(refused, key=lambda one: order[id(one.claim)]))


def _gather(merged: dict[FactKey, Row], row: Row) -> None:
    """Join a row with what is there for its key."""
    if held := merged.get(row.key):
        held.pieces = merge(held.pieces, row.pieces).pieces
        held.head = joined(held.head, row.head)
        held.tail = held.tail if isinstance(held.tail, Literal) or isinstance(row.tail, Literal) else joined(held.tail, row.tail)
        held.size += row.size
        held.qualifying += row.qualifying
    else:
        merged[row.key] = row


def _sorted(merged: Mapping[FactKey, Row]) -> list[Row]:
    return sorted(merged.values(), key=lambda r: (r.relation, r.key))


def moved(listed: Sequence[Row], redirects: Redirects, epochs: Mapping[str, int], symmetric: Collection[str]) -> list[Row]:
    """Claimed rows as they lie when entities were merged, their pieces in the epochs of their sources and runs."""
    if not redirects and not any(epochs.values()):
        return list(listed)
    merged: dict[FactKey, Row] = {}
    for row in listed:
        key = resolved(row.key, redirects, symmetric)
        parts = names.parse_key(key)
        pieces = [one.in_epochs((epochs.get(one.source, 0), epochs.get(run_mark(one.run), 0))) for one in row.pieces.values()]
        ends = (parts.head, "" if isinstance(row.tail, Literal) else parts.tail)
        _gather(merged, Row(key, row.head, row.relation, row.tail, ends, {one.id: one for one in pieces}, row.size, row.qualifying))
    return _sorted(merged)


def changed_keys(listed: Iterable[Row]) -> Iterator[tuple[list[FactKey], SourceId, str]]:
    """Keys by source and run: what a batch is written down as. Keys are as claimed, since merges may move the facts."""
    keys: dict[tuple[SourceId, str], set[FactKey]] = defaultdict(set)
    for row in listed:
        for one in row.pieces.values():
            keys[one.source, one.run].add(one.claimed)
    for (source, run), named in sorted(keys.items()):
        yield sorted(named), source, run


def void(piece: Piece, epochs: Mapping[str, int]) -> bool:
    """Whether its source or its run was forgotten since it was put."""
    return piece.epochs[0] < epochs.get(piece.source, 0) or piece.epochs[1] < epochs.get(run_mark(piece.run), 0)


def run_mark(run: str) -> str:
    """Under which id a run is marked as forgotten, beside the sources."""
    return f"run:{run}"


def batches(listed: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in parts of at most ``PIECES`` pieces and ``BYTES`` bytes, but at least one row."""
    part: list[Row] = []
    pieces = size = 0
    for row in listed:
        if part and (pieces + len(row.pieces) > PIECES or size + row.size > BYTES):
            yield part
            part, pieces, size = [], 0, 0
        part.append(row)
        pieces, size = pieces + len(row.pieces), size + row.size
    if part:
        yield part


def joined(held: Entity, other: Entity) -> Entity:
    """A held entity that was told of again: its name and first kind stay, other names become aliases."""
    if other is held or (
        other.name == held.name
        and (other.kinds == held.kinds or set(other.kinds) <= set(held.kinds))
        and (not other.aliases or set(other.aliases) <= {held.name, *held.aliases})
        and (held.description or not other.description)
    ):
        return held
    known = {names.normalise(held.name)}
    aliases = set(held.aliases)
    if names.normalise(other.name) not in known | {names.normalise(a) for a in aliases}:
        aliases.add(other.name)
    aliases.update(a for a in other.aliases if a != held.name)
    if set(other.kinds) <= set(held.kinds) and aliases == set(held.aliases) and (held.description or not other.description):
        return held
    kinds = (*held.kinds[:1], *sorted({*held.kinds, *other.kinds} - {held.kinds[0]}))
    return Entity(held.id, held.name, kinds, tuple(sorted(aliases)), held.description or other.description)


def with_names(kept: Entity, others: Iterable[Entity]) -> Entity:
    """The entity with the names of those that were merged into it."""
    names_ = {name for one in others for name in (one.name, *one.aliases)} - {kept.name}
    return replace(kept, aliases=tuple(sorted({*kept.aliases, *names_}))) if names_ else kept


def told_entities(listed: Iterable[Row]) -> dict[EntityId, Entity]:
    """The entities of the rows by id, each joined from all its mentions."""
    told: dict[EntityId, Entity] = {}
    for row in listed:
        for entity in row.entities:
            told[entity.id] = joined(told[entity.id], entity) if entity.id in told else entity
    return told


def wanted(text: str) -> str:
    """The words of a search as names are normalised; empty when nothing of them is visible."""
    try:
        return names.normalise(names.clean(text))
    except BadName:
        return ""


def name_key(name: str) -> str:
    """The normalised name as an index holds it: a long one is cut and ends in its hash."""
    key = _utf8(names.normalise(name))
    raw = key.encode()
    return key if len(raw) <= NAME_KEY_BYTES else f"{raw[: NAME_KEY_BYTES - 20].decode(errors='ignore')}~{names.digest(key)}"
