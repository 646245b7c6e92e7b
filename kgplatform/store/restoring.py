"""A graph filled from the lines of a backup (``kgplatform.store.backup``), so that a half is never taken for the whole.

A mark on ``KgMeta`` comes first and goes last. While it stands the graph is opened only to restore into it; what a restore
that broke off left is dropped then. The mark names its restorer: one that another took over from writes nothing more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kgplatform.belief import Calibration
from kgplatform.errors import BadRequest
from kgplatform.store import backup, documents, selection
from kgplatform.store.backup import parts
from kgplatform.store.connection import Connection, run
from kgplatform.store.lines import Line, entities, names_entities, row
from kgplatform.store.records import Row
from kgplatform.store.schema import OURS
from kgplatform.store.selection import entity
from kgplatform.store.statements import statement
from kgplatform.store.telling import Plans
from kgplatform.store.transaction import Transaction
from kgplatform.types import Entity, EntityId, FactKey

if TYPE_CHECKING:
    from neo4j import ManagedTransaction


class Restorer:
    """Fills one graph from one backup; ``begin``, ``restore``, ``end``."""

    def __init__(self, connection: Connection, plans: Plans) -> None:
        self._connection = connection
        self._plans = plans
        self._calibration = Calibration()
        self._name = uuid.uuid4().hex

    # -- the mark ------------------------------------------------------------------------------------

    def begin(self, file: str) -> None:
        """Mark the graph as half restored, and drop what an earlier restore left. Raises ``BadRequest`` when it is not empty."""
        if self._connection.writing(partial(self._begin, file=file)):
            for label in OURS:
                self._clear(label)

    def _begin(self, tx: ManagedTransaction, *, file: str) -> bool:
        """Whether there was a mark already."""
        half = run(tx, statement("restoring_lock"))[0]["restorer"] is not None
        held = (run(tx, f"MATCH (n:{label}) RETURN n.id AS id LIMIT 1") for label in ("Entity", "KgPassage"))
        if not half and any(held):
            raise BadRequest("the graph is not empty: restore into a new one, with  --graph NAME")
        run(tx, statement("restoring_begin"), file=file, restorer=self._name)
        return half

    def _clear(self, label: str) -> None:
        """Drop all nodes with one of our labels; an entity that somebody else keeps in this database has no mark of ours."""
        where = {"Entity": "n.kg_made IS NOT NULL", "KgMeta": "false"}.get(label, "true")
        cypher = statement("restoring_clear", LABELS=f":{label}", WHERE=where)
        while self._writing(lambda tx: bool(run(tx, cypher, limit=backup.PAGE)[0]["n"])):
            pass

    def end(self) -> None:
        """The graph is whole."""
        self._writing(lambda tx: run(tx, statement("restoring_end")))

    def _writing(self, work: Callable[[ManagedTransaction], Any]) -> Any:
        """``work`` in a transaction, while the mark is this one's. Raises ``BadRequest`` when it is another's."""

        def marked(tx: ManagedTransaction) -> Any:
            if run(tx, statement("restoring_lock"))[0]["restorer"] != self._name:
                raise BadRequest("another  kg restore  began in this graph meanwhile: this one wrote nothing more")
            return work(tx)

        return self._connection.writing(marked)

    # -- the lines -----------------------------------------------------------------------------------

    def restore(self, lines: Iterable[Line]) -> tuple[int, Calibration | None]:
        """Put a backup's lines into the graph; how many facts it has, and by what it is to believe."""
        calibration: str | None = None
        facts: set[FactKey] = set()
        gone: set[FactKey] = set()
        qualified: set[FactKey] = set()
        merges: list[Line] = []
        read: set[str] = set()
        epochs: dict[str, int] = {}
        for part in parts(lines, backup.PAGE):
            self._writing(partial(self._restore, lines=part))
            for line in part:
                if (key := line.get("key") or line.get("gone")) is not None:
                    (facts if "key" in line else gone).add(key)
                    (gone if "key" in line else facts).discard(key)
            qualified |= {line["key"] for line in part if "key" in line and names_entities(line)}
            merges += [line["merge"] for line in part if "merge" in line]
            read |= {line["passage"]["source"] for line in part if "passage" in line}
            epochs |= {line["source"]["id"]: line["source"]["epoch"] for line in part if "source" in line}
            calibration = next((line["calibration"] for line in part if "calibration" in line), calibration)
        self._writing(partial(self._merge, merges=merges))
        for keys in parts(sorted(gone), backup.PAGE):  # after the merges, which hold entities that have no facts
            self._writing(partial(self._drop, keys=keys))
        for keys in parts(sorted(qualified & facts) if merges else (), backup.PAGE):
            self._writing(partial(self._requalify, keys=keys))
        for source in sorted(read):
            documents.drop(self._connection, source, epochs[source])
        return len(facts), Calibration.read(calibration) if calibration else None

    def _restore(self, tx: ManagedTransaction, lines: Sequence[Line]) -> None:
        transaction = Transaction(tx, self._plans, self._calibration)
        told = {EntityId(line["entity"]["id"]): entity({**line["entity"], "also": None}) for line in lines if "entity" in line}
        rows = {FactKey(line["key"]): row(line) for line in lines if "key" in line}
        transaction.overwrite(told)
        ends = {end for row in rows.values() for end in entities(row)} - told.keys()
        there = {row["id"] for row in transaction.nodes(sorted(ends))}
        transaction.tell({end: Entity(end, end) for end in ends - there})  # their own lines come at the end
        self._facts_as_told(transaction, rows)
        for line in lines:
            if "vocabulary" in line:
                card = {"id": json.loads(line["json"])["name"], "json": line["json"]}
                transaction.run("vocabulary_set", {"LABELS": f":{line['vocabulary']}"}, rows=[card])
        if passages := [line["passage"] for line in lines if "passage" in line]:
            transaction.run("passages_write", rows=passages)
        if sources := [line["source"] for line in lines if "source" in line]:
            transaction.run("sources_restore", rows=sources)

    def _facts_as_told(self, transaction: Transaction, rows: dict[FactKey, Row]) -> None:
        """Facts as their lines say, whatever an earlier line said."""
        places = {key: selection.place(key) for key in sorted(rows)}
        held = transaction.held(list(places.values()))
        changes = [
            places[key] | {"properties": transaction.believed(key, rows[key].relation, before, rows[key].pieces)}
            for key, before in held.items()
        ]
        transaction.set(changes)
        transaction.enter([row for key, row in rows.items() if key not in held])
        transaction.qualify()
        transaction.record(list(rows.values()), {})

    def _drop(self, tx: ManagedTransaction, keys: Sequence[FactKey]) -> None:
        transaction = Transaction(tx, self._plans, self._calibration)
        held = transaction.held([selection.place(key) for key in keys])
        transaction.drop([selection.place(key) | (held[key].dropped(key) if key in held else {}) for key in keys])

    def _requalify(self, tx: ManagedTransaction, keys: Sequence[FactKey]) -> None:
        """The entities that qualify facts stand elsewhere since the merges."""
        transaction = Transaction(tx, self._plans, self._calibration)
        for key, held in transaction.held([selection.place(key) for key in keys]).items():
            transaction.requalify(key, held)
        transaction.qualify()

    def _merge(self, tx: ManagedTransaction, merges: Sequence[Line]) -> None:
        transaction = Transaction(tx, self._plans, self._calibration)
        redirects = {one["other"]: one["keep"] for one in merges if not one["undone"]}
        for one in merges:
            transaction.run("merges_create", row=one)
        for other, keep in redirects.items():
            transaction.run("entities_lead", id=other, redirect=keep)
        for keep in sorted(set(redirects.values())):
            transaction.name_merged(EntityId(keep), redirects)
