"""Opening a graph on a server: what is wrong with it is said in one sentence, without secrets."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import BadSetting, KgError, StoreRefused, StoreUnreachable, StoreUnsuitable
from kgplatform.store import backup, schema
from kgplatform.store.bolt import BoltStore
from kgplatform.store.connection import Connection, Login
from kgplatform.store.neo4j import open_store
from kgplatform.types import Claim, Entity, EntityId, Evidence, FactQuery, Source, SourceId

SECRET = "s3cret-never-shown"


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"bolt://127.0.0.1:{free.getsockname()[1]}"


def test_a_server_that_does_not_answer_is_named() -> None:
    uri = nobody()
    with pytest.raises(StoreUnreachable, match="does not answer") as refused:
        open_store(uri, "neo4j", SECRET, "neo4j")
    assert uri in str(refused.value)
    assert SECRET not in str(refused.value) + repr(refused.value)
    assert refused.value.__cause__ is None


def test_an_address_that_is_none_is_said() -> None:
    for uri in ("http://localhost:7474", "nonsense", "bolt://127.0.0.1:notaport", "bolt://"):
        with pytest.raises(BadSetting, match="cannot be used as the address"):
            open_store(uri, "neo4j", SECRET, "neo4j")


def test_no_login_shows_its_password() -> None:
    login = Login(f"bolt://user:{SECRET}@127.0.0.1:1", "neo4j", SECRET, "neo4j")
    assert SECRET not in login.address
    assert SECRET not in repr(dataclasses.replace(login, uri="bolt://127.0.0.1:1"))


def test_a_wrong_password_is_refused(local_endpoint: Any, neo4j_server: Any) -> None:
    for uri in (local_endpoint.bolt_uri, neo4j_server.uri):
        wrong = Login(uri, "neo4j", SECRET, "neo4j")
        connection = Connection(lambda login=wrong: login)  # type: ignore[misc]
        with pytest.raises(StoreRefused, match="password") as refused:
            connection.verify()
        connection.close()
        assert SECRET not in str(refused.value)


def test_an_unknown_database_is_named(neo4j_server: Any) -> None:
    with pytest.raises(StoreUnsuitable, match="no database 'nosuch'"):
        open_store(neo4j_server.uri, neo4j_server.user, neo4j_server.password, "nosuch")


def opened(server: Any, allow_occupied: bool = False) -> BoltStore:
    return open_store(server.uri, server.user, server.password, allow_occupied=allow_occupied)


def execute(store: BoltStore, cypher: str) -> None:
    store._connection.writing(lambda tx: tx.run(cypher).consume())


def test_a_database_with_other_data_is_left_alone_unless_allowed(wiped: BoltStore, neo4j_server: Any) -> None:
    execute(wiped, "CREATE (:Invoice {id: 1})")
    with pytest.raises(StoreUnsuitable, match="already holds other data"):
        opened(neo4j_server)
    store = opened(neo4j_server, allow_occupied=True)
    execute(wiped, "MATCH (i:Invoice) CREATE (i)-[:OF]->(:Entity {id: 'theirs'})")
    source = Source(SourceId("doc:1"), "document")
    theirs, ours = Entity(EntityId("theirs"), "Theirs"), Entity(EntityId("ours"), "Ours")
    store.put([Claim(theirs, "knows", ours, (Evidence("text", source),))])
    assert [fact.head.id for fact in store.facts(FactQuery(status="all"))] == ["theirs"]
    store.forget(source.id)
    assert set(store.entities([theirs.id, ours.id])) == {"theirs"}
    opened(neo4j_server).close()
    store.close()


def test_a_database_whose_own_nodes_are_called_as_ours_is_left_alone(wiped: BoltStore, neo4j_server: Any) -> None:
    execute(wiped, "CREATE (:Entity {id: 'theirs'})")
    with pytest.raises(StoreUnsuitable, match="has other nodes called Entity"):
        opened(neo4j_server, allow_occupied=True)


def test_a_database_that_another_makes_a_graph_between_two_looks_is_one(
    wiped: BoltStore, neo4j_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a page, an API and a harvest start together for the first time."""
    execute(wiped, f"CREATE (:KgMeta {{id: 'kgplatform', schema: {schema.SCHEMA}}})")
    seen = [0, schema.SCHEMA]
    monkeypatch.setattr(schema, "version", lambda *_: seen.pop(0))
    opened(neo4j_server).close()
    assert not seen


def test_a_newer_schema_is_refused(wiped: BoltStore, neo4j_server: Any) -> None:
    execute(wiped, "CREATE (:KgMeta {id: 'kgplatform', schema: 99})")
    with pytest.raises(StoreUnsuitable, match="newer"):
        opened(neo4j_server)


def test_an_older_schema_is_refused_and_brought_up_after_a_backup(wiped: BoltStore, neo4j_server: Any, tmp_path: Path) -> None:
    execute(wiped, "CREATE (:KgMeta {id: 'kgplatform', schema: 1}), (:Entity {id: 'a', name: 'A'})")
    with pytest.raises(StoreUnsuitable, match=r"older than .*kg migrate"):
        opened(neo4j_server)
    open_store(neo4j_server.uri, neo4j_server.user, neo4j_server.password, backup_to=tmp_path / "first").close()
    assert any(line.get("entity", {}).get("id") == "a" for line in backup.read(tmp_path / "first"))
    opened(neo4j_server).close()


def test_entities_of_an_older_schema_are_found_by_their_aliases(served: BoltStore, tmp_path: Path) -> None:
    told = (Evidence("text", Source(SourceId("doc:1"), "document"), 2.0),)
    town, land = Entity(EntityId("town"), "Paris", aliases=("Lutetia", "+++")), Entity(EntityId("land"), "France")
    served.put([Claim(town, "in", land, told)])
    execute(served, "MATCH (n:Entity) REMOVE n.alias_marks")
    execute(served, "MATCH (m:KgMeta {id: 'kgplatform'}) SET m.schema = 3")
    assert served.named(["lutetia"])["lutetia"] == []
    with pytest.raises(StoreUnsuitable, match=r"older than .*kg migrate"):
        BoltStore(served._dialect)
    brought_up = BoltStore(served._dialect, tmp_path / "first")
    assert {name: [one.id for one in found] for name, found in brought_up.named(["lutetia", "+++", "france"]).items()} == {
        "lutetia": ["town"],
        "+++": ["town"],
        "france": ["land"],
    }


def test_an_older_server_is_refused(wiped: BoltStore, neo4j_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.store.neo4j.OLDEST", (99, 0))
    with pytest.raises(StoreUnsuitable, match=r"is Neo4j 5\.\d+.*needs 99\.0 or newer"):
        opened(neo4j_server)


def test_a_server_that_goes_away_is_reported(served: BoltStore) -> None:
    served.close()
    with pytest.raises((KgError, RuntimeError)):
        served.count(FactQuery())
