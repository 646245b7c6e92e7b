"""Every store, empty, by the same fixture: the suites here know none of them by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kgplatform.store.bolt import BoltStore
from kgplatform.store.memory import MemoryStore
from tests import servers

SERVERS = ("local", "neo4j")


def opened(name: str, request: pytest.FixtureRequest) -> BoltStore:
    """An empty graph on a server: of its own on the local one, nobody else's for the time of the test on Neo4j."""
    if name == "local":
        from kgplatform.store.local import Local

        graph = request.getfixturevalue("local_graph")
        return BoltStore(Local(servers.local_home(), graph))
    from kgplatform.store.neo4j import open_store

    server = request.getfixturevalue("neo4j_alone")
    return open_store(server.uri, server.user, server.password)


@pytest.fixture(params=["memory", *SERVERS])
def store(request: pytest.FixtureRequest) -> Iterator[MemoryStore | BoltStore]:
    made = MemoryStore() if request.param == "memory" else opened(request.param, request)
    yield made
    made.close()


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[BoltStore]:
    """The stores that are servers."""
    made = opened(request.param, request)
    yield made
    made.close()


@pytest.fixture
def wiped(request: pytest.FixtureRequest) -> Iterator[BoltStore]:
    """The Neo4j database, empty and without our mark, and a store that still has it open."""
    made = opened("neo4j", request)
    made._connection.writing(lambda tx: tx.run("MATCH (n) DETACH DELETE n").consume())
    yield made
    made.close()
