"""One writing transaction and what may be done with facts in it: made, locked, read, set, dropped, recorded.

What happens in which order is decided by those who write: ``writing`` puts claims, ``sweeping`` takes evidence away or
moves it. The transaction ends by looking once more at all it relied on (``check``): what changed meanwhile makes it
anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import interactions, properties, qualifying, records, shelves
from kgplatform.store.connection import Record, Redo, run
from kgplatform.store.known import Known
from kgplatform.store.pieces import Pieces, merge
from kgplatform.store.properties import Parameters, placed
from kgplatform.store.records import Row
from kgplatform.store.shelving import Held, Shelving, on_shelves
from kgplatform.store.summing import Part, part, total
from kgplatform.store.telling import Plans
from kgplatform.types import FactKey, Literal

if TYPE_CHECKING:
    from neo4j import ManagedTransaction


class Transaction(Shelving):
    """One managed transaction, and what may be done with facts in it."""

    def __init__(self, tx: ManagedTransaction, plans: Plans, calibration: Calibration, known: Known | None = None) -> None:
        super().__init__(tx, plans, calibration, known)
        self._qualified = qualifying.Qualified()

    def _facts(self, operation: str, rows: Sequence[Parameters], **parameters: Any) -> list[Record]:
        found = []
        for cypher, some in self._plans.plans(operation, rows):
            found += run(self._tx, cypher, rows=some, **parameters)
        return found

    # -- facts ---------------------------------------------------------------------------------------

    def enter(self, rows: Sequence[Row]) -> tuple[Counter[str], set[FactKey]]:
        """Add pieces to facts that are made or found. What became of each row (new, merged, unchanged), and which were written."""
        self._literals(rows)
        fresh: set[FactKey] = set()
        stale: set[FactKey] = set()
        drafts = [(row.draft or properties.draft(row, self._calibration)) | {"number": number} for number, row in enumerate(rows)]
        met = 0
        for found in self._facts("merge", drafts, batch=self.batch):
            (fresh if found["fresh"] else stale).update([rows[number].key for number in found["numbers"]])
            met += found["n"]
        if met != len(rows):
            raise Redo  # an entity was gone for a moment, and no fact could be made at it
        for row in rows:
            if row.key in fresh:
                self._note(row.key, row.relation, Held({}), row.pieces)
        # A fact that begins with more than a relationship carries is made without evidence and given it then.
        stale |= {row.key for row in rows if len(row.pieces) > shelves.LIMIT}
        by_key = {row.key: row for row in rows}
        told, changed = self._update([by_key[key] for key in sorted(stale)])
        merged = len(told - fresh)
        return Counter(new=len(fresh), merged=merged, unchanged=len(rows) - len(fresh) - merged), fresh | changed

    def _literals(self, rows: Sequence[Row]) -> None:
        listed = [
            {"id": row.key, "value": t.value, "datatype": t.datatype, "unit": t.unit, "language": t.language}
            for row in rows
            if isinstance(t := row.tail, Literal)
        ]
        if listed:
            self.run("literals_create", rows=listed)

    def believed(self, key: FactKey, relation: str, before: Held, now: Pieces) -> Parameters:
        """Everything on a relationship when the pieces of ``before`` are replaced by ``now``; writes what belongs on shelves."""
        if parts := self.shelved(key, relation, before, now):
            stored = properties.on_shelves(key, relation, parts, self._calibration)
        else:
            stored = properties.carried(key, relation, now, self._calibration)
        self._note(key, relation, before, now, parts)
        lost = {name: None for one in before.pieces.values() for name, _ in one.qualifiers if properties.is_plain(name)}
        return lost | stored

    def held(
        self, places: Sequence[Parameters], groups: Callable[[FactKey], Collection[str] | None] = lambda _: None
    ) -> dict[FactKey, Held]:
        """Lock the facts, then read their pieces; of one with shelves only the ``groups`` asked for, if any are named.

        Those that are gone are not in the answer.
        """
        found: dict[FactKey, Held] = {}
        for row in self._touched(places):
            if row["ids"] is None or row["versions"] is None or row["documents"] is None:
                raise Redo
            key, parts = FactKey(row["key"]), tuple(map(shelves.read, row["parts"] or ()))
            literal = Literal(*row["literal"]) if row["literal"][0] is not None else None
            opened = shelves.numbers(groups(key), len(parts)) if parts else []
            found[key] = Held(properties.pieces(row), literal, parts, frozenset(opened))
        shelved = on_shelves(self._tx, [(key, len(one.parts), sorted(one.open)) for key, one in found.items() if one.parts])
        return {key: one._replace(pieces=shelved.get(key, {})) if one.parts else one for key, one in found.items()}

    def _touched(self, places: Sequence[Parameters]) -> Iterator[Record]:
        """The facts as they are now that nobody else can change them."""
        numbered = [{**one, "number": number} for number, one in enumerate(places)]
        for row in self._facts("touch", numbered) if numbered else ():
            for one in row["held"]:
                yield dict(zip(("key", "ids", "versions", "documents", "claims", "parts", "literal"), one, strict=True))

    def _update(self, rows: Sequence[Row]) -> tuple[set[FactKey], set[FactKey]]:
        """Merge news into facts that were there. Which a reader sees differently, and which were written at all."""
        by_key = {row.key: row for row in rows}
        held = self.held([placed(row) for row in rows], lambda key: shelves.groups(by_key[key].pieces.values()))
        if len(held) != len(rows):
            raise Redo
        changes: list[Parameters] = []
        told: set[FactKey] = set()
        for row in rows:
            before = held[row.key]
            merged = merge(before.pieces, row.pieces)
            if merged.changed:
                changes.append(placed(row) | {"properties": self.believed(row.key, row.relation, before, merged.pieces)})
                parts = (part(row.relation, pieces, self._calibration) for pieces in (before.pieces, merged.pieces))
                was, now = (total(0, [one]) for one in parts)
                if merged.told or was != now:
                    told.add(row.key)
        self.set(changes)
        return told, {change["key"] for change in changes}

    # -- qualifiers that are entities ----------------------------------------------------------------

    def _note(self, key: FactKey, relation: str, before: Held, pieces: Pieces, parts: Sequence[Part] = ()) -> None:
        was, now = before.named, qualifying.told({} if parts else pieces, parts)
        if was or now:
            self._qualified.note(key, was, now, qualifying.current(relation, pieces, parts, self._calibration))

    def requalify(self, key: FactKey, held: Held) -> None:
        """Of a fact that stays as it is, let the nodes of its qualifiers lead where their entities stand now."""
        self._note(key, names.parse_key(key).relation, held, held.pieces, held.parts)

    def qualify(self) -> None:
        """Bring the nodes of qualifiers up to the facts that were written; a step for those that have such qualifiers alone."""
        if not (noted := self._qualified):
            return
        self._qualified = qualifying.Qualified()
        led = {row["id"]: row["redirect"] for row in self.run("entities_redirects", ids=sorted(noted.claimed()))}
        if rows := noted.rows(self._followed(led)):
            self.run("qualifiers_write", rows=rows)
            self.run("qualifiers_loosen", rows=rows)
            for relationship, name in ((":VALUE", "value"), (":CLAIMED", "claimed")):
                ends = [{"id": row["id"], "entity": entity} for row in rows for entity in row[name]]
                if ends and self.run("qualifiers_lead", {"TYPE": relationship}, rows=ends)[0]["n"] != len(ends):
                    raise Redo  # an entity was gone for a moment
        if gone := noted.gone():
            self.run("qualifiers_drop", ids=gone)
        if free := noted.let_go():
            self._let_go(free)

    # -- facts that change or go ---------------------------------------------------------------------

    def set(self, changes: Sequence[Parameters]) -> None:
        """Write new properties of facts that are held."""
        if changes and sum(row["n"] for row in self._facts("set", changes)) != len(changes):
            raise Redo

    def drop(self, emptied: Sequence[Parameters]) -> None:
        """Delete facts, their literals, the nodes of their qualifiers, and entities that this platform made and nothing holds any more."""
        if not emptied:
            return
        self._facts("drop", emptied)
        if on_shelves := [shelf for row in emptied for shelf in row.get("shelves", ())]:
            self.run("shelves_drop", ids=on_shelves)
        self.run("literals_drop", ids=[row["key"] for row in emptied if row["literal"]])
        ends = {row["head"] for row in emptied} | {row["tail"] for row in emptied if not row["literal"]}
        if qualified := [row for row in emptied if row.get("qualifiers")]:
            self.run("qualifiers_drop", ids=[node for row in qualified for node in row["qualifiers"]])
            ends |= {entity for row in qualified for entity in row["qualified_by"]}
        self._let_go(sorted(ends))

    def _let_go(self, ids: Sequence[str]) -> None:
        """Delete the entities among these that this platform made and nothing holds any more; that users took them holds none."""
        held = self.run("entities_held", ids=ids)[0]
        if held["taken"]:
            interactions.leave(self._tx, held["taken"])
        if held["free"]:
            self.run("entities_drop", ids=held["free"])

    # -- the record ----------------------------------------------------------------------------------

    def record(self, rows: Sequence[Row], epochs: Mapping[str, int]) -> None:
        """Put down what was written, by source and run."""
        self._batches(
            {
                "source": source,
                "run": of_run,
                "keys": keys,
                "epoch": epochs.get(source, 0),
                "run_epoch": epochs.get(records.run_mark(of_run), 0),
            }
            for keys, source, of_run in records.changed_keys(rows)
        )

    def record_change(self, keys: Collection[FactKey]) -> None:
        """Put down which facts were moved or taken away."""
        if keys:
            self._batches([{"source": "", "run": "", "keys": sorted(keys), "epoch": 0, "run_epoch": 0}])

    def _batches(self, listed: Iterable[Parameters]) -> None:
        if rows := [{"id": f"{self.batch}:{n}", **one} for n, one in enumerate(listed)]:
            self.run("batches_create", rows=rows)
