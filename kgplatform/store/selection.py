"""What facts a query selects, as Cypher conditions; and the rows that come back, as facts.

The conditions on status say in Cypher what ``kgplatform.belief.status`` says in Python; the contract
suite holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kgplatform import names
from kgplatform.belief import ACCEPTANCE
from kgplatform.types import ORIGINS, Entity, EntityId, Fact, FactKey, FactQuery, Literal, Pairs, SourceId, Status

_TOLD = "size([m IN r.methods WHERE m <> 'graph']) > 0"
_STATUS: dict[Status, str] = {
    "all": "true",
    "rejected": "r.verdict = 'rejected'",
    "predicted": f"r.verdict = 'none' AND NOT {_TOLD}",
    "proposed": f"r.verdict = 'none' AND {_TOLD} AND NOT r.trust >= $acceptance",
    "current": f"(r.verdict = 'accepted' OR (r.verdict = 'none' AND {_TOLD} AND r.trust >= $acceptance))",
}

_HOLDS = (
    "(r.valid_from IS NULL OR left($as_of, size(r.valid_from)) >= left(r.valid_from, size($as_of))) AND "
    "(r.valid_to IS NULL OR left($as_of, size(r.valid_to)) <= left(r.valid_to, size($as_of)))"
)
"""As ``holds_at`` says in Python."""

RETURN = (
    "RETURN r.key AS key, r.relation AS relation, r.confidence AS confidence, r.trust AS trust, r.verdict AS verdict, r.judge AS judge, "
    "r.methods AS methods, r.ev_sources AS sources, r.qualifiers AS qualifiers, "
    "[h.id, h.name, h.description] AS head, h.kinds AS head_kinds, h.aliases AS head_aliases, h.also AS head_also, "
    "[t.id, t.name, t.description] AS tail, t.kinds AS tail_kinds, t.aliases AS tail_aliases, t.also AS tail_also, "
    "[t.value, t.datatype, t.unit, t.language] AS literal"
)
CELLS = (
    "r.key",
    "coalesce(h.name, h.id)",
    "r.relation",
    "coalesce(t.name, t.value, t.id)",
    "coalesce(t.unit, '')",
    "r.confidence",
    "r.trust",
    "r.verdict",
    "r.methods",
)
"""What a table of facts is made from; none of them is ever null."""
TRIPLE = ("r.key", "h.id", "r.relation", "t.id", "r.trust")
"""What arrays of facts between entities are made from."""
VALUE = ("r.key", "h.id", "r.relation", "t.value", "t.datatype", "coalesce(t.unit, '')")
"""What arrays of values are made from."""
PIECES = "r.ev_ids AS ids, r.ev_vers AS versions, r.ev_docs AS documents, r.ev_claims AS claims, r.ev_parts AS parts"
EVIDENCE = f"RETURN r.key AS key, r.relation AS relation, {PIECES}"


def where(query: FactQuery) -> str:
    """The conditions on a fact's own properties, its relation and its ends; values are parameters (``values``)."""
    parts = [_STATUS[query.status]]
    if query.min_confidence > 0:
        parts.append("r.confidence >= $min_confidence")
    if query.relation is not None:
        parts.append("r.relation = $relation")
    if query.head is not None:
        parts.append("h.id = $head")
    if query.tail is not None:
        parts.append("t.id = $tail AND t.value IS NULL")
    if query.source is not None:
        parts.append("($source IN r.ev_sources OR r.ev_parts IS NOT NULL)")
    if query.method is not None:
        parts.append("$method IN r.methods")
    if query.as_of is not None:
        parts.append(_HOLDS)
    if query.after is not None:
        parts.append("(h.id > $after_head OR (h.id = $after_head AND r.key > $after_key))")
    if query.tails != "any":
        parts.append("t.value IS NULL" if query.tails == "entities" else "t.value IS NOT NULL")
    return " AND ".join(parts)


def values(query: FactQuery) -> dict[str, Any]:
    return {
        "acceptance": ACCEPTANCE,
        "min_confidence": query.min_confidence,
        "relation": query.relation,
        "head": query.head,
        "tail": query.tail,
        "source": query.source,
        "method": query.method,
        "as_of": query.as_of,
        "limit": query.limit,
        "after_head": begin(query),
        "after_key": query.after,
    }


def begin(query: FactQuery) -> str:
    """The id of the first head that may have such facts; empty where that may be any. Raises ``NotFound``."""
    return names.parse_key(query.after).head if query.after is not None else ""


def type_of(query: FactQuery) -> str:
    """The relationship type to splice: empty for any."""
    return "" if query.relation is None else f":{names.relationship_type(query.relation)}"


def splices(query: FactQuery, returned: str) -> dict[str, str]:
    """What goes into a statement that selects facts. No limit is no LIMIT: the local server reserves room for all it says."""
    limit = "" if query.limit is None else "LIMIT $limit"
    return {"TYPE": type_of(query), "WHERE": where(query), "RETURN": returned, "LIMIT": limit}


def entity(row: Mapping[str, Any]) -> Entity:
    """An entity of a row; ``also`` are the names of those that were merged into it."""
    return Entity(
        EntityId(row["id"]),
        row["name"] or row["id"],
        tuple(row["kinds"] or ("thing",)),
        tuple(sorted({*(row["aliases"] or ()), *also})) if (also := row["also"]) else tuple(row["aliases"] or ()),
        row["description"] or "",
    )


def _end(row: Mapping[str, Any], end: str) -> Entity:
    identity, name, description = row[end]
    rest = {part: row[f"{end}_{part}"] for part in ("kinds", "aliases", "also")}
    return entity({"id": identity, "name": name, "description": description, **rest})


def written_qualifiers(row: Mapping[str, Any]) -> Pairs:
    """The qualifiers of a row as they were written."""
    return tuple((name, text) for name, text in json.loads(row["qualifiers"])) if row["qualifiers"] else ()


def fact(row: Mapping[str, Any], entity: Callable[[EntityId], Entity]) -> Fact:
    """A row of ``RETURN`` as a fact; ``entity`` knows those that qualify it."""
    value, datatype, unit, language = row["literal"]
    methods = set(row["methods"])
    return Fact(
        FactKey(row["key"]),
        _end(row, "head"),
        row["relation"],
        _end(row, "tail") if value is None else Literal(value, datatype, unit, language),
        row["confidence"],
        row["trust"],
        row["verdict"],
        row["judge"] or "",
        tuple(m for m in ORIGINS if m in methods),
        tuple(SourceId(s) for s in sorted(set(row["sources"]))),
        names.qualifiers(written_qualifiers(row), entity),
    )


def holds_at(qualifiers: Pairs, date: str) -> bool:
    """Whether a fact with these qualifiers holds on a date; the coarser of two dates includes the finer."""
    told = dict(qualifiers)
    start, end = told.get("valid_from", ""), told.get("valid_to", "")
    return date[: len(start)] >= start[: len(date)] and (not end or date[: len(end)] <= end[: len(date)])


def place(key: str) -> dict[str, Any]:
    """Where a fact lies, read from its key: its two nodes and its type. Raises ``NotFound`` when the text is no key."""
    parts = names.parse_key(key)
    literal = parts.tail.startswith("=")
    return {
        "key": key,
        "head": parts.head,
        "tail": key if literal else parts.tail,
        "type": names.relationship_type(parts.relation),
        "literal": literal,
    }
