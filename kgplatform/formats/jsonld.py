"""Facts as JSON-LD: one document, a fact a node, with all that is known of it.

``{"@context": …, "@graph": [`` and then one node a line. The context says what the names mean, for whoever
reads the file as linked data; nothing is ever looked up. A node has head, relation, tail, the confidence of its
fact, qualifiers (entities stand apart, in ``qualifiedBy``), and the evidence, which is what is imported again. A fact
with several sets of qualifiers is several nodes. Ids of entities and sources stand percent-encoded in ``@id``, below ``@base``.

Read are such documents however they are laid out, and bare lists of such nodes. Ends may also be names
(``"head": "Ada"``), which are linked as those of a plain table are; a node without evidence rests on the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import IO

from kgplatform.errors import BadRequest
from kgplatform.formats import iris, rows
from kgplatform.formats.jsonstream import JsonStream
from kgplatform.formats.rows import Broken, Row, Rows, Stated, batches
from kgplatform.types import Claim, Entity, Evidence, Literal, Pairs, Qualifiers, Source

CONTEXT = {
    "@version": 1.1,
    "@base": iris.BASE,
    "@vocab": iris.VOCABULARY,
    "kinds": {"@container": "@set"},
    "aliases": {"@container": "@set"},
    "evidence": {"@container": "@set"},
    "qualifiers": {"@type": "@json"},
    "qualifiedBy": {"@container": "@index"},
    "detail": {"@type": "@json"},
}
_SOURCES = "source/"
_FACT = frozenset({"@id", "@type", "head", "relation", "tail", "confidence", "qualifiers", "qualifiedBy", "evidence"})
_ENTITY = frozenset({"@id", "@type", "name", "kinds", "aliases", "description"})
_VALUE = frozenset({"@type", "value", "datatype", "unit", "language"})
_SOURCE = frozenset({"@id", "@type", "kind", "title", "uri"})
_OF_EVIDENCE = (
    *("@type", "method", "source", "score", "model", "quote", "start", "end"),
    *("headWords", "tailWords", "run", "time", "detail"),
)
_EVIDENCE = frozenset(_OF_EVIDENCE)
_NUMBERS = {"NaN": math.nan, "INF": math.inf, "-INF": -math.inf}
_NOT_OURS = 'is no JSON-LD of ours: expected {"@context": …, "@graph": [facts]} or a list of facts'

Node = Mapping[str, object]


# -- reading -----------------------------------------------------------------------------------------


def read(file: IO[bytes], source: Source) -> Rows:
    document = JsonStream(file)
    match document.peek():
        case "[":
            yield from _facts(document, source)
        case "{":
            yield from _graph(document, source)
        case _:
            raise Broken(_NOT_OURS, document.line)
    document.end()


def _graph(document: JsonStream, source: Source) -> Rows:
    found = False
    for name in document.members():
        if name == "@graph" and document.peek() == "[":
            found = True
            yield from _facts(document, source)
        elif name == "@context":
            _check(document.value(), document.line)
        elif name == "head":
            raise Broken(_NOT_OURS, document.line)
        else:
            document.value()
    if not found:
        raise Broken(_NOT_OURS, document.line)


def _check(context: object, line: int) -> None:
    if not isinstance(context, dict) or context.get("@vocab") != iris.VOCABULARY:
        raise Broken(f"its @context is not ours: expected one with @vocab {iris.VOCABULARY}", line)


def _facts(document: JsonStream, source: Source) -> Rows:
    for line, node in document.elements():
        try:
            yield line, _fact(_node(node, "a fact", _FACT), source)
        except BadRequest as error:
            yield line, str(error)


def _fact(node: Node, source: Source) -> Row:
    head, tail = node.get("head"), node.get("tail")
    relation = rows.relation(_text(node, "relation"))
    confidence = rows.sure(_number(node, "confidence", 1.0), node.get("confidence"))
    if isinstance(head, str):
        if node.get("evidence") or node.get("qualifiers") or node.get("qualifiedBy"):
            raise BadRequest("evidence and qualifiers are for facts by ids: give head and tail as objects with @id and name")
        return rows.named(head, relation, tail if isinstance(tail, str) else _value(tail), confidence, source)
    start, end = _entity(head, "head"), _end(tail)
    told = _list(node, "evidence")
    evidence = tuple(map(_evidence, told)) or (rows.told(start.id, end.value if isinstance(end, Literal) else end.id, confidence, source),)
    return Claim(start, relation, end, evidence, _qualifiers(node))


def _qualifiers(node: Node) -> Qualifiers:
    entities = node.get("qualifiedBy", {})
    if not isinstance(entities, dict):
        raise BadRequest(f"qualifiedBy is an object of entities, not {rows.shown(entities)}")
    found: list[tuple[str, str | Entity]] = list(_pairs(node, "qualifiers"))
    found += [(str(name), _entity(value, "qualifier")) for name, value in entities.items()]
    return tuple(sorted(found, key=itemgetter(0)))


def _entity(end: object, what: str) -> Entity:
    node = _node(end, f"the {what}", _ENTITY)
    id = iris.unpart(_text(node, "@id"))
    kinds = _words(node, "kinds") or ("thing",)
    return rows.entity(id, _text(node, "name", id), kinds, _words(node, "aliases"), _text(node, "description", ""))


def _end(tail: object) -> Entity | Literal:
    return _value(tail) if isinstance(tail, dict) and "value" in tail else _entity(tail, "tail")


def _value(tail: object) -> Literal:
    node = _node(tail, "the tail", _VALUE)
    return rows.value(_text(node, "value"), _text(node, "datatype", "string"), _text(node, "unit", ""), _text(node, "language", ""))


def _evidence(told: object) -> Evidence:
    node = _node(told, "a piece of evidence", _EVIDENCE)
    origin = _node(node.get("source"), "the source", _SOURCE)
    id = iris.unpart(_text(origin, "@id").removeprefix(_SOURCES))
    return Evidence(
        rows.method(_text(node, "method")),
        rows.source(id, _text(origin, "kind"), _text(origin, "title", ""), _text(origin, "uri", "")),
        _number(node, "score", 1.0),
        _text(node, "model", ""),
        _text(node, "quote", ""),
        _whole(node, "start", -1),
        _whole(node, "end", -1),
        _text(node, "headWords", ""),
        _text(node, "tailWords", ""),
        _text(node, "run", ""),
        _whole(node, "time", 0),
        _pairs(node, "detail"),
    )


def _node(given: object, what: str, fields: frozenset[str]) -> Node:
    if not isinstance(given, dict):
        raise BadRequest(f"{what} is an object, not {rows.shown(given)}")
    if not given.keys() <= fields:
        raise BadRequest(f"{what} has the unknown field {rows.shown(min(given.keys() - fields))}: it has {', '.join(sorted(fields))}")
    return given


def _text(node: Node, name: str, default: str | None = None) -> str:
    text = node.get(name, default)
    if not isinstance(text, str):
        raise BadRequest(f"no {name}: it is text" if text is None else f"{name} is text, not {rows.shown(text)}")
    return text


def _number(node: Node, name: str, default: float) -> float:
    number = node.get(name, default)
    if isinstance(number, str) and number in _NUMBERS:
        return _NUMBERS[number]
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadRequest(f"{name} is a number, not {rows.shown(number)}")
    try:
        return float(number)
    except OverflowError:
        raise BadRequest(f"{name} is too large a number") from None


def _whole(node: Node, name: str, default: int) -> int:
    number = node.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int) or not -rows.WHOLE <= number < rows.WHOLE:
        raise BadRequest(f"{name} is a whole number, not {rows.shown(number)}")
    return number


def _list(node: Node, name: str) -> list[object]:
    listed = node.get(name, [])
    return listed if isinstance(listed, list) else [listed]


def _words(node: Node, name: str) -> tuple[str, ...]:
    words = _list(node, name)
    if not all(isinstance(word, str) for word in words):
        raise BadRequest(f"{name} are words, not {rows.shown(words)}")
    return tuple(map(str, words))


def _pairs(node: Node, name: str) -> Pairs:
    pairs = node.get(name, {})
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        raise BadRequest(f"{name} are an object of words, not {rows.shown(pairs)}")
    return tuple(pairs.items())


# -- writing -----------------------------------------------------------------------------------------

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    file.write(f'{{"@context":{_JSON.encode(CONTEXT)},"@graph":['.encode())
    comma = "\n"
    for some in batches(map(_line, stated), 1_000):
        file.write((comma + ",\n".join(some)).encode("utf-8", "replace"))
        comma = ",\n"
    file.write(b"\n]}\n")


def _line(stated: Stated) -> str:
    claim, confidence = stated
    node: dict[str, object] = {"@type": "Fact", "head": _told_entity(claim.head), "relation": claim.relation}
    node["tail"] = _told_entity(claim.tail) if isinstance(claim.tail, Entity) else _told_value(claim.tail)
    node["confidence"] = confidence
    if words := {name: value for name, value in claim.qualifiers if isinstance(value, str)}:
        node["qualifiers"] = words
    if entities := {name: _told_entity(value) for name, value in claim.qualifiers if isinstance(value, Entity)}:
        node["qualifiedBy"] = entities
    node["evidence"] = [_told_evidence(piece) for piece in claim.evidence]
    return _JSON.encode(node)


def _told_entity(entity: Entity) -> Node:
    node: dict[str, object] = {"@id": iris.part(entity.id), "@type": "Entity", "name": entity.name, "kinds": entity.kinds}
    if entity.aliases:
        node["aliases"] = entity.aliases
    if entity.description:
        node["description"] = entity.description
    return node


def _told_value(value: Literal) -> Node:
    node = {"@type": "Value", "value": value.value, "datatype": value.datatype}
    if value.unit:
        node["unit"] = value.unit
    if value.language:
        node["language"] = value.language
    return node


def _told_evidence(piece: Evidence) -> Node:
    """Only what is not as it is by default."""
    source = {"@id": _SOURCES + iris.part(piece.source.id), "@type": "Source", "kind": piece.source.kind}
    if piece.source.title:
        source["title"] = piece.source.title
    if piece.source.uri:
        source["uri"] = piece.source.uri
    node: dict[str, object] = {"@type": "Evidence", "method": piece.method, "source": source, "score": _told_number(piece.score)}
    if piece.model:
        node["model"] = piece.model
    if piece.quote:
        node["quote"] = piece.quote
    if piece.start != -1:
        node["start"] = piece.start
    if piece.end != -1:
        node["end"] = piece.end
    if piece.head_words:
        node["headWords"] = piece.head_words
    if piece.tail_words:
        node["tailWords"] = piece.tail_words
    if piece.run:
        node["run"] = piece.run
    if piece.time:
        node["time"] = piece.time
    if piece.detail:
        node["detail"] = dict(piece.detail)
    return node


def _told_number(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "INF" if number > 0 else "-INF"
