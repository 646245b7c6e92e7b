"""``kg insight`` over the graph that a person has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import networkx as nx
import pytest

from kgplatform.analysis.dynamics import Recorder
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import digest
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Source, SourceId
from tests.commands import Kg, commands
from ui.expansions import DYNAMICS

SAID = (Evidence("import", Source(SourceId("import:1"), "import"), score=0.95),)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    monkeypatch.setenv("KG_HOME", str(tmp_path))
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    return made


@pytest.fixture
def kg(graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


@pytest.fixture
def circles(graph: KnowledgeGraph) -> KnowledgeGraph:
    def member(place: int) -> Entity:
        return Entity(EntityId(f"person:n{place}"), f"Person {place}", ("person",))

    pairs = [*nx.disjoint_union(nx.complete_graph(6), nx.complete_graph(7)).edges, (13, 0), (13, 6)]
    graph.put([Claim(member(a), "knows", member(b), SAID) for a, b in pairs])
    return graph


def test_the_shape_and_what_is_worth_a_look(kg: Kg, circles: KnowledgeGraph) -> None:
    told = kg("insight", "--top", "3")
    assert told.code == 0
    assert "14, of them 14 in the largest of 1 parts" in told.out
    assert "Person 13" in told.out
    found = json.loads(kg("insight", "--json").out)
    assert found["dynamics"]["nodes"] == 14
    assert {one["entity"]["name"] for one in found["cuts"]} == {"Person 0", "Person 6", "Person 13"}
    assert found["runs"] == {}


def test_how_the_last_expansion_grew_is_told(kg: Kg, circles: KnowledgeGraph) -> None:
    recorder = Recorder(Path(os.environ["KG_HOME"]) / "expansions" / digest("kg") / "monday" / DYNAMICS)
    recorder.add(0, circles.view())
    told = kg("insight")
    assert "monday, iteration" in told.out
    assert [one["iteration"] for one in json.loads(kg("insight", "--json").out)["runs"]["monday"]] == [0]


def test_what_is_only_proposed_is_looked_at_where_that_is_asked(kg: Kg, graph: KnowledgeGraph) -> None:
    doubted = (Evidence("import", Source(SourceId("import:1"), "import"), score=-2),)
    one, other = (Entity(EntityId(f"person:{name}"), name, ("person",)) for name in "ab")
    graph.put([Claim(one, "knows", other, doubted)])
    told = kg("insight")
    assert told.err == "kg: no fact is current, and 1 fact waiting as proposed:  --status proposed  looks at these\n"
    told = kg("insight", "--status", "proposed")
    assert ("2, of them 2 in the largest of 1 parts" in told.out, told.err) == (True, "")
    kg("insight", "--status", "odd").refused(2, "odd", "proposed")


def test_an_empty_graph_has_no_shape_to_speak_of(kg: Kg) -> None:
    told = kg("insight")
    assert (told.code, "0, of them 0 in the largest of 0 parts" in told.out) == (0, True)
    kg("insight", "--top", "0").refused(2, "top")
