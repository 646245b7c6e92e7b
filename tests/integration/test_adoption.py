"""A Neo4j graph of somebody's own: adopted as its map says, and left as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from neo4j import GraphDatabase

from kgplatform import settings
from kgplatform.adoption import adopting, mapping
from kgplatform.adoption.source import Foreign, login
from kgplatform.errors import StoreUnsuitable
from kgplatform.graph import KnowledgeGraph
from kgplatform.opening import connect
from kgplatform.store import server
from kgplatform.store.endpoint import Endpoint
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Entity, EntityId
from tests import servers
from tests.commands import Kg, commands
from tests.integration.test_imports import held

ROOT = Path(__file__).parents[2]
ODD = "Odd `label` \\u0060) DETACH DELETE n //"
FILMS = """
CREATE CONSTRAINT film_key IF NOT EXISTS FOR (f:Film) REQUIRE f.key IS UNIQUE;
CREATE CONSTRAINT person_name IF NOT EXISTS FOR (p:Person) REQUIRE p.name IS UNIQUE;
CREATE (keanu:Person:Star {name: 'Keanu Reeves', born: 1964, nick: ['Neo', 'Ted'], alive: true, password: 'hush',
    emb: [x IN range(1, 20) | x / 7.0]}),
  (carrie:Person {name: 'Carrie-Anne Moss', born: 1967}), (lana:Person {name: 'Lana Wachowski', born: 'unknown'}),
  (matrix:Film {key: 'm1', title: 'The Matrix', released: date('1999-03-31'), shown: datetime('1999-04-01T20:15:00Z'),
    rating: 8.7, tags: ['cult', ''], note: $hostile}),
  (again:Film {key: 'm2', title: 'The Matrix'}), (:Film {key: 'm3', title: 'Alone'}), (:Film {key: 'm4', title: 'Never seen'}),
  (keanu)-[:ACTED_IN {roles: ['Neo', 'Thomas'], sure: 0.9, since: 1998}]->(matrix), (carrie)-[:ACTED_IN {sure: 7}]->(matrix),
  (keanu)-[:ACTED_IN]->(again), (matrix)-[:DIRECTED_BY]->(lana), (keanu)-[:KNOWS]->(keanu),
  (studio:Studio {name: 'Warner'}), (studio)-[:MADE]->(matrix), (matrix)-[:SHOWN_BY]->(studio), (:Film)
"""
MAP = """
nodes:
  Person:
    name: name
    aliases: nick
    values: {born: {relation: born in, datatype: year}, alive: {datatype: boolean}}
    ignore: [password, emb]
  Star: star
  Film:
    name: title
    id: key
    values: {released: {datatype: date}, shown: {datatype: date}, rating: {datatype: decimal}, tags: tagged, note: note}
relationships:
  ACTED_IN: {confidence: sure, qualifiers: {roles: role, since: valid_from}}
  DIRECTED_BY: {relation: directed, reverse: true}
  KNOWS: knows
  SHOWN_BY: shown by
"""
STRANGE = ["null", " ", "\u202e", "a: b # c", "- x", "'\"\n\x1b[31m\u2028", "\U0001f600", "x" * 300, "\\u0060", "{{}}", "DELETE"]
HOSTILE = "'); MATCH (n) DETACH DELETE n; // ${x} \x1b[31m"


def dump(driver: Any) -> list[str]:
    """All of the owner's data, as text."""
    theirs = "NOT any(label IN labels(n) WHERE label = 'Entity' OR label STARTS WITH 'Kg')"
    nodes = driver.execute_query(f"MATCH (n) WHERE {theirs} RETURN elementId(n), labels(n), properties(n)").records
    edges = driver.execute_query(f"MATCH (n)-[r]->(m) WHERE {theirs} RETURN elementId(r), type(r), properties(r), elementId(m)").records
    return sorted(repr([sorted(one.items()) if isinstance(one, dict) else one for one in row]) for row in [*nodes, *edges])


@pytest.fixture
def owner(neo4j_alone: servers.Neo4jServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A driver of the owner's, in an empty database without rules; rules go again at the end."""
    monkeypatch.setenv("NEO4J_SOURCE_PASSWORD", neo4j_alone.password)
    with GraphDatabase.driver(neo4j_alone.uri, auth=(neo4j_alone.user, neo4j_alone.password)) as driver:

        def clear() -> None:
            for row in driver.execute_query("SHOW CONSTRAINTS YIELD name RETURN name").records:
                driver.execute_query(f"DROP CONSTRAINT `{row['name']}`")
            driver.execute_query("MATCH (n) DETACH DELETE n")

        clear()
        yield driver
        clear()


@pytest.fixture
def films(owner: Any) -> Any:
    for line in FILMS.split(";\n"):
        owner.execute_query(line, hostile=HOSTILE)
    return owner


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, local_endpoint: Endpoint, local_graph: str) -> Kg:
    """The ``kg`` command on an empty graph of the local server that all tests share, with jobs of its own."""
    monkeypatch.setattr(server, "ensure", lambda *_, **__: local_endpoint)
    monkeypatch.setenv("KG_GRAPH", local_graph)
    return commands(capsys)


def written(text: str, uri: str = "") -> Path:
    path = Path("map.yaml")
    path.write_text(f"uri: {uri}\n{text}" if uri else text)
    return path


def adopted(kg: KnowledgeGraph, path: Path) -> adopting.Adoption:
    meant = mapping.read(path)
    with Foreign(login(meant, settings.load())) as foreign:
        return adopting.adopt(kg, foreign, meant, adopting.check(foreign, meant))


def told(graph: KnowledgeGraph) -> set[str]:
    """Facts in words."""
    found = set()
    for fact in graph.facts(status="all"):
        tail = fact.tail.name if isinstance(fact.tail, Entity) else f"{fact.tail.value}^{fact.tail.datatype}"
        found.add(f"{fact.head.name} | {fact.relation} | {tail}")
    return found


def test_a_graph_is_tried_adopted_again_and_taken_back(films: Any, neo4j_alone: servers.Neo4jServer, kg: Kg, local_graph: str) -> None:
    path, before = written(MAP, neo4j_alone.uri), dump(films)
    (tried,) = kg("import", "--from-neo4j", path, "--dry-run", "--json").objects
    answer = kg("import", "--from-neo4j", path, "--json")
    (done,) = answer.objects
    assert (answer.code, tried["readable"], done["new"], done["left_out"], done["bare"]) == (1, 12, 12, 4, 2), answer
    assert tried["unread"] == done["unread"]
    reasons = "\n".join(done["unread"])
    assert "property born: 'unknown' is not a value of type year" in reasons
    assert "7 is not a confidence" in reasons
    assert "leads to a node with the labels Studio" in reasons
    assert "has no key, which the map makes the id" in reasons
    notes = "\n".join(done["notes"])
    assert "1 nodes with the label Studio, which is not in the map" in notes
    assert "relationships of the type MADE, which is not in the map" in notes
    assert "password" not in notes and "hush" not in answer.out and neo4j_alone.password not in answer.out
    assert done["source"].startswith("neo4j:127.0.0.1:")
    with connect(settings=settings.load()) as graph:
        assert told(graph) == {
            *("Keanu Reeves | born in | 1964^year", "Keanu Reeves | alive | true^boolean", "Carrie-Anne Moss | born in | 1967^year"),
            *(
                "The Matrix | released | 1999-03-31^date",
                "The Matrix | shown | 1999-04-01^date",
                "The Matrix | rating | 8.7^decimal",
                "The Matrix | tagged | cult^string",
            ),
            f"The Matrix | note | {HOSTILE.strip()}^string",
            *("Keanu Reeves | acted in | The Matrix", "Lana Wachowski | directed | The Matrix", "Keanu Reeves | knows | Keanu Reeves"),
        }
        (keanu,) = [fact.head for fact in graph.facts(relation="knows", status="all")]
        assert (keanu.kinds, keanu.aliases) == (("person", "star"), ("Neo", "Ted"))
        acted = {fact.tail.id: fact for fact in graph.facts(relation="acted in", status="all") if isinstance(fact.tail, Entity)}
        assert set(acted) == {"film:m1", "film:m2"}
        assert acted[EntityId("film:m1")].qualifiers == (("role", "Neo, Thomas"), ("valid_from", "1998"))
        assert graph.store.evidence(acted[EntityId("film:m1")].key)[0].score == 0.9
    again = kg("import", "--from-neo4j", path, "--json").objects[0]
    assert (again["new"], again["merged"], again["unchanged"]) == (0, 0, 12)
    assert kg("import", "--from-neo4j", path, "--strict", "--json").code == 2
    (gone,) = kg("forget", done["source"], "--json").objects
    assert gone["facts_removed"] == 12
    (left,) = kg("import", "--from-neo4j", path, "--job", "--json").objects
    kg("worker", "--until-idle")
    (job,) = kg("jobs", "show", left["job"], "--json").objects
    assert (job["state"], job["result"]["new"], job["result"]["source"]) == ("done", 12, done["source"])
    assert neo4j_alone.password not in str(job)
    assert dump(films) == before


@pytest.mark.slow
def test_the_same_database_may_adopt_and_keeps_apart(
    films: Any, neo4j_alone: servers.Neo4jServer, kg: Kg, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("URI", neo4j_alone.uri), ("USERNAME", neo4j_alone.user), ("PASSWORD", neo4j_alone.password)):
        monkeypatch.setenv(f"NEO4J_{name}", value)
    monkeypatch.delenv("NEO4J_SOURCE_PASSWORD")
    monkeypatch.delenv("KG_GRAPH")
    before, path = dump(films), written(MAP)
    kg("import", "--from-neo4j", path).refused(1, "already holds other data", "KG_SHARED_DATABASE")
    monkeypatch.setenv("KG_SHARED_DATABASE", "yes")
    kg("import", "--from-neo4j", path).refused(2, "'person' would be the label Person, which nodes of the owner have")
    first = Path("first.yaml")
    assert kg("import", "--from-neo4j", first, "--propose", f"{neo4j_alone.uri}/neo4j").code == 0
    assert "kind: adopted person" in first.read_text()
    (done,) = kg("import", "--from-neo4j", first, "--json").objects
    assert done["new"] > 10
    again = kg("import", "--from-neo4j", first, "--json").objects[0]
    assert (again["new"], again["merged"], again["readable"]) == (0, 0, done["readable"])
    assert kg("query", "MATCH (p:AdoptedPerson {name: $n}) RETURN p.born AS born", "--param", "n=Keanu Reeves", "--json").objects == [
        {"born": "1964"}
    ]
    assert dump(films) == before
    assert kg("forget", done["source"], "--json").objects[0]["facts_removed"] == done["new"]
    assert dump(films) == before


def test_a_database_whose_nodes_are_called_entity_is_not_shared(
    owner: Any, neo4j_alone: servers.Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute_query("CREATE (:Entity {id: 'theirs'})")
    for name, value in (("NEO4J_URI", neo4j_alone.uri), ("NEO4J_PASSWORD", neo4j_alone.password), ("KG_SHARED_DATABASE", "yes")):
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnsuitable, match="has other nodes called Entity"):
        connect(settings=settings.load())
    assert not owner.execute_query("SHOW CONSTRAINTS").records


def test_a_first_map_is_proposed_and_can_be_adopted(films: Any, neo4j_alone: servers.Neo4jServer, kg: Kg) -> None:
    films.execute_query(
        "MATCH (f:Film {key: 'm1'}) CREATE (f)-[:HAS {confidence: 0.5, since: 1999}]->(n:$($odd)) SET n[$named] = 'odd'",
        odd=ODD,
        named="the `name`: x",
    )
    for odd in STRANGE:
        made = "MATCH (f:Film {key: 'm1'}) CREATE (f)-[r:$($odd)]->(n:$($odd)) SET n[$odd] = 'x', r[$odd] = 'x', n.name = $odd"
        films.execute_query(made, odd=odd)
    path, before = Path("first.yaml"), dump(films)
    assert kg("import", "--from-neo4j", path, "--propose", neo4j_alone.uri).code == 0
    text = path.read_text()
    found = mapping.read(path)
    assert neo4j_alone.password not in text
    assert (found.nodes["Film"].name, found.nodes["Film"].id) == ("title", "key")
    assert (found.nodes["Person"].name, found.nodes["Person"].ignored) == ("name", ("emb", "password"))
    assert {one.property: one.datatype for one in found.nodes["Film"].values} == {
        "released": "date",
        "shown": "date",
        "rating": "decimal",
        "tags": "string",
        "note": "string",
    }
    assert dict(found.edges["ACTED_IN"].qualifiers) == {"roles": "roles", "since": "valid_from", "sure": "sure"}
    assert {*STRANGE} <= found.nodes.keys() and {*STRANGE} <= found.edges.keys()
    assert (found.edges["HAS"].confidence, found.nodes[ODD].kind) == ("confidence", mapping.words_of(ODD))
    assert "# 4 relationships" not in text and "  ACTED_IN:  # 3 relationships: Person:Star to Film, Person to Film" in text
    kg("import", "--from-neo4j", path, "--propose", neo4j_alone.uri).refused(2, "is there already")
    assert path.read_text() == text
    graph = KnowledgeGraph(MemoryStore())
    done = adopted(graph, path)
    assert done.receipt.new > 10
    assert done.notes == ("left out: of   the properties  , which are not in the map",) * 2
    assert [fact.tail.kinds for fact in graph.facts(relation="has") if isinstance(fact.tail, Entity)] == [(found.nodes[ODD].kind,)]
    assert dump(films) == before


@pytest.mark.parametrize("key", ["", "id: number", "id: mixed"])
def test_pages_lose_nothing_and_repeat_nothing(
    owner: Any, neo4j_alone: servers.Neo4jServer, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    for name in ("number", "mixed"):
        owner.execute_query(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:Item) REQUIRE n.{name} IS UNIQUE")
    owner.execute_query(
        "UNWIND range(-40, 60) AS i CREATE (:Item {number: i, mixed: CASE WHEN i % 2 = 0 THEN i ELSE 'x' + i END, name: 'item ' + i})"
    )
    owner.execute_query("MATCH (a:Item), (b:Item) WHERE a.number = 0 OR b.number = a.number + 1 CREATE (a)-[:NEXT]->(b)")
    many = owner.execute_query("MATCH ()-[r:NEXT]->() RETURN count(r) AS n").records[0]["n"]
    for name, few in (("KEYS", 7), ("NODES", 3), ("EDGES", 5)):
        monkeypatch.setattr(f"kgplatform.adoption.source.{name}", few)
    graph = KnowledgeGraph(MemoryStore())
    done = adopted(graph, written(f"nodes:\n  Item: {{name: name, {key}}}\nrelationships: {{NEXT: next}}\n", neo4j_alone.uri))
    assert (done.readable, done.left_out, done.bare) == (many, 0, 0)
    assert len(graph.facts(status="all")) == len(told(graph)) == many


def test_what_the_graph_lacks_and_who_may_not_read_are_told(
    films: Any, neo4j_alone: servers.Neo4jServer, kg: Kg, monkeypatch: pytest.MonkeyPatch
) -> None:
    kg("import", "--from-neo4j", written("nodes: {Flim: film}\n", neo4j_alone.uri)).refused(2, "has no label 'Flim'")
    kg("import", "--from-neo4j", written("nodes: {Film: film}\nrelationships: {MAED: made}\n", neo4j_alone.uri)).refused(
        2, "no type 'MAED'"
    )
    kg("import").refused(2, "--from-neo4j MAP.yaml")
    kg("import", "facts.tsv", "--from-neo4j", "map.yaml").refused(2, "a map alone")
    kg("import", "--from-neo4j", "none.yaml").refused(2, "none.yaml")
    ours = server.ensure(servers.local_home())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEO4J_SOURCE_PASSWORD", ours.password)
        where = f"user: {ours.user}\ndatabase: {os.environ['KG_GRAPH']}\n{MAP}"
        kg("import", "--from-neo4j", written(where, ours.bolt_uri)).refused(2, "is no Neo4j 5 or newer")
    monkeypatch.setenv("NEO4J_SOURCE_PASSWORD", "wrong")
    kg("import", "--from-neo4j", written(MAP, neo4j_alone.uri)).refused(1, "NEO4J_SOURCE_PASSWORD")


KILLED = """
import sys
from pathlib import Path
from kgplatform import settings
from kgplatform.adoption import adopting, mapping
from kgplatform.adoption.source import Foreign, login
from kgplatform.opening import connect

adopting.BATCH = 100
meant, chosen = mapping.read(Path(sys.argv[1])), settings.load()
with connect(settings=chosen) as kg, Foreign(login(meant, chosen)) as foreign:
    adopting.adopt(kg, foreign, meant, adopting.check(foreign, meant), lambda done, total: print(done, flush=True))
"""


@pytest.mark.slow
def test_an_adoption_that_is_killed_is_repeated_and_ends_exact(
    owner: Any, neo4j_alone: servers.Neo4jServer, kg: Kg, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.execute_query("UNWIND range(1, 1500) AS i CREATE (:Item {key: i, name: 'item ' + i, size: i % 7})")
    owner.execute_query("MATCH (a:Item), (b:Item {key: a.key * 7 % 1500}) CREATE (a)-[:NEXT {sure: 0.9}]->(b)")
    path = written(
        "nodes:\n  Item: {name: name, id: key, values: {size: {datatype: integer}}}\nrelationships: {NEXT: {confidence: sure}}\n",
        neo4j_alone.uri,
    )
    judge = KnowledgeGraph(MemoryStore())
    assert adopted(judge, path).left_out == 0
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KG_HOME": str(servers.local_home())}
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline()
    child.kill()
    child.communicate()
    with connect(settings=settings.load()) as graph:
        part = len(graph.facts(status="all"))
        done = adopted(graph, path)
        assert 0 < part < len(held(judge.store))
        assert done.receipt.new == len(held(judge.store)) - part
        assert held(graph.store) == held(judge.store)
