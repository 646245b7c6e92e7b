"""Jobs as people meet them: ``--job``, ``kg worker``, ``kg jobs``, schedules, exit codes, and one sentence for each mistake."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import BadFile, ModelUnreachable
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Task
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.store.memory import MemoryStore
from tests.commands import Kg, commands
from ui import tasks
from ui.tasks import Doing

LONG = {
    "interactions mirror": [],
    "interactions learn": [],
    "harvest documents": ["texts"],
    "harvest relation": ["likes.yaml"],
    "harvest expand": ["What is tea?"],
    "complete": [],
    "denoise": ["--apply"],
    "train": [],
    "embed": [],
    "import": ["facts.tsv"],
    "export": ["all.tsv"],
    "backup": ["all.kgbackup"],
    "snapshot": ["one"],
}
"""Every command that can be a job, with what it is about."""
CARD = "name: likes\nprompts: ['{head} likes {tail}']\n"


Function = Callable[[Doing], Mapping[str, Any]]


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch) -> KnowledgeGraph:
    """The graph that every command of this test opens."""
    made = KnowledgeGraph(MemoryStore())
    monkeypatch.setattr("kgplatform.opening.connect", lambda **_: made)
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    monkeypatch.setattr("ui.tasks.harvest_relation.check_models", lambda *_: None)
    monkeypatch.setattr("ui.tasks.harvest_expand.check_models", lambda *_: None)
    Path("texts").mkdir()
    Path("texts/one.txt").write_text("Ada likes tea.")
    Path("likes.yaml").write_text(CARD)
    Path("facts.tsv").write_text("Ada\tlikes\ttea\n")
    return made


@pytest.fixture
def kg(capsys: pytest.CaptureFixture[str]) -> Kg:
    return commands(capsys)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Path(os.environ["KG_HOME"]) / "jobs.sqlite")


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Callable[[Function], None]:
    """Let the jobs of ``kg embed`` do something else."""

    def let(function: Function) -> None:
        monkeypatch.setattr("ui.tasks.embed.do", function)

    return let


RESULT = {"encoder": "none", "embedded": 3}


def fail(*_: object) -> Mapping[str, Any]:
    raise BadFile("three.txt: is empty")


def in_part(doing: Doing) -> Mapping[str, Any]:
    """Two steps, the second of which fails."""
    doing.steps.log("beginning")
    doing.steps.step("two.txt", lambda: {"n": 1})
    doing.steps.step("three.txt", fail)
    return RESULT


def test_every_kind_of_job_is_a_command_here() -> None:
    assert set(LONG) == set(tasks.KINDS)


# leaving it to a worker


@pytest.mark.parametrize("command", LONG)
def test_long_work_can_be_left_to_a_worker(kg: Kg, ledger: Ledger, command: str) -> None:
    assert "--job" in kg(*command.split(), "--help").out
    (made,) = kg(*command.split(), *LONG[command], "--job", "--json").objects
    assert (made["kind"], made["state"], made["graph"]) == (command, "queued", "kg")
    told = kg(*command.split(), *LONG[command], "--job")  # the same once more is the same job
    assert f"job {made['job']} ({command}) is queued:  kg worker  does it" in told.out
    assert [job.id for job in ledger.jobs()] == [made["job"]]


@pytest.mark.parametrize("command", [command for command in LONG if command not in ("export", "backup", "snapshot")])
def test_what_is_tried_is_no_job(kg: Kg, ledger: Ledger, command: str) -> None:
    given = [*command.split(), *LONG[command], "--dry-run"]
    kg(*given, "--job").refused(2, "--dry-run says at once what would be done")
    kg("jobs", "schedule", "0 3 * * *", *given).refused(2, "--dry-run")
    assert (ledger.jobs(), ledger.schedules()) == ([], [])


def test_a_worker_does_what_was_left_to_it(kg: Kg, graph: KnowledgeGraph) -> None:
    (made,) = kg("import", "facts.tsv", "--job", "--json").objects
    assert "no worker is running:  kg worker  starts one" in kg("jobs", "list").err
    (done,) = kg("worker", "--until-idle", "--json").objects
    assert (done["job"], done["state"], done["result"]["files"][0]["new"]) == (made["job"], "done", 1)
    assert [fact.tail.name for fact in graph.facts(status="all")] == ["tea"]  # type: ignore[union-attr]
    assert kg("worker", "--until-idle").out == ""


def test_whether_a_worker_is_there(kg: Kg, ledger: Ledger) -> None:
    answer = kg("worker", "--healthy", "--json")
    assert (answer.code, answer.objects) == (1, [{"workers": 0}])
    with ledger.working():
        assert kg("worker", "--healthy").code == 0


def test_rows_that_were_left_out_are_told_by_the_job_too(kg: Kg, graph: KnowledgeGraph) -> None:
    Path("facts.tsv").write_text("Ada\tlikes\ttea\nonly two\tcells\n")
    answer = kg("import", "facts.tsv")
    assert answer.code == 1
    assert "line 2: expected 3 columns" in answer.err
    (job,) = kg("jobs", "list", "--json").objects
    assert (job["state"], job["result"]["left_out"]) == ("done", 1)
    assert "left out 1" in kg("jobs", "show", job["job"]).out


# exit codes


def test_a_job_that_is_done_or_failed_in_part(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    does(lambda _: RESULT)
    assert kg("embed").code == 0
    does(in_part)
    answer = kg("embed")
    job = ledger.jobs()[0]
    assert (answer.code, answer.out) == (1, "3 entities encoded by none\n")
    assert f"kg: job {job.id} failed: 1 of 2 steps failed: see  kg jobs show {job.id}" in answer.err
    shown = kg("jobs", "show", job.id[:5]).out
    assert "steps: 1 dead, 1 done" in shown
    assert "  dead: three.txt: three.txt: is empty" in shown
    (told,) = kg("jobs", "show", job.id, "--json").objects
    assert told["failed_steps"] == [{"step": "three.txt", "state": "dead", "attempts": 1, "error": "three.txt: is empty"}]
    assert [line["text"] for line in kg("jobs", "log", job.id, "--json").objects] == ["beginning", "three.txt: three.txt: is empty"]
    assert "  error  three.txt: three.txt: is empty" in kg("jobs", "log", job.id, "--follow").out
    assert [one["job"] for one in kg("jobs", "list", "--state", "failed", "--json").objects] == [job.id]


def test_a_job_that_fails_says_why_in_one_sentence(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    does(fail)
    kg("embed").refused(2, "three.txt: is empty")
    assert (ledger.jobs()[0].state, ledger.jobs()[0].error) == ("failed", "three.txt: is empty")


def test_a_mistake_of_the_program_is_kept(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    does(lambda doing: doing.arguments["gone"])
    kg("embed").refused(1, "something unexpected went wrong (KeyError: 'gone')")
    job = ledger.jobs()[0]
    assert (job.state, f"kg jobs log {job.id}" in job.error) == ("failed", True)


def test_what_has_no_answer_stops_and_goes_on(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    def unheard(_: Doing) -> Mapping[str, Any]:
        raise ModelUnreachable("no answer from http://127.0.0.1:9")

    does(unheard)
    kg("embed").refused(1, "no answer from http://127.0.0.1:9")
    assert ledger.jobs()[0].state == "stopped"
    does(lambda _: RESULT)
    assert kg("embed").code == 0
    assert [job.state for job in ledger.jobs()] == ["done"]


def test_an_interrupted_job_goes_on_by_the_same_command(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    def interrupted(doing: Doing) -> Mapping[str, Any]:
        doing.steps.step("one", dict)
        raise KeyboardInterrupt

    def goes_on(doing: Doing) -> Mapping[str, Any]:
        for name in ("one", "two"):
            doing.steps.step(name, partial(did.append, name))
        return RESULT

    did: list[str] = []
    does(interrupted)
    kg("embed").refused(130, "interrupted")
    assert ledger.jobs()[0].state == "stopped"
    assert kg("worker", "--until-idle").out == ""  # a worker leaves it alone
    does(goes_on)
    assert (kg("embed").code, did) == (0, ["two"])
    assert [job.state for job in ledger.jobs()] == ["done"]


def test_a_job_that_is_cancelled_in_the_foreground(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    def cancelled(doing: Doing) -> Mapping[str, Any]:
        ledger.cancel(ledger.jobs()[0].id)
        doing.steps.step("one", dict)
        return doing.steps.step("two", fail) or RESULT

    does(cancelled)
    answer = kg("embed")
    job = ledger.jobs()[0]
    assert (answer.code, answer.out, job.state) == (130, "", "cancelled")
    assert answer.err == f"kg: job {job.id} was cancelled; what it had done stays\n"


def test_a_job_that_another_process_has(kg: Kg, ledger: Ledger) -> None:
    (made,) = kg("import", "facts.tsv", "--job", "--json").objects
    assert ledger.take(["import"], 60)
    kg("import", "facts.tsv").refused(2, f"job {made['job']} (import) is running in", f"kg jobs show {made['job']}")
    assert "was asked to stop" in kg("jobs", "cancel", made["job"]).out


# cancelling, retrying, resuming


def test_cancel_and_retry(kg: Kg, ledger: Ledger, graph: KnowledgeGraph) -> None:
    (made,) = kg("import", "facts.tsv", "--job", "--json").objects
    assert kg("jobs", "cancel", made["job"]).out == f"job {made['job']} is cancelled\n"
    kg("jobs", "cancel", made["job"]).refused(2, "is cancelled already")
    assert kg("worker", "--until-idle").out == ""
    assert kg("jobs", "retry", made["job"][:4], "--json").objects[0]["state"] == "queued"
    kg("jobs", "retry", made["job"])
    kg("worker", "--until-idle")
    assert len(graph.facts(status="all")) == 1
    kg("jobs", "retry", made["job"]).refused(2, "is done: there is nothing to try again")


def begun(monkeypatch: pytest.MonkeyPatch, ledger: Ledger, kg: Kg) -> str:
    """The id of a harvest that broke off, and of the run ``first``."""
    with monkeypatch.context() as patch:
        patch.setattr("ui.tasks.harvest_relation.do", fail)
        kg("harvest", "relation", "likes.yaml", "--run", "first").refused(2, "is empty")
    return ledger.jobs()[0].id


def test_resume_goes_on_with_a_run_or_a_job(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job = begun(monkeypatch, ledger, kg)
    result = {
        "dry_run": False,
        "held": False,
        "relations": [],
        "new": 0,
        "merged": 0,
        "unchanged": 0,
        "refused": [],
        "changed": {},
        "notes": [],
    }
    runs: list[str] = []

    def do(doing: Doing) -> Mapping[str, Any]:
        runs.append(doing.steps.run)
        return result

    monkeypatch.setattr("ui.tasks.harvest_relation.do", do)
    assert "is queued" in kg("harvest", "relation", "--resume", job, "--job").out
    assert kg("harvest", "relation", "--resume", "first").code == 0
    assert (runs, [one.state for one in ledger.jobs()]) == (["first"], ["done"])
    kg("harvest", "relation", "--resume", job).refused(2, "is done")


def test_resume_of_what_cannot_be(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job = begun(monkeypatch, ledger, kg)
    kg("harvest", "relation", "--resume", "second").refused(2, "no job has the id or the run 'second'", "kg jobs list")
    kg("harvest", "documents", "--resume", job).refused(2, f"kg harvest relation --resume {job}")
    kg("harvest", "relation", "likes.yaml", "--resume", job).refused(2, "name either CARD… or  --resume RUN")
    kg("harvest", "relation").refused(2, "name either CARD… or  --resume RUN")
    kg("harvest", "relation", "--resume", job, "--dry-run").refused(2, "--resume goes on with one job")
    kg("jobs", "schedule", "0 3 * * *", "harvest", "relation", "--resume", job).refused(2, "--resume", "cannot recur")
    assert ledger.schedules() == []


# looking


def test_jobs_are_listed_with_what_became_of_them(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    assert "no jobs yet" in kg("jobs", "list").out
    does(in_part)
    kg("embed")
    kg("import", "facts.tsv", "--graph", "other", "--job")
    header, first, second = kg("jobs", "list").out.splitlines()
    assert header.split("\t") == ["job", "what", "graph", "state", "how far", "cost", "began"]
    assert first.split("\t")[1:4] == [f"import {Path('facts.tsv').resolve()}", "other", "queued"]
    assert second.split("\t")[1:3] == ["embed", "kg"]
    assert "1 of 2 steps failed" in second
    assert len(kg("jobs", "list", "--limit", "1", "--json").objects) == 1
    kg("jobs", "list", "--state", "broken").refused(2, "--state: 'broken' is not one of queued, running")


@pytest.mark.parametrize("command", ["show", "log", "cancel", "retry"])
def test_an_unknown_job(kg: Kg, ledger: Ledger, command: str) -> None:
    kg("jobs", command, "abc").refused(2, "there is no job 'abc'; there are no jobs yet")
    job = ledger.submit(Task("embed", {}, "kg")).id
    kg("jobs", command, f"{job}x").refused(2, f"there is no job '{job}x' (did you mean {job}?)", "kg jobs list")


def test_words_of_documents_cannot_speak_to_the_terminal(kg: Kg, ledger: Ledger, does: Callable[[Function], None]) -> None:
    def hostile(doing: Doing) -> Mapping[str, Any]:
        doing.note("\x1b]0;owned\x07\u202egnol\nline")
        return RESULT | {"changed": {"new": {"count": 1, "examples": ["\x1b[31mAda\u202e | likes | tea"]}}}

    does(hostile)
    kg("embed")
    job = ledger.jobs()[0].id
    for shown in (kg("jobs", "log", job), kg("jobs", "show", job), kg("jobs", "log", job, "--json"), kg("jobs", "show", job, "--json")):
        assert not set("\x1b\x07\u202e") & set(shown.out)
    assert "new: 1\n  [31mAda | likes | tea\n" in kg("jobs", "show", job).out


# schedules


def test_a_schedule_is_made_paused_resumed_and_taken_away(kg: Kg, ledger: Ledger) -> None:
    made = kg("jobs", "schedule", "--zone", "Europe/Berlin", "0 3 * * *", "harvest", "documents", "texts", "--again", "--json")
    (shape,) = made.objects
    assert (shape["cron"], shape["zone"], shape["kind"]) == ("0 3 * * *", "Europe/Berlin", "harvest documents")
    assert (shape["arguments"]["paths"], shape["arguments"]["again"]) == ([str(Path("texts").resolve())], True)
    assert datetime.fromtimestamp(shape["next"] / 1000, UTC).minute == 0
    id = shape["schedule"]
    assert "harvest documents --again" in kg("jobs", "list").out
    assert f"schedule {id} (harvest documents" in kg("jobs", "pause", id[:3]).out
    assert kg("jobs", "list", "--json").objects[0]["paused"] is True
    assert "goes on at" in kg("jobs", "resume", id).out
    assert kg("jobs", "unschedule", id, "--json").objects[0]["schedule"] == id
    assert (ledger.schedules(), ledger.jobs()) == ([], [])
    for command in ("pause", "resume", "unschedule"):
        kg("jobs", command, id).refused(2, f"there is no schedule '{id}'")


def test_a_schedule_keeps_graph_and_folder_of_its_making(kg: Kg, ledger: Ledger) -> None:
    assert kg("jobs", "schedule", "5 4 * * sun", "--graph", "x").code == 2
    (shape,) = kg("jobs", "schedule", "--graph", "other", "5 4 * * sun", "import", "facts.tsv", "--json").objects
    assert (shape["graph"], shape["arguments"]["files"]) == ("other", [str(Path("facts.tsv").resolve())])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["0 3 * * *", "harvst", "documents", "texts"],
            "'harvst documents' is no command that can recur: did you mean 'harvest documents'?",
        ),
        (["0 3 * * *", "imprt", "facts.tsv"], "did you mean 'import'?"),
        (["0 3 * * *", "explain", "x"], "'explain x' is no command that can recur"),
        (["0 3 * * *", "harvest", "documents", "gone"], "gone: there is no such file or folder"),
        (["0 3 * * *", "harvest", "documents", "texts", "--agin"], "--agin"),
        (["0 3 * * *", "--zone", "UTC", "embed"], "--zone is an option: it stands before the cron line"),
        (["0 3 * *", "embed"], "'0 3 * *' is not a cron line: it has five fields"),
        (["0 25 * * *", "embed"], "'0 25 * * *' is not a cron line (hour)"),
        (["tonight", "embed"], "'tonight' is not a cron line"),
        (["0 0 30 2 *", "embed"], "the cron line '0 0 30 2 *' never comes"),
        (["--zone", "Europe/Berln", "0 3 * * *", "embed"], "there is no time zone 'Europe/Berln' (did you mean Europe/Berlin?)"),
        (["0 3 * * *"], "COMMAND"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_schedule_that_cannot_be(kg: Kg, ledger: Ledger, arguments: list[str], words: str) -> None:
    kg("jobs", "schedule", *arguments).refused(2, words)
    assert ledger.schedules() == []


# what is not for here


@pytest.mark.parametrize("here", ["", "bolt://127.0.0.1:9"])
def test_a_job_for_another_server_is_refused_in_one_sentence(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, here: str) -> None:
    monkeypatch.setenv("NEO4J_URI", here or "bolt://127.0.0.1:8")
    kg("import", "facts.tsv", "--job")
    monkeypatch.setenv("NEO4J_URI", "" if not here else "bolt://127.0.0.1:7")
    (done,) = kg("worker", "--until-idle", "--json").objects
    assert done["state"] == "failed"
    assert done["error"].startswith(f"this job is for {here or 'bolt://127.0.0.1:8'}, and ")
    assert "see NEO4J_URI" in done["error"]


def test_a_job_for_another_graph_of_this_server_is_done_there(kg: Kg, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs: dict[str, KnowledgeGraph] = {}
    monkeypatch.setattr(
        "kgplatform.opening.connect", lambda settings, **_: graphs.setdefault(settings["KG_GRAPH"], KnowledgeGraph(MemoryStore()))
    )
    kg("import", "facts.tsv", "--graph", "other", "--job")
    assert kg("worker", "--until-idle", "--json").objects[0]["state"] == "done"
    assert [(name, len(graph.facts(status="all"))) for name, graph in graphs.items()] == [("other", 1)]


def test_a_ledger_that_cannot_be_used(kg: Kg, ledger: Ledger) -> None:
    ledger.submit(Task("embed", {}, "kg"))
    with closing(sqlite3.connect(ledger.path)) as rows:
        rows.execute("PRAGMA user_version = 99")
    for command in (["jobs", "list"], ["embed"], ["embed", "--job"], ["jobs", "schedule", "0 3 * * *", "embed"]):
        kg(*command).refused(1, "was written by a newer kgplatform (ledger 99", "KG_HOME")
    kg("worker", "--until-idle", "--quiet").refused(1, "newer kgplatform")
    ledger.path.write_bytes(b"no database at all, but words" * 99)
    kg("jobs", "list").refused(1, "is no ledger of jobs, or damaged")


def test_a_job_depends_on_the_models_that_it_uses_and_no_others(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in ("import", "embed"):
        kg(command, *LONG[command], "--job")
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:gpt-nine")
    monkeypatch.setenv("KG_ENCODER_MODEL", "local:other")
    kg("import", "facts.tsv", "--job")  # the same
    assert [job.task.kind for job in ledger.jobs()] == ["embed", "import"]
    ended = kg("worker", "--until-idle", "--json").objects
    assert [job["state"] for job in ended] == ["done", "failed"]
    assert "is for KG_ENCODER_MODEL=local:minilm, and here is KG_ENCODER_MODEL=local:other" in ended[1]["error"]


def test_a_model_that_was_not_set_is_told_of_in_words(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    kg("harvest", "relation", *LONG["harvest relation"], "--job")
    monkeypatch.setenv("KG_CHAT_MODEL", "openai:gpt-nine")
    (ended,) = kg("worker", "--until-idle", "--json").objects
    assert ", no KG_CHAT_MODEL, and here is KG_SCORER_MODEL=" in ended["error"]


@pytest.mark.parametrize("command", ["export", "backup"])
def test_a_job_writes_over_no_file_that_came_meanwhile(kg: Kg, command: str) -> None:
    (file,) = LONG[command]
    kg(command, file, "--job")
    Path(file).write_text("mine")
    (ended,) = kg("worker", "--until-idle", "--json").objects
    assert ended["state"] == "failed" and "--force" in ended["error"]
    assert Path(file).read_text() == "mine"


def test_a_job_keeps_some_of_what_it_found(kg: Kg, does: Callable[[Function], None]) -> None:
    does(lambda doing: {**RESULT, "found": doing.first(map(str, range(1_000)))})
    kg("embed", "--job")
    (ended,) = kg("worker", "--until-idle", "--json").objects
    assert len(ended["result"]["found"]) == tasks.KEPT


def test_a_log_without_lines_says_so(kg: Kg) -> None:
    job = kg("embed", "--job", "--json").objects[0]["job"]
    assert kg("jobs", "log", job).out == "it has said nothing yet\n"


def test_a_dead_workers_job_can_be_tried_again_at_once(kg: Kg, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    job = kg("embed", "--job", "--json").objects[0]["job"]
    ledger.take(tasks.KINDS, 60)
    kg("jobs", "retry", job).refused(2, f"job {job} (embed) is running")
    monkeypatch.setattr("kgplatform.jobs.queue.dead", lambda _: True)
    monkeypatch.setattr("kgplatform.jobs.owner.dead", lambda _: True)
    assert f"interrupted: its process has ended; a worker takes it up, or  kg jobs retry {job}" in kg("jobs", "list").out
    assert kg("jobs", "retry", job, "--json").objects[0]["state"] == "queued"


def test_a_killed_command_is_told_as_interrupted_with_what_to_type(kg: Kg, ledger: Ledger) -> None:
    (queued,) = kg("import", "facts.tsv", "--job", "--json").objects
    task = ledger.job(queued["job"]).task
    ledger.cancel(queued["job"])
    code = f"from kgplatform.jobs import *; from pathlib import Path; Ledger(Path({str(ledger.path)!r})).take_up({task!r}, 60)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    (left, _) = kg("jobs", "list", "--json").objects
    assert (left["state"], left["interrupted"]) == ("running", True)
    assert (
        f"interrupted: its process has ended; the same command goes on where it was, or  kg jobs retry {left['job']}"
        in kg("jobs", "list").out
    )
    (again,) = kg("jobs", "retry", left["job"], "--json").objects
    assert (again["state"], again["interrupted"]) == ("queued", False)
