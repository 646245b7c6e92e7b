"""The driver's values as plain ones that JSON can hold: nodes, relationships and paths become mappings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

Plain = Any
_VECTOR = ("emb", "emb_of", "emb_keys")
"""What of a node nobody reads, and hundreds of numbers long; a query that names it gets it."""


def plain(value: Any) -> Plain:
    """A node is ``{id, labels, properties}``, a relationship ``{type, start, end, properties}``, a path ``{nodes, relationships}``.

    ``id``, ``start`` and ``end`` are the ids of the nodes, the server's own where they have none. Times are ISO 8601
    text. A node comes without its vector.
    """
    from neo4j.graph import Node, Path, Relationship
    from neo4j.spatial import Point
    from neo4j.time import Date, DateTime, Duration, Time

    match value:
        case Node():
            held = {k: v for k, v in value.items() if k not in _VECTOR}
            return {"id": _id(value), "labels": sorted(value.labels), "properties": _mapping(held)}
        case Relationship():
            return {"type": value.type, "start": _id(value.start_node), "end": _id(value.end_node), "properties": _mapping(value)}
        case Path():
            return {"nodes": [plain(n) for n in value.nodes], "relationships": [plain(r) for r in value.relationships]}
        case Point():
            return {"srid": value.srid, "coordinates": list(value)}
        case Date() | DateTime() | Time() | Duration():
            return value.iso_format()
        case dict():
            return _mapping(value)
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case bytes() | bytearray():
            return value.hex()
        case float() if not math.isfinite(value):
            return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _mapping(value: Any) -> dict[str, Plain]:
    return {name: plain(item) for name, item in value.items()}


def _id(node: Any) -> str | None:
    return None if node is None else (node.get("id") or node.element_id)


_NODE, _RELATIONSHIP = {"id", "labels", "properties"}, {"type", "start", "end", "properties"}


def graph(answers: Iterable[Plain]) -> dict[str, list[Plain]]:
    """All nodes and relationships in plain values, each once; an end that is only named is a node without labels."""
    nodes: dict[str, Plain] = {}
    relationships: dict[str, Plain] = {}
    waiting = list(answers)[::-1]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list | tuple):
            waiting += reversed(one)
        elif isinstance(one, dict) and one.keys() == _NODE:
            nodes[one["id"]] = one
        elif isinstance(one, dict) and one.keys() == _RELATIONSHIP:
            relationships.setdefault(json.dumps(one, sort_keys=True), one)
        elif isinstance(one, dict):
            waiting += reversed(list(one.values()))
    for one in relationships.values():
        for end in (one["start"], one["end"]):
            nodes.setdefault(end, {"id": end, "labels": [], "properties": {}})
    return {"nodes": list(nodes.values()), "relationships": list(relationships.values())}
