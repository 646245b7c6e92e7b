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
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

from kgplatform import names
from kgplatform.belief import Calibration
from kgplatform.errors import BadFile, BadRequest
from kgplatform.ports import Progress
from kgplatform.store import batches, documents, lines, selection
from kgplatform.store.connection import LIFE, Connection
from kgplatform.store.lines import Line
from kgplatform.store.properties import pieces
from kgplatform.store.schema import SCHEMA
from kgplatform.store.shelving import on_shelves
from kgplatform.store.statements import statement
from kgplatform.store.telling import Plans, nodes
from kgplatform.types import FactKey
from kgplatform.wholefile import whole

PAGE = 500
_FORMAT = "kgplatform backup"
_LEVEL = 5
"""Of gzip."""


class Backup:
    """Reads a graph as lines."""

    def __init__(self, connection: Connection, plans: Plans, calibration: Calibration) -> None:
        self._connection = connection
        self._plans = plans
        self._calibration = calibration

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
        for keys in parts(self._changed(began), PAGE):
            facts = list(self._facts(sorted({names.parse_key(key).head for key in keys})))
            yield from self._entities(sorted({end for line in facts for end in lines.entities(lines.row(line))}))
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


def parts(told: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The lines, so many at once."""
    waiting = iter(told)
    while part := list(islice(waiting, size)):
        yield part


# -- the file ----------------------------------------------------------------------------------------


def write(told: Iterable[Line], path: Path) -> int:
    """Write lines to a file that appears when it is whole; how many. Raises ``BadFile``."""
    count = 0
    with (
        whole(path) as raw,
        gzip.GzipFile("", "wb", _LEVEL, raw) as packed,
        io.TextIOWrapper(cast(IO[bytes], packed), encoding="utf-8") as file,
    ):
        for line in told:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read(path: Path) -> Iterator[Line]:
    """The lines of a backup. Raises ``BadFile`` for a file that is none, or is not whole, before anything else is given."""
    last: Line = {}
    for number, last in enumerate(_lines(path), start=1):
        if number == 1:
            _check_first(path, last)
            continue
        try:
            lines.check(last)
        except BadRequest as error:
            raise BadFile(f"{path}, line {number}: {error}: the backup was changed, and cannot be restored") from None
    if not last.get("end"):
        raise BadFile(f"{path}: is cut off: it cannot be restored")
    return islice(_lines(path), 1, None)


def _check_first(path: Path, line: Line) -> None:
    if line.get("file") != _FORMAT or not isinstance(line.get("schema"), int):
        raise BadFile(f"{path}: is no backup of a graph")
    if line["schema"] > SCHEMA:
        raise BadFile(f"{path}: is of schema {line['schema']}, newer than {SCHEMA}: update this program")


def _lines(path: Path) -> Iterator[Line]:
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                found = json.loads(line)
                if not isinstance(found, dict):
                    raise BadFile(f"{path}, line {number}: is no line of a backup")
                yield found
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except json.JSONDecodeError as error:
        raise BadFile(f"{path}, line {number}: cannot be read as a backup ({error})") from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise BadFile(f"{path}: cannot be read as a backup ({getattr(error, 'strerror', None) or error})") from None
