"""The ``kg`` command as people meet it: answers, JSON, exit codes, and one sentence for each mistake."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

import ui
from kgplatform import derivation, settings
from kgplatform.difference import Difference
from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request
from kgplatform.lm.wrapping import wrapped
from kgplatform.names import entity_id
from kgplatform.ports import Limits, Rows
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, FactKey, Literal, Receipt, Relation, Source, SourceId, Step
from kgplatform.types import Path as Path_
from reasoning.agent.answer import Answer
from reasoning.agent.marks import of
from reasoning.paths.learning import Mark
from tests.commands import Kg, commands
from ui.cli.screen import Screen

ROOT = Path(ui.__file__).parents[1]
PROMPTS = ("{head} was born in {tail}",)
BORN = Relation("born in", domain=("person",), range=("city",), inverse="birthplace of", functional=True, prompts=PROMPTS)
DOCUMENT = Source(SourceId("doc:radium"), "document", title="Radium")
QUOTE = "Marie Curie was born in Warsaw."
MARIE = Entity(entity_id("person", "Marie Curie"), "Marie Curie", ("person",))


def city(name: str) -> Entity:
    return Entity(entity_id("city", name), name, ("city",))


def told(score: float = 3.0, source: Source = DOCUMENT, quote: str = QUOTE) -> Evidence:
    return Evidence("text", source, score, quote=quote, start=0, end=len(quote))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("KG_", "NEO4J_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("KG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def graph(home: Path, monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    """The graph that every command of this test opens."""
    made = KnowledgeGraph(MemoryStore())
    made.learn(relations=[BORN])
    made.put([Claim(MARIE, "born in", city("Warsaw"), (told(),)), Claim(MARIE, "born in", city("Paris"), (told(-2.0),))])
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    return made


@pytest.fixture
def kg(home: Path, capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


# progress


def test_a_log_is_told_now_and_then_how_far_the_work_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 104.0, 112.0, 113.0, 130.0])
    monkeypatch.setattr("ui.cli.screen.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with Screen().progress("reading") as progress:
        assert progress
        for done in (0, 10, 24, 26, 1200):
            progress(done, 1200)
            progress.words("reading on")
    assert capsys.readouterr().err == "   reading on: 24 of 1,200, 2.0 a second, 0:09:48 left\n"


def test_what_takes_longer_than_a_moment_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = SimpleQueue[str]()
    monkeypatch.setattr("ui.cli.screen.MOMENT", 0.0)
    monkeypatch.setattr(Screen, "note", lambda _, line: said.put(line))
    with Screen().waiting("reading the graph"):
        assert said.get(timeout=60) == "kg: reading the graph …"


def test_what_was_no_longer_waited_for_says_nothing_after_the_end() -> None:
    program = """
import logging
from ui.cli.screen import Screen
warn = logging.getLogger("kgplatform.lm").warning
with Screen().warnings(["kgplatform"]):
    warn("busy")
warn("gone")
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "kg: busy\n")


# start


def test_nothing_heavy_is_imported_before_a_command_runs(home: Path) -> None:
    code = "import sys, ui.cli.main; print([m for m in ('neo4j', 'torch', 'spacy', 'streamlit', 'numpy', 'rich') if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=home.parent)
    assert done.stdout.strip() == "[]"


def test_every_command_shows_an_example(kg: Kg) -> None:
    alone = (
        "demo app doctor config import export complete train ask query search embed explain forget backup restore migrate worker".split()
    )
    groups = {"server": "status stop drop", "models": "list fetch test", "harvest": "documents relation"}
    groups |= {"review": "next accept reject merge part merges undo", "relations": "list show add", "documents": "list search show"}
    alone += ["paths", "facts"]
    groups |= {"evaluate": "pairs links"}
    groups |= {"jobs": "list show log cancel retry schedule unschedule pause resume"}
    commands = [[name] for name in alone] + [[group, name] for group, names in groups.items() for name in names.split()]
    for command in commands:
        shown = kg(*command, "--help")
        assert shown.code == 0
        assert f"Example:\n    kg {' '.join(command)}" in shown.out or f"kg {' '.join(command)}" in shown.out.partition("Example:")[2]
        assert "--json" in shown.out
        assert "--quiet" in shown.out


WRITING = (
    *("import", "complete", "forget", "embed", "harvest documents", "harvest relation", "harvest expand", "relations add"),
    *("review accept", "review reject", "review merge", "review part", "review undo"),
)


@pytest.mark.parametrize("command", WRITING)
def test_what_writes_can_be_tried(kg: Kg, command: str) -> None:
    assert "--dry-run" in kg(*command.split(), "--help").out


def test_entities_are_found_by_name_and_by_meaning(kg: Kg, graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    (found,) = kg("search", "curie", "--json").objects
    assert (found["name"], found["id"]) == ("Marie Curie", MARIE.id)
    assert "Warsaw" in kg("search", "warsaw").out
    assert kg("search", "zzz").out == "nothing found\n"
    for ask in (["search", "--meaning", "Warsaw"], ["review", "merge", "--meaning"], ["review", "merge", "--meaning", "--apply"]):
        kg(*ask).refused(2, "the graph has no vectors: make them first, with  kg embed")
    assert kg("embed", "--dry-run", "--json").objects == [{"encoder": "hashing@1", "dry_run": True, "lacking": 3}]
    assert kg("embed", "--json").objects == [{"encoder": "hashing@1", "embedded": 3}]
    assert kg("embed", "--quiet").out == "0 entities encoded by hashing@1\n"
    first, *_ = kg("search", "--meaning", "the city of Warsaw", "--limit", "2", "--json").objects
    assert (first["name"], 0 < first["score"] < 1) == ("Warsaw", True)
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder(name="hashing@2"))
    for ask in (["search", "--meaning", "Warsaw"], ["review", "merge", "--meaning"]):
        kg(*ask).refused(2, "hashing@1", "hashing@2", "--replace")
    kg("embed", "--dry-run").refused(2, "hashing@1", "--replace")
    kg("embed").refused(2, "hashing@1", "--replace")
    assert kg("embed", "--replace", "--json").objects == [{"encoder": "hashing@2", "embedded": 3}]


def test_no_command_is_answered_with_the_help(kg: Kg) -> None:
    shown = kg()
    assert shown.code == 2
    assert "kg import facts.tsv" in shown.out


# mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["confg"], "Did you mean 'config'?"),
        (["config", "--jsn"], "--json"),
        (["query"], "CYPHER"),
        (["query", "RETURN 1", "--limit", "many"], "--limit"),
        (["query", "RETURN 1", "--limit", "0"], "--limit"),
        (["relations", "ad"], "Did you mean 'add'?"),
        (["app", "--port", "99999"], "--port"),
        (["--graph", "two words", "config"], "KG_GRAPH"),
    ],
)
def test_a_wrong_request_is_one_sentence(kg: Kg, arguments: list[str], words: str) -> None:
    kg(*arguments).refused(2, words)


def test_an_unreachable_neo4j(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"bolt://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("NEO4J_URI", address)
    monkeypatch.setenv("NEO4J_PASSWORD", "s3cret")
    answer = kg("query", "RETURN 1")
    answer.refused(1, address)
    assert "s3cret" not in answer.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("binary.tsv", b"\x7fELF\x02\x01\x01\x00\xff\xfe", "UTF-8"),
        ("latin.tsv", "Zürich\tliegt in\tSchweiz\n".encode("latin-1"), "UTF-8"),
        ("empty.tsv", b"", "holds no facts"),
        ("blank.tsv", b"\n\n  \n", "holds no facts"),
        ("columns.tsv", b"a\tb\tc\na\tb\n", "line 2: expected 3 columns"),
        ("sure.tsv", b"a\tb\tc\t1.5\n", "line 1: '1.5' is not a confidence"),
        ("nan.tsv", b"a\tb\tc\tnan\n", "line 1: 'nan' is not a confidence"),
        ("broken.tsv.gz", gzip.compress(b"a\tb\tc\n" * 99, mtime=0)[:-20], "cannot be read"),
        ("damaged.tsv.gz", gzip.compress(bytes(range(256)), mtime=0)[:10] + b"\xff" * 40, "cannot be read"),
        ("not.tsv.gz", b"a\tb\tc\n", "cannot be read"),
    ],
    ids=lambda value: value if isinstance(value, str) and "tsv" in value else "",
)
def test_a_bad_file_is_one_sentence(kg: Kg, graph: KnowledgeGraph, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = len(graph.facts(status="all"))
    for dry in ([], ["--dry-run"]):
        kg("import", "--strict", path, *dry).refused(2, name, words)
    assert len(graph.facts(status="all")) == before


def test_a_missing_file_and_a_folder(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    kg("import", tmp_path / "gone.tsv").refused(2, "gone.tsv: there is no such file")
    kg("import", tmp_path).refused(2, "is a folder")
    kg("export", "--force", tmp_path).refused(2, "is a folder")
    kg("export", tmp_path / "no" / "such" / "folder.tsv").refused(2, "there is no folder")


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("name: likes\n", "no prompts"),
        ("name: likes\nprompts: ['{head} likes {object}']\n", "unknown slot {object}"),
        ("name: [likes\n", "is not YAML"),
        ("prompts: ['{head} likes {tail}']\n", "no  name"),
        ("name: likes\ncolour: red\n", "unknown field 'colour'"),
    ],
)
def test_a_bad_card_is_one_sentence(kg: Kg, graph: KnowledgeGraph, tmp_path: Path, card: str, words: str) -> None:
    path = tmp_path / "likes.yaml"
    path.write_text(card)
    kg("relations", "add", path).refused(2, "likes.yaml", words)
    kg("harvest", "relation", path).refused(2, "likes.yaml", words)
    assert list(graph.relations()) == ["born in"]


def test_unknown_and_ambiguous_names(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("explain", "Marie Cury | born in | Warsaw").refused(2, "Marie Curie")
    kg("explain", "Marie Curie").refused(2, "head | relation | tail")
    kg("explain", "Marie Curie | born in | Marie Curie").refused(2, "does not hold")
    twin = Entity(entity_id("city", "Warsaw", "Indiana"), "Warsaw", ("city",))
    graph.put([Claim(MARIE, "visited", twin, (told(),))])
    kg("explain", "Marie Curie | born in | Warsaw").refused(2, "city:warsaw, city:warsaw:indiana")


def test_what_is_unforeseen_is_kept_in_a_file(kg: Kg, graph: KnowledgeGraph, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TypeError("one\ntwo")

    monkeypatch.setattr(graph, "explain", fail)
    kg("explain", "x").refused(1, "something unexpected went wrong (TypeError: one)", "please report", str(home / "logs"))
    (log,) = (home / "logs").iterdir()
    assert "Traceback" in log.read_text()


def test_an_interruption(kg: Kg, graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(graph, "explain", interrupt)
    kg("explain", "x").refused(130, "interrupted")


def test_a_reader_that_went_away_is_no_mistake(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "KG_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "ui.cli.main", "config"]
    done = subprocess.run(command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, cwd=home.parent)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# settings


def test_config_shows_values_and_origins_but_no_secret(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_PASSWORD", "s3cret")
    monkeypatch.setenv("KG_DEVICES", "cpu")
    answer = kg("config", "--json", "--graph", "other")
    (shown,) = answer.objects
    assert answer.code == 0
    assert shown["KG_GRAPH"]["value"] == "other"
    assert (shown["KG_GRAPH"]["origin"], shown["NEO4J_PASSWORD"]["origin"]) == ("argument", "environment")
    assert "s3cret" not in answer.out
    assert "did you mean KG_DEVICE?" in answer.err
    assert kg("config", "--quiet").err == ""


def test_options_may_stand_before_the_command(kg: Kg) -> None:
    answer = kg("--json", "--graph", "other", "config")
    assert answer.objects[0]["KG_GRAPH"]["value"] == "other"


def test_graph_names_the_database_of_a_neo4j(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:9")
    (shown,) = kg("config", "--json", "--graph", "my.db").objects
    assert (shown["NEO4J_DATABASE"]["value"], shown["KG_GRAPH"]["value"]) == ("my.db", "kg")


def test_doctor_says_what_is_broken(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("NEO4J_URI", f"bolt://127.0.0.1:{taken.getsockname()[1]}")
    answer = kg("doctor")
    assert answer.code == 1
    assert "✗ Neo4j: " in answer.out
    assert "✗ model minilm: not here, encoder: kg models fetch minilm  (optional)" in answer.out
    (told_json,) = kg("doctor", "--json").objects
    assert told_json["ok"] is False
    assert [check["name"] for check in told_json["checks"] if check["needed"] and not check["ok"]] == ["Neo4j"]


def test_models_are_listed(kg: Kg) -> None:
    listed = {model["name"]: model for model in kg("models", "list", "--json").objects}
    assert listed["minilm"]["present"] is False
    assert listed["minilm"]["default"] is True
    assert "minilm" in kg("models", "list").out
    kg("models", "fetch", "minilmm").refused(2, "minilm")
    assert listed["smollm2-135m"]["role"] == "scorer, chat"


def test_the_configured_chat_model_is_listed_too(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:gpt-nine")
    listed = kg("models", "list", "--json").objects
    assert [model["role"] for model in listed if model["name"] == "openai:gpt-nine"] == ["chat"]
    monkeypatch.setenv("KG_CHAT_MODEL", "local:smollm2-135m")
    assert len(kg("models", "list", "--json").objects) == len(listed) - 1


def test_a_model_that_cannot_be_tried_says_why(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    kg("models", "test", "opnai:gpt-nine").refused(2, "did you mean openai:gpt-nine?")
    kg("models", "test", "openai:gpt-nine").refused(1, "set OPENAI_API_KEY")
    kg("models", "test", "en_core_web_sm").refused(2, "finds mentions in texts")
    kg("models", "test", "minilmm").refused(2, "minilm")
    kg("models", "test", "gpt-nine").refused(2, "openai:gpt-nine")
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:gpt-nine")
    answer = kg("models", "test", "--json")
    assert [(row["role"], row["model"]) for row in answer.objects] == [
        ("scorer", "local:smollm2-135m"),
        ("encoder", "local:minilm"),
        ("chat", "openai:gpt-nine"),
    ]
    assert answer.code == 1 and all(row["error"] for row in answer.objects)
    assert all(row["error"] in answer.err for row in answer.objects)


# files


def test_import_counts_and_shows_reasons(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "facts.tsv"
    path.write_text("Marie Curie\tborn in\tWarsaw\nPierre Curie\tborn in\tParis\nonly two\tcells\n")
    (tried,) = kg("import", "--dry-run", "--json", path).objects
    assert (tried["readable"], len(tried["unread"])) == (2, 1)
    assert len(graph.facts(status="all")) == 2
    answer = kg("import", "--json", path)
    (counts,) = answer.objects
    assert (counts["new"], counts["merged"], counts["unchanged"], len(counts["unread"])) == (1, 1, 0, 1)
    again = kg("import", path)
    assert "0 new facts, 0 with more evidence, 2 unchanged, 1 refused" in again.out
    assert "line 3: expected 3 columns" in again.err


def test_the_exit_code_says_that_rows_were_left_out(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    good, bad, typed = tmp_path / "good.csv", tmp_path / "bad.csv", tmp_path / "typed.csv"
    good.write_text("Ada,knows,Charles\n")
    bad.write_text("Ada,likes,maths\ntwo,cells\n")
    typed.write_text("head,relation,tail,head_name,tail_name,datatype\na,knows,b,Grace,Bob,\na,born in,1867,Grace,,year\n")
    assert kg("import", good).code == 0
    for path, reason in ((bad, "bad.csv, line 2: "), (typed, "typed.csv, line 3: the tail of 'born in' must be an entity")):
        before = len(graph.facts(status="all"))
        kg("import", "--strict", path).refused(2, reason)
        assert len(graph.facts(status="all")) == before
        answer = kg("import", path)
        assert (answer.code, len(graph.facts(status="all"))) == (1, before + 1)
        assert reason in answer.err
    assert kg("import", "--dry-run", bad).code == 1
    assert kg("import", "--dry-run", good).code == 0
    assert kg("import", bad, good, "--json").objects[0]["left_out"] == 1


def test_of_several_files_none_is_written_when_one_breaks_off(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    before = len(graph.facts(status="all"))
    (tmp_path / "good.tsv").write_text("Ada\tknows\tCharles\n")
    (tmp_path / "cut.jsonld").write_text('[{"head": "Ada", "rela')
    kg("import", tmp_path / "good.tsv", tmp_path / "cut.jsonld").refused(2, "cut.jsonld, line 1: breaks off")
    assert len(graph.facts(status="all")) == before


@pytest.mark.parametrize("ending", ["jsonld", "parquet", "jsonld.gz"])
def test_a_dump_with_its_evidence_is_the_graph_again(kg: Kg, graph: KnowledgeGraph, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"all.{ending}"
    answer = kg("export", path, "--status", "all")
    assert (answer.code, "does not hold" in answer.err) == (0, False)
    gone = graph.forget("doc:radium")
    assert len(graph.facts(status="all")) == 0
    assert kg("import", "--strict", path).code == 0
    assert graph.explain("Marie Curie | born in | Warsaw").reasons[0].evidence.quote == QUOTE
    assert graph.forget("doc:radium") == gone


def test_an_import_says_what_the_graph_learned_of_classes_and_properties(kg: Kg, tmp_path: Path) -> None:
    begin, end = "http://www.w3.org/2000/01/rdf-schema#", "http://example.org/"
    (tmp_path / "words.ttl").write_text(f"<{end}Cat> <{begin}subClassOf> <{end}Animal> . <{end}chases> <{begin}range> <{end}Mouse> .")
    assert "words.ttl: speaks of 2 kinds and 1 relation cards" in kg("import", "--dry-run", tmp_path / "words.ttl").err
    assert "words.ttl: the graph learned 2 kinds and 1 relation cards" in kg("import", tmp_path / "words.ttl").err
    told = kg("import", tmp_path / "words.ttl", "--json").objects[0]
    assert (told["kinds"], told["relations"], told["left_out"]) == (0, 0, 0)


def test_an_export_says_what_the_format_drops(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    answer = kg("export", tmp_path / "all.csv")
    assert "kg: csv does not hold the evidence (sources, quotes, models, reviews), aliases and descriptions: .jsonld" in answer.err
    assert "evidence" in kg("export", tmp_path / "all.tsv", "--json").objects[0]["drops"]
    assert kg("export", tmp_path / "all.parquet", "--json").objects[0]["drops"] == ""
    fact = next(iter(graph.facts(status="all")))
    assert isinstance(fact.tail, Entity)
    graph.merge(fact.head.id, fact.tail.id)
    told = kg("export", tmp_path / "merged.jsonld", "--json")
    assert told.objects[0]["merged"] == 1
    assert "no file of facts holds merges (1 here)" in told.err


def test_a_format_can_be_named(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "facts.data"
    kg("export", path).refused(2, "is of no format of facts", "tsv, csv, jsonld, parquet")
    kg("export", path, "--format", "xml").refused(2, "'xml' is not a format of facts")
    assert kg("export", path, "--format", "jsonld").code == 0
    kg("import", path).refused(2, "is of no format of facts")
    assert kg("import", path, "--format", "jsonld").code == 0


def test_export_writes_over_nothing_unasked(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "out.tsv.gz"
    (done,) = kg("export", path, "--json").objects
    assert (done["file"], done["facts"]) == (str(path), 1)
    kg("export", path).refused(2, "--force")
    assert kg("export", path, "--force", "--status", "all").code == 0
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 3
    kg("export", path, "--status", "some").refused(2, "'some' is no status of facts: there are current")


# facts


def test_facts_are_listed_as_asked_and_go_on_behind_a_key(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    whole = kg("facts", "--status", "all", "--json").objects
    assert [one["key"] for one in whole] == [fact.key for fact in graph.facts(status="all")] and len(whole) > 1
    first = kg("facts", "--status", "all", "--limit", "1")
    assert "there are more" in first.err and whole[0]["key"] in first.err
    assert kg("facts", "--status", "all", "--after", whole[0]["key"], "--json").objects == whole[1:]
    (born,) = kg("facts", "--head", "Marie Curie", "--relation", "born in", "--source", "doc:radium", "--as-of", "1900", "--json").objects
    assert born["tail"]["name"] == "Warsaw"
    kg("facts", "--source", "doc:radiums").refused(2, "the graph has no source 'doc:radiums'; near it: doc:radium")
    for option, words in (("--relation", "the name of a relation is empty"), ("--head", "the name of an entity is empty")):
        kg("facts", option, "").refused(2, words)
    kg("facts", "--source", "").refused(2, "the id of a source is empty: give one, or leave it out to mean all")
    kg("facts", "--relation", "borne in").refused(2, "the graph has no relation 'borne in'; near it: born in")
    for command in (("facts",), ("paths", "Marie Curie", "Warsaw"), ("export", tmp_path / "some.tsv")):
        kg(*command, "--as-of", "soon").refused(2, "as_of: 'soon' is no date: write it as 1990")
        kg(*command, "--min-confidence", "7").refused(2, "--min-confidence")
        kg(*command, "--source", "doc:nobody").refused(2, "the graph has no source 'doc:nobody'")
        assert kg(*command, "--min-confidence", "1", "--source", "doc:radium", "--as-of", "1900").code == 0
    assert (tmp_path / "some.tsv").read_text().count("\n") == 1
    assert kg("paths", "Marie Curie", "Warsaw", "--source", "doc:radium", "--json").objects


def test_explain_shows_the_words_that_say_so(kg: Kg, graph: KnowledgeGraph) -> None:
    shown = kg("explain", "Marie Curie | born in | Warsaw")
    assert shown.code == 0
    assert QUOTE in shown.out
    (told_json,) = kg("explain", "--json", "born in|person:marie_curie|city:warsaw").objects
    assert told_json["evidence"][0]["quote"] == QUOTE
    assert told_json["evidence"][0]["counts"] is True


def test_a_qualifier_that_is_an_entity_is_shown_by_its_name(kg: Kg, graph: KnowledgeGraph) -> None:
    graph.put([Claim(MARIE, "lectured on", city("Radium"), (told(),), (("in", "1906"), ("where", city("Paris"))))])
    shown = kg("explain", "Marie Curie | lectured on | Radium").out
    assert "in: 1906\nwhere: Paris\n" in shown
    (told_json,) = kg("explain", "--json", "Marie Curie | lectured on | Radium").objects
    assert told_json["qualifiers"] == {"in": "1906", "where": {"id": "city:paris", "name": "Paris", "kinds": ["city"]}}


def test_the_graphs_words_cannot_speak_to_the_terminal(kg: Kg, graph: KnowledgeGraph) -> None:
    quote = "\x1b]0;owned\x07[bold red]Marie[/] \x9b31m \u202egnol\r\nline"
    graph.put([Claim(MARIE, "born in", city("[red]Ulm[/red]"), (told(quote=quote),))])
    fact = "Marie Curie | born in | [red]Ulm[/red]"
    shown = kg("explain", fact)
    assert "[bold red]Marie[/]" in shown.out
    assert "[red]Ulm[/red]" in shown.out
    as_json = kg("explain", "--json", fact)
    for text in (shown.out, as_json.out):
        assert not set("\x1b\x07\x9b\u202e\r") & set(text)
    assert as_json.objects[0]["evidence"][0]["quote"] == quote


def test_review(kg: Kg, graph: KnowledgeGraph) -> None:
    (waiting,) = kg("review", "next", "--json", "--top", "5").objects
    assert waiting["tail"]["name"] == "Paris"
    assert [other["tail"]["name"] for other in waiting["conflicts"]] == ["Warsaw"]
    fact = "Marie Curie | born in | Paris"
    assert "would be rejected" in kg("review", "reject", fact, "--dry-run").out
    assert graph.fact(fact).verdict == "none"
    (judged,) = kg("review", "reject", fact, "--by", "ada", "--why", "moved later", "--json").objects
    assert (judged["verdict"], judged["judge"], judged["status"]) == ("rejected", "person:ada", "rejected")
    assert "moved later" in kg("explain", fact).out
    assert "nothing waits" in kg("review", "next").err
    kg("review", "next", "--relation", "borne in").refused(2, "no relation 'borne in'; near it: born in")
    assert "accepted" in kg("review", "accept", fact, "--by", "ada").out
    assert graph.fact(fact).verdict == "accepted"


def test_a_verdict_is_taken_back(kg: Kg, graph: KnowledgeGraph) -> None:
    fact = "Marie Curie | born in | Paris"
    kg("review", "undo", fact).refused(2, "'me' has given no verdict on  Marie Curie | born in | Paris")
    kg("review", "reject", fact, "--by", "ada")
    kg("review", "undo", fact, "--dry-run").refused(2, "'me' has given no verdict")
    assert "would be no longer rejected by ada: Marie Curie | born in | Paris" in kg("review", "undo", fact, "--by", "ada", "--dry-run").out
    assert graph.fact(fact).verdict == "rejected"
    (now,) = kg("review", "undo", fact, "--by", "ada", "--json").objects
    assert (now["verdict"], now["status"], now["dry_run"]) == ("none", "proposed", False)
    assert "verdict taken back\tby ada" in kg("explain", fact).out


def test_entities_are_merged_and_parted_again(kg: Kg, graph: KnowledgeGraph) -> None:
    maria = Entity(entity_id("person", "Maria Skłodowska"), "Maria Skłodowska", ("person",))
    graph.put([Claim(maria, "born in", city("Warsaw"), (told(quote="Maria came from Warsaw."),))])
    names = ("Marie Curie", "Maria Skłodowska")
    ids = {"keep": "person:marie_curie", "other": "person:maria_skłodowska"}
    assert kg("review", "merge", *names, "--dry-run", "--json").objects == [{**ids, "facts": 1, "dry_run": True}]
    assert "1 fact would move" in kg("review", "merge", *names, "--dry-run").out
    assert "nothing was merged" in kg("review", "merges").err
    (made,) = kg("review", "merge", *names, "--by", "ada", "--json").objects
    assert made.items() >= {**ids, "facts": 1, "by": "ada", "undone": False}.items()
    assert "Maria came from Warsaw." in kg("explain", "Marie Curie | born in | Warsaw").out
    for dry in ([], ["--dry-run"]):
        kg("review", "merge", *names, *dry).refused(2, "are one entity already")
        kg("review", "undo", "5f2c9e1a", *dry).refused(2, "no merge has the id '5f2c9e1a'", "kg review merges")
    assert [one["id"] for one in kg("review", "merges", "--json").objects] == [made["id"]]
    assert "would be parted again" in kg("review", "undo", made["id"], "--dry-run").out
    assert graph.entity("Maria Skłodowska").id == "person:marie_curie"
    assert kg("review", "undo", made["id"]).out == "parted again: person:maria_skłodowska from person:marie_curie\n"
    assert graph.entity("Maria Skłodowska").id == maria.id
    assert kg("review", "merges", "person:marie_curie").out.splitlines()[1].endswith("yes")
    kg("review", "undo", made["id"]).refused(2, "undone already")


def test_entities_that_may_be_one_are_listed_merged_and_kept_apart(kg: Kg, graph: KnowledgeGraph) -> None:
    assert "no two entities look like one" in kg("review", "merge").err
    short = Entity(entity_id("person", "M. Curie"), "M. Curie", ("person",))
    pieces = [Entity(entity_id("person", name), name, ("person",)) for name in ("P. Joliot", "Pierre Joliot")]
    graph.put([Claim(one, "born in", city("Warsaw"), (told(),)) for one in (short, *pieces)])
    found = kg("review", "merge", "--json").objects
    pair = {"keep": "person:marie_curie", "other": "person:m._curie", "keep_name": "Marie Curie", "other_name": "M. Curie"}
    assert found[0] == {**pair, "score": 0.971, "why": "initials"}
    assert [one["keep_name"] for one in found] == ["Marie Curie", "Pierre Joliot"]
    listed = kg("review", "merge", "--top", "1")
    assert listed.out.splitlines()[1].split("\t")[:3] == ["0.97", "Marie Curie", "M. Curie"]
    assert "1 more" in listed.err
    assert "would be two" in kg("review", "part", "Pierre Joliot", "P. Joliot", "--dry-run").out
    assert "are two" in kg("review", "part", "Pierre Joliot", "P. Joliot").out
    assert "would be merged" in kg("review", "merge", "--apply", "--dry-run").err
    assert graph.merges() == []
    (done,) = kg("review", "merge", "--apply", "--json").objects
    (made,) = graph.merges()
    assert (done["merge"], made.by) == (made.id, f"linker@1 0.97 initials (run:{done['run']})")
    assert graph.entity("M. Curie").id == "person:marie_curie"
    kg("review", "undo", made.id)
    assert kg("review", "merge", "--json").objects == []
    kg("review", "merge", "Marie Curie").refused(2, "say which entity is the same as 'Marie Curie'")
    kg("review", "merge", "Marie Curie", "M. Curie", "--apply").refused(2, "without names")


def test_what_was_merged_at_once_is_parted_at_once(kg: Kg, graph: KnowledgeGraph) -> None:
    names = {"person": ["M. Curie"], "thing": ["free volume", "FreeVolume", "free volumes"]}
    things = [Entity(entity_id(kind, name), name, (kind,)) for kind, listed in names.items() for name in listed]
    graph.put([Claim(one, "born in", city("Warsaw"), (told(),)) for one in things])
    done = kg("review", "merge", "--apply")
    (run,) = set(re.findall(r"kg review undo (run:merge-\w+) parts them all", done.err))
    made = graph.merges()
    assert len(made) == 3 and all(one.by.endswith(f" ({run})") for one in made)
    assert run in kg("review", "merges").out
    assert "3 would be parted again" in kg("review", "undo", run, "--dry-run").err
    assert not any(one.undone for one in graph.merges())
    kg("review", "undo", made[0].id)
    (undone,) = kg("review", "undo", run, "--json").objects
    assert ([one["id"] for one in undone["before"]], len(undone["now"]), undone["dry_run"]) == ([made[0].id], 2, False)
    assert all(one.undone for one in graph.merges())
    for dry in ([], ["--dry-run"]):
        kg("review", "undo", run, *dry).refused(2, "were all undone already")
        kg("review", "undo", "run:merge-0", *dry).refused(2, "no merge is of a run 'merge-0'", "kg review merges")


def test_explain_tells_history_and_what_was_derived(kg: Kg, graph: KnowledgeGraph) -> None:
    fact = "born in|person:marie_curie|city:warsaw"
    predictor = Source(SourceId("graph:complex"), "graph", "ComplEx")
    rests = Evidence("graph", predictor, 2.0, detail=derivation.detail("5f2c", [FactKey(fact)]), run="complete-1")
    graph.put([Claim(MARIE, "citizen of", city("Warsaw"), (rests,))])
    kg("review", "accept", fact, "--by", "ada")
    (shown,) = kg("explain", fact, "--json").objects
    assert [event["what"] for event in shown["history"]] == ["read in a document", "accepted"]
    assert [one["relation"] for one in shown["derived"]] == ["citizen of"]
    assert shown["conflicts"] == []
    (shown,) = kg("explain", "Marie Curie | citizen of | Warsaw", "--json").objects
    assert [one["key"] for one in shown["support"]] == [fact]
    assert "derived from it: Marie Curie | citizen of | Warsaw" in kg("explain", fact).out
    prediction = kg("explain", "Marie Curie | citizen of | Warsaw").out
    assert "rests on: Marie Curie | born in | Warsaw" in prediction
    assert "predicted from the graph\tComplEx, run complete-1" in prediction
    paris = kg("explain", "Marie Curie | born in | Paris")
    assert "contradicts: Marie Curie | born in | Warsaw" in paris.out
    assert "“born in” holds once for Marie Curie" in paris.out


def test_one_unknown_fact_stops_a_review_before_any_verdict(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("review", "accept", "Marie Curie | born in | Paris", "Marie Curie | born in | Ulm").refused(2, "Ulm")
    assert graph.fact("Marie Curie | born in | Paris").verdict == "none"


def test_forget(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("forget", "doc:radiums").refused(2, "no source 'doc:radiums'", "doc:radium")
    kg("forget", "doc:radiums", "--dry-run").refused(2, "doc:radium")
    (tried,) = kg("forget", "doc:radium", "--dry-run", "--json").objects
    assert (tried["facts_removed"], tried["facts_kept"]) == (2, 0)
    (done,) = kg("forget", "doc:radium", "--json").objects
    assert (done["evidence"], done["facts_removed"], done["facts_kept"]) == (2, 2, 0)
    kg("forget", "doc:radium").refused(2, "it has no facts")


def test_forgetting_counts_one_as_one(kg: Kg, graph: KnowledgeGraph) -> None:
    other = Source(SourceId("doc:other"), "document")
    graph.put([Claim(MARIE, "born in", city("Warsaw"), (told(source=other),)), Claim(MARIE, "knows", city("Rome"), (told(source=other),))])
    assert "1 fact would go, 1 would stay" in kg("forget", "doc:other", "--dry-run").out
    said = kg("forget", "doc:other").out
    assert said == "doc:other: 2 pieces of evidence gone, 1 fact with them; 1 fact stays\n"


def test_of_a_run_whose_facts_a_later_one_repeated_it_is_tried_as_it_is_done(kg: Kg, graph: KnowledgeGraph) -> None:
    rome = [Claim(MARIE, "knows", city("Rome"), (replace(told(), run=run, time=time),)) for time, run in enumerate(("r1", "r2"), 1)]
    for claim in rome:
        graph.put([claim])
    said = "1 piece of evidence would go, 0 facts with them; 1 fact would stay by other evidence"
    assert said in kg("forget", "run:r1", "--dry-run").out
    assert "1 piece of evidence gone, 0 facts with them; 1 fact stays" in kg("forget", "run:r1").out
    assert "1 fact with them; 0 facts would stay" in kg("forget", "run:r2", "--dry-run").out
    for options in ((), ("--dry-run",)):
        kg("forget", "run:r1", *options).refused(2, "nothing of a run 'r1'")
        kg("forget", "run:", *options).refused(2, "a run to forget")


def test_forgetting_takes_what_models_answered_to_the_text(kg: Kg, graph: KnowledgeGraph, home: Path) -> None:
    request = Request((Message("user", "What does it say?"),), sources=("doc:radium",))
    draft = Request((Message("user", "What does this say?"),), sources=("doc:draft",))
    model = wrapped(ScriptedChat(lambda request: f"A secret, {request.sources[0]}"), settings.load())
    for one in (request, draft):
        model.reply(one)
    (done,) = kg("forget", "doc:radium", "--json").objects
    assert (done["evidence"], done["answers"]) == (2, 1)
    assert not model.reply(request).cached
    assert "1 answer of models to it" in kg("forget", "doc:draft").out
    kg("forget", "doc:draft").refused(2, "no source 'doc:draft'")


TEXT = "Radium\n\nIt was found in 1898.\x1b[2J\n" + QUOTE + "\n"


def test_paths_show_how_two_entities_hang_together(kg: Kg, graph: KnowledgeGraph) -> None:
    graph.put([Claim(city("Warsaw"), "located in", Entity(entity_id("country", "Poland"), "Poland", ("country",)), (told(),))])
    (shown,) = kg("paths", "Poland", "Marie Curie").out.splitlines()
    assert shown.endswith("Poland ←located in— Warsaw ←born in— Marie Curie")
    (path,) = kg("paths", "Marie Curie", "Poland", "--json").objects
    assert [step["words"] for step in path["steps"]] == ["Marie Curie | born in | Warsaw", "Warsaw | located in | Poland"]
    assert path["hops"] == 2
    assert path["confidence"] == pytest.approx(path["steps"][0]["fact"]["confidence"] * path["steps"][1]["fact"]["confidence"])
    assert kg("paths", "Poland", "--pattern", "^located in/^born in").out == shown + "\n"
    assert kg("paths", "Marie Curie", "Poland", "--max-hops", "1").out == "no path of at most 1 fact leads there\n"
    kg("paths", "Marie Curie").refused(2, "--pattern")
    kg("paths", "Marie Curie", "Poland", "--by", "longest").refused(2, "shortest", "specific", "confidence")
    kg("paths", "Marie Curie", "Poland", "--pattern", "born in/").refused(2, "at its end")
    kg("paths", "Marie Curie", "Polonia").refused(2, "no entity is called 'Polonia'")


def test_documents_are_listed_searched_and_shown(kg: Kg, graph: KnowledgeGraph) -> None:
    assert kg("documents", "list").out == kg("documents", "search", "born").out == ""
    assert kg("documents", "list").err == "kg: the graph keeps no text yet:  kg harvest documents PATH  reads some\n"
    graph.add_document(DOCUMENT, TEXT)
    (listed,) = kg("documents", "list", "--json").objects
    assert (listed["id"], listed["title"], listed["length"], listed["passages"]) == ("doc:radium", "Radium", len(TEXT), 1)
    assert "doc:radium\tRadium" in kg("documents", "list").out
    (found,) = kg("documents", "search", "who", "was", "born", "--json").objects
    assert found == {"source": "doc:radium", "place": 0, "start": 0, "end": len(TEXT), "text": TEXT}
    assert QUOTE in kg("documents", "search", "born").out
    assert kg("documents", "search", "xylophone").err == "kg: no passage has any of these words\n"
    (shown,) = kg("documents", "show", "doc:radium", "--json").objects
    assert shown["text"] == TEXT
    (part,) = kg("documents", "show", "doc:radium", "--from", "8", "--to", "14", "--json").objects
    assert (part["start"], part["text"]) == (8, "It was")
    lines = kg("documents", "show", "doc:radium").out.splitlines()
    assert lines[-1] == QUOTE
    assert "\x1b" not in "".join(lines)
    kg("documents", "show", "doc:radiun").refused(2, "no document 'doc:radiun'", "near it: doc:radium")


def test_forgetting_a_document_takes_its_text(kg: Kg, graph: KnowledgeGraph) -> None:
    alone = Source(SourceId("doc:alone"), "document", "Alone")
    for source in (DOCUMENT, alone):
        graph.add_document(source, TEXT)
    kg("forget", "doc:alon").refused(2, "doc:alone")
    (tried,) = kg("forget", "doc:alone", "--dry-run", "--json").objects
    assert (tried["facts_removed"], tried["facts_kept"], tried["passages"]) == (0, 0, 1)
    assert "its text in 1 passage too" in kg("forget", "doc:radium", "--dry-run").out
    (done,) = kg("forget", "doc:alone", "--json").objects
    assert (done["evidence"], done["passages"]) == (0, 1)
    assert "its text in 1 passage" in kg("forget", "doc:radium").out
    assert kg("documents", "list").out.splitlines()[1:] == []
    kg("forget", "doc:alone").refused(2, "no source")


def test_relations(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    path = tmp_path / "likes.yaml"
    path.write_text("name: likes\nprompts: ['{head} likes {tail}']\nseeds: [[Ada, tea]]\n")
    assert "would learn: likes" in kg("relations", "add", path, "--dry-run").out
    kg("relations", "show", "likse").refused(2, "likse")
    assert kg("relations", "add", path, "--json").objects[0]["name"] == "likes"
    assert {"born in", "likes", "atomic number"} <= {card["name"] for card in kg("relations", "list", "--json").objects}
    assert "Ada → tea" in kg("relations", "show", "likes").out
    kg("relations", "show", "born").refused(2, "near it:", "born in")


def test_a_relation_of_the_graph_becomes_a_card(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    pairs = [("Ada", "tea"), ("Ben", "rum"), ("Cy", "gin")]
    graph.put([Claim(city(head), "fond of", Entity(entity_id("drink", tail), tail, ("drink",)), (told(),)) for head, tail in pairs])
    graph.accept("Ada | fond of | tea")
    path = tmp_path / "fond.yaml"
    said = kg("relations", "add", "fond of", "--from-graph", "--dry-run")
    assert "name: fond of" in said.out and "- [Ada, tea]" in said.out and "would learn: fond of" in said.out
    assert "of 3 facts; seeds: 1 that people accepted, 2 believed best" in said.err
    (written,) = kg("relations", "add", "fond of", "--from-graph", "--out", path, "--json").objects
    assert (written["facts"], written["accepted"], written["domain"], written["range"]) == (3, 1, ["city"], ["drink"])
    assert "fond of" not in graph.relations()
    kg("relations", "add", "fond of", "--from-graph", "--out", path).refused(2, "fond.yaml is there already", "--force")
    assert kg("relations", "add", "fond of", "--from-graph", "--out", path, "--force").code == 0
    assert "learned: fond of" in kg("relations", "add", path).out
    read = graph.relations()["fond of"]
    assert "learned: fond of" in kg("relations", "add", "fond of", "--from-graph").out
    assert graph.relations()["fond of"] == read
    kg("relations", "add", "fon of", "--from-graph").refused(2, "no relation 'fon of'", "near it: fond of")
    kg("relations", "add", "fond of", "born in", "--from-graph").refused(2, "one relation")
    kg("relations", "add", path, "--out", path).refused(2, "--from-graph")


def test_that_a_relation_looks_functional_is_suggested_above_its_card(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    graph.put([Claim(city(f"Town {n}"), "lies in", city(f"Land {n}"), (told(),)) for n in range(12)])
    path, hint = tmp_path / "lies.yaml", "looks functional: 12 heads, each with one tail; add functional: true if that is a rule"
    said = kg("relations", "add", "lies in", "--from-graph", "--out", path)
    assert f"# {hint}" in said.out
    assert path.read_text().startswith(f"# {hint}\n")
    (learned,) = kg("relations", "add", "lies in", "--from-graph", "--json").objects
    assert (learned["hint"], learned["functional"]) == (hint, False)
    assert "learned: lies in" in kg("relations", "add", path).out
    assert not graph.relations()["lies in"].functional


def test_the_cards_of_bertnets_authors_are_learned(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    card = {
        "init_prompts": ["<ENT0> can <ENT1> in <ENT2> ."],
        "seed_ent_tuples": [["people", "work out", "gym"]],
        "prompts": ["At the <ENT2>, <ENT0> can <ENT1> .", "In any gym <ENT0> can <ENT1> at <ENT2> ."],
    }
    path = tmp_path / "info.json"
    path.write_text(json.dumps({"P1_can_do": card}))
    (tried,) = kg("relations", "add", path, "--dry-run", "--json").objects
    assert tried["left_out"] == [{"prompt": "In any gym {head} can {tail} at {third}", "why": "it holds 'gym', which belongs to a seed"}]
    assert "can do" not in graph.relations()
    said = kg("relations", "add", path).out
    assert "learned: can do" in said and "left out  In any gym {head}" in said
    assert "people → work out → gym" in kg("relations", "show", "can do").out


# query


@dataclass
class Canned:
    """A store that answers every query with the same rows."""

    answer: Rows
    asked: list[tuple[str, dict[str, Any], Limits]]

    def read(self, cypher: str, parameters: dict[str, Any], limits: Limits) -> Rows:
        self.asked.append((cypher, parameters, limits))
        return self.answer

    def examine(self, cypher: str, parameters: dict[str, Any]) -> None:
        """It plans nothing."""


def test_query_passes_parameters_and_limits(kg: Kg, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Canned(Rows(("n", "list"), ((1, ["a", None]), ("[b]x\x1b[31m", {"k": 1})), "rows"), [])
    monkeypatch.setattr(store, "close", lambda: None, raising=False)
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: KnowledgeGraph(store))  # type: ignore[arg-type]
    parameters = ["--param", "query=7", "--param", "limits=a=b", "--param", "s=true"]
    arguments = ["query", "RETURN $query", *parameters, "--limit", "2", "--seconds", "5"]
    answer = kg(*arguments, "--json")
    assert answer.objects == [{"n": 1, "list": ["a", None]}, {"n": "[b]x\x1b[31m", "list": {"k": 1}}]
    assert "limit of rows after 2 rows: there are more; raise  --rows" in answer.err
    assert store.asked == [("RETURN $query", {"query": 7, "limits": "a=b", "s": True}, Limits(2, 5.0))]
    assert kg(*arguments).out == 'n\tlist\n1\t["a", null]\n[b]x[31m\t{"k": 1}\n'
    assert kg(*arguments, "--as", "csv").out == 'n,list\n1,"[""a"", null]"\n[b]x\x1b[31m,"{""k"": 1}"\n'
    assert kg(*arguments, "--as", "json").out == kg(*arguments, "--json").out
    kg(*arguments, "--as", "graph").refused(2, "return nodes, relationships or paths")
    kg(*arguments, "--as", "xml").refused(2, "--as", "table, csv, json, graph")
    kg("query", "RETURN 1", "--param", "novalue").refused(2, "NAME=VALUE")
    for value in ("[1,2", " {", '"a', "[" * 100_000):
        kg("query", "RETURN $x", "--param", f"x={value}").refused(2, "--param x", "begins as JSON and is none")


def test_a_graph_in_memory_has_no_cypher(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("query", "RETURN 1").refused(2, "no Cypher")


def test_values_are_shown_with_their_units(kg: Kg, graph: KnowledgeGraph) -> None:
    graph.put([Claim(MARIE, "height", Literal("160", "integer", "cm"), (told(),))])
    assert "Marie Curie | height | 160 cm" in kg("explain", "Marie Curie | height | 160 cm").out
    assert kg("explain", "--json", "Marie Curie | height | 160").objects[0]["tail"]["unit"] == "cm"


# what follows from the graph


@pytest.fixture
def asking(graph: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for the agent: answers with the one current fact, and keeps what it was asked."""
    kept: dict[str, Any] = {"supported": True}

    def guide(kg: KnowledgeGraph, encoder: object, *, predicted: bool = False) -> SimpleNamespace:
        kept.update(encoder=encoder, predicted=predicted)
        return SimpleNamespace(answer=partial(ask, kg), mark=mark, taught=partial(taught, kg))

    def taught(kg: KnowledgeGraph, marks: Sequence[object]) -> SimpleNamespace:
        kept.update(marks=marks)
        return SimpleNamespace(answer=partial(ask, kg), mark=mark)

    def mark(question: str, right: Collection[str]) -> Mark:
        if "Atlantis" in right:
            raise BadRequest("no walk leads to just Atlantis")
        return Mark(("born",), (("born in",),), (1.0,), (0,), of(question))

    def ask(kg: KnowledgeGraph, question: str, means: Collection[str] = ()) -> Answer:
        kept.update(question=question, means=means)
        if not kept["supported"]:
            return Answer("The graph does not say.", False)
        steps = tuple(Step(fact) for fact in kg.facts())
        return Answer("Warsaw", True, answers=(city("Warsaw"),), paths=(Path_(steps),))

    monkeypatch.setitem(sys.modules, "reasoning.agent.ask", SimpleNamespace(guide=guide))
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: "the encoder")
    return kept


def test_an_answer_shows_every_step_with_its_words(kg: Kg, asking: dict[str, Any]) -> None:
    shown = kg("ask", "Where was Marie Curie born?")
    assert shown.code == 0
    assert shown.out.startswith("Warsaw\n")
    assert f"Marie Curie | born in | Warsaw  (88 %)\n      “{QUOTE}”  Radium" in shown.out
    assert (asking["encoder"], asking["predicted"]) == ("the encoder", False)
    (answer,) = kg("ask", "Where?", "--include-predicted", "--json").objects
    assert (answer["supported"], asking["predicted"]) == (True, True)
    assert answer["walks"][0][0]["quote"] == QUOTE


def test_what_is_told_to_be_right_is_kept_without_names_for_the_next_question(kg: Kg, home: Path, asking: dict[str, Any]) -> None:
    assert kg("ask", "Where was Marie Curie born?", "--right").err == "kg: kept what is right: 1 answer to learn from\n"
    assert asking["marks"] == []
    (told,) = kg("ask", "Where was she born?", "--right-is", "Warsaw", "--json").objects
    assert (told["marks"], [mark.said for mark in asking["marks"]]) == (2, [("born",)])
    (file,) = (home / "marks").glob("*.jsonl")
    assert "Curie" not in file.read_text("utf-8")
    file.write_text("{}\n", "utf-8")
    kg("ask", "Where?").refused(2, "not the marks of answers", "delete it")


def test_what_was_told_to_be_right_is_taken_back(kg: Kg, home: Path, asking: dict[str, Any]) -> None:
    kg("ask", "Where was Marie Curie born?", "--unmark").refused(2, "nothing was said to be right of this question")
    assert not (home / "marks").exists()
    kg("ask", "Where was Marie Curie born?", "--right")
    undone = kg("ask", "where was marie curie born", "--unmark")
    assert (undone.out.startswith("Warsaw"), undone.err, asking["marks"]) == (
        True,
        "kg: forgot what is right: 0 answers to learn from\n",
        [],
    )
    kg("ask", "Where was Marie Curie born?", "--right", "--unmark").refused(2, "--unmark", "give one of them")
    kg("ask", "--cypher", "Where was Marie Curie born?", "--unmark").refused(2, "--cypher goes with")


def test_what_cannot_be_learned_from_hides_no_answer(kg: Kg, asking: dict[str, Any]) -> None:
    told = kg("ask", "Where was Marie Curie born?", "--right-is", "Atlantis")
    assert (told.code, told.out.startswith("Warsaw"), told.err) == (2, True, "kg: no walk leads to just Atlantis\n")
    kg("ask", "Where was Marie Curie born?", "--right", "--right-is", "Paris").refused(2, "--right-is", "give one of them")


def test_an_answer_without_support_says_so_and_is_no_failure(kg: Kg, asking: dict[str, Any]) -> None:
    asking["supported"] = False
    assert kg("ask", "Where?").out == "The graph does not say.\n"
    answer = kg("ask", "Where?", "--json")
    assert (answer.code, answer.objects[0]["supported"], answer.objects[0]["walks"]) == (0, False, [])


@pytest.mark.slow
def test_completion_of_a_graph_that_is_too_small_says_why(kg: Kg, graph: KnowledgeGraph) -> None:
    (done,) = kg("complete", "--json").objects
    assert (done["predictions"], done["new"], done["dry_run"]) == ([], 0, False)
    assert "Nothing is proposed" in done["note"]
    kg("complete", "--relation", "likes").refused(2, "'likes'")


def test_a_completion_that_cannot_be(kg: Kg, graph: KnowledgeGraph) -> None:
    kg("complete", "--model", "oracle").refused(2, "'oracle'")
    kg("complete", "--min-confidence", "2").refused(2, "--min-confidence")


# harvesting


def test_a_harvest_gets_what_was_asked_for(kg: Kg, graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def harvest(*given: Any, **options: Any) -> SimpleNamespace:
        asked.append((given, options))
        empty = {
            "documents": 0,
            "sentences": 0,
            "passed": 0,
            "found": 0,
            "cards": (),
            "candidates": (),
            "unlinked": (),
            "changed": Difference(),
        }
        return SimpleNamespace(receipt=Receipt(new=2, merged=1), **empty)

    monkeypatch.setattr("harvest.documents.harvest", harvest)
    monkeypatch.setattr("ui.wire.Wire.reader", "the reader")
    monkeypatch.setattr("kgplatform.opening.causal", lambda _: ("the scorer", "the decoder"))
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: "the encoder")
    card = tmp_path / "likes.yaml"
    card.write_text("name: likes\nprompts: ['{head} likes {tail}']\n")
    (tmp_path / "note.txt").write_text("Ada likes tea.")
    (done,) = kg("harvest", "documents", tmp_path, "--card", card, "--run", "first", "--dry-run", "--json").objects
    assert (done["new"], done["merged"], done["dry_run"]) == (2, 1, True)
    ((given, options),) = asked
    assert given[0] is graph
    assert [one.name for one in options["cards"]] == ["likes"]
    assert (options["scorer"], options["encoder"], options["steps"].run, options["dry_run"]) == ("the scorer", "the encoder", "first", True)
    assert options["reader"] == "the reader"


def test_a_missing_document_is_told_before_any_model_is_loaded(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    kg("harvest", "documents", tmp_path / "gone.txt").refused(2, "gone.txt: there is no such file")
