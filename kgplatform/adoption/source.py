"""The server of a graph that is adopted. It is asked in reading sessions only, in pages of bounded size, by keys that no two nodes share.

Names of labels, types and properties are anybody's: where one cannot be a parameter it is quoted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kgplatform.adoption.claims import Edge, Node
from kgplatform.adoption.mapping import EdgeMap, Map
from kgplatform.errors import BadQuery, BadRequest, StoreRefused, WriteRefused
from kgplatform.formats.rows import batches
from kgplatform.settings import Settings
from kgplatform.store.connection import Connection, Login, Record
from kgplatform.store.schema import OURS
from kgplatform.store.statements import statement
from kgplatform.types import Source, SourceId

PORT = 7687
KEYS = 20_000
"""Nodes whose keys are read at once: finding the next ones may need a look at all of a label."""
NODES = 500
"""Nodes that are read at once with their properties, which may be long."""
EDGES = 5_000
SAMPLE = 200
PASSWORD = "NEO4J_SOURCE_PASSWORD"  # noqa: S105 - the name of a setting
_LEAST = -(1 << 63)
_PLATFORM = "|".join((*OURS, "KgUser"))


@dataclass(frozen=True, slots=True)
class Counted:
    """Nodes with a label that no earlier one in the map has.

    ``key`` is the property that orders them; empty where none is of one type and bound to be unique, and the server's ids do.
    ``unnamed`` lack the id that the map names, ``shared`` are one with another by it.
    """

    nodes: int
    key: str = ""
    numeric: bool = False
    unnamed: int = 0
    shared: int = 0


def login(map: Map, settings: Settings) -> Login:
    """Where the graph is. The password of the configured server goes to no other. Raises ``BadRequest`` when nobody says where."""
    uri, user, database = settings["NEO4J_URI"], settings["NEO4J_USERNAME"], settings["NEO4J_DATABASE"]
    if not (map.uri or uri):
        raise BadRequest(f"{map.path} names no  uri,  and NEO4J_URI is not set: which server holds the graph?")
    ours = bool(uri) and _place(map.uri or uri) == _place(uri)
    password = settings[PASSWORD] or (settings["NEO4J_PASSWORD"] if ours else "")
    if not ours:
        user, database = "neo4j", "neo4j"
    return Login(map.uri or uri, map.user or user, password, map.database or database)


def configured(login: Login, settings: Settings) -> bool:
    """Whether the graph lies where these settings put ours."""
    uri = settings["NEO4J_URI"]
    return bool(uri) and (_place(uri), settings["NEO4J_DATABASE"]) == (_place(login.uri), login.database)


def _place(uri: str) -> str:
    found = urlsplit(uri)
    return f"{found.hostname}:{found.port or PORT}"


class Foreign:
    """One database of somebody's. Use it as a context manager."""

    def __init__(self, login: Login) -> None:
        """Raises ``StoreUnreachable`` or ``StoreRefused``, and ``BadRequest`` when it is no Neo4j."""
        self._connection = Connection(lambda: login)
        self.source = Source(SourceId(f"neo4j:{_place(login.uri)}/{login.database}"), "import", login.database, login.address)
        try:
            self.id = str(self._connection.rows("CALL db.info() YIELD id RETURN id")[0]["id"])
            shares = self._connection.rows("MATCH (m:KgMeta) RETURN 1 AS n LIMIT 1")
        except StoreRefused as error:
            self.close()
            raise StoreRefused(f"{error}; {PASSWORD} is the password for a graph that is adopted") from None
        except BadQuery:
            self.close()
            raise BadRequest(f"{login.address} is no Neo4j 5 or newer: its graph cannot be adopted") from None
        except BaseException:
            self.close()
            raise
        self._shares = bool(shares)

    def __enter__(self) -> Foreign:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    # -- what there is -------------------------------------------------------------------------------

    def labels(self) -> list[str]:
        return sorted(row["label"] for row in self._connection.rows("CALL db.labels() YIELD label RETURN label"))

    def types(self) -> list[str]:
        found = self._connection.rows("CALL db.relationshipTypes() YIELD relationshipType AS type RETURN type")
        return sorted(row["type"] for row in found)

    def unique(self) -> set[tuple[str, str]]:
        """Labels with a property that no two nodes share. Nobody may see these without the right to."""
        asked = (
            "SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties "
            "WHERE type IN ['UNIQUENESS', 'NODE_KEY', 'NODE_PROPERTY_UNIQUENESS'] AND size(labelsOrTypes) = 1 AND size(properties) = 1 "
            "RETURN labelsOrTypes[0] AS label, properties[0] AS property"
        )
        try:
            return {(row["label"], row["property"]) for row in self._connection.rows(asked)}
        except (StoreRefused, WriteRefused, BadQuery):
            return set()

    def count(self, label: str, id: str = "", but: Sequence[str] = (), unique: bool = False) -> Counted:
        """Nodes with a label that have none of the others, and what their property ``id`` is good for."""
        key = f"n.{quoted(id)}" if id else "null"
        found = self._rows("foreign_counts", LABEL=quoted(label), WANTED=self._wanted(but), KEY=key, parameters={"least": _LEAST})[0]
        nodes, there = found["nodes"], found["there"]
        if not id:
            return Counted(nodes)
        numeric = found["numbers"] == nodes
        good = unique and (numeric or found["texts"] == nodes)
        return Counted(nodes, id if good else "", numeric, nodes - there, there - found["different"])

    def count_edges(self, type: str) -> int:
        return int(self._rows("foreign_links", TYPES=quoted(type), WANTED=self._wanted())[0]["n"])

    def has_nodes(self, label: str) -> bool:
        return bool(self.sample(label, 1))

    def sample(self, label: str, limit: int = SAMPLE) -> list[Record]:
        """What the first nodes with a label hold, and their labels."""
        found = self._rows("foreign_sample", LABEL=quoted(label), WANTED=self._wanted(), parameters={"limit": limit})
        return [{**row, "held": dict(row["held"])} for row in found]

    def sample_edges(self, type: str, limit: int = SAMPLE) -> list[Record]:
        """What the first relationships of a type hold, and the labels that they join."""
        found = self._rows("foreign_samplelinks", TYPES=quoted(type), WANTED=self._wanted(), parameters={"limit": limit})
        return [{**row, "held": dict(row["held"])} for row in found]

    # -- pages ---------------------------------------------------------------------------------------

    def nodes(self, label: str, counted: Counted, but: Sequence[str], properties: Sequence[str]) -> Iterator[list[Node]]:
        """Nodes with a label that have none of the others, some at a time."""
        for ids in self._keys(label, counted, but):
            for some in batches(ids, NODES):
                found = self._rows("foreign_nodes", parameters={"ids": some, "properties": list(properties)})
                yield [_node(row["id"], row["labels"], properties, row["held"]) for row in found]

    def _keys(self, label: str, counted: Counted, but: Sequence[str]) -> Iterator[list[str]]:
        key = f"n.{quoted(counted.key)}" if counted.key else "elementId(n)"
        after: int | str = _LEAST if counted.numeric and counted.key else ""
        beyond = ">="
        while True:
            wanted = f"{key} {beyond} $after AND {self._wanted(but)}"
            splices = {"LABEL": quoted(label), "KEY": key, "WANTED": wanted}
            if not (found := self._rows("foreign_keys", parameters={"after": after, "limit": KEYS}, **splices)):
                return
            yield [row["id"] for row in found]
            after, beyond = found[-1]["key"], ">"

    def edges(self, starts: Sequence[Node], types: Collection[EdgeMap], identity: Sequence[str]) -> Iterator[list[Edge]]:
        """The relationships of these types that begin at some nodes, some at a time; ``identity`` are the properties of their ends."""
        properties = sorted({name for one in types for name in (one.confidence, *(name for name, _ in one.qualifiers)) if name})
        by_id = {node.id: node for node in starts}
        asked = {"ids": list(by_id), "properties": properties, "identity": list(identity), "limit": EDGES}
        splices = {"TYPES": "|".join(quoted(one.type) for one in types), "WANTED": self._wanted(node="m")}
        after = ""
        while types and (found := self._rows("foreign_edges", parameters={**asked, "after": after}, **splices)):
            after = found[-1]["id"]
            yield [_edge(row, by_id, properties, identity) for row in found]
            if len(found) < EDGES:
                return

    def met(self, nodes: Collection[str], types: Collection[EdgeMap]) -> set[str]:
        """Those of the nodes that a relationship of these types leads to."""
        if not nodes or not types:
            return set()
        spliced = "|".join(quoted(one.type) for one in types)
        return {row["id"] for row in self._rows("foreign_met", TYPES=spliced, parameters={"ids": list(nodes)})}

    def _wanted(self, but: Sequence[str] = (), node: str = "n") -> str:
        """That a node has none of these labels, and is none of the platform's, where that lives in the database too."""
        conditions = [f"NOT {node}:{quoted(label)}" for label in but]
        return " AND ".join([f"NOT {node}:{_PLATFORM}", *conditions] if self._shares else conditions) or "true"

    def _rows(self, name: str, *, parameters: Mapping[str, Any] | None = None, **splices: str) -> list[Record]:
        return self._connection.rows(statement(name, **splices), **(parameters or {}))


def quoted(name: str) -> str:
    """A name as Cypher has it. What it reads as an escape anywhere, even for the quote itself, is escaped."""
    escaped = name.replace("\\", "\\u005c").replace("`", "``")
    return f"`{escaped}`"


def _node(id: str, labels: Sequence[str], properties: Sequence[str], held: Sequence[Any]) -> Node:
    return Node(id, frozenset(labels), dict(zip(properties, held, strict=True)))


def _edge(row: Record, starts: Mapping[str, Node], properties: Sequence[str], identity: Sequence[str]) -> Edge:
    end = _node(row["end"], row["labels"], identity, row["identity"])
    return Edge(row["id"], row["type"], starts[row["start"]], end, dict(zip(properties, row["held"], strict=True)))
