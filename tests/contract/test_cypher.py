"""The reading door (``kgplatform.ports.CypherRunner``): it reads, within limits, and never writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kgplatform import names
from kgplatform.errors import BadQuery, BadRequest, LimitExceeded, WriteRefused
from kgplatform.ports import Limits, Rows
from kgplatform.store import plain
from kgplatform.store.bolt import BoltStore
from kgplatform.types import Claim, Entity, Evidence, FactQuery, Literal, Source, SourceId

WRITES = [
    "CREATE (n:Evil) RETURN n",
    "MATCH (n:Entity) SET n.name = 'evil'",
    "MATCH (n:Entity) SET n:Evil RETURN n.id",
    "MATCH (n:Entity) REMOVE n.name",
    "MATCH (n:Entity) DETACH DELETE n",
    "MATCH ()-[r]->() DELETE r",
    "MERGE (n:Evil {id: 1}) RETURN n",
    "FOREACH (i IN [1] | CREATE (:Evil))",
    "CALL { CREATE (n:Evil) RETURN n } RETURN n",
    "/* c */ CREATE (:Evil)",
    "CREATE INDEX FOR (n:Evil) ON (n.x)",
    "CREATE CONSTRAINT FOR (n:Evil) REQUIRE n.x IS UNIQUE",
    "CREATE USER evil SET PASSWORD 'evil1234'",
]
FILES = [
    "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "load  csv FROM 'http://127.0.0.1:9/x' AS line RETURN line",
    "LOAD/**/CSV FROM 'file:///etc/passwd' AS line RETURN line",
    "UNWIND [1] AS x LOAD // c\n CSV WITH HEADERS FROM 'file:///etc/passwd' AS line RETURN line",
    "\\u004cOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
]


@pytest.fixture
def filled(served: BoltStore) -> Iterator[BoltStore]:
    said = (Evidence("text", Source(SourceId("doc:1"), "document"), 2.0),)
    people = [Entity(names.entity_id("person", f"P{n}"), f"P{n}", ("person",)) for n in range(30)]
    town = Entity(names.entity_id("city", "Town"), "Town", ("city",))
    claims = [Claim(person, "born in", town, said) for person in people]
    served.put([*claims, Claim(people[0], "born on", Literal("1867", "date"), said)])
    yield served


def ask(store: BoltStore, cypher: str, limits: Limits | None = None, **parameters: object) -> Rows:
    return store.read(cypher, parameters, limits or Limits())


def test_answers_are_plain_values(filled: BoltStore) -> None:
    found = ask(
        filled,
        "MATCH path = (p:Person {id: $id})-[r:BORN_IN]->(c:City) "
        "RETURN p, r, path, date('2020-02-03') AS day, duration('P1D') AS span, [1, 2.5, null, true, 'x'] AS listed, {a: [c.id]} AS mapped",
        id="person:p3",
    )
    assert found.columns == ("p", "r", "path", "day", "span", "listed", "mapped")
    assert found.complete
    ((person, relation, path, day, span, listed, mapped),) = found.rows
    assert (person["id"], set(person["labels"])) == ("person:p3", {"Entity", "Person"})
    assert person["properties"]["name"] == "P3"
    assert (relation["type"], relation["properties"]["relation"]) == ("BORN_IN", "born in")
    assert [node["properties"]["id"] for node in path["nodes"]] == ["person:p3", "city:town"]
    assert len(path["relationships"]) == 1
    assert (day, span, listed, mapped) == ("2020-02-03", "P1D", [1, 2.5, None, True, "x"], {"a": ["city:town"]})
    assert json.loads(json.dumps(found.rows))


def test_an_answer_is_a_graph_in_which_everything_is_once(filled: BoltStore) -> None:
    found = ask(filled, "MATCH path = (p:Person)-[r:BORN_IN]->(c) WHERE p.name IN ['P1', 'P2'] RETURN p, {of: [r]} AS r, path")
    drawn = plain.graph(found.rows)
    assert sorted(node["id"] for node in drawn["nodes"]) == ["city:town", "person:p1", "person:p2"]
    assert sorted((one["start"], one["type"], one["end"]) for one in drawn["relationships"]) == [
        ("person:p1", "BORN_IN", "city:town"),
        ("person:p2", "BORN_IN", "city:town"),
    ]
    alone = plain.graph(ask(filled, "MATCH (:Person {name: 'P1'})-[r:BORN_IN]->() RETURN r").rows)
    (only,) = alone["relationships"]
    assert {node["id"] for node in alone["nodes"]} == {only["start"], only["end"]}
    assert plain.graph([[1, None, {"a": "x"}]]) == {"nodes": [], "relationships": []}


def test_people_read_the_graph_naturally(filled: BoltStore) -> None:
    found = ask(filled, "MATCH (p:Person)-[r:BORN_ON]->(d:KgLiteral) RETURN p.name AS name, d.value AS day, r.confidence > 0.5 AS likely")
    assert found.rows == (("P0", "1867", True),)
    assert ask(filled, "MATCH (p:Person) RETURN count(p) AS n").rows == ((30,),)
    assert ask(filled, "RETURN 'LOAD CSV' AS x, 'CREATE (n)' AS y").rows == (("LOAD CSV", "CREATE (n)"),)


def test_rows_beyond_the_limit_are_cut_and_said_so(filled: BoltStore) -> None:
    for rows, complete in ((7, False), (30, True), (31, True)):
        found = ask(filled, "MATCH (p:Person) RETURN p.id", Limits(rows=rows))
        assert len(found.rows) == min(rows, 30)
        assert (found.complete, found.cut) == (complete, "" if complete else "rows")


def test_thousands_of_rows_may_be_left_unread(filled: BoltStore) -> None:
    found = ask(filled, "UNWIND range(1, $n) AS x RETURN x", Limits(rows=100), n=2_100)
    assert (len(found.rows), found.complete) == (100, False)
    found = ask(filled, "MATCH (a:Entity), (b:Entity), (c:Person) RETURN a.id, b.id, c.id", Limits(rows=50))
    assert (len(found.rows), found.complete) == (50, False)


@pytest.mark.parametrize(
    "writing",
    [
        "CREATE (:Evil {x: x})",
        "CREATE (:Entity {id: 'evil' + x})",
        "WITH x MATCH (n:Entity {id: 'city:town'}) SET n.name = 'evil'",
        "WITH x MATCH (n:Entity {id: 'city:town'}) FOREACH (y IN CASE WHEN x > 2090 THEN [1] ELSE [] END | SET n.name = 'evil')",
        "CALL { WITH x WITH x WHERE x > 2090 CREATE (n:Entity {id: 'evil'}) RETURN count(*) AS n }",
    ],
)
def test_writing_with_thousands_of_rows_left_unread_is_refused(filled: BoltStore, writing: str) -> None:
    before = list(filled.facts(FactQuery(status="all")))
    with pytest.raises(WriteRefused, match="nothing was changed"):
        ask(filled, f"UNWIND range(1, 2100) AS x {writing} RETURN x", Limits(rows=100))
    assert list(filled.facts(FactQuery(status="all"))) == before
    assert ask(filled, "MATCH (n) WHERE n:Evil OR n.name = 'evil' OR n.id STARTS WITH 'evil' RETURN count(n)").rows == ((0,),)


@pytest.mark.parametrize("number", range(len(WRITES)))
def test_writing_is_refused_and_changes_nothing(filled: BoltStore, number: int) -> None:
    before = list(filled.facts(FactQuery(status="all")))
    with pytest.raises(WriteRefused, match="nothing was changed"):
        ask(filled, WRITES[number])
    assert list(filled.facts(FactQuery(status="all"))) == before
    assert ask(filled, "MATCH (n) WHERE n:Evil OR n.name = 'evil' RETURN count(n)").rows == ((0,),)


def test_files_of_the_server_are_not_read(filled: BoltStore) -> None:
    for query in FILES:
        with pytest.raises((WriteRefused, BadQuery)) as refused:
            ask(filled, query)
        assert "root:" not in str(refused.value)


def test_a_plan_is_not_shown_and_nothing_is_run(filled: BoltStore) -> None:
    setting = "MATCH (n:Entity) SET n.name = 'evil'"
    for query in ("EXPLAIN RETURN 1", "profile CREATE (:Evil)", f"/* c */ PROFILE {setting}", f"// c\nexplain {setting}"):
        with pytest.raises(BadQuery, match="the plan of a query"):
            ask(filled, query)
    assert ask(filled, "MATCH (n) WHERE n:Evil OR n.name = 'evil' RETURN count(n)").rows == ((0,),)


def test_a_wrong_query_gets_one_clear_sentence(filled: BoltStore) -> None:
    for query in (
        "MATCH (n RETURN n",
        "RETRUN 1",
        "RETURN $missing",
        "RETURN nosuch(1)",
        "",
        "  ",
        "RETURN 1; RETURN 2",
        "CALL no.such.thing()",
    ):
        with pytest.raises(BadQuery) as wrong:
            ask(filled, query)
        assert "\n" not in str(wrong.value)
        assert "Exception" not in str(wrong.value)
        assert len(str(wrong.value)) > 15


def test_bytes_have_a_limit(filled: BoltStore) -> None:
    answer = ask(filled, "UNWIND range(1, 100) AS n RETURN n, $text AS text", Limits(bytes=10_500), text="x" * 1_000)
    assert (answer.complete, answer.cut) == (False, "bytes")
    assert [row[0] for row in answer.rows] == list(range(1, 11))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1 << 63, "64 bits"),
        (-(1 << 63) - 1, "64 bits"),
        ([1, {"a": [10**30]}], "64 bits"),
        ("a\ud800", "surrogate"),
        ({"a\ud800": 1}, "surrogate"),
        ([object()], "cannot be sent"),
    ],
)
def test_a_parameter_that_cannot_be_sent_is_said(filled: BoltStore, value: object, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        ask(filled, "RETURN $n AS n", n=value)
    most = [(1 << 63) - 1, -(1 << 63)]
    assert ask(filled, "RETURN $n AS n", n=most).rows == ((most,),)


def test_a_mistake_of_ours_is_no_time_limit(filled: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.store.door.plain", lambda value: value / 0)
    with pytest.raises(ZeroDivisionError):
        ask(filled, "RETURN 1 AS n")


def test_time_has_a_limit(filled: BoltStore) -> None:
    endless = "UNWIND range(1, 400) AS a UNWIND range(1, 400) AS b UNWIND range(1, 400) AS c RETURN sum(a * b % (c + 7)) AS n"
    with pytest.raises(LimitExceeded, match="time limit"):
        ask(filled, endless, Limits(seconds=0.5))
    assert ask(filled, "RETURN 1 AS one").rows == ((1,),)
