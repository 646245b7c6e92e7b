"""Taking back: a source or a run forgotten, entities merged, a merge undone.

Each goes *mark, sweep, sweep again*. The mark is committed first: from then on every writer that reads it acts by it.
The sweep visits what the batches name or what lies at the entity, and puts every piece where it belongs now. A writer
that read before the mark may still commit after the sweep, but not after ``LIFE``: so the sweep is noted down (``KgSweep``)
and done again then, by whoever opens the graph next (``settle``). Doing it again changes nothing where nothing came between.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.store import documents, interactions, merging, records
from kgplatform.store.connection import LIFE, Connection, Record, Redo
from kgplatform.store.merging import Redirects
from kgplatform.store.pieces import Piece, Pieces, merge
from kgplatform.store.properties import Parameters
from kgplatform.store.records import Row
from kgplatform.store.selection import place
from kgplatform.store.shelving import Held
from kgplatform.store.statements import statement
from kgplatform.store.telling import Plans
from kgplatform.store.transaction import Transaction
from kgplatform.types import Entity, EntityId, FactKey, Forgotten, Merge, SourceId

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

_BATCHES = 200
_FACTS = 500
Gone = Callable[[Piece], bool]


class Sweeper:
    """Takes back, over several transactions."""

    def __init__(
        self, connection: Connection, plans: Plans, calibration: Callable[[], Calibration], symmetric: Callable[[], Collection[str]]
    ) -> None:
        """``calibration`` is the graph's at the time; ``symmetric`` names the relations whose ends are sorted."""
        self._connection = connection
        self._plans = plans
        self._calibration = calibration
        self._symmetric = symmetric

    # -- marks ---------------------------------------------------------------------------------------

    def forget(self, source: SourceId) -> Forgotten:
        """Withdraw a source."""
        self._mark_forgotten("source", source)
        return self._forget("source", source)

    def forget_run(self, run: str) -> Forgotten:
        """Withdraw what a run observed."""
        self._mark_forgotten("run", run)
        return self._forget("run", run)

    def withdraw(self, source: SourceId, keys: Collection[FactKey]) -> Forgotten:
        """Withdraw what a source says of some facts."""
        done = Forgotten()
        listed = sorted(keys)
        for start in range(0, len(listed), _FACTS):
            part = listed[start : start + _FACTS]
            done += self._connection.writing(
                lambda tx, p=part: self._sweep(self._transaction(tx), p, lambda piece: piece.source == source)  # type: ignore[misc]
            )
        return done

    def _mark_forgotten(self, what: str, name: str) -> None:
        def mark(tx: ManagedTransaction) -> None:
            transaction = self._transaction(tx)
            if transaction.run("sources_forget", id=_mark(what, name)):
                transaction.run("sweeps_create", id=f"{what}:{name}", what=what, name=name, after=round(LIFE * 1000))

        self._connection.writing(mark)

    def merge(self, keep: EntityId, other: EntityId, by: str, when: int) -> Merge:
        """Let ``other`` lead to ``keep``, and move its facts."""

        def mark(tx: ManagedTransaction) -> Merge:
            transaction = self._transaction(tx)
            redirects = _redirects(transaction)
            into = merging.root(keep, redirects)
            self._lock(transaction, {keep, other, into}, redirects)
            made = Merge(uuid.uuid4().hex, into, other, by, when)
            transaction.run("entities_lead", id=other, redirect=into)
            row = {"id": made.id, "keep": into, "other": other, "by": by, "time": when, "undone": False}
            transaction.run("merges_create", row=row)
            transaction.name_merged(into, {**redirects, other: into})
            transaction.run("sweeps_create", id=f"entity:{other}", what="entity", name=other, after=round(LIFE * 1000))
            return made

        made = self._connection.writing(mark)
        self._move(other)
        return made

    def _lock(self, transaction: Transaction, ids: Iterable[EntityId], redirects: Redirects) -> None:
        found = {row["id"]: row["redirect"] for row in transaction.run("entities_lock", ids=sorted(ids))}
        if any(redirects.get(one) != led for one, led in found.items()):
            raise Redo

    def undo(self, made: Merge) -> Merge:
        """Let an entity stand for itself again, and move back what was claimed for it."""

        def mark(tx: ManagedTransaction) -> EntityId:
            transaction = self._transaction(tx)
            redirects = _redirects(transaction)
            stood = merging.root(made.other, redirects)
            self._lock(transaction, {made.keep, made.other, stood}, redirects)
            transaction.run("entities_lead", id=made.other, redirect=None)
            transaction.run("merges_undo", id=made.id)
            transaction.name_merged(made.keep, {one: led for one, led in redirects.items() if one != made.other})
            transaction.run("sweeps_create", id=f"entity:{stood}", what="entity", name=stood, after=round(LIFE * 1000))
            return stood

        self._move(self._connection.writing(mark))
        return Merge(made.id, made.keep, made.other, made.by, made.time, undone=True)

    def publish(self, calibration: Calibration) -> None:
        """Let all writers from now on believe by this; ``rescore`` brings up what is there."""

        def mark(tx: ManagedTransaction) -> None:
            transaction = self._transaction(tx)
            transaction.run("calibration_set", calibration=calibration.written(), revision=calibration.revision)
            transaction.run("sweeps_create", id="belief", what="belief", name="", after=round(LIFE * 1000))

        self._connection.writing(mark)

    # -- sweeps --------------------------------------------------------------------------------------

    def settle(self, now: int | None = None) -> None:
        """Do again the sweeps whose time has come; with ``now`` (milliseconds) those that are due then."""
        at = time.time_ns() // 1_000_000 if now is None else now
        for sweep in self._connection.rows(statement("sweeps"), now=at):
            match sweep["what"]:
                case "entity":
                    self._move(EntityId(sweep["name"]))
                case "belief":
                    self.rescore()
                case what:
                    self._forget(what, sweep["name"], last=True)
            self._connection.writing(lambda tx, s=sweep: self._transaction(tx).run("sweeps_drop", id=s["id"], due=s["due"]))  # type: ignore[misc]

    def rescore(self) -> int:
        """Compute the belief of every fact that was computed by another calibration; how many."""
        done, after, revision = 0, "", self._calibration().revision
        while page := [row["id"] for row in self._connection.rows(statement("heads_page"), after=after, limit=_FACTS)]:
            old = statement("facts_from_heads", TYPE="", WHERE="r.belief_rev <> $revision", RETURN="RETURN r.key AS key", LIMIT="")
            keys = [FactKey(row["key"]) for row in self._connection.rows(old, heads=page, revision=revision)]
            for start in range(0, len(keys), _FACTS):
                part = keys[start : start + _FACTS]
                self._connection.writing(lambda tx, p=part: self._rescore(self._transaction(tx), p))  # type: ignore[misc]
            done, after = done + len(keys), page[-1]
        return done

    def _rescore(self, transaction: Transaction, keys: Sequence[FactKey]) -> None:
        places = {key: place(key) for key in keys}
        held = transaction.held(list(places.values()))
        transaction.set(
            [
                places[key] | {"properties": transaction.believed(key, names.parse_key(key).relation, one, one.pieces)}
                for key, one in held.items()
            ]
        )
        transaction.qualify()
        transaction.record_change(held.keys())

    def _forget(self, what: str, name: str, last: bool = False) -> Forgotten:
        """Drop what was put of a source or a run before it was forgotten; its batches stay until the ``last`` sweep."""
        found = self._connection.rows(statement("sources_epochs"), ids=[_mark(what, name)])[0]["epochs"]
        if not found:
            return Forgotten()
        epoch = found[0][1]
        which = {"WHICH": what, "EPOCH": "epoch" if what == "source" else "run_epoch", "LIMIT": f"LIMIT {_BATCHES}"}
        groups = {name, belief.GRAPH} if what == "source" else None
        text = documents.drop(self._connection, name, epoch) if what == "source" else 0
        done, time_, after = Forgotten(passages=text), -1, ""
        while batches := self._connection.rows(statement("batches_of", **which), name=name, epoch=epoch, time=time_, after=after):
            for part in _parts(batches):
                done += self._connection.writing(partial(self._forget_part, batches=part, groups=groups, last=last))
            time_, after = batches[-1]["time"], batches[-1]["id"]
        return done

    def _forget_part(self, tx: ManagedTransaction, *, batches: Sequence[Record], groups: Collection[str] | None, last: bool) -> Forgotten:
        transaction = self._transaction(tx)
        swept = self._sweep(transaction, {FactKey(key) for batch in batches for key in batch["keys"]}, groups=groups)
        if last:
            transaction.run("batches_drop", ids=[batch["id"] for batch in batches])
        return swept

    def _move(self, at: EntityId) -> None:
        """Put every piece at an entity where its claim leads now, and who took it where it was merged into."""
        for end in ("head", "tail", "qualifier"):
            after = ""
            while keys := self._keys_at(end, at, after):
                anew = end == "qualifier"
                self._connection.writing(lambda tx, k=keys, a=anew: self._sweep(self._transaction(tx), k, anew=a))  # type: ignore[misc]
                after = keys[-1]
        interactions.move(self._connection, at)

    def _keys_at(self, end: str, at: EntityId, after: str) -> list[FactKey]:
        """Of an entity that was merged all facts are looked at, of another only those that hold what was claimed elsewhere."""
        merged = self._connection.rows(statement("entities_redirects"), ids=[at])
        fits = "true" if merged else "(r.ev_claims IS NOT NULL OR r.ev_parts IS NOT NULL)"
        rows = self._connection.rows(statement(f"facts_at_{end}", FITS=fits), id=at, after=after, limit=_FACTS)
        return [FactKey(row["key"]) for row in rows]

    def _sweep(
        self,
        transaction: Transaction,
        claimed: Collection[FactKey],
        gone: Gone = lambda _: False,
        groups: Collection[str] | None = None,
        anew: bool = False,
    ) -> Forgotten:
        """Drop what is gone from the facts under which claims may lie, and move what belongs elsewhere.

        Gone is also what was put before its source or run was forgotten, whichever sweep meets it: what is being moved
        could escape the one that looks for it. ``groups`` are those of which anything may be gone, when it is not all.
        ``anew``: also of facts that stay, the entities that qualify them are looked at.
        """
        redirects, symmetric = _redirects(transaction), self._symmetric()
        keys = {now for key in claimed for now in merging.places(key, redirects, symmetric)} if redirects else set(claimed)
        by_key = {key: place(key) for key in sorted(keys)}
        found = transaction.held(list(by_key.values()), lambda _: groups)
        epochs = transaction.epochs(piece for held in found.values() for piece in held.pieces.values())
        stays: dict[FactKey, Pieces] = {}
        moving: dict[FactKey, tuple[Pieces, Held]] = {}
        evidence = 0
        for key, held in found.items():
            lives = {name: piece for name, piece in held.pieces.items() if not gone(piece) and not records.void(piece, epochs)}
            evidence += len(held.pieces) - len(lives)
            parts = merging.parted(lives, redirects, symmetric)
            stays[key] = parts.pop(key, {})
            for now, part in parts.items():
                moving[now] = (merge(moving[now][0], part).pieces if now in moving else part, held)
        moved = set(moving)
        for key in [key for key in moving if key in found and not found[key].closed]:
            # What comes to a fact that is being changed must be part of that change: else a fact that lost all it had takes it along.
            stays[key] = merge(stays[key], moving.pop(key)[0]).pieces
        changes: list[Parameters] = []
        emptied: list[Parameters] = []
        requalified: set[FactKey] = set()
        for key, held in found.items():
            if not stays[key] and not held.closed:
                emptied.append(by_key[key] | held.dropped(key))
            elif stays[key] != held.pieces:
                properties = transaction.believed(key, names.parse_key(key).relation, held, stays[key])
                changes.append(by_key[key] | {"properties": properties})
            elif anew:
                transaction.requalify(key, held)
                requalified.add(key)
        transaction.set(changes)
        if moving:
            transaction.enter([_row(key, pieces, held) for key, (pieces, held) in sorted(moving.items())])
        transaction.qualify()
        transaction.drop(emptied)
        transaction.record_change({FactKey(row["key"]) for row in (*changes, *emptied)} | moved | requalified)
        return Forgotten(evidence, len(emptied), len(changes))

    def _transaction(self, tx: ManagedTransaction) -> Transaction:
        return Transaction(tx, self._plans, self._calibration())


def _row(key: FactKey, pieces: Pieces, held: Held) -> Row:
    """Moved pieces as a row for the fact where they belong."""
    parts = names.parse_key(key)
    head = Entity(EntityId(parts.head), parts.head)
    tail = held.literal or Entity(EntityId(parts.tail), parts.tail)
    return Row(key, head, parts.relation, tail, (parts.head, "" if held.literal else parts.tail), pieces)


def _redirects(transaction: Transaction) -> dict[str, str]:
    return dict(transaction.run("redirects")[0]["redirects"])


def _mark(what: str, name: str) -> str:
    return name if what == "source" else records.run_mark(name)


def _parts(batches: Sequence[Record]) -> Iterator[list[Record]]:
    """Batches joined until they name as many keys as one transaction should touch."""
    part: list[Record] = []
    size = 0
    for batch in batches:
        if part and size + len(batch["keys"]) > records.PIECES:
            yield part
            part, size = [], 0
        part.append(batch)
        size += len(batch["keys"])
    if part:
        yield part
