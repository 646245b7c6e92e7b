"""The local server (ArcadeDB): one statement a type, begun at the rarer end, and a reader's own door."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from kgplatform.apart import Apart, NotYet
from kgplatform.errors import LimitExceeded
from kgplatform.ports import Limits, Rows
from kgplatform.store import door, httpport, schema, server
from kgplatform.store.bolt import BoltStore
from kgplatform.store.connection import Connection, Login
from kgplatform.store.endpoint import meeting
from kgplatform.store.known import Known
from kgplatform.store.statements import statement
from kgplatform.store.turns import turn

PATIENCE = 3.0
"""Seconds: a server that was started anew has another address, and is met there."""
_FEW = 16
"""Rows of one batch at one node that need no other start."""


class Local:
    """The dialect of the local server."""

    index = "Entity[name,aliases_text]"
    aliases = "Entity[alias_marks]"
    passages = "KgPassage[text]"

    def __init__(self, home: Path, graph: str) -> None:
        self._home, self._graph = home, graph
        self._reader = Connection(self._reader_login)
        self._asked: dict[str, Apart[Rows]] = {}

    def login(self) -> Login:
        found = server.ensure(self._home)
        return Login(found.bolt_uri, found.user, found.password, self._graph, PATIENCE)

    def _reader_login(self) -> Login:
        found = server.ensure(self._home)
        return Login(found.bolt_uri, found.reader, found.reader_password, self._graph, PATIENCE)

    @property
    def address(self) -> str:
        return f"local server, graph {self._graph}"

    def close(self) -> None:
        self._reader.close()

    @contextmanager
    def turn(self, known: Known) -> Iterator[None]:
        with server.full_disk_named(self._home), turn(meeting(self._home).folder, self._graph, known.writer) as again:
            known.certain = again
            yield

    # -- getting ready -------------------------------------------------------------------------------

    def prepare(self, connection: Connection, migrate: bool) -> None:
        held = schema.version(connection, self.address, migrate)
        if held < schema.SCHEMA:  # its types and indexes were made with the graph
            schema.bring_up(connection, held)

    def settle(self, connection: Connection) -> None:
        """This server plans every statement afresh."""

    # -- statements ----------------------------------------------------------------------------------

    def plans(self, operation: str, rows: Sequence[dict[str, Any]], **splices: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """One statement a type, started from the tail, or from the head where the tail is frequent: the server walks that node's edges."""
        heads, tails = Counter(row["head"] for row in rows), Counter(row["tail"] for row in rows)
        groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            end = "head" if tails[row["tail"]] > max(_FEW, heads[row["head"]]) else "tail"
            groups[row["type"], ":KgLiteral" if row["literal"] else ":Entity", end].append(row)
        for (name, tail, end), part in groups.items():
            yield statement(f"facts_{operation}_from_{end}.local", TYPE=f":{name}", TAIL=tail, **splices), part

    def entities_create(self, labels: str) -> str:
        return statement("entities_create.local", LABELS=labels)

    def cells(
        self,
        connection: Connection,  # noqa: ARG002 - HTTP goes its own way
        cells: Sequence[str],
        splices: Mapping[str, str],
        parameters: Mapping[str, Any],
    ) -> list[list[Any]]:
        """Through the server's HTTP port, where a row costs half of what it costs through Bolt."""
        cypher = statement("facts_columns.local", CELLS=", ".join(cells), **splices)
        rows = [row["cells"] for row in httpport.query(server.ensure(self._home), self._graph, cypher, parameters)]
        rows.sort(key=itemgetter(0, 1))
        return [list(column) for column in zip(*rows, strict=True)][1:] or [[] for _ in cells]

    # -- vectors -------------------------------------------------------------------------------------

    def vector_index(self, label: str) -> str:
        return f"{label}[emb]"

    vector_score = "score"

    def keys_index(self, label: str) -> str:
        return f"{label}[emb_keys]"

    def index_vectors(self, connection: Connection, label: str, dimension: int) -> None:  # noqa: ARG002 - SQL goes its own way
        with self.turn(Known()):
            server.index_vectors(server.ensure(self._home), self._graph, label, dimension)

    def unindex_vectors(self, connection: Connection, label: str) -> None:  # noqa: ARG002 - SQL goes its own way
        with self.turn(Known()):
            server.unindex_vectors(server.ensure(self._home), self._graph, label)

    # -- users ---------------------------------------------------------------------------------------

    def index_users(self, connection: Connection) -> None:  # noqa: ARG002 - SQL goes its own way
        with self.turn(Known()):
            server.index_users(server.ensure(self._home), self._graph)

    def unindex_users(self, connection: Connection) -> None:  # noqa: ARG002 - SQL goes its own way
        with self.turn(Known()):
            server.unindex_users(server.ensure(self._home), self._graph)

    # -- reading door --------------------------------------------------------------------------------

    def read(self, connection: Connection, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:  # noqa: ARG002 - the reader's
        """The server ignores the driver's time limit: a query is left to itself at ours, and the server stops it at one of its own."""
        ask = partial(door.rows, self._reader, door.bare(cypher), parameters, limits)
        answer = Apart(partial(door.again, self._reader, ask))
        self._asked[limits.name] = answer
        try:
            answer.start()
            return answer.within(limits.seconds)
        except NotYet:
            raise LimitExceeded(door.TIME) from None
        finally:
            self._asked.pop(limits.name, None)

    def stop(self, connection: Connection, name: str) -> None:  # noqa: ARG002 - whoever asked stops waiting, and the server stops by itself
        if answer := self._asked.get(name):
            answer.leave()

    def examine(self, connection: Connection, cypher: str, parameters: Mapping[str, Any]) -> None:  # noqa: ARG002 - the reader's
        """This server's plans do not say whether they write: the reader may not, whatever they do."""
        door.plan(self._reader, door.bare(cypher), parameters)


def open_store(home: Path, graph: str, *, backup_to: Path | None = None, create: bool = True, restoring: bool = False) -> BoltStore:
    """The graph of that name on the local server of a data folder; both are made when they are not there.

    One of an older schema is brought up when there is a file to back it up to first; one that is half restored is opened for ``restoring``.
    Without ``create`` it raises ``NotFound`` where there is no such graph.
    """
    endpoint = server.ensure(home)
    if not create:
        server.check_graph(endpoint, graph)
    with server.full_disk_named(home):
        server.create_graph(endpoint, graph)
    return BoltStore(Local(home, graph), backup_to, restoring)
