"""Neo4j 5.26 and newer: preflight, schema, and a reading door that asks the planner what a query would do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadQuery, StoreUnsuitable, WriteRefused
from kgplatform.ports import Limits, Rows
from kgplatform.store import door, schema
from kgplatform.store.bolt import BoltStore
from kgplatform.store.connection import Connection, Login, Redo
from kgplatform.store.known import Known
from kgplatform.store.schema import OURS
from kgplatform.store.statements import statement

if TYPE_CHECKING:
    from neo4j import ManagedTransaction, ResultSummary

OLDEST = (5, 26)
_INDEX = "kg_names"
_USERS = "kg_users"
_STRANGERS = "MATCH (u:User) WHERE NOT u:Entity AND NOT u:KgUser RETURN 1 AS n LIMIT 1"


class Neo4j:
    """The dialect of Neo4j."""

    index = _INDEX
    aliases = "kg_aliases"
    passages = "kg_passages"

    def __init__(self, login: Login, allow_occupied: bool = False) -> None:
        self._login = login
        self._allow_occupied = allow_occupied
        self._was_empty = False

    def login(self) -> Login:
        return self._login

    def turn(self, known: Known) -> AbstractContextManager[object]:  # noqa: ARG002 - it stays uncertain
        """This server keeps writers apart by itself."""
        return nullcontext()

    @property
    def address(self) -> str:
        return f"{self._login.address}/{self._login.database}"

    def close(self) -> None:
        """Nothing besides the connection, which the store closes."""

    # -- getting ready -------------------------------------------------------------------------------

    def prepare(self, connection: Connection, migrate: bool) -> None:
        self._check_server(connection)
        held = schema.version(connection, self.address, migrate)
        try:
            if not held:
                self._check_empty(connection)
        except StoreUnsuitable:
            if not (held := schema.version(connection, self.address, migrate)):  # else another just made it ours
                raise
        if held < schema.SCHEMA:
            for line in _schema():
                _define(connection, line)
            schema.bring_up(connection, held)
        connection.rows("CALL db.awaitIndexes(60)")
        self._was_empty = not connection.rows("MATCH (n:Entity) RETURN n.id AS id LIMIT 1")

    def _check_server(self, connection: Connection) -> None:
        kernels = connection.rows("CALL dbms.components() YIELD name, versions WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version")
        found = str(kernels[0]["version"]) if kernels else "unknown"
        numbers = tuple(int(n) for n in re.findall(r"\d+", found)[:2])
        if numbers < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise StoreUnsuitable(f"{self._login.address} is Neo4j {found}: this platform needs {wanted} or newer")

    def _check_empty(self, connection: Connection) -> None:
        """Before anything of ours is there: what is called as ours is would be taken for it."""
        if connection.rows("MATCH (n:Entity) RETURN 1 AS n LIMIT 1") and self._allow_occupied:
            raise StoreUnsuitable(
                f"the database {self._login.database!r} at {self._login.address} has other nodes called Entity, as ours are: "
                "name another one"
            )
        if not self._allow_occupied and connection.rows("MATCH (n) RETURN 1 AS n LIMIT 1"):
            raise StoreUnsuitable(
                f"the database {self._login.database!r} at {self._login.address} already holds other data: "
                "name an empty one, or set KG_SHARED_DATABASE=yes to let both live in it"
            )

    def settle(self, connection: Connection) -> None:
        """On an empty store the first MERGE is planned as a scan of relationships, and the plan stays for seconds."""
        if self._was_empty:
            connection.rows("CALL db.clearQueryCaches()")

    # -- statements ----------------------------------------------------------------------------------

    def plans(self, operation: str, rows: Sequence[dict[str, Any]], **splices: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        for tail, literal in ((":Entity", False), (":KgLiteral", True)):
            if part := [row for row in rows if row["literal"] is literal]:
                yield statement(f"facts_{operation}.neo4j", TAIL=tail, TYPE="", **splices), part

    def entities_create(self, labels: str) -> str:
        return statement("entities_create.neo4j", LABELS=labels)

    def cells(
        self, connection: Connection, cells: Sequence[str], splices: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> list[list[Any]]:
        """All in one record: each record costs a round of the driver."""
        collected = ", ".join(f"collect({cell}) AS c{number}" for number, cell in enumerate(cells))
        rows = connection.rows(statement("facts_columns.neo4j", CELLS=collected, **splices), **parameters)
        return list(rows[0].values())

    # -- vectors -------------------------------------------------------------------------------------

    def vector_index(self, label: str) -> str:
        return f"kg_vectors_{label.lower()}"

    vector_score = "vector.similarity.cosine(n.emb, row.vector)"  # the index holds the vectors rounded

    def keys_index(self, label: str) -> str:
        return f"kg_keys_{label.lower()}"

    def index_vectors(self, connection: Connection, label: str, dimension: int) -> None:
        self.unindex_vectors(connection, label)
        name, cypher = self.vector_index(label), statement("vectors_index.neo4j", LABELS=f":{label}")
        _define(connection, cypher, name=name, dimension=dimension)
        _define(connection, f"CREATE FULLTEXT INDEX {self.keys_index(label)} IF NOT EXISTS FOR (n:{label}) ON EACH [n.emb_keys]")
        connection.rows("CALL db.awaitIndexes(600)")

    def unindex_vectors(self, connection: Connection, label: str) -> None:
        name, cypher = self.vector_index(label), statement("vectors_unindex.neo4j")
        _define(connection, cypher, name=name)

    # -- users ---------------------------------------------------------------------------------------

    def index_users(self, connection: Connection) -> None:
        if not connection.rows("MATCH (u:KgUser) RETURN 1 AS n LIMIT 1"):
            self._check_users(connection)
        for line in (
            "CREATE CONSTRAINT kguser_id IF NOT EXISTS FOR (n:KgUser) REQUIRE n.id IS UNIQUE",
            f"CREATE INDEX {_USERS} IF NOT EXISTS FOR (n:User) ON (n.id)",
        ):
            _define(connection, line)

    def unindex_users(self, connection: Connection) -> None:
        _define(connection, f"DROP INDEX {_USERS} IF EXISTS")

    def _check_users(self, connection: Connection) -> None:
        """Others may have users here only where both are allowed to live in it, and where theirs are not bound to rules."""
        place = f"the database {self._login.database!r} at {self._login.address}"
        if connection.rows("SHOW CONSTRAINTS YIELD labelsOrTypes WHERE 'User' IN labelsOrTypes RETURN 1 AS n LIMIT 1"):
            raise StoreUnsuitable(f"{place} has constraints on nodes called User: interactions cannot be mirrored beside them")
        if not self._allow_occupied and connection.rows(_STRANGERS):
            raise StoreUnsuitable(
                f"{place} has other nodes called User: mirror interactions into a graph without, "
                "or set KG_SHARED_DATABASE=yes to let both live in it"
            )

    # -- reading door --------------------------------------------------------------------------------

    def read(self, connection: Connection, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
        text = door.bare(cypher)

        def ask() -> Rows:
            _examine(connection, text, parameters)
            return door.rows(connection, text, parameters, limits)

        return door.again(connection, ask)

    def stop(self, connection: Connection, name: str) -> None:
        with connection.sentences(), connection.session() as session:  # the server lets everybody end transactions of their own
            session.run(statement("queries_stop.neo4j"), name=name).consume()

    def examine(self, connection: Connection, cypher: str, parameters: Mapping[str, Any]) -> None:
        _examine(connection, door.bare(cypher), parameters)


def _examine(connection: Connection, text: str, parameters: Mapping[str, Any]) -> None:
    """Raises ``WriteRefused`` for a query that would write, or read a file."""
    plan = door.plan(connection, text, parameters)
    if plan.query_type != "r":
        raise WriteRefused(door.WRITES)
    if "LoadCSV" in _operators(plan):
        raise WriteRefused(door.FILES)


def _operators(summary: ResultSummary) -> set[str]:
    """The names of all operators in a plan."""
    found: set[str] = set()
    waiting: list[Any] = [summary.plan]
    while waiting:
        plan = waiting.pop()
        if not isinstance(plan, dict):
            raise BadQuery("the server gives no plan for this query, so it cannot be known whether it only reads")
        found.add(str(plan.get("operatorType", "")).partition("@")[0])
        waiting += plan.get("children") or []
    return found


def _define(connection: Connection, cypher: str, **parameters: Any) -> None:
    """Run a statement of the schema: of two who define the same at the same time, one is refused, and finds it there the next time."""
    from neo4j.exceptions import ClientError

    def work(tx: ManagedTransaction) -> None:
        try:
            tx.run(cypher, parameters).consume()
        except ClientError as error:
            if error.code != "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists":
                raise
            raise Redo from None

    connection.writing(work)


def _schema() -> Iterator[str]:
    for label in OURS:
        yield f"CREATE CONSTRAINT {label.lower()}_id IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE"
    yield "CREATE INDEX entity_name_key IF NOT EXISTS FOR (n:Entity) ON (n.name_key)"
    for place in ("source", "run", "time"):
        yield f"CREATE INDEX kgbatch_{place} IF NOT EXISTS FOR (n:KgBatch) ON (n.{place})"
    yield "CREATE INDEX kgpassage_source IF NOT EXISTS FOR (n:KgPassage) ON (n.source)"
    yield f"CREATE FULLTEXT INDEX {Neo4j.passages} IF NOT EXISTS FOR (n:KgPassage) ON EACH [n.text]"
    yield f"CREATE FULLTEXT INDEX {_INDEX} IF NOT EXISTS FOR (n:Entity) ON EACH [n.name, n.aliases_text]"
    yield f"CREATE FULLTEXT INDEX {Neo4j.aliases} IF NOT EXISTS FOR (n:Entity) ON EACH [n.alias_marks]"


def open_store(
    uri: str,
    username: str,
    password: str,
    database: str = "neo4j",
    *,
    allow_occupied: bool = False,
    backup_to: Path | None = None,
    restoring: bool = False,
) -> BoltStore:
    """The graph in a Neo4j database. ``allow_occupied`` lets ours live beside other data in it.

    One of an older schema is brought up when there is a file to back it up to first; one that is half restored is opened for ``restoring``.
    Raises ``StoreUnreachable``, ``StoreRefused`` or ``StoreUnsuitable``.
    """
    return BoltStore(Neo4j(Login(uri, username, password, database), allow_occupied), backup_to, restoring)
