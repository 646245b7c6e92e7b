"""The driver's values as plain ones that JSON can hold: nodes, relationships and paths become mappings."""

from __future__ import annotations

import math
from typing import Any

Plain = Any
_VECTOR = ("emb", "emb_of")
"""What of a node nobody reads, and hundreds of numbers long; a query that names it gets it."""


def plain(value: Any) -> Plain:
    """A node is ``{labels, properties}``, a relationship ``{type, start, end, properties}``, a path ``{nodes, relationships}``.

    ``start`` and ``end`` are the ids of the nodes where they have one. Times are ISO 8601 text. A node comes without its vector.
    """
    from neo4j.graph import Node, Path, Relationship
    from neo4j.spatial import Point
    from neo4j.time import Date, DateTime, Duration, Time

    match value:
        case Node():
            return {"labels": sorted(value.labels), "properties": _mapping({k: v for k, v in value.items() if k not in _VECTOR})}
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
