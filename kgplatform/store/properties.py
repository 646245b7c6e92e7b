"""Facts and entities as the properties of relationships and nodes, and back. Pure functions.

What a relationship carries follows from its pieces and the calibration alone; a fact with too many pieces keeps them
on shelves (``shelves``) and carries their parts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import fulltext, records, shelves
from kgplatform.store.pieces import Piece, Pieces, ordered, read
from kgplatform.store.records import Row
from kgplatform.store.summing import Part, Summary, part, total
from kgplatform.types import Entity, FactKey, Literal

Parameters = dict[str, Any]
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,60}")
_OURS = frozenset(
    "key relation confidence trust belief_rev verdict judge methods qualifiers b rev "
    "ev_ids ev_sources ev_vers ev_docs ev_claims ev_parts".split()
)


def draft(row: Row, calibration: Calibration) -> Parameters:
    """The row as a new fact would be, belief computed before anyone knows whether it is new. Too much for one is added after."""
    on_it = row.pieces if len(row.pieces) <= shelves.LIMIT else {}
    made = carried(row.key, row.relation, on_it, calibration)
    dated = any(one.dated for one in row.pieces.values())
    return placed(row) | {
        "properties": {"relation": row.relation} | {name: value for name, value in made.items() if value is not None},
        "dated": dated,
        "scores": None if dated else [one.score_mark for one in ordered(row.pieces)],
    }


def carried(key: FactKey, relation: str, pieces: Pieces, calibration: Calibration) -> Parameters:
    """What stands on a relationship that carries all its pieces."""
    found = total(calibration.prior_weight(relation), [part(relation, pieces, calibration)])
    return _properties(key, found, ordered(pieces), calibration)


def _properties(key: FactKey, found: Summary, on_it: Sequence[Piece], calibration: Calibration) -> Parameters:
    return {
        **{name: value for name, value in found.qualifiers if is_plain(name)},
        "confidence": found.confidence,
        "trust": found.trust,
        "belief_rev": calibration.revision,
        "verdict": found.verdict,
        "judge": found.judge or None,
        "methods": list(found.methods),
        "ev_ids": [one.id for one in on_it],
        "ev_sources": [one.source for one in on_it],
        "ev_vers": [one.version for one in on_it],
        "ev_docs": [one.document for one in on_it],
        "ev_claims": [one.claimed for one in on_it] if any(one.claimed != key for one in on_it) else None,
        "ev_parts": None,
        "qualifiers": json.dumps(found.qualifiers, ensure_ascii=False) if found.qualifiers else None,
    }


def on_shelves(key: FactKey, relation: str, parts: Sequence[Part], calibration: Calibration) -> Parameters:
    """What stands on a relationship whose pieces lie on shelves."""
    found = total(calibration.prior_weight(relation), parts)
    return _properties(key, found, [], calibration) | {
        "ev_sources": list(found.sources[: shelves.LIMIT]),
        "ev_parts": list(map(shelves.written, parts)),
    }


def is_plain(name: str) -> bool:
    """Whether a qualifier also stands as a plain property."""
    return bool(_PLAIN.fullmatch(name)) and name not in _OURS


def pieces(row: Mapping[str, Any]) -> Pieces:
    """The parallel lists of a relationship as pieces."""
    claims = row["claims"] or [None] * len(row["ids"])
    listed = zip(row["ids"], row["versions"], row["documents"], claims, strict=True)
    return {one.id: one for one in (read(row["key"], *lists) for lists in listed)}


def of_entity(entity: Entity) -> Parameters:
    """What an entity's node says of it; ``aliases_text`` is for the full-text index, keys and their marks are for exact names."""
    keys = [records.name_key(alias) for alias in entity.aliases]
    return {
        "name": entity.name,
        "name_key": records.name_key(entity.name),
        "aliases": list(entity.aliases),
        "alias_keys": keys,
        "alias_marks": " ".join(map(fulltext.mark, keys)),
        "aliases_text": "\n".join(entity.aliases),
        "kinds": list(entity.kinds),
        "description": entity.description,
    }


def placed(row: Row) -> Parameters:
    """Where a row's fact lies: its two nodes and its type, as statements have it."""
    return {
        "key": row.key,
        "head": row.ends[0],
        "tail": row.tail_id,
        "type": names.relationship_type(row.relation),
        "literal": isinstance(row.tail, Literal),
    }
