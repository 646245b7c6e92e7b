"""Harvests as jobs: killed at any moment they end as if undisturbed, and the next night reads only what is new."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest

from harvest import bertnet
from harvest.documents import harvest, read_all
from harvest.documents.mentions import Reader
from kgplatform.cards import read_relation
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger
from kgplatform.settings import load
from kgplatform.store import server
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, FactQuery, Receipt, Source, SourceId
from tests.integration import nightly
from tests.integration.crowd import Where, open_again
from ui.cli.main import main

ROOT = Path(__file__).parents[2]
MANY = 30
OFTEN = 350_000
"""Calls of functions within which a process is killed; the whole harvest makes about a million."""
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.integration.nightly"])


def held(kg: KnowledgeGraph) -> dict[str, object]:
    """All that a graph holds but for the times: facts with their evidence, and the texts."""
    found: dict[str, object] = {}
    for fact in kg.store.facts(FactQuery(status="all")):
        evidence = sorted(repr(dataclasses.replace(piece, time=0)) for piece in kg.store.evidence(fact.key))
        found[fact.key] = (fact.confidence, fact.tail, evidence)
    return found | {document.source.id: kg.text(document.source.id) for document in kg.documents()}


def home() -> Path:
    return Path(os.environ["KG_HOME"])


def ledger() -> Ledger:
    return Ledger(home() / "jobs.sqlite")


def undisturbed(folder: Path, run: str, kg: KnowledgeGraph | None = None) -> dict[str, object]:
    """What a graph holds that read all at one go."""
    kg = kg or KnowledgeGraph(MemoryStore())
    settings = load()
    models = {"scorer": nightly.scorer(settings), "encoder": nightly.encoder(settings), "reader": Reader(nightly.reader(settings))}
    harvest(kg, read_all([folder])[0], **models, run=run)  # type: ignore[arg-type]
    return held(kg)


def begin(where: Where, *command: str | Path, kill: int = 0) -> ForkServerProcess:
    """``kg COMMAND`` in a process of its own, killed at that call of a function if it comes so far."""
    child = FORKS.Process(target=nightly.kg, args=(where, home(), [str(word) for word in command], kill))
    child.start()
    return child


def alone(where: Where, *command: str | Path, kill: int = 0) -> int | None:
    """The same until its end; its exit code."""
    child = begin(where, *command, kill=kill)
    child.join()
    return child.exitcode


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the forking server loads beforehand is found."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


# -- killed ------------------------------------------------------------------------------------------


def crossed(first: str, second: str) -> pytest.MarkDecorator:
    """Each server in one of the two ways of working; the other two pairs only where all is to be tried."""
    usual = (("local", first), ("neo4j", second))
    given = [
        pytest.param(server, how == "worker", id=f"{server}-{how}", marks=() if (server, how) in usual else pytest.mark.exhaustive)
        for server in ("local", "neo4j")
        for how in (first, second)
    ]
    return pytest.mark.parametrize(("where", "worker"), given, indirect=["where"])


def killed(where: Where, texts: Path, chosen: random.Random, most: int, *, worker: bool) -> int:
    """Harvest with so many kills at most, until the work is done; how many there were."""
    command: list[str | Path] = ["harvest", "documents", texts, "--run", "night"]
    if worker:
        assert alone(where, *command, "--job") == 0
        command = ["worker", "--until-idle"]
    for kills in range(most):
        if alone(where, *command, kill=chosen.randrange(1, OFTEN)) == 0:
            return kills
    assert alone(where, *command) == 0
    return most


@pytest.mark.slow
@crossed("worker", "foreground")
def test_a_harvest_that_is_killed_ends_as_if_undisturbed(where: Where, tmp_path: Path, worker: bool) -> None:
    texts, seed = nightly.write(tmp_path / "texts", *range(MANY)), f"{list(where)} {worker}"
    wanted = undisturbed(texts, "night")
    assert killed(where, texts, random.Random(seed), 3, worker=worker)
    ended_well(where, wanted, seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("worker", [True, False], ids=["worker", "foreground"])
def test_fifty_kills(where: Where, tmp_path: Path, worker: bool) -> None:
    kills, seed, judge = 0, 0, KnowledgeGraph(MemoryStore())
    while kills < 50:
        seed += 1
        texts = nightly.write(tmp_path / f"texts{seed}", *range(seed * MANY, (seed + 1) * MANY))
        wanted = undisturbed(texts, "night", judge)
        kills += killed(where, texts, random.Random(seed), 50 - kills, worker=worker)
        ended_well(where, wanted, f"seed {seed}, {worker}")


def ended_well(where: Where, wanted: dict[str, object], seed: str) -> None:
    job = ledger().jobs(limit=1)[0]
    assert (job.error, job.state, ledger().counts(job.id), job.progress.done) == ("", "done", {"done": 2 * MANY}, MANY), seed
    with KnowledgeGraph(open_again(where)) as kg:
        assert held(kg) == wanted, seed


@pytest.mark.slow
@crossed("foreground", "worker")
def test_a_relation_that_is_killed_ends_as_if_undisturbed(where: Where, tmp_path: Path, worker: bool) -> None:
    card, facts = tmp_path / "capital.yaml", tmp_path / "facts.tsv"
    seeds, others = nightly.CAPITALS[:5], nightly.CAPITALS[5:]
    kinds = "domain: thing\nrange: thing\nfunctional: true\n"
    card.write_text(f"name: capital of\n{kinds}prompts: ['{{head}} is the capital of {{tail}}']\nseeds: {json.dumps(seeds)}\n")
    facts.write_text("".join(f"{head}\tmet\tsomebody\nsomebody\tmet\t{tail}\n" for head, tail in others))
    wanted, seed = asked_at_one_go(card, facts), random.Random(f"{list(where)} {worker}")
    assert alone(where, "import", facts) == 0
    command: list[str | Path] = ["harvest", "relation", card, "--run", "night"]
    if worker:
        assert alone(where, *command, "--job") == 0
        command = ["worker", "--until-idle"]
    kills = sum(alone(where, *command, kill=seed.randrange(1, 200_000)) != 0 for _ in range(3))
    assert alone(where, *command) == 0
    assert kills
    with KnowledgeGraph(open_again(where)) as kg:
        assert capitals(kg) == wanted
    assert len(wanted) > 10


def asked_at_one_go(card: Path, facts: Path) -> dict[str, object]:
    """The capitals that a graph with these facts gets from a harvest that nobody disturbs."""
    kg, settings = KnowledgeGraph(MemoryStore()), load()
    kg.load(facts)
    scorer, decoder = nightly.causal(settings)
    bertnet.harvest(kg, read_relation(card), bertnet.Models(scorer, nightly.encoder(settings), decoder), run="night")
    return capitals(kg)


def capitals(kg: KnowledgeGraph) -> dict[str, object]:
    """The facts of the relation with their evidence, but for the times."""
    return {key: told for key, told in held(kg).items() if "capital" in key and "of" in key}


@pytest.mark.slow
def test_a_worker_goes_on_when_its_server_is_killed(tmp_path: Path) -> None:
    where, texts = {"home": str(tmp_path / "data"), "graph": "kg"}, nightly.write(tmp_path / "texts", *range(MANY))
    wanted = undisturbed(texts, "night")
    try:
        first = server.ensure(tmp_path / "data").pid
        assert alone(where, "harvest", "documents", texts, "--run", "night", "--job") == 0
        worker = begin(where, "worker", "--until-idle")
        while ledger().jobs()[0].progress.done < 5:
            assert worker.is_alive()
            worker.join(0.01)
        psutil.Process(first).kill()
        worker.join()
        assert worker.exitcode == 0
        ended_well(where, wanted, "")
        assert server.ensure(tmp_path / "data").pid != first
    finally:
        server.stop(tmp_path / "data")


# -- night after night -------------------------------------------------------------------------------


class Answer:
    """What a command said as JSON, and its exit code."""

    def __init__(self, code: int, out: str) -> None:
        self.code, self.objects = code, [json.loads(line) for line in out.splitlines()]


Kg = Callable[..., Answer]


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    """The graph that every command of this test opens."""
    made = KnowledgeGraph(MemoryStore())
    nightly.models(monkeypatch.setattr)
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    return made


@pytest.fixture
def kg(graph: KnowledgeGraph, capsys: pytest.CaptureFixture[str]) -> Kg:
    def run(*arguments: str | Path) -> Answer:
        code = main([*map(str, arguments), "--json", "--quiet"])
        return Answer(code, capsys.readouterr().out)

    return run


def read(kg: Kg, *arguments: str | Path) -> tuple[int, int]:
    """How many documents a harvest read, and how many it passed over."""
    answer = kg("harvest", "documents", *arguments)
    assert answer.code == 0
    return answer.objects[0]["documents"], answer.objects[0]["passed"]


def test_the_same_again_reads_only_what_is_new(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts = nightly.write(tmp_path / "texts", 1, 2, 3)
    assert read(kg, texts) == (3, 0)
    before = held(graph)
    assert read(kg, texts) == (0, 3)
    nightly.write(texts, 4)
    assert read(kg, texts) == (1, 3)
    graph.forget(next(source for source in before if source.startswith("doc:")))
    assert read(kg, texts) == (1, 3)
    assert before.keys() < held(graph).keys()
    assert read(kg, texts, "--again") == (4, 0)
    assert read(kg, texts / "01.txt") == (0, 1)


def test_other_cards_read_all_again(kg: Kg, tmp_path: Path) -> None:
    texts, card = nightly.write(tmp_path / "texts", 1, 2), tmp_path / "born.yaml"
    card.write_text("name: birthplace of\ninverse: ''\ndomain: [city]\nrange: [person]\nprompts: ['{tail} was born in {head}']\n")
    assert read(kg, texts) == (2, 0)
    assert read(kg, texts, "--card", card) == (2, 0)
    assert read(kg, texts, "--card", card) == (0, 2)


def test_a_harvest_tells_what_it_changed(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts = nightly.write(tmp_path / "texts", 1)
    (first,) = kg("harvest", "documents", texts).objects
    assert (first["changed"]["new"]["count"], first["changed"]["strengthened"]["count"]) == (first["new"], 0)
    one = nightly.text(1).partition(" was")[0]
    (texts / "more.txt").write_text(nightly.text(1) + f"{one} was born in Turin.\n{one} was born in Lund.\n")
    changed = kg("harvest", "documents", texts).objects[0]["changed"]
    assert changed["strengthened"]["count"] == first["new"]
    assert changed["new"]["count"] >= 1
    assert changed["conflicting"]["count"] >= 2
    assert any(fact.startswith(f"{one} | born in | ") for fact in changed["conflicting"]["examples"])
    assert kg("jobs", "list", "--limit", "1").objects[0]["result"]["changed"] == changed
    assert kg("harvest", "documents", texts).objects[0]["changed"]["new"]["count"] == 0


def test_what_a_kill_between_put_and_mark_had_changed_is_told(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts = nightly.write(tmp_path / "texts", 1, 2)
    put = graph.put

    def cut_off(claims: Iterable[Claim]) -> Receipt:
        put(claims)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "put", cut_off)
        assert kg("harvest", "documents", texts).code == 130
    (done,) = kg("harvest", "documents", texts).objects
    assert done["changed"]["new"]["count"] == len(graph.facts(status="all")) > done["new"]


# -- what is gone --------------------------------------------------------------------------------------


def test_what_is_gone_is_forgotten_when_asked(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts = nightly.write(tmp_path / "texts", 1, 2, 3)
    assert read(kg, texts) == (3, 0)
    wanted = {path.name: read_all([path])[0][0].source.id for path in texts.iterdir()}
    (texts / "01.txt").unlink()
    (texts / "02.txt").write_text("Ada Bell was born in Graz.\n")
    assert read(kg, texts) == (1, 1)
    assert set(wanted.values()) < held(graph).keys()
    before, gone = held(graph), sorted([wanted["01.txt"], wanted["02.txt"]])
    assert kg("harvest", "documents", texts, "--sync", "--dry-run").objects[0]["gone"] == gone
    assert held(graph) == before
    (done,) = kg("harvest", "documents", texts, "--sync").objects
    assert (done["gone"], done["passed"], done["changed"]["withdrawn"]["count"] > 0) == (gone, 2, True)
    assert held(graph) == undisturbed_in(texts, graph)
    assert kg("harvest", "documents", texts, "--sync").objects[0]["gone"] == []
    nightly.write(texts, 1)
    assert read(kg, texts, "--sync") == (1, 2)


def undisturbed_in(texts: Path, graph: KnowledgeGraph) -> dict[str, object]:
    """What a graph holds that read only these texts, each under the run that it has here."""
    judge = KnowledgeGraph(MemoryStore())
    for path in texts.iterdir():
        source = read_all([path])[0][0].source.id
        (run,) = {
            piece.run
            for fact in graph.facts(source=source, status="all")
            for piece in graph.store.evidence(fact.key)
            if piece.source.id == source
        }
        undisturbed(path, run, judge)
    return held(judge)


def test_what_others_have_read_too_is_not_forgotten(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts, others = nightly.write(tmp_path / "texts", 1, 2), nightly.write(tmp_path / "others", 1)
    graph.add_document(Source(SourceId("doc:mine"), "document"), "Put by another program.")
    assert (read(kg, others), read(kg, texts)) == ((1, 0), (1, 1))
    kept = read_all([others])[0][0].source.id
    (texts / "01.txt").unlink()
    (done,) = kg("harvest", "documents", texts, "--sync").objects
    assert done["gone"] == []
    assert {kept, "doc:mine"} < held(graph).keys()


def test_nothing_is_forgotten_while_a_file_cannot_be_read(kg: Kg, graph: KnowledgeGraph, tmp_path: Path) -> None:
    texts = nightly.write(tmp_path / "texts", 1, 2)
    read(kg, texts)
    before = held(graph)
    (texts / "01.txt").write_bytes(b"")
    (done,) = kg("harvest", "documents", texts, "--sync").objects
    assert (done["gone"], done["skipped"]) == ([], 1)
    (texts / "02.txt").unlink()
    assert kg("harvest", "documents", texts, "--sync").code == 2
    assert held(graph) == before


# -- by the clock --------------------------------------------------------------------------------------


def test_a_schedule_reads_what_is_new_at_each_tick(kg: Kg, graph: KnowledgeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    monkeypatch.setattr("ui.wire.Wire.ledger", Ledger(home() / "jobs.sqlite", lambda: now))
    texts = nightly.write(tmp_path / "texts", 1, 2)
    (made,) = kg("jobs", "schedule", "--zone", "Europe/Berlin", "30 2 * * *", "harvest", "documents", texts, "--sync").objects
    assert datetime.fromtimestamp(made["next"] / 1000, UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert kg("worker", "--until-idle").objects == []
    results = []
    for number in range(3):  # the clock is put back in the first of these nights
        now = datetime(2026, 10, 25 + number, 6, tzinfo=UTC)
        (job,) = kg("worker", "--until-idle").objects
        assert (job["state"], job["schedule"]) == ("done", made["schedule"])
        results.append((job["result"]["documents"], job["result"]["passed"], len(job["result"]["gone"])))
        assert kg("worker", "--until-idle").objects == []
        nightly.write(texts, number + 3)
        (texts / f"{number + 1:02}.txt").unlink()
    assert results == [(2, 0, 0), (1, 1, 1), (1, 1, 1)]
