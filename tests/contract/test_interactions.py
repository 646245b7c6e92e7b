"""Who took what, mirrored beside the facts: on every store it changes nothing else, on servers people read it in Cypher."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from kgplatform.errors import BadName, BadRequest, StoreUnsuitable, WriteRefused
from kgplatform.graph import KnowledgeGraph
from kgplatform.ports import Store
from kgplatform.store import interactions
from kgplatform.store.bolt import BoltStore
from kgplatform.store.neo4j import open_store
from kgplatform.types import Entity, EntityId, FactQuery, Interaction, Mirrored, SourceId
from tests.contract.test_backup import empty as empty
from tests.contract.test_merging import ANN, ANNA, BEA
from tests.contract.test_store import ALL, claim, state, told

ULM, BONN = EntityId("city:ulm"), EntityId("city:bonn")
NOWHERE = EntityId("city:nowhere")


def fill(store: Store) -> None:
    store.put(
        [
            claim("Ann", "born in", "Ulm"),
            claim("Anna", "born in", "Bonn", told("doc:2")),
            claim("Bea", "interacted", "Bonn", told("doc:3")),
        ]
    )


def took(user: str, entity: str, time: float | None = None, rating: float | None = None) -> Interaction:
    return Interaction(user, EntityId(entity), time, rating)


def shown(store: BoltStore) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """All that is mirrored, as somebody reads it who asks in Cypher."""
    asked = "MATCH (u:User)-[r:INTERACTED]->(e:Entity) WHERE r.key IS NULL RETURN u.id, e.id, r.time, r.rating"
    found = KnowledgeGraph(store).cypher(asked).rows
    assert len(found) == store.interactions_mirrored()
    return {(user, entity): (time, rating) for user, entity, time, rating in found}


def seen(store: Store) -> tuple[object, ...]:
    """All that a graph tells of its facts."""
    kg = KnowledgeGraph(store)
    view = kg.view()
    return (
        state(store),
        store.count(FactQuery(tail=BONN, status="all")),
        store.neighbours([ULM, BONN, ANN], ALL),
        store.search("u1"),
        store.search("Ulm"),
        store.named(["ulm", "u1"]),
        store.entities([EntityId("u1"), ULM]),
        kg.sources(),
        kg.relations(),
        (list(view.entities), view.triples.tolist()),
        [list(column) for part in store.triples(ALL) for column in part],
        [list(one.keys) for one in store.changes()],
    )


def test_what_was_taken_is_counted_once(store: Store) -> None:
    fill(store)
    assert store.mirror_interactions([took("u1", ULM, 5.0), took("u1", NOWHERE), took("u2", ULM, None, 3.0)]) == Mirrored(2, 1)
    assert store.mirror_interactions([took("u1", ULM, 5.0), took("u1", ULM, 6.0)]) == Mirrored(2, 0)
    assert store.mirror_interactions([]) == Mirrored()
    assert store.interactions_mirrored() == 2
    assert store.drop_interactions() == 2
    assert (store.interactions_mirrored(), store.drop_interactions()) == (0, 0)
    assert store.mirror_interactions([took("u1", BONN)]) == Mirrored(1, 0)
    assert store.interactions_mirrored() == 1


def test_nothing_that_is_about_facts_sees_it(store: Store) -> None:
    fill(store)
    before = seen(store)
    store.mirror_interactions([took(user, entity, 1.0, 2.0) for user in ("u1", "u2", BEA) for entity in (ULM, BONN, ANN, BEA)])
    assert seen(store) == before
    assert store.drop_interactions() == 12
    assert seen(store) == before


def test_an_entity_that_goes_takes_its_interactions_with_it(store: Store) -> None:
    fill(store)
    store.mirror_interactions([took("u1", ULM), took("u1", BONN), took("u2", BONN), took("u2", ANNA)])
    assert store.forget(SourceId("doc:1")).facts_removed == 1
    assert store.entities([ULM, BONN, ANN]).keys() == {BONN}
    assert store.interactions_mirrored() == 3
    store.forget(SourceId("doc:2"))
    assert store.entities([ANNA, BONN]).keys() == {BONN}
    assert store.interactions_mirrored() == 2
    store.forget(SourceId("doc:3"))
    assert (store.entities([BONN, BEA]), store.interactions_mirrored()) == ({}, 0)
    fill(store)
    assert store.interactions_mirrored() == 0


def test_more_interactions_than_one_transaction_drops_go_too(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "PAGE", 3)
    fill(served)
    served.mirror_interactions([took(f"u{n}", entity) for n in range(7) for entity in (ULM, ANN, BONN)])
    served.forget(SourceId("doc:1"))
    assert shown(served).keys() == {(f"u{n}", BONN) for n in range(7)}
    assert served.entities([ULM, ANN]) == {}
    assert served.drop_interactions() == 7


def test_an_entity_that_qualifies_no_more_takes_its_interactions_with_it(store: Store) -> None:
    store.put([claim("Ann", "born in", "Ulm", told("doc:1", time=1), qualifiers=(("near", Entity(BONN, "Bonn", ("city",))),))])
    store.mirror_interactions([took("u1", BONN), took("u1", ULM)])
    store.put([claim("Ann", "born in", "Ulm", told("doc:2", time=2))])
    store.forget(SourceId("doc:1"))
    assert (store.entities([BONN]), store.interactions_mirrored()) == ({}, 1)


def test_of_two_that_are_one_both_were_taken(store: Store) -> None:
    fill(store)
    store.mirror_interactions([took("u1", ANN), took("u1", ANNA), took("u2", ANNA)])
    before = seen(store)
    made = store.merge(ANN, ANNA)
    assert store.interactions_mirrored() == 2
    assert store.mirror_interactions([took("u3", ANNA), took("u3", ANN)]) == Mirrored(2, 0)
    assert store.interactions_mirrored() == 3
    store.undo(made.id)
    assert store.interactions_mirrored() == 3
    assert seen(store)[:-1] == before[:-1]
    store.mirror_interactions([took("u3", ANNA)])
    assert store.interactions_mirrored() == 4


def test_one_query_explains(served: BoltStore) -> None:
    fill(served)
    served.mirror_interactions([took("u1", ANN, 10.0, 4.5), took("u1", BONN), took("u2", ULM)])
    kg = KnowledgeGraph(served)
    found = kg.cypher("MATCH (u:User {id: $u})-[r:INTERACTED]->(i:Entity)-[:BORN_IN]->(c) RETURN i.id, r.time, r.rating, c.name", u="u1")
    assert found.rows == ((ANN, 10.0, 4.5, "Ulm"),)
    with pytest.raises(WriteRefused):
        kg.cypher("MATCH (u:User) DETACH DELETE u")
    assert len(shown(served)) == 3


def test_the_latest_stays(served: BoltStore) -> None:
    fill(served)
    for time, rating, stays in (
        (None, 1.0, (None, 1.0)),
        (None, 2.0, (None, 2.0)),
        (5.0, 3.0, (5.0, 3.0)),
        (4.0, 4.0, (5.0, 3.0)),
        (None, 5.0, (5.0, 3.0)),
        (5.0, None, (5.0, None)),
        (6.5, -1.0, (6.5, -1.0)),
    ):
        served.mirror_interactions([took("u1", ULM, time, rating)])
        assert shown(served) == {("u1", ULM): stays}
    mixed = [took("u2", ULM, 3.0, 1.0), took("u2", ULM, 9.0, 2.0), took("u2", ULM, 4.0, 3.0), took("u2", ULM, None, 4.0)]
    served.mirror_interactions(mixed)
    assert shown(served)["u2", ULM] == (9.0, 2.0)


def test_a_merge_moves_the_latest_and_sweeps_once_more(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "PAGE", 2)
    fill(served)
    served.mirror_interactions(
        [took("u1", ANN, 1.0, 1.0), took("u1", ANNA, 2.0, 2.0), took("u2", ANN, 4.0, 4.0), took("u2", ANNA, 3.0, 3.0)]
    )
    served.mirror_interactions([took(f"v{n}", ANNA, None, float(n)) for n in range(5)])
    served.merge(ANN, ANNA)
    expected = {("u1", ANN): (2.0, 2.0), ("u2", ANN): (4.0, 4.0)} | {(f"v{n}", ANN): (None, float(n)) for n in range(5)}
    assert shown(served) == expected
    late = "MATCH (u:KgUser {id: 'u1'}) MATCH (e:Entity {id: $id}) CREATE (u)-[:INTERACTED {time: 9.0}]->(e)"
    served._connection.writing(lambda tx: tx.run(late, id=ANNA).consume())  # of a writer that had read before the merge
    served.settle(now=1 << 60)
    assert shown(served) == expected | {("u1", ANN): (9.0, None)}
    served.merge(BEA, ANN)
    assert {entity for _, entity in shown(served)} == {BEA}
    assert len(shown(served)) == 7


def test_users_and_entities_may_be_called_alike(served: BoltStore) -> None:
    people = [Entity(EntityId("user:ann"), "Ann", ("user",)), Entity(EntityId("kguser"), "K", ("kg user",))]
    made = claim("Ann", "interacted", "Ulm")
    served.put([type(made)(one, "interacted", made.tail, made.evidence) for one in people])
    before = seen(served)
    served.mirror_interactions([took("user:ann", ULM), took("user:ann", "user:ann"), took("kguser", "kguser")])
    assert len(shown(served)) == 3
    served.put([type(made)(Entity(EntityId("u2"), "U", ("user",)), "likes", made.tail, made.evidence)])
    served.mirror_interactions([took("u2", "u2")])
    assert {one.id for one in served.entities([EntityId("u2")]).values()} == {"u2"}
    served.forget(SourceId("doc:1"))
    assert (shown(served), list(served.facts(ALL))) == ({}, [])
    served.put([type(made)(one, "interacted", made.tail, made.evidence) for one in people])
    assert served.drop_interactions() == 0
    assert seen(served)[:-1] == before[:-1]


def test_dropping_leaves_the_rest_as_it_was(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactions, "USERS", 3)
    fill(served)
    whole = "MATCH (n) OPTIONAL MATCH (n)-[r]->(m) RETURN n.id AS id, properties(n) AS p, type(r) AS t, properties(r) AS q ORDER BY id, t"
    before = served._connection.rows(whole)
    served.mirror_interactions([took(f"u{n}", entity, 1.0) for n in range(10) for entity in (ULM, BONN, ANN)])
    assert served.drop_interactions() == 30
    assert served._connection.rows(whole) == before
    assert served._connection.rows("MATCH (u:User) RETURN u.id AS id") == []


def test_a_backup_leaves_it_out(served: BoltStore, empty: BoltStore, tmp_path: Path) -> None:
    fill(served)
    lines = served.backup(tmp_path / "without")
    served.mirror_interactions([took("u1", ULM), took("u2", ANNA)])
    assert served.backup(tmp_path / "with") == lines
    served.merge(ANN, ANNA)
    served.backup(tmp_path / "merged")
    empty.restore(tmp_path / "merged")
    assert state(empty) == state(served)
    assert empty.interactions_mirrored() == 0
    empty.mirror_interactions([took("u1", ULM), took("u2", ANNA)])
    assert shown(empty) == shown(served) == {("u1", ULM): (None, None), ("u2", ANN): (None, None)}


def test_files_of_facts_leave_it_out(served: BoltStore, tmp_path: Path) -> None:
    fill(served)
    served.mirror_interactions([took("u1", ULM), took("u2", ANNA)])
    kg = KnowledgeGraph(served)
    for name in ("all.tsv", "all.parquet", "all.jsonld"):
        assert kg.dump(tmp_path / name) == 3
        assert b"u1" not in (tmp_path / name).read_bytes()


def test_writers_at_once_leave_the_latest(served: BoltStore) -> None:
    fill(served)

    def write(writer: int) -> None:
        for n in range(8):
            served.mirror_interactions([took(f"u{k}", entity, n * 10.0 + writer, writer) for k in range(20) for entity in (ULM, BONN)])
            if n < 3:
                served.put([claim(f"p{n}", "born in", "Ulm", told(f"doc:{writer}"))])

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(write, writer) for writer in range(6)]:
            done.result()
    assert shown(served) == {(f"u{k}", entity): (75.0, 5.0) for k in range(20) for entity in (ULM, BONN)}
    assert served.count(ALL) == 6


def test_users_of_a_writer_beside_are_no_strangers(served: BoltStore) -> None:
    """Nobody's users are there when each looks, and another's may be before it looks again."""
    fill(served)
    for _ in range(5):
        ready = Barrier(3)

        def write(writer: int, ready: Barrier = ready) -> Mirrored:
            ready.wait()
            return served.mirror_interactions([took(f"u{writer}", ULM)])

        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(write, range(3))) == [Mirrored(1, 0)] * 3
        assert served.drop_interactions() == 3


# -- the face ----------------------------------------------------------------------------------------


def test_rows_are_taken_as_people_have_them(store: Store) -> None:
    import numpy as np

    fill(store)
    told_of: list[tuple[int, int]] = []
    kg = KnowledgeGraph(store)
    rows: list[Any] = [
        ("u1", ULM),
        ["u2", ULM, 1_700_000_000],
        ("u3", NOWHERE, None, 4.5),
        took("u4", ULM, 1.0),
        ("u5", ULM, np.int64(7), np.float32(1)),
    ]
    assert kg.mirror_interactions(rows, progress=lambda *at: told_of.append(at)) == Mirrored(4, 1)
    assert kg.mirror_interactions(iter(rows), progress=lambda *at: told_of.append(at)) == Mirrored(4, 1)
    assert told_of == [(5, 5), (5, 0)]
    assert store.interactions_mirrored() == 4
    assert kg.drop_interactions() == 4


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("u1",), "no interaction"),
        ("u1", "no interaction"),
        ((1, ULM), "no interaction"),
        (("u1", 7), "no interaction"),
        (("u1", ULM, 1.0, 1.0, 1.0), "no interaction"),
        (("u1", ULM, "yesterday"), "no time"),
        (("u1", ULM, math.nan), "no time"),
        (("u1", ULM, None, math.inf), "no rating"),
        (("", ULM), "not a name"),
        (("u" * 1_001, ULM), "cannot be an id"),
        (("u\ud800", ULM), "cannot be an id"),
        (("u1", "a\x00b"), "cannot be an id"),
    ],
)
def test_a_row_that_is_none_is_said(store: Store, row: Any, why: str) -> None:
    fill(store)
    with pytest.raises(BadRequest, match=why) as wrong:
        KnowledgeGraph(store).mirror_interactions([("u0", ULM), row])
    assert "\n" not in str(wrong.value)
    assert store.interactions_mirrored() == 0
    assert isinstance(wrong.value, BadName) or "interaction" in str(wrong.value)


def test_what_is_no_list_is_said(store: Store) -> None:
    with pytest.raises(BadRequest, match="no list"):
        KnowledgeGraph(store).mirror_interactions(7)  # type: ignore[arg-type]


# -- a database with users of its own ----------------------------------------------------------------


@pytest.fixture
def theirs(wiped: BoltStore, neo4j_server: Any) -> Iterator[BoltStore]:
    """A graph of ours in a database to which users came that are not ours."""
    store = open_store(neo4j_server.uri, neo4j_server.user, neo4j_server.password)
    fill(store)
    execute(store, "CREATE (:User {id: 'u1', name: 'Theirs'})-[:INTERACTED]->(:Thing)")
    yield store
    execute(store, "DROP CONSTRAINT theirs IF EXISTS")
    store.close()


def execute(store: BoltStore, cypher: str) -> None:
    store._connection.writing(lambda tx: tx.run(cypher).consume())


def test_users_of_others_are_left_alone_unless_allowed(theirs: BoltStore, neo4j_server: Any) -> None:
    with pytest.raises(StoreUnsuitable, match="other nodes called User"):
        theirs.mirror_interactions([took("u1", ULM)])
    assert theirs.interactions_mirrored() == 0
    shared = open_store(neo4j_server.uri, neo4j_server.user, neo4j_server.password, allow_occupied=True)
    assert shared.mirror_interactions([took("u1", ULM), took("u2", ULM)]) == Mirrored(2, 0)
    assert shown(shared).keys() == {("u1", ULM), ("u2", ULM)}
    assert shared.drop_interactions() == 2
    users = "MATCH (u:User)-[r]->(t:Thing) RETURN u.name AS name, type(r) AS type"
    assert shared._connection.rows(users) == [{"name": "Theirs", "type": "INTERACTED"}]
    shared.close()


def test_rules_of_others_for_users_are_not_broken(theirs: BoltStore, neo4j_server: Any) -> None:
    execute(theirs, "CREATE CONSTRAINT theirs FOR (u:User) REQUIRE u.id IS UNIQUE")
    shared = open_store(neo4j_server.uri, neo4j_server.user, neo4j_server.password, allow_occupied=True)
    with pytest.raises(StoreUnsuitable, match="constraints on nodes called User"):
        shared.mirror_interactions([took("u2", ULM)])
    assert shared.interactions_mirrored() == 0
    shared.close()
