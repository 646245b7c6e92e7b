"""Claims as a store takes them: checked, cleaned, merged by key, and cut into transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kgplatform import belief, names
from kgplatform.errors import BadName, BadRequest
from kgplatform.store.pieces import Piece, Pieces, encode, merge, version
from kgplatform.types import Claim, Entity, EntityId, Evidence, FactKey, Literal, Pairs, Refusal, Relation, Source, SourceId

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
    """All that one ``put`` says of one key."""

    key: FactKey
    head: Entity
    relation: str
    tail: Entity | Literal
    pieces: Pieces = field(default_factory=dict)
    size: int = 0

    @property
    def tail_id(self) -> str:
        """The id of the node at the relationship's end: a literal's node bears the key of its fact."""
        return self.key if isinstance(self.tail, Literal) else self.tail.id


def _utf8(text: str) -> str:
    """Text without lone surrogates, which no database can hold."""
    return text.encode("utf-8", "replace").decode()


def _pairs(pairs: Pairs) -> Pairs:
    return tuple(sorted((_utf8(name), _utf8(value)) for name, value in pairs))


@lru_cache(maxsize=10_000)
def _entity(entity: Entity) -> Entity:
    """The entity with clean names; remembered, since a batch speaks of the same ones again and again."""
    if not entity.id:
        raise BadName(f"{entity.name[:60]!r} has no id")
    name = names.clean(entity.name)
    aliases = sorted({a for a in map(names.clean, filter(str.strip, entity.aliases)) if a != name})
    kinds = tuple(dict.fromkeys(map(names.clean, entity.kinds))) or ("thing",)
    return Entity(names.given_id(entity.id), name, kinds, tuple(aliases), _utf8(entity.description))


def _evidence(piece: Evidence, when: int) -> Evidence:
    if piece.method not in belief.PRIORS:
        raise BadRequest(f"{piece.method!r} is no method of evidence: use one of {', '.join(belief.PRIORS)}")
    if not piece.source.id:
        raise BadRequest("the evidence names no source: it could never be withdrawn")
    source = Source(SourceId(_utf8(piece.source.id)), piece.source.kind, _utf8(piece.source.title), _utf8(piece.source.uri))
    return replace(
        piece,
        source=source,
        score=float(piece.score),
        model=_utf8(piece.model),
        quote=_utf8(piece.quote),
        head_words=_utf8(piece.head_words),
        tail_words=_utf8(piece.tail_words),
        run=_utf8(piece.run),
        time=piece.time or when,
        detail=tuple((_utf8(name), _utf8(value)) for name, value in piece.detail),
    )


def _row(claim: Claim, cards: Mapping[str, Relation], when: int) -> Row:
    if not claim.evidence:
        raise BadRequest(f"the claim {claim.head.name!r} {claim.relation!r} brings no evidence: facts are kept only as evidence")
    if claim.relation != names.clean(claim.relation) or len(claim.relation.encode()) > RELATION_BYTES:
        raise BadName(f"{claim.relation[:60]!r} cannot be a relation: at most {RELATION_BYTES} bytes, no control characters or outer space")
    head = _entity(claim.head)
    tail = replace(claim.tail, value=_utf8(claim.tail.value)) if isinstance(claim.tail, Literal) else _entity(claim.tail)
    qualifiers = _pairs(claim.qualifiers)
    wanted = cards[claim.relation].key_qualifiers if claim.relation in cards else ()
    end = tail if isinstance(tail, Literal) else tail.id
    key = names.fact_key(claim.relation, head.id, end, tuple(pair for pair in qualifiers if pair[0] in wanted))
    if len(key.encode()) > KEY_BYTES:
        raise BadName(f"the key of {head.name[:60]!r} {claim.relation!r} has more than {KEY_BYTES} bytes: shorten its qualifiers")
    row = Row(key, head, claim.relation, tail, size=2 * len(key) + 500)
    for given in claim.evidence:
        evidence = _evidence(given, when)
        dated = bool(given.time) or given.method == "review"
        piece = Piece(names.evidence_id(key, evidence), evidence, qualifiers, version(evidence.time, evidence.score), dated)
        if (size := len(encode(piece).encode())) > PIECE_BYTES:
            raise BadRequest(f"a piece of evidence of {size:,} bytes is too large for the graph: at most {PIECE_BYTES:,}")
        row.pieces = merge(row.pieces, {piece.id: piece}).pieces
        row.size += size
    return row


def rows(claims: Sequence[Claim], cards: Mapping[str, Relation], clock: Callable[[], int]) -> tuple[list[Row], list[Refusal]]:
    """Claims merged by key and sorted by relation and key; claims that cannot be kept, with the reason."""
    when = clock()
    merged: dict[FactKey, Row] = {}
    refused = []
    for claim in claims:
        try:
            row = _row(claim, cards, when)
        except BadRequest as error:
            refused.append(Refusal(claim, str(error)))
            continue
        if held := merged.get(row.key):
            held.pieces = merge(held.pieces, row.pieces).pieces
            held.head = joined(held.head, row.head)
            held.tail = held.tail if isinstance(held.tail, Literal) or isinstance(row.tail, Literal) else joined(held.tail, row.tail)
            held.size += row.size
        else:
            merged[row.key] = row
    return sorted(merged.values(), key=lambda r: (r.relation, r.key)), refused


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
    known = {names.normalise(held.name)}
    aliases = set(held.aliases)
    if names.normalise(other.name) not in known | {names.normalise(a) for a in aliases}:
        aliases.add(other.name)
    aliases.update(a for a in other.aliases if a != held.name)
    if set(other.kinds) <= set(held.kinds) and aliases == set(held.aliases) and (held.description or not other.description):
        return held
    kinds = (*held.kinds[:1], *sorted({*held.kinds, *other.kinds} - {held.kinds[0]}))
    return Entity(held.id, held.name, kinds, tuple(sorted(aliases)), held.description or other.description)


def told_entities(listed: Iterable[Row]) -> dict[EntityId, Entity]:
    """The entities of the rows by id, each joined from all its mentions."""
    told: dict[EntityId, Entity] = {}
    for row in listed:
        for entity in (row.head, row.tail):
            if isinstance(entity, Entity):
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
