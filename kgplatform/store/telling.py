"""What a writing transaction says of entities and sources, and what it asks of them once more before it ends."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import merging, properties, records
from kgplatform.store.connection import Record, Redo, run
from kgplatform.store.known import Known
from kgplatform.store.merging import Redirects
from kgplatform.store.pieces import Piece
from kgplatform.store.properties import Parameters
from kgplatform.store.records import Row
from kgplatform.store.selection import entity
from kgplatform.store.statements import statement
from kgplatform.types import Entity, EntityId

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

ENTITIES = 2_000
"""Entities in one record."""


class Plans(Protocol):
    """How one server is told to touch many facts at once."""

    def plans(self, operation: str, rows: Sequence[Parameters], **splices: str) -> Iterator[tuple[str, list[Parameters]]]:
        """Statements for ``facts_<operation>`` and the rows for each. Rows bear head, tail, type, key and literal."""
        ...

    def entities_create(self, labels: str) -> str: ...


class Telling:
    """One managed transaction on one server, with one calibration. ``batch`` marks all that it makes."""

    def __init__(self, tx: ManagedTransaction, plans: Plans, calibration: Calibration, known: Known | None = None) -> None:
        self._tx = tx
        self._plans = plans
        self._calibration = calibration
        self._known = known or Known()
        self.batch = uuid.uuid4().hex
        self.news: set[EntityId] = set()
        """Entities that were there and are told otherwise now."""

    def run(self, name: str, splices: Mapping[str, str] | None = None, /, **parameters: Any) -> list[Record]:
        """The rows of a named statement."""
        return run(self._tx, statement(name, **splices or {}), **parameters)

    def nodes(self, ids: Sequence[str]) -> Iterator[Record]:
        """The entities among ``ids`` that exist, as they stand."""
        return nodes(self._tx, ids)

    def tell(self, told: Mapping[EntityId, Entity]) -> Redirects:
        """Make entities, or add what is news of them. Where those lead that were merged."""
        ids = sorted(told)
        known = self._known.entities
        held = {one: known[one] for one in ids if one in known}
        redirects: dict[str, str] = {}
        self._meet([one for one in ids if one not in held], held, redirects)
        new = [one for one in ids if one not in held]
        self._create(told[one] for one in new)
        self._meet(new, held, redirects)  # another writer may have been first, and have told other names
        now = {one: records.joined(held[one], told[one]) if one in held else told[one] for one in ids}
        if news := [one for one in ids if now[one] is not held.get(one)]:
            locked = [entity({**row, "also": None}) for row in self.run("entities_touch", ids=news)]
            self._set_entities([(old, records.joined(old, told[old.id])) for old in locked])
            self.news.update(news)
        known |= {one: joined for one, joined in now.items() if one not in redirects}
        return self._followed(redirects)

    def _meet(self, ids: Sequence[EntityId], held: dict[EntityId, Entity], redirects: dict[str, str]) -> None:
        """Read entities into ``held``, and where they lead."""
        for row in self.nodes(ids):
            held[EntityId(row["id"])] = entity({**row, "also": None})
            if row["redirect"] is not None:
                redirects[row["id"]] = row["redirect"]

    def _followed(self, redirects: dict[str, str]) -> dict[str, str]:
        """The redirects with those that theirs lead to."""
        ahead = sorted(set(redirects.values()) - redirects.keys())
        while ahead:
            found = {row["id"]: row["redirect"] for row in self.run("entities_redirects", ids=ahead)}
            redirects |= found
            ahead = sorted(set(found.values()) - redirects.keys())
        return redirects

    def _create(self, entities: Iterable[Entity]) -> None:
        for labels, group in _by_labels((e, e.kinds) for e in entities).items():
            rows = [{"id": e.id, "properties": {**properties.of_entity(e), "id": e.id, "kg_made": True}} for e in group]
            run(self._tx, self._plans.entities_create(labels), rows=rows)

    def _set_entities(self, changes: Iterable[tuple[Entity, Entity]]) -> None:
        for labels, group in _by_labels((new, tuple(k for k in new.kinds if k not in old.kinds)) for old, new in changes).items():
            rows = [{"id": e.id, "properties": properties.of_entity(e)} for e in group]
            self.run("entities_set", {"LABELS": labels}, rows=rows)

    def overwrite(self, told: Mapping[EntityId, Entity]) -> None:
        """Make entities, or let those that are there be as they are told now."""
        held = {EntityId(row["id"]): entity({**row, "also": None}) for row in self.nodes(sorted(told))}
        self._create(one for name, one in told.items() if name not in held)
        self._set_entities((old, told[name]) for name, old in held.items() if old != told[name])

    def name_merged(self, start: EntityId, redirects: Redirects) -> None:
        """Give an entity, and all it was merged into, the names of what was merged into each."""
        line = list(merging.line(start, redirects))
        below = {one: [other for other in redirects if other != one and one in merging.line(other, redirects)] for one in line}
        ids = sorted({other for others in below.values() for other in others} | set(line))
        told = {EntityId(row["id"]): entity({**row, "also": None}) for row in self.nodes(ids)}
        rows = []
        for one, others in below.items():
            held = told[EntityId(one)]
            also = set(records.with_names(held, [told[EntityId(other)] for other in others]).aliases) - set(held.aliases)
            rows.append({"id": one, "merged": sorted(others) or None, "also": sorted(also) or None})
        self.run("entities_merged", rows=rows)

    def sources(self, rows: Sequence[Row]) -> dict[str, int]:
        """Make the sources and runs of the rows known; how often each was forgotten, if ever."""
        speaking = {one.source: one for row in rows for one in row.pieces.values()}
        runs = {records.run_mark(one.run) for row in rows for one in row.pieces.values() if one.run}
        known = self._known.epochs
        sources = [speaking[one].evidence.source for one in sorted(speaking) if one not in known]
        listed = [{"id": s.id, "kind": s.kind, "title": s.title, "uri": s.uri} for s in sources]
        listed += [{"id": one, "kind": "run", "title": "", "uri": ""} for one in sorted(runs) if one not in known]
        if listed:
            known |= dict(self.run("sources_create", rows=listed)[0]["epochs"])
        return {one: known[one] for one in (*speaking, *runs)}

    def epochs(self, of: Iterable[Piece]) -> dict[str, int]:
        """How often the sources and runs of pieces were forgotten."""
        ids = {mark for one in of for mark in ((one.source, records.run_mark(one.run)) if one.run else (one.source,))}
        return dict(self.run("sources_epochs", ids=sorted(ids))[0]["epochs"]) if ids else {}

    def check(self, told: Iterable[str], redirects: Redirects, epochs: Mapping[str, int]) -> None:
        """Look again at what the transaction relied on. Raises ``Redo`` when it has changed."""
        ids = sorted({*told, *redirects.values()})
        found = next(iter(self.run("entities_check", ids=ids)), None)
        if found is None:
            raise Redo
        if (found["revision"] or Calibration().revision) != self._calibration.revision:
            raise Redo
        if found["n"] != len(ids) or dict(found["redirects"]) != {one: redirects[one] for one in ids if one in redirects}:
            raise Redo
        if dict(self.run("sources_epochs", ids=sorted(epochs))[0]["epochs"]) != epochs:
            raise Redo


def nodes(tx: ManagedTransaction, ids: Sequence[str]) -> Iterator[Record]:
    """The entities among ``ids`` that exist; many in one record, since each record costs a round of the driver."""
    for start in range(0, len(ids), ENTITIES):
        for row in run(tx, statement("entities"), ids=ids[start : start + ENTITIES]):
            for one in row["found"]:
                yield dict(zip(("id", "name", "kinds", "aliases", "description", "also", "redirect"), one, strict=True))


def _by_labels(entities: Iterable[tuple[Entity, Sequence[str]]]) -> dict[str, list[Entity]]:
    """Entities by the labels they need, as ``:City:Place``."""
    groups: dict[str, list[Entity]] = defaultdict(list)
    for one, kinds in entities:
        groups["".join(f":{name}" for name in sorted({names.label(kind) for kind in kinds}))].append(one)
    return dict(groups)
