"""A whole graph in one file, and back: every piece of evidence under the key it was claimed for, merges, what was forgotten.

The file is gzipped lines of JSON, the same for every server: a backup of one is restored into another. Writing goes on
meanwhile: each fact is written as it is when it is read, and at the end all that changed since the beginning is written
once more; of two lines for one thing the later counts. The last line says that the file is whole.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.errors import BadFile, BadRequest
from kgplatform.ports import Progress
from kgplatform.store import batches, documents, qualifying, selection
from kgplatform.store.connection import LIFE, Connection
from kgplatform.store.properties import pieces
from kgplatform.store.records import Row
from kgplatform.store.schema import SCHEMA
from kgplatform.store.selection import entity
from kgplatform.store.shelving import on_shelves
from kgplatform.store.statements import statement
from kgplatform.store.telling import Plans, nodes
from kgplatform.store.transaction import Transaction
from kgplatform.types import Entity, EntityId, FactKey, Literal
from kgplatform.wholefile import whole

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

Line = dict[str, Any]
PAGE = 500
_FORMAT = "kgplatform backup"
_LEVEL = 5
"""Of gzip."""


class Backup:
    """Reads a graph as lines, and writes lines into an empty one."""

    def __init__(self, connection: Connection, plans: Plans, calibration: Calibration) -> None:
        self._connection = connection
        self._plans = plans
        self._calibration = calibration

    # -- out -----------------------------------------------------------------------------------------

    def lines(self, progress: Progress | None = None) -> Iterator[Line]:
        """The graph, line by line."""
        began = self._connection.rows("RETURN timestamp() AS now")[0]["now"] - round(LIFE * 1000)
        every = self._connection.rows("MATCH (n:Entity) RETURN count(n) AS n")[0]["n"]
        yield {"file": _FORMAT, "schema": SCHEMA}
        for label in ("KgRelation", "KgKind"):
            for row in self._connection.rows(statement("vocabulary", LABELS=f":{label}")):
                yield {"vocabulary": label, "json": row["json"]}
        for page in self._pages("heads_page"):
            yield from self._entities(page)
        for done, page in enumerate(self._pages("heads_page")):
            yield from self._facts(page)
            if progress:
                progress(min(every, (done + 1) * PAGE), every)
        for keys in _parts(self._changed(began), PAGE):
            facts = list(self._facts(sorted({names.parse_key(key).head for key in keys})))
            yield from self._entities(sorted({end for line in facts for end in _entities(_row(line))}))
            yield from facts
            there = {line["key"] for line in facts}
            yield from ({"gone": key} for key in keys if key not in there)
        for page in self._pages("sources_page"):
            for row in self._connection.rows(statement("sources_read"), ids=page):
                yield from documents.told(self._connection, row)
        yield from ({"merge": dict(row)} for row in self._connection.rows(statement("merges"), entity=None))
        yield {"calibration": self._connection.rows(statement("calibration"))[0]["calibration"]}
        yield {"end": True}

    def _pages(self, name: str) -> Iterator[list[str]]:
        after = ""
        while page := [row["id"] for row in self._connection.rows(statement(name), after=after, limit=PAGE)]:
            yield page
            after = page[-1]

    def _changed(self, since: int) -> list[str]:
        """Keys of facts that were written since; what other claims they moved to is found at their heads, which are written too."""
        return sorted({key for page in batches.pages(self._connection, since) for row in page for key in row["keys"]})

    def _entities(self, ids: Sequence[str]) -> Iterator[Line]:
        for row in self._connection.reading(lambda tx: list(nodes(tx, ids))):
            yield {"entity": {name: row[name] for name in ("id", "name", "kinds", "aliases", "description")}}

    def _facts(self, heads: Sequence[str]) -> Iterator[Line]:
        returned = f"RETURN r.key AS key, {selection.PIECES}, [t.value, t.datatype, t.unit, t.language] AS literal"
        cypher = statement("facts_from_heads", TYPE="", WHERE="true", RETURN=returned, LIMIT="")
        for row in self._connection.rows(cypher, heads=list(heads)):
            held = pieces(row)
            if many := len(row["parts"] or ()):
                key = FactKey(row["key"])
                held = self._connection.reading(lambda tx, k=key, m=many: on_shelves(tx, [(k, m, range(m))])).get(key, {})  # type: ignore[misc]
            told = [[one.id, one.version, one.document, one.claimed] for one in held.values()]
            yield {"key": row["key"], "literal": row["literal"], "pieces": told}

    # -- in ------------------------------------------------------------------------------------------

    def restore(self, lines: Iterable[Line]) -> tuple[int, Calibration | None]:
        """Put a backup's lines into an empty graph; how many facts it has, and by what it is to believe.

        Raises ``BadRequest`` when the graph is not empty.
        """
        if any(self._connection.rows(f"MATCH (n:{label}) RETURN n.id AS id LIMIT 1") for label in ("Entity", "KgPassage")):
            raise BadRequest("the graph is not empty: restore into a new one, with  --graph NAME")
        calibration: str | None = None
        facts: set[FactKey] = set()
        gone: set[FactKey] = set()
        qualified: set[FactKey] = set()
        merges: list[Line] = []
        read: set[str] = set()
        epochs: dict[str, int] = {}
        for part in _parts(lines, PAGE):
            self._connection.writing(partial(self._restore, lines=part))
            for line in part:
                if (key := line.get("key") or line.get("gone")) is not None:
                    (facts if "key" in line else gone).add(key)
                    (gone if "key" in line else facts).discard(key)
            qualified |= {line["key"] for line in part if "key" in line and _names_entities(line)}
            merges += [line["merge"] for line in part if "merge" in line]
            read |= {line["passage"]["source"] for line in part if "passage" in line}
            epochs |= {line["source"]["id"]: line["source"]["epoch"] for line in part if "source" in line}
            calibration = next((line["calibration"] for line in part if "calibration" in line), calibration)
        self._connection.writing(partial(self._merge, merges=merges))
        for keys in _parts(sorted(gone), PAGE):  # after the merges, which hold entities that have no facts
            self._connection.writing(partial(self._drop, keys=keys))
        for keys in _parts(sorted(qualified & facts) if merges else (), PAGE):
            self._connection.writing(partial(self._requalify, keys=keys))
        for source in sorted(read):
            documents.drop(self._connection, source, epochs[source])
        return len(facts), Calibration.read(calibration) if calibration else None

    def _restore(self, tx: ManagedTransaction, lines: Sequence[Line]) -> None:
        transaction = Transaction(tx, self._plans, self._calibration)
        told = {EntityId(line["entity"]["id"]): entity({**line["entity"], "also": None}) for line in lines if "entity" in line}
        rows = {FactKey(line["key"]): _row(line) for line in lines if "key" in line}
        transaction.overwrite(told)
        ends = {end for row in rows.values() for end in _entities(row)} - told.keys()
        there = {row["id"] for row in transaction.nodes(sorted(ends))}
        transaction.tell({end: Entity(end, end) for end in ends - there})  # their own lines come at the end
        self._facts_as_told(transaction, rows)
        for line in lines:
            if "vocabulary" in line:
                row = {"id": json.loads(line["json"])["name"], "json": line["json"]}
                transaction.run("vocabulary_set", {"LABELS": f":{line['vocabulary']}"}, rows=[row])
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


def _row(line: Line) -> Row:
    parts = names.parse_key(line["key"])
    literal = Literal(*line["literal"]) if line["literal"][0] is not None else None
    ids, versions, documents, claims = zip(*line["pieces"], strict=True)
    held = pieces({"key": line["key"], "ids": ids, "versions": versions, "documents": documents, "claims": claims})
    head, tail = Entity(EntityId(parts.head), parts.head), literal or Entity(EntityId(parts.tail), parts.tail)
    return Row(FactKey(line["key"]), head, parts.relation, tail, (parts.head, "" if literal else parts.tail), held)


def _entities(row: Row) -> set[EntityId]:
    """All that the fact of a row needs: its ends, and what qualifies it."""
    return {EntityId(end) for end in row.ends if end} | {one for _, one in qualifying.told(row.pieces)}


def _names_entities(line: Line) -> bool:
    """Whether a fact may be qualified by entities: quick, and never wrong about one that is."""
    return any('"@' in document for _, _, document, _ in line["pieces"])


def _parts(lines: Iterable[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(lines)
    while part := list(islice(waiting, size)):
        yield part


# -- the file ----------------------------------------------------------------------------------------


def write(lines: Iterable[Line], path: Path) -> int:
    """Write lines to a file that appears when it is whole; how many. Raises ``BadFile``."""
    count = 0
    with (
        whole(path) as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw) as packed,
        io.TextIOWrapper(cast(IO[bytes], packed), encoding="utf-8") as file,
    ):
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read(path: Path) -> Iterator[Line]:
    """The lines of a backup. Raises ``BadFile`` for a file that is none, or is not whole, before anything else is given."""
    last: Line = {}
    for number, last in enumerate(_lines(path)):
        if number == 0 and (last.get("file") != _FORMAT or not isinstance(last.get("schema"), int)):
            raise BadFile(f"{path}: is no backup of a graph")
        if number == 0 and last["schema"] > SCHEMA:
            raise BadFile(f"{path}: is of schema {last['schema']}, newer than {SCHEMA}: update this program")
    if not last.get("end"):
        raise BadFile(f"{path}: is cut off: it cannot be restored")
    return islice(_lines(path), 1, None)


def _lines(path: Path) -> Iterator[Line]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                found = json.loads(line)
                if not isinstance(found, dict):
                    raise BadFile(f"{path}: is no backup of a graph")
                yield found
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadFile(f"{path}: cannot be read as a backup ({getattr(error, 'strerror', None) or error})") from None
