"""Snapshots: copies that never change, that tell when they were tampered with, and that are asked like the graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("pyarrow")

from kgplatform import snapshots
from kgplatform.errors import BadFile, BadRequest, NotFound, WriteRefused
from kgplatform.graph import KnowledgeGraph
from kgplatform.opening import connect
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Relation, Source, SourceId
from tests.commands import Kg, commands
from tests.ui import world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[KnowledgeGraph]:
    with KnowledgeGraph(MemoryStore()) as made:
        world.fill(made)
        made.reject("Marie Curie | born in | Paris", by="ann", why="Warsaw")
        yield made


def said(kg: KnowledgeGraph) -> list[tuple[object, ...]]:
    return sorted((fact.key, fact.confidence, fact.trust, fact.verdict, fact.qualifiers) for fact in kg.facts(status="all"))


def test_a_snapshot_says_what_the_graph_said(graph: KnowledgeGraph, folder: Path) -> None:
    made = snapshots.take(graph, folder, "one", "kg")
    copy = snapshots.opened(folder, "one")
    assert said(copy) == said(graph)
    assert copy.relations() == graph.relations()
    assert [r.evidence.quote for r in copy.explain("Polonium | named after | Poland").reasons] == ["Polonium is named after Poland."]
    assert made.facts == len(graph.facts(status="all"))
    assert "doc:radium" in made.sources
    assert made.citation.startswith("kg, snapshot 'one' of ")
    graph.forget("doc:radium")
    assert said(snapshots.opened(folder, "one")) != said(graph)
    assert snapshots.holding(folder, "doc:radium") == ["one"]


def test_nothing_changes_a_snapshot(graph: KnowledgeGraph, folder: Path) -> None:
    snapshots.take(graph, folder, "one", "kg")
    copy = snapshots.opened(folder, "one")
    before = said(copy)
    for write in (
        lambda: copy.put(world.claims()[:1]),
        lambda: copy.accept("Marie Curie | born in | Warsaw"),
        lambda: copy.forget("doc:radium"),
        lambda: copy.merge("Pierre Curie", "Warsaw"),
        lambda: copy.learn([Relation("knows")]),
        lambda: copy.add_document(world.DOCUMENT, "text"),
        lambda: copy.drop_interactions(),
    ):
        with pytest.raises(WriteRefused, match="never changes"):
            write()
    assert said(copy) == before


ENTITY = st.sampled_from([Entity(EntityId(f"e:{name}"), name, ("thing",)) for name in "abcd"])
TAIL = ENTITY | st.builds(Literal, st.sampled_from(["1", "2"]), st.just("integer"))
PIECE = st.builds(lambda source, score: Evidence("import", Source(SourceId(source), "import"), score), st.sampled_from("xy"), st.just(0.9))
CLAIM = st.builds(lambda head, tail, piece: Claim(head, "r", tail, (piece,)), ENTITY, TAIL, PIECE)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CLAIM, min_size=1, max_size=8))
def test_the_digest_is_that_of_the_content_whatever_the_order(tmp_path_factory: pytest.TempPathFactory, claims: list[Claim]) -> None:
    folder = tmp_path_factory.mktemp("digests")
    first, other = KnowledgeGraph(MemoryStore()), KnowledgeGraph(MemoryStore())
    first.put(claims)
    for claim in reversed(claims):
        other.put([claim])
    one, two = (snapshots.take(kg, folder, name, "kg") for kg, name in ((first, "one"), (other, "two")))
    assert one.digest == two.digest
    other.put([Claim(claims[0].head, "r", Literal("3", "integer"), claims[0].evidence)])
    assert snapshots.take(other, folder, "three", "kg").digest != one.digest


@pytest.mark.parametrize("file", [snapshots.FACTS, snapshots.VOCABULARY])
def test_a_file_that_was_changed_is_noticed(graph: KnowledgeGraph, folder: Path, file: str) -> None:
    snapshots.take(graph, folder, "one", "kg")
    path = folder / "one" / file
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BadFile, match="its hash is another"):
        snapshots.opened(folder, "one")


def test_what_breaks_off_leaves_nothing(graph: KnowledgeGraph, folder: Path) -> None:
    def broken(done: int, total: int) -> None:
        raise KeyboardInterrupt

    many = [Claim(Entity(EntityId(f"e:{n}"), f"e{n}"), "is", Literal(str(n), "integer"), (world.imported(),)) for n in range(1_500)]
    graph.put(many)
    with pytest.raises(KeyboardInterrupt):
        snapshots.take(graph, folder, "one", "kg", broken)
    assert list(folder.iterdir()) == []
    assert snapshots.manifests(folder) == []


def test_names_and_what_is_not_there(graph: KnowledgeGraph, folder: Path) -> None:
    snapshots.take(graph, folder, "one", "kg")
    with pytest.raises(BadRequest, match="already"):
        snapshots.take(graph, folder, "one", "kg")
    for name in ("", "../one", ".hidden", "a/b", "a b"):
        with pytest.raises(BadRequest, match="no name"):
            snapshots.take(graph, folder, name, "kg")
    with pytest.raises(NotFound, match="there are one"):
        snapshots.opened(folder, "two")
    snapshots.drop(folder, "one")
    with pytest.raises(NotFound, match="none yet"):
        snapshots.drop(folder, "one")


def test_an_empty_graph_has_a_snapshot_too(folder: Path) -> None:
    with KnowledgeGraph(MemoryStore()) as empty:
        assert snapshots.take(empty, folder, "none", "kg").facts == 0
    assert said(snapshots.opened(folder, "none")) == []


@pytest.fixture
def kg(graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kg:
    monkeypatch.setattr("kgplatform.opening.connect", lambda target=None, settings=None, **rest: _connect(graph, target, settings, rest))
    return commands(capsys)


def _connect(graph: KnowledgeGraph, target: object, settings: object, rest: dict[str, object]) -> KnowledgeGraph:
    named = settings["KG_GRAPH"]  # type: ignore[index]
    return connect(settings=settings) if str(named).startswith("snapshot:") else graph  # type: ignore[arg-type]


def test_the_commands(kg: Kg, graph: KnowledgeGraph) -> None:
    told = kg("snapshot", "first")
    assert told.code == 0
    assert "kg, snapshot 'first' of" in told.out
    kg("snapshot", "first").refused(2, "already")
    kg("snapshot", "a/b").refused(2, "no name")
    kg("snapshot", "night-{date}")
    assert {one["name"].split("-")[0] for one in kg("snapshots", "list", "--json").objects} == {"first", "night"}
    assert kg("explain", "Marie Curie | born in | Warsaw", "--graph", "snapshot:first").code == 0
    kg("forget", "doc:radium", "--graph", "snapshot:first").refused(2, "never changes")
    kg("query", "RETURN 1", "--graph", "snapshot:first").refused(
        2,
        "snapshot:first is a snapshot, which has no Cypher: ask the graph itself",
        "kg import FOLDER/facts.parquet",
        "kg snapshots show first",
    )
    kg("explain", "a | b | c", "--graph", "snapshot:second").refused(2, "there is no snapshot 'second'")
    assert "still hold it" in kg("forget", "doc:radium").err
    assert json.loads(kg("snapshots", "show", "first", "--json").out)["facts"] > 20
    assert kg("snapshots", "drop", "first").code == 0
    kg("snapshots", "show", "first").refused(2, "there is no snapshot 'first'")
