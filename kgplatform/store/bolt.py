"""The store over the neo4j driver: everything that both servers share.

What differs stands in a *dialect* (``store/neo4j.py``, ``store/local.py``): how to get ready, how to address
many facts in one statement, and the door for other people's queries.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.belief import Calibration
from kgplatform.ports import Limits, Progress, Rows
from kgplatform.store import backup, batches, merging, records, selection
from kgplatform.store.ahead import ahead
from kgplatform.store.backup import Backup
from kgplatform.store.connection import LIFE
from kgplatform.store.dialect import Dialect
from kgplatform.store.documents import DocumentKeeper
from kgplatform.store.interactions import InteractionMirror
from kgplatform.store.known import Known
from kgplatform.store.mirror import Mirror
from kgplatform.store.pieces import Clock, without_run
from kgplatform.store.properties import draft
from kgplatform.store.reading import symmetric_ones
from kgplatform.store.records import Row
from kgplatform.store.restoring import Restorer
from kgplatform.store.schema import check_whole
from kgplatform.store.statements import statement
from kgplatform.store.summing import check_news
from kgplatform.store.sweeping import Sweeper
from kgplatform.store.transaction import Transaction
from kgplatform.store.writing import put
from kgplatform.types import (
    Change,
    Claim,
    Entity,
    EntityId,
    FactKey,
    Forgotten,
    Interaction,
    Kind,
    Merge,
    Mirrored,
    Receipt,
    Refusal,
    Relation,
    SourceId,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from neo4j import ManagedTransaction

_FIRST, _AHEAD = 2_500, 20_000
"""Claims that are made ready at once: few at first, so that the server is not kept waiting, then twice as many each time."""
_FEW = 500
"""Claims that may be written before the dialect settles: so few cost nothing by any plan."""


class BoltStore(DocumentKeeper):
    """A graph on a server that speaks Bolt. Safe to share between threads."""

    def __init__(self, dialect: Dialect, backup_to: Path | None = None, restoring: bool = False) -> None:
        """A graph of an older schema is brought up when there is a file to ``backup_to`` first; else it raises ``StoreUnsuitable``.

        So does one that is half restored, unless it is opened for ``restoring``.
        """
        super().__init__(dialect)
        self._clock = Clock()
        self._unsettled = _FEW
        self._mirror = Mirror(self._connection)
        self._interactions = InteractionMirror(self._connection, dialect)
        self._sweeper = Sweeper(self._connection, dialect, lambda: self._calibration, lambda: symmetric_ones(self.relations()))
        try:
            self._connection.verify()
            if not restoring:
                check_whole(self._connection, self.address)
            if backup_to:
                self.backup(backup_to)
            dialect.prepare(self._connection, migrate=backup_to is not None)
            self._believe()
            self._sweeper.settle()
        except BaseException:
            self._connection.close()
            raise

    @property
    def address(self) -> str:
        return self._dialect.address

    def close(self) -> None:
        self._connection.close()
        self._dialect.close()

    # -- writing -------------------------------------------------------------------------------------

    def put(self, claims: Sequence[Claim]) -> Receipt:
        cards = self.relations() if claims else {}
        symmetric, receipt, known = symmetric_ones(cards), Receipt(), Known()
        for rows, refused in self._prepared(claims, cards):
            receipt += Receipt(refused=tuple(refused))
            for batch in records.batches(rows):
                done = self._put(batch, symmetric, known)
                receipt += Receipt(done["new"], done["merged"], done["unchanged"])
        return dataclasses.replace(receipt, refused=records.in_order(receipt.refused, claims))

    def _prepared(self, claims: Sequence[Claim], cards: Mapping[str, Relation]) -> Iterator[tuple[list[Row], list[Refusal]]]:
        """Claims as rows with drafts, some thousands at a time: the next are made while the server is busy with these."""
        when = self._clock()

        def prepare(part: Sequence[Claim]) -> tuple[list[Row], list[Refusal]]:
            rows, refused = records.rows(part, cards, when)
            for row in rows:
                row.draft = draft(row, self._calibration)
            return rows, refused

        return ahead(prepare, records.parts(claims, _FIRST, _AHEAD))

    def _put(self, batch: Sequence[Row], symmetric: Collection[str], known: Known) -> Counter[str]:
        tries = itertools.count()

        def work(tx: ManagedTransaction) -> Counter[str]:
            if next(tries):
                known.clear()
                if self._believe():
                    for row in batch:
                        row.draft = None
            return put(Transaction(tx, self._dialect, self._calibration, known), batch, symmetric, known.certain)

        done = self._connection.writing(work, known)
        known.bound()
        if self._unsettled > 0:
            self._unsettled -= len(batch)
            if self._unsettled <= 0:
                self._dialect.settle(self._connection)
        return done

    # -- belief --------------------------------------------------------------------------------------

    @property
    def calibration(self) -> Calibration:
        return self._calibration

    def publish(self, calibration: Calibration) -> int:
        self._believe()
        check_news(calibration, self._calibration)
        self._sweeper.publish(calibration)
        self._believe()
        return self._sweeper.rescore()

    def _believe(self) -> bool:
        """Read by what the graph believes; whether that is news."""
        before, text = self._calibration, self._connection.rows(statement("calibration"))[0]["calibration"]
        self._calibration = Calibration.read(text) if text else Calibration()
        return self._calibration != before

    # -- taking back ---------------------------------------------------------------------------------

    def forget(self, source: SourceId) -> Forgotten:
        return self._sweeper.forget(source)

    def forget_run(self, run: str) -> Forgotten:
        return self._sweeper.forget_run(run)

    def would_forget_run(self, run: str) -> Forgotten:
        keys = {key for change in self.changes() if change.run == run for key in change.keys}
        return without_run(self._pieces(self._under(list(keys), selection.EVIDENCE).values()).values(), run)

    def withdraw(self, source: SourceId, keys: Collection[FactKey]) -> Forgotten:
        return self._sweeper.withdraw(source, keys)

    def merge(self, keep: EntityId, other: EntityId, by: str = "") -> Merge:
        merging.kept(keep, other, self.redirects(), self.entities([keep, other]))
        return self._sweeper.merge(keep, other, by, self._clock())

    def undo(self, merge: str) -> Merge:
        return self._sweeper.undo(merging.undoable(merge, self.merges()))

    def merges(self, entity: EntityId | None = None) -> list[Merge]:
        return [Merge(**row) for row in self._connection.rows(statement("merges"), entity=entity)]

    def settle(self, now: int | None = None) -> None:
        """Sweep again what was forgotten or merged, now that no older transaction can be alive; ``now`` in milliseconds."""
        self._sweeper.settle(now)

    def changes(self, since: int = 0) -> Iterator[Change]:
        redirects, symmetric = self.redirects(), symmetric_ones(self.relations())
        for page in batches.pages(self._connection, since - round(LIFE * 1000)):
            for row in page:
                keys = (merging.resolved(FactKey(key), redirects, symmetric) for key in row["keys"])
                yield Change(row["time"], tuple(sorted(set(keys))), SourceId(row["source"]), row["run"])

    def now(self) -> int:
        return int(self._connection.rows(statement("now"))[0]["now"])

    def mirror(self, anew: bool = False) -> int:
        if anew:
            self._mirror.begin_anew()
        return self._mirror.follow()

    # -- interactions --------------------------------------------------------------------------------

    def mirror_interactions(self, interactions: Sequence[Interaction]) -> Mirrored:
        return self._interactions.write(interactions)

    def drop_interactions(self) -> int:
        return self._interactions.drop()

    def interactions_mirrored(self) -> int:
        return self._interactions.count()

    # -- vectors -------------------------------------------------------------------------------------

    def embed(self, encoder: str, vectors: Mapping[Entity, npt.ArrayLike]) -> int:
        return self._embedding.keep(encoder, vectors)

    def drop_vectors(self) -> None:
        self._embedding.drop()

    # -- the whole -----------------------------------------------------------------------------------

    def backup(self, path: Path, progress: Progress | None = None) -> int:
        """Write the whole graph to a file that can be restored into either server; how many lines."""
        return backup.write(Backup(self._connection, self._dialect, self._calibration).lines(progress), path)

    def restore(self, path: Path) -> int:
        """Fill this empty graph, or one that was half restored, from a backup; how many facts.

        Raises ``BadFile``, and ``BadRequest`` when it is not empty.
        """
        lines, restorer = backup.read(path), Restorer(self._connection, self._dialect)
        restorer.begin(path.name)
        self._believe()
        facts, calibration = restorer.restore(lines)
        self._mirror.begin_anew()  # the batches came before the merges that say where their claims lie
        if calibration and calibration != self._calibration:
            self.publish(calibration)
        restorer.end()
        return facts

    # -- vocabulary ----------------------------------------------------------------------------------

    def learn(self, relations: Sequence[Relation] = (), kinds: Sequence[Kind] = ()) -> None:
        for label, listed in ((":KgRelation", relations), (":KgKind", kinds)):
            rows = [{"id": one.name, "json": json.dumps(dataclasses.asdict(one), ensure_ascii=False)} for one in listed]
            if rows:
                cypher = statement("vocabulary_set", LABELS=label)
                self._connection.writing(lambda tx, c=cypher, r=rows: tx.run(c, rows=r).consume())  # type: ignore[misc]

    # -- other people's queries ----------------------------------------------------------------------

    def read(self, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        """Reading Cypher within limits. Raises ``WriteRefused``, ``BadQuery`` or ``LimitExceeded``."""
        return self._dialect.read(self._connection, cypher, parameters, limits)

    def stop(self, name: str) -> None:
        self._dialect.stop(self._connection, name)

    def examine(self, cypher: str, parameters: Mapping[str, Any]) -> None:
        """As the port says."""
        self._dialect.examine(self._connection, cypher, parameters)
