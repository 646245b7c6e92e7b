"""One writing transaction and what may be done in it: entities told, facts made, locked, read, set, dropped, recorded.

What happens in which order is decided by those who write: ``writing`` puts claims, ``sweeping`` takes evidence away or
moves it. The transaction ends by looking once more at all it relied on (``check``): what changed meanwhile makes it
anew.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.store import merging, properties, qualifying, records, shelves
from kgplatform.store.connection import Record, Redo, run
from kgplatform.store.known import Known
from kgplatform.store.merging import Redirects
from kgplatform.store.pieces import Part, Piece, Pieces, merge, ordered, part, total
from kgplatform.store.properties import Parameters, placed
from kgplatform.store.records import Row
from kgplatform.store.selection import entity
from kgplatform.store.statements import statement
from kgplatform.types import Entity, EntityId, FactKey, Literal

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


class Transaction:
    """One managed transaction on one server, with one calibration. ``batch`` marks all that it makes."""

    def __init__(self, tx: ManagedTransaction, plans: Plans, calibration: Calibration, known: Known | None = None) -> None:
        self._tx = tx
        self._plans = plans
        self._calibration = calibration
        self._known = known or Known()
        self._qualified = qualifying.Qualified()
        self.batch = uuid.uuid4().hex

    def run(self, name: str, splices: Mapping[str, str] | None = None, /, **parameters: Any) -> list[Record]:
        """The rows of a named statement."""
        return run(self._tx, statement(name, **splices or {}), **parameters)

    def _facts(self, operation: str, rows: Sequence[Parameters], **parameters: Any) -> list[Record]:
        found = []
        for cypher, some in self._plans.plans(operation, rows):
            found += run(self._tx, cypher, rows=some, **parameters)
        return found

    def nodes(self, ids: Sequence[str]) -> Iterator[Record]:
        """The entities among ``ids`` that exist, as they stand."""
        return nodes(self._tx, ids)

    # -- entities and sources ------------------------------------------------------------------------

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
        if parts := self._shelved(key, relation, before, now):
            stored = properties.on_shelves(key, relation, parts, self._calibration)
        else:
            stored = properties.carried(key, relation, now, self._calibration)
        self._note(key, relation, before, now, parts)
        lost = {name: None for one in before.pieces.values() for name, _ in one.qualifiers if properties.is_plain(name)}
        return lost | stored

    def _shelved(self, key: FactKey, relation: str, before: Held, now: Pieces) -> list[Part]:
        """Write the shelves that change. The parts of all; none when the relationship carries the pieces itself."""
        parts = list(before.parts)
        if not parts and not (wanted := shelves.needed(len(now))):
            return []
        changed = {place: part(relation, {}, self._calibration) for place in before.open} if parts else {}
        laid = shelves.laid(now, len(parts) or wanted)
        changed |= {place: part(relation, pieces, self._calibration) for place, pieces in laid.items()}
        parts = [changed.get(place, held) for place, held in enumerate(parts or [Part()] * wanted)]
        if before.parts and shelves.full(parts):
            return self._regrown(key, relation, before, now)
        self._lay(key, len(parts), {place: laid.get(place, {}) for place in changed})
        return parts

    def _regrown(self, key: FactKey, relation: str, before: Held, now: Pieces) -> list[Part]:
        """Take all pieces from their shelves and lay them on more."""
        closed = [place for place in range(len(before.parts)) if place not in before.open]
        everything = {**self._on_shelves([(key, len(before.parts), closed)]).get(key, {}), **now}
        self._lay(key, len(before.parts), {place: {} for place in range(len(before.parts))})
        many = shelves.needed(len(everything))
        laid = shelves.laid(everything, many)
        self._lay(key, many, laid)
        return [part(relation, laid.get(place, {}), self._calibration) for place in range(many)]

    def _lay(self, key: FactKey, many: int, laid: Mapping[int, Pieces]) -> None:
        rows = []
        for place, pieces in laid.items():
            held = ordered(pieces)
            row = {"id": shelves.node(key, many, place), "fact": key, "ids": [one.id for one in held]}
            rows.append(
                row | {"versions": [p.version for p in held], "documents": [p.document for p in held], "claims": [p.claimed for p in held]}
            )
        if emptied := [row["id"] for row in rows if not row["ids"]]:
            self.run("shelves_drop", ids=emptied)
        if filled := [row for row in rows if row["ids"]]:
            self.run("shelves_write", rows=filled)

    def _on_shelves(self, wanted: Sequence[tuple[FactKey, int, Sequence[int]]]) -> dict[FactKey, Pieces]:
        """The pieces on some shelves: (key, number of its shelves, which of them)."""
        return on_shelves(self._tx, wanted)

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
        shelved = self._on_shelves([(key, len(one.parts), sorted(one.open)) for key, one in found.items() if one.parts])
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
            self.run("entities_drop", ids=free)

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
        self.run("entities_drop", ids=sorted(ends))

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


class Held(NamedTuple):
    """What lies on a fact: pieces, the value that is its tail, and, when its pieces lie on shelves, their parts.

    ``pieces`` are all, or those on the ``open`` shelves.
    """

    pieces: Pieces
    literal: Literal | None = None
    parts: tuple[Part, ...] = ()
    open: frozenset[int] = frozenset()

    @property
    def named(self) -> qualifying.Named:
        """The entities by which any of its evidence qualifies it."""
        return qualifying.told(self.pieces, self.parts)

    def dropped(self, key: FactKey) -> Parameters:
        """What goes with the fact besides its relationship, as ``Transaction.drop`` takes it."""
        return {
            "shelves": [shelves.node(key, len(self.parts), place) for place in range(len(self.parts))],
            "qualifiers": qualifying.nodes({key: self.named}),
            "qualified_by": sorted({entity for _, entity in self.named}),
        }

    @property
    def closed(self) -> int:
        """How many pieces lie on shelves that are not open."""
        return sum(one.size for place, one in enumerate(self.parts) if place not in self.open)


def on_shelves(tx: ManagedTransaction, wanted: Sequence[tuple[FactKey, int, Sequence[int]]]) -> dict[FactKey, Pieces]:
    """The pieces on some shelves: (key, number of its shelves, which of them)."""
    ids = [shelves.node(key, many, place) for key, many, places in wanted for place in places]
    found: dict[FactKey, Pieces] = defaultdict(dict)
    for row in run(tx, statement("shelves"), ids=ids) if ids else ():
        found[FactKey(row["key"])] |= properties.pieces(row)
    return dict(found)


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
