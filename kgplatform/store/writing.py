"""The transactions that write: one batch of claims, or one part of a source that is forgotten.

The order of the statements is what makes concurrent writers exact: entities; facts made or found, with
belief already computed; only those with news locked, read, computed and set; the batch's record; and
at the end once more whether all entities are still there.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.store import records
from kgplatform.store.connection import Record, Redo, run
from kgplatform.store.pieces import Pieces, decode, encode, merge, ordered, summarise
from kgplatform.store.records import Row
from kgplatform.store.selection import entity, place
from kgplatform.store.statements import statement
from kgplatform.types import Entity, EntityId, FactKey, Forgotten, Literal, SourceId

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

Parameters = dict[str, Any]
ENTITIES = 2_000
"""Entities in one record."""
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,60}")
_OURS = frozenset(
    "key relation confidence trust belief_rev verdict judge methods qualifiers b rev "
    "ev_ids ev_groups ev_weights ev_sources ev_vers ev_docs".split()
)


class Plans(Protocol):
    """How one server is told to touch many facts at once."""

    def plans(self, operation: str, rows: Sequence[Parameters], **splices: str) -> Iterator[tuple[str, list[Parameters]]]:
        """Statements for ``facts_<operation>`` and the rows for each. Rows bear head, tail, type, key and literal."""
        ...

    def entities_create(self, labels: str) -> str: ...


class Writer:
    """One managed transaction's work, on one server, with one calibration."""

    def __init__(self, tx: ManagedTransaction, plans: Plans, calibration: Calibration) -> None:
        self._tx = tx
        self._plans = plans
        self._calibration = calibration

    def _facts(self, operation: str, rows: Sequence[Parameters], **parameters: Any) -> list[Record]:
        found = []
        for cypher, part in self._plans.plans(operation, rows):
            found += run(self._tx, cypher, rows=part, **parameters)
        return found

    # -- put -----------------------------------------------------------------------------------------

    def put(self, rows: Sequence[Row]) -> Counter[str]:
        """Write the rows; count what became of each: new, merged, unchanged."""
        told = records.told_entities(rows)
        self._entities(told)
        self._sources(rows)
        self._literals(rows)
        batch = uuid.uuid4().hex
        made = {row.key: self._made(row, batch) for row in rows}
        fresh: set[FactKey] = set()
        stale: set[FactKey] = set()
        for found in self._facts("merge", list(made.values()), batch=batch):
            (fresh if found["fresh"] else stale).update(found["keys"])
        by_key = {row.key: row for row in rows}
        outcomes, changed = self._update([by_key[key] for key in sorted(stale)])
        written = [by_key[key] for key in sorted(fresh | changed)]
        self._record(written, batch)
        if run(self._tx, statement("entities_count"), ids=list(told))[0]["n"] != len(told):
            raise Redo
        return Counter({"new": len(fresh), **outcomes, "unchanged": len(rows) - len(fresh) - outcomes["merged"]})

    def _entities(self, told: Mapping[EntityId, Entity]) -> None:
        ids = sorted(told)
        held = {one.id: one for one in entities(self._tx, ids)}
        self._create(told[one] for one in ids if one not in held)
        if news := [one for one in ids if one in held and records.joined(held[one], told[one]) != held[one]]:
            now = [entity(row) for row in run(self._tx, statement("entities_touch"), ids=news)]
            self._tell([(old, records.joined(old, told[old.id])) for old in now])

    def _create(self, entities: Iterable[Entity]) -> None:
        for labels, group in _by_labels((e, e.kinds) for e in entities).items():
            rows = [{"id": e.id, "properties": {**properties(e), "id": e.id, "kg_made": True}} for e in group]
            run(self._tx, self._plans.entities_create(labels), rows=rows)

    def _tell(self, changes: Iterable[tuple[Entity, Entity]]) -> None:
        for labels, group in _by_labels((new, tuple(k for k in new.kinds if k not in old.kinds)) for old, new in changes).items():
            rows = [{"id": e.id, "properties": properties(e)} for e in group]
            run(self._tx, statement("entities_set", LABELS=labels), rows=rows)

    def _sources(self, rows: Sequence[Row]) -> None:
        sources = {p.evidence.source.id: p.evidence.source for row in rows for p in row.pieces.values()}
        listed = [{"id": s.id, "kind": s.kind, "title": s.title, "uri": s.uri} for _, s in sorted(sources.items())]
        run(self._tx, statement("sources_create"), rows=listed)

    def _literals(self, rows: Sequence[Row]) -> None:
        listed = [
            {"id": row.key, "value": t.value, "datatype": t.datatype, "unit": t.unit, "language": t.language}
            for row in rows
            if isinstance(t := row.tail, Literal)
        ]
        if listed:
            run(self._tx, statement("literals_create"), rows=listed)

    def _made(self, row: Row, batch: str) -> Parameters:
        """The row as a new fact would be: lists and belief computed before anyone knows whether it is new."""
        held = {"key": row.key, "relation": row.relation, "b": batch, **self._believed(row.relation, row.pieces)}
        return _placed(row) | {
            "properties": held,
            "dated": any(p.dated for p in row.pieces.values()),
            "scores": [p.score_mark for p in ordered(row.pieces)],
        }

    def _believed(self, relation: str, pieces: Pieces, dropped: Iterable[str] = ()) -> Parameters:
        """Everything on a relationship that follows from its pieces; ``dropped`` qualifiers are unset."""
        found = summarise(relation, pieces, self._calibration)
        held = ordered(pieces)
        plain = {name: value for name, value in found.qualifiers if _PLAIN.fullmatch(name) and name not in _OURS}
        return {
            **dict.fromkeys((name for name in dropped if _PLAIN.fullmatch(name) and name not in _OURS), None),
            **plain,
            "confidence": found.confidence,
            "trust": found.trust,
            "belief_rev": self._calibration.revision,
            "verdict": found.verdict,
            "judge": found.judge,
            "methods": list(found.methods),
            "ev_ids": [p.id for p in held],
            "ev_groups": [belief.group(p.evidence) for p in held],
            "ev_weights": list(found.weights),
            "ev_sources": [p.evidence.source.id for p in held],
            "ev_vers": [p.version for p in held],
            "ev_docs": [encode(p) for p in held],
            "qualifiers": json.dumps(found.qualifiers, ensure_ascii=False),
        }

    def _held(self, places: Sequence[Parameters]) -> dict[str, Pieces]:
        """Lock the facts, then read their pieces. Those that are gone are not in the answer."""
        found = {}
        for row in self._facts("touch", places):
            if row["ids"] is None or row["versions"] is None or row["documents"] is None:
                raise Redo
            found[row["key"]] = pieces(row)
        return found

    def _update(self, rows: Sequence[Row]) -> tuple[Counter[str], set[FactKey]]:
        """Merge news into facts that were there. Which got news, and which were written at all."""
        held = self._held([_placed(row) for row in rows]) if rows else {}
        if len(held) != len(rows):
            raise Redo
        changes: list[Parameters] = []
        told = 0
        for row in rows:
            old, merged = held[row.key], merge(held[row.key], row.pieces)
            if merged.changed:
                changes.append(_placed(row) | {"properties": self._believed(row.relation, merged.pieces, _qualifiers(old))})
                before, after = (summarise(row.relation, p, self._calibration) for p in (old, merged.pieces))
                told += merged.told or before != after
        self._set(changes)
        return Counter(merged=told), {change["key"] for change in changes}

    def _set(self, changes: Sequence[Parameters]) -> None:
        if changes and sum(row["n"] for row in self._facts("set", changes)) != len(changes):
            raise Redo

    def _record(self, rows: Sequence[Row], batch: str) -> None:
        keys: dict[tuple[str, str], list[FactKey]] = defaultdict(list)
        for row in rows:
            for source, of_run in sorted({(p.evidence.source.id, p.evidence.run) for p in row.pieces.values()}):
                keys[source, of_run].append(row.key)
        listed = [
            {"id": f"{batch}:{n}", "source": source, "run": of_run, "keys": named}
            for n, ((source, of_run), named) in enumerate(keys.items())
        ]
        if listed:
            run(self._tx, statement("batches_create"), rows=listed)

    # -- forget --------------------------------------------------------------------------------------

    def forget(self, source: SourceId, batches: Sequence[Record]) -> Forgotten:
        """Take a source's pieces from the facts that its batches name, and drop the batches."""
        places = [place(key) for key in sorted({key for batch in batches for key in batch["keys"]})]
        by_key = {row["key"]: row for row in places}
        changes, emptied, evidence = [], [], 0
        for key, held in self._held(places).items():
            left = {name: piece for name, piece in held.items() if piece.evidence.source.id != source}
            evidence += len(held) - len(left)
            if not left:
                emptied.append(by_key[key])
            elif len(left) < len(held):
                relation = names.parse_key(key).relation
                changes.append(by_key[key] | {"properties": self._believed(relation, left, _qualifiers(held))})
        self._set(changes)
        self._drop(emptied)
        run(self._tx, statement("batches_drop"), ids=[batch["id"] for batch in batches])
        return Forgotten(evidence, len(emptied), len(changes))

    def _drop(self, emptied: Sequence[Parameters]) -> None:
        if not emptied:
            return
        self._facts("drop", emptied)
        run(self._tx, statement("literals_drop"), ids=[row["key"] for row in emptied if row["literal"]])
        ends = {row["head"] for row in emptied} | {row["tail"] for row in emptied if not row["literal"]}
        run(self._tx, statement("entities_drop"), ids=sorted(ends))


def entities(tx: ManagedTransaction, ids: Sequence[str]) -> Iterator[Entity]:
    """The entities among ``ids`` that exist; many in one record, since each record costs a round of the driver."""
    for start in range(0, len(ids), ENTITIES):
        for row in run(tx, statement("entities"), ids=ids[start : start + ENTITIES]):
            for one in row["found"]:
                yield entity(dict(zip(("id", "name", "kinds", "aliases", "description"), one, strict=True)))


def pieces(row: Record) -> Pieces:
    """The parallel lists of a relationship as pieces."""
    listed = zip(row["ids"], row["versions"], row["documents"], strict=True)
    return {piece.id: piece for piece in (decode(*lists) for lists in listed)}


def properties(entity: Entity) -> Parameters:
    """What an entity's node says of it; ``aliases_text`` is for the full-text index, keys are for exact names."""
    return {
        "name": entity.name,
        "name_key": records.name_key(entity.name),
        "aliases": list(entity.aliases),
        "alias_keys": [records.name_key(alias) for alias in entity.aliases],
        "aliases_text": "\n".join(entity.aliases),
        "kinds": list(entity.kinds),
        "description": entity.description,
    }


def _qualifiers(held: Pieces) -> set[str]:
    return {name for piece in held.values() for name, _ in piece.qualifiers}


def _placed(row: Row) -> Parameters:
    return {
        "key": row.key,
        "head": row.head.id,
        "tail": row.tail_id,
        "type": names.relationship_type(row.relation),
        "literal": isinstance(row.tail, Literal),
    }


def _by_labels(entities: Iterable[tuple[Entity, Sequence[str]]]) -> dict[str, list[Entity]]:
    """Entities by the labels they need, as ``:City:Place``."""
    groups: dict[str, list[Entity]] = defaultdict(list)
    for one, kinds in entities:
        groups["".join(f":{name}" for name in sorted({names.label(kind) for kind in kinds}))].append(one)
    return dict(groups)
