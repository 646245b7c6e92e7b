"""The ``kg`` command on the real local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ui
from kgplatform.store import server
from kgplatform.store.server import Endpoint
from ui.cli.main import main

ROOT = Path(ui.__file__).parents[1]
FACTS = "Marie Curie\tborn in\tWarsaw\nPierre Curie\tborn in\tParis\nMarie Curie\tmarried to\tPierre Curie\t0.9\n"

Kg = Callable[..., tuple[int, list[Any], str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("KG_", "NEO4J_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("KG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facts.tsv").write_text(FACTS)
    return tmp_path


@pytest.fixture
def kg(folder: Path, local_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Kg]:
    """``kg --json`` in a graph of its own on the server that all tests share: exit code, objects, standard error."""
    graph = f"t{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("KG_GRAPH", graph)
    monkeypatch.setattr(server, "ensure", lambda *_, **__: local_endpoint)

    def run(*arguments: str) -> tuple[int, list[Any], str]:
        code = main(["--json", *arguments])
        captured = capsys.readouterr()
        return code, [json.loads(line) for line in captured.out.splitlines()], captured.err

    yield run
    if graph in server.graphs(local_endpoint):
        server.drop_graph(local_endpoint, graph)


def test_import_query_review_forget(kg: Kg) -> None:
    code, (counts,), _ = kg("import", "facts.tsv")
    assert (code, counts["new"]) == (0, 3)
    code, rows, _ = kg("query", "MATCH (p:Entity)-[r:BORN_IN]->(c) WHERE c.name = $city RETURN p.name AS who", "--param", "city=Warsaw")
    assert (code, rows) == (0, [{"who": "Marie Curie"}])
    code, (judged,), _ = kg("review", "reject", "Pierre Curie | born in | Paris", "--by", "ada", "--why", "a test")
    assert (code, judged["status"]) == (0, "rejected")
    _, (explained,), _ = kg("explain", "Pierre Curie | born in | Paris")
    assert [(reason["method"], reason["detail"]) for reason in explained["evidence"]] == [("review", {"why": "a test"}), ("import", {})]
    source = explained["evidence"][1]["source"]
    code, (gone,), _ = kg("forget", source)
    assert (code, gone["facts_removed"], gone["facts_kept"]) == (0, 2, 1)
    code, none, said = kg("forget", source)
    assert (code, none) == (2, [])
    assert "person:ada" in said


def test_a_dump_adds_nothing_new(kg: Kg) -> None:
    kg("import", "facts.tsv")
    assert kg("export", "out.tsv.gz", "--status", "all")[1][0]["facts"] == 3
    _, (counts,), _ = kg("import", "--strict", "out.tsv.gz")
    assert (counts["new"], counts["refused"], counts["unlinked"], counts["unread"]) == (0, [], [], [])
    assert kg("import", "out.tsv.gz")[1][0]["unchanged"] == 3


@pytest.mark.parametrize("query", ["CREATE (n:Evil) RETURN n", "MATCH (n) DETACH DELETE n", "MATCH (n:Entity) SET n.name = 'x' RETURN n"])
def test_a_query_that_writes_is_refused(kg: Kg, query: str) -> None:
    kg("import", "facts.tsv")
    before = kg("query", "MATCH (n) RETURN count(n) AS n")[1]
    code, rows, said = kg("query", query)
    assert (code, rows) == (2, [])
    assert said.startswith("kg: ")
    assert said.count("\n") == 1
    assert "nothing was changed" in said
    assert kg("query", "MATCH (n) RETURN count(n) AS n")[1] == before
    assert kg("query", "MATCH (n:Entity {name: 'x'}) RETURN n")[1] == []


def test_a_query_is_cut_at_its_limit_and_a_wrong_one_is_one_sentence(kg: Kg) -> None:
    kg("import", "facts.tsv")
    code, rows, said = kg("query", "MATCH (n:Entity) RETURN n.name AS name", "--limit", "2")
    assert (code, len(rows)) == (0, 2)
    assert "there are more" in said
    code, rows, said = kg("query", "MATCH (n RETURN n")
    assert (code, rows, said.count("\n")) == (2, [], 1)
    assert "Traceback" not in said


def test_a_card_stays_with_the_graph(kg: Kg, folder: Path) -> None:
    (folder / "born.yaml").write_text("name: born in\ninverse: birthplace of\nprompts: ['{head} was born in {tail}']\n")
    assert kg("relations", "add", "born.yaml")[0] == 0
    kg("import", "facts.tsv")
    assert kg("relations", "show", "born in")[1][0]["inverse"] == "birthplace of"
    assert kg("explain", "Warsaw | birthplace of | Marie Curie")[1][0]["key"] == "born in|thing:marie_curie|thing:warsaw"


@pytest.mark.slow
def test_the_server_starts_by_itself_and_stops_on_request(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def kg(*arguments: str) -> tuple[int, Any]:
        command = [sys.executable, "-m", "ui.cli.main", "--json", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder, timeout=300)
        assert "Traceback" not in done.stderr
        return done.returncode, json.loads(done.stdout)

    assert kg("server", "status") == (0, {"running": False})
    try:
        assert kg("import", "facts.tsv", "--graph", "mine")[1]["new"] == 3
        _, status = kg("server", "status")
        assert (status["running"], status["graphs"]) == (True, ["mine"])
        assert "password" not in json.dumps(status)
        assert kg("doctor")[0] == 0
    finally:
        stopped = kg("server", "stop")
    assert stopped == (0, {"stopped": True})
    assert kg("server", "stop") == (0, {"stopped": False})
    assert kg("import", "facts.tsv", "--graph", "mine", "--dry-run")[1]["readable"] == 3
    assert kg("server", "status") == (0, {"running": False})


def test_backup_and_restore(kg: Kg, folder: Path, local_endpoint: Endpoint) -> None:
    kg("import", "facts.tsv")
    code, (told,), _ = kg("backup", "all.kgbackup")
    assert (code, told["file"]) == (0, "all.kgbackup")
    assert kg("backup", "all.kgbackup")[0] == 2
    assert kg("restore", "all.kgbackup")[0] == 2
    other = f"t{uuid.uuid4().hex[:12]}"
    try:
        code, (told,), _ = kg("restore", "all.kgbackup", "--graph", other)
        assert (code, told["facts"]) == (0, 3)
        code, rows, _ = kg("query", "MATCH (:Entity)-[r]->(:Entity) RETURN count(r) AS n", "--graph", other)
        assert rows == [{"n": 3}]
        assert kg("migrate", "--graph", other)[0] == 0
    finally:
        server.drop_graph(local_endpoint, other)


def test_a_mistyped_graph_is_not_made_by_who_only_reads(kg: Kg, local_endpoint: Endpoint) -> None:
    kg("import", "facts.tsv")
    for command in (
        ["search", "curie"],
        ["query", "RETURN 1"],
        ["ask", "Who?"],
        ["explain", "a | b | c"],
        ["export", "out.tsv"],
        ["backup", "out.kgbackup"],
        ["documents", "list"],
        ["review", "next"],
        ["relations", "list"],
        ["forget", "doc:1"],
        ["migrate"],
        ["app"],
        ["server", "drop", "newgraphtypo", "--yes"],
    ):
        code, _, error = kg(*command, *(() if command[0] == "server" else ("--graph", "newgraphtypo")))
        assert (code, error.count("\n")) == (2, 1), command
        assert "there is no graph 'newgraphtypo': there are " in error
    there = server.graphs(local_endpoint)
    assert ("newgraphtypo" in there, os.environ["KG_GRAPH"] in there) == (False, True)


def test_the_default_graph_needs_not_be_there(
    folder: Path, local_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(server, "ensure", lambda *_, **__: local_endpoint)
    monkeypatch.setattr(server, "check_graph", lambda _, name: asked.append(name))
    assert main(["search", "curie"]) == 0
    assert capsys.readouterr().out == "nothing found\n"
    assert "kg" in server.graphs(local_endpoint)
    assert asked == []


def test_a_graph_is_dropped_when_it_is_meant(kg: Kg, local_endpoint: Endpoint) -> None:
    kg("import", "facts.tsv")
    name = os.environ["KG_GRAPH"]
    code, _, error = kg("server", "drop", name)
    assert code == 2
    assert f"the graph '{name}' and its 3 facts would go for good" in error
    assert name in server.graphs(local_endpoint)
    assert kg("server", "drop", name, "--yes")[:2] == (0, [{"dropped": name, "facts": 3}])
    assert name not in server.graphs(local_endpoint)
