"""What may stand in a line of a backup, checked before anything of it is restored, and the facts that lines say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.store import qualifying
from kgplatform.store.properties import pieces
from kgplatform.store.records import Row
from kgplatform.types import Entity, EntityId, FactKey, Kind, Literal, Relation

Line = dict[str, Any]
_Fits = Callable[[Any], bool]


def row(line: Line) -> Row:
    """The fact of a line."""
    parts = names.parse_key(line["key"])
    literal = Literal(*line["literal"]) if line["literal"][0] is not None else None
    ids, versions, documents, claims = zip(*line["pieces"], strict=True)
    held = pieces({"key": line["key"], "ids": ids, "versions": versions, "documents": documents, "claims": claims})
    head, tail = Entity(EntityId(parts.head), parts.head), literal or Entity(EntityId(parts.tail), parts.tail)
    return Row(FactKey(line["key"]), head, parts.relation, tail, (parts.head, "" if literal else parts.tail), held)


def entities(row: Row) -> set[EntityId]:
    """All that the fact of a row needs: its ends, and what qualifies it."""
    return {EntityId(end) for end in row.ends if end} | {one for _, one in qualifying.told(row.pieces)}


def names_entities(line: Line) -> bool:
    """Whether a fact may be qualified by entities: quick, and never wrong about one that is."""
    return any('"@' in document for _, _, document, _ in line["pieces"])


# -- checking ----------------------------------------------------------------------------------------


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _maybe(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _words(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(map(_text, value)))


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


_FIELDS: Mapping[str, Mapping[str, _Fits]] = {
    "entity": {"id": _text, "name": _maybe, "kinds": _words, "aliases": _words, "description": _maybe},
    "passage": dict.fromkeys(("id", "source", "digest", "text"), _text) | dict.fromkeys(("epoch", "place", "start", "stop"), _whole),
    "source": {"id": _text, "kind": _maybe, "title": _maybe, "uri": _maybe, "epoch": _whole},
    "merge": dict.fromkeys(("id", "keep", "other", "by"), _text) | {"time": _whole, "undone": _truth},
}
_PIECE: tuple[_Fits, ...] = (_text, _whole, _text, _text)
_CARDS = {"KgRelation": Relation, "KgKind": Kind}


def check(line: Line) -> None:
    """Raise ``BadRequest`` for a line that could not be restored."""
    if fields := next((name for name in _FIELDS if name in line), None):
        _check_fields(fields, line[fields])
    elif "key" in line:
        _check_fact(line)
    elif "gone" in line:
        _check_key(line["gone"])
    elif "vocabulary" in line:
        _check_card(line)
    elif "calibration" in line:
        _check_calibration(line["calibration"])
    elif not line.get("end"):
        raise BadRequest("is no line of a backup")


def _check_fields(what: str, told: Any) -> None:
    if not isinstance(told, dict):
        raise BadRequest(f"{what!r} is not an object")
    for name, fits in _FIELDS[what].items():
        if name not in told or not fits(told[name]):
            raise BadRequest(f"{name!r} of {what!r} is {'not what it must be' if name in told else 'missing'}")


def _check_key(key: Any) -> None:
    if not isinstance(key, str):
        raise BadRequest("the key is not text")
    names.parse_key(key)


def _check_fact(line: Line) -> None:
    _check_key(line["key"])
    literal, told = line.get("literal"), line.get("pieces")
    if not isinstance(literal, list) or len(literal) != 4 or not (all(map(_text, literal)) or literal[0] is None):
        raise BadRequest("'literal' is not a value with datatype, unit and language")
    if not isinstance(told, list) or not told or not all(map(_is_piece, told)):
        raise BadRequest("'pieces' are not lists of id, version, document and claim")
    try:
        for one in row(line).pieces.values():
            names.parse_key(one.claimed)
            _ = one.evidence
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequest("a document of 'pieces' is no evidence") from None


def _is_piece(told: Any) -> bool:
    return isinstance(told, list) and len(told) == len(_PIECE) and all(fits(value) for fits, value in zip(_PIECE, told, strict=True))


def _check_card(line: Line) -> None:
    card = _CARDS.get(line["vocabulary"]) if _text(line["vocabulary"]) else None
    try:
        if card is None or not _text(card(**json.loads(line["json"])).name):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise BadRequest("'vocabulary' is no card of a relation and no kind") from None


def _check_calibration(written: Any) -> None:
    try:
        if written is not None:
            Calibration.read(written)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequest("'calibration' is no table of weights") from None
