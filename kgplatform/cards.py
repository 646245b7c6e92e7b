"""Relation cards and kinds: read from YAML and applied to claims.

A card is the contract of one relation (``kgplatform.types.Relation``); ``kgplatform.cardform`` checks it. The cards that ship stand in
``harvest/relations``; people bring their own by path. ``canonical`` gives a claim the one form that its card
allows, so that two wordings of one fact meet in one key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kgplatform import names
from kgplatform.cardform import filled, relation_from, slots
from kgplatform.errors import BadCard, BadFile, BadRequest
from kgplatform.literals import DATATYPES, literal
from kgplatform.packed import opened
from kgplatform.types import Claim, FactKey, Kind, Literal, Relation

__all__ = [
    "ancestors",
    "canonical",
    "datatype",
    "disjoint",
    "filled",
    "fits",
    "key",
    "plain",
    "read_kinds",
    "read_relation",
    "read_relations",
    "relation_from",
    "slots",
    "text",
]
LARGEST = 1 << 26
"""Bytes of a file of cards: one that is compressed must not fill the memory."""


def plain(path: Path) -> Any:
    """What a YAML (and so also a JSON) file holds. Raises ``BadCard`` naming the file."""
    import yaml

    try:
        return yaml.safe_load(text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BadCard(f"{path}{f', line {mark.line + 1}' if mark else ''}: is not YAML ({getattr(error, 'problem', error)})") from None
    except (ValueError, RecursionError) as error:  # a date that no calendar has, or lists in lists without end
        raise BadCard(f"{path}: cannot be read ({str(error)[:200]})") from None


def text(path: Path) -> str:
    """What a file of cards says; it may be gzip-compressed. Raises ``BadCard`` naming the file."""
    try:
        with opened(path) as file:
            raw = file.read(LARGEST + 1)
    except BadFile as error:
        raise BadCard(str(error)) from None
    if len(raw) > LARGEST:
        raise BadCard(f"{path}: holds more than {LARGEST:,} bytes: this is no file of cards")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadCard(f"{path}: is not UTF-8 text") from None


def read_relation(path: Path) -> Relation:
    """The card in a YAML file. Raises ``BadCard`` naming the file."""
    raw = plain(path)
    try:
        return relation_from(raw)
    except BadRequest as error:
        raise BadCard(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None


def read_relations(folder: Path) -> dict[str, Relation]:
    """All cards of a folder by name, in the order of the file names."""
    cards = [read_relation(path) for path in sorted(folder.glob("*.yaml"))]
    return {card.name: card for card in cards}


def read_kinds(path: Path) -> dict[str, Kind]:
    """The taxonomy in a YAML file: name → is_a, description, examples. Raises ``BadCard``."""
    raw = plain(path)
    if not isinstance(raw, dict):
        raise BadCard(f"{path}: expected a mapping from kinds to their descriptions")
    kinds = {}
    for name, body in raw.items():
        body = body or {}
        if not isinstance(body, dict) or set(body) - {"is_a", "description", "examples"}:
            raise BadCard(f"{path}: kind {name!r} has more than  is_a, description, examples")
        kinds[str(name)] = Kind(str(name), body.get("is_a", ""), body.get("description", ""), tuple(map(str, body.get("examples", []))))
    for kind in kinds.values():
        if kind.is_a and kind.is_a not in kinds:
            raise BadCard(f"{path}: kind {kind.name!r} is_a {kind.is_a!r}, which is not there")
        if kind.name in ancestors(kind.is_a, kinds):
            raise BadCard(f"{path}: kind {kind.name!r} is its own ancestor")
    return kinds


def ancestors(kind: str, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """A kind and all that it is, nearest first; a kind that nobody described is only itself."""
    line: list[str] = []
    while kind and kind not in line:
        line.append(kind)
        kind = kinds[kind].is_a if kind in kinds else ""
    return tuple(line)


def fits(kind: str, wanted: Iterable[str], kinds: Mapping[str, Kind]) -> bool:
    """Whether an entity of ``kind`` may stand where ``wanted`` kinds are asked for; no wish fits all."""
    wishes = set(wanted)
    return not wishes or bool(wishes & set(ancestors(kind, kinds)))


def disjoint(one: str, other: str, kinds: Mapping[str, Kind]) -> bool:
    """Whether nothing can be of both kinds: they lie in different branches below the taxonomy's root.

    Cousins of one branch, a city and a country, may be one thing (Singapore); of a kind that nobody described nothing is known.
    """
    if one not in kinds or other not in kinds:
        return False
    line, shared = ancestors(one, kinds), set(ancestors(one, kinds)) & set(ancestors(other, kinds))
    roots = {name for name, kind in kinds.items() if not kind.is_a}
    root_is_one_of_them = one in shared or other in shared
    return not root_is_one_of_them and (not shared or (len(roots) == 1 and shared == {line[-1]}))


def datatype(card: Relation) -> str | None:
    """The datatype of the card's tails, or ``None`` when its tails are entities."""
    return card.range[0] if len(card.range) == 1 and card.range[0] in DATATYPES else None


def canonical(claim: Claim, cards: Mapping[str, Relation]) -> Claim:
    """The claim in the one form its card allows; raises ``BadRequest`` when no form does.

    The inverse's words become the canonical direction, the ends of a symmetric relation are sorted, and a
    literal gets its canonical text. A relation without a card passes as it is.
    """
    card = cards.get(claim.relation)
    if card is None:
        inverse = next((c for c in cards.values() if c.inverse and c.inverse == claim.relation), None)
        if inverse is None:
            return claim
        if isinstance(claim.tail, Literal):
            raise BadRequest(f"{claim.relation!r} is the inverse of {inverse.name!r}, so its tail must be an entity")
        _check_qualifiers(claim, inverse)
        return dataclasses.replace(claim, head=claim.tail, relation=inverse.name, tail=claim.head, evidence=_turned(claim))
    _check_qualifiers(claim, card)
    if wanted := datatype(card):
        if not isinstance(claim.tail, Literal):
            raise BadRequest(f"the tail of {card.name!r} must be a value of type {wanted}, not the entity {claim.tail.name!r}")
        tail = literal(claim.tail.value, wanted, claim.tail.unit, claim.tail.language)
        return dataclasses.replace(claim, tail=tail)
    if isinstance(claim.tail, Literal):
        if card.range:
            raise BadRequest(f"the tail of {card.name!r} must be an entity, not the value {claim.tail.value[:60]!r}")
        return claim
    if card.symmetric and claim.tail.id < claim.head.id:
        return dataclasses.replace(claim, head=claim.tail, tail=claim.head, evidence=_turned(claim))
    return claim


def key(claim: Claim, cards: Mapping[str, Relation]) -> FactKey:
    """The key of a canonical claim's fact, with the qualifiers that its card names for it."""
    wanted = cards[claim.relation].key_qualifiers if claim.relation in cards else ()
    qualifiers = tuple((name, names.qualifier(value)) for name, value in claim.qualifiers if name in wanted)
    return names.fact_key(claim.relation, claim.head.id, claim.tail if isinstance(claim.tail, Literal) else claim.tail.id, qualifiers)


def _check_qualifiers(claim: Claim, card: Relation) -> None:
    if not claim.qualifiers or not card.qualifier_kinds:
        return
    kinds = dict(card.qualifier_kinds)
    for name, value in claim.qualifiers:
        if isinstance(value, str) and name in kinds:
            raise BadRequest(f"the qualifier {name!r} of {card.name!r} must be an entity ({kinds[name]}), not the words {value[:60]!r}")


def _turned(claim: Claim) -> tuple[Any, ...]:
    return tuple(dataclasses.replace(piece, head_words=piece.tail_words, tail_words=piece.head_words) for piece in claim.evidence)
