"""Jobs among real processes: killed at any moment they end exact, and no two run one job or one tick."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kgplatform.errors import JobBusy
from kgplatform.jobs import Ledger, Runner, Task
from tests.integration.labour import TASK, begin, effects

ROOT = Path(__file__).parents[2]
STEPS = TASK.arguments["steps"]


def process(home: Path, *how: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.labour", str(home), *how]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)


def kill_at_random(home: Path, how: str, chosen: random.Random, steps: int) -> None:
    """Start it, and kill it some steps later, at any moment of the next one."""
    child = process(home, how)
    assert child.stdout
    for _ in range(chosen.randrange(steps)):
        child.stdout.readline()
    time.sleep(chosen.random() * 0.004)
    child.kill()
    child.communicate()


def killed(home: Path, how: str, kills: int, seed: int) -> None:
    """Kill so many times, then let it end: all is there, each once, and no step that was marked was run again."""
    told, chosen, ledger = f"seed {seed}, {how}", random.Random(seed), Ledger(home / "jobs.sqlite")
    begin(home)
    if how == "worker":
        ledger.submit(TASK)
    for _ in range(kills):
        kill_at_random(home, how, chosen, 2 * STEPS // (3 * kills) + 2)
    last = process(home, how)
    last.communicate()
    assert last.returncode == 0, told
    (job,) = ledger.jobs()
    assert (job.state, job.result, job.error) == ("done", {"texts": STEPS}, ""), told
    assert ledger.counts(job.id) == {"done": STEPS}, told
    with closing(effects(home)) as rows:
        made = dict(rows.execute("SELECT key, text FROM made").fetchall())
        called = rows.execute("SELECT count(*) FROM called").fetchone()[0]
    assert made == {f"step {n}": f"text of step {n}" for n in range(STEPS)}, told
    assert STEPS <= called <= STEPS + kills, told


@pytest.mark.parametrize("how", ["worker", "foreground"])
def test_a_job_that_is_killed_goes_on_and_ends_exact(tmp_path: Path, how: str) -> None:
    killed(tmp_path, how, 5, random.randrange(1 << 30))


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", ["worker", "foreground"])
@pytest.mark.parametrize("seed", range(4))
def test_a_job_that_is_killed_fifty_times_goes_on_and_ends_exact(tmp_path: Path, how: str, seed: int) -> None:
    killed(tmp_path, how, 50, seed)


def test_a_kill_between_effect_and_mark_repeats_the_effect_alone(tmp_path: Path) -> None:
    """The worst moment, always hit: the process ends in the effect, when it has happened."""
    ledger = Ledger(tmp_path / "jobs.sqlite")
    id = ledger.submit(Task("write")).id
    for _ in range(2):
        if child := os.fork():
            os.waitpid(child, 0)
            continue
        try:
            kill = {
                "write": lambda work, _: [
                    work.step("a", lambda: _write(tmp_path, "a", 0)),
                    work.step("b", lambda: _write(tmp_path, "b", 1)),
                ]
            }
            Runner(ledger, kill).work(until_idle=True)  # type: ignore[arg-type]
        finally:
            os._exit(9)
    assert (tmp_path / "called").read_text() == "abb"
    assert [step.key for step in ledger.steps(id)] == ["a"]


def _write(home: Path, key: str, ends: int) -> None:
    with (home / "called").open("a") as file:
        file.write(key)
    if ends:
        os._exit(1)


def test_what_is_alive_in_another_process_is_not_run_beside_it(tmp_path: Path) -> None:
    begin(tmp_path)
    child = process(tmp_path, "foreground")
    assert child.stdout
    try:
        while not child.stdout.readline().startswith("step"):
            pass
        with pytest.raises(JobBusy, match=f"running in process {child.pid} on"):
            Runner(Ledger(tmp_path / "jobs.sqlite"), {"write": lambda work, _: {}}).now(TASK)
    finally:
        child.kill()
        child.communicate()


@pytest.mark.parametrize("workers", [3])
def test_workers_together_run_every_job_and_every_tick_once(tmp_path: Path, workers: int) -> None:
    first = int(datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp() * 1000)
    until = first + 3 * 3_600_000
    ledger = Ledger(tmp_path / "jobs.sqlite", lambda: datetime.fromtimestamp(first / 1000, UTC))
    jobs = {ledger.submit(Task("note", {"n": n})).id for n in range(20)}
    schedules = {ledger.schedule(Task("note", {"every": n}), f"*/{n} * * * *", "Europe/Berlin").id for n in (5, 7)}
    begin(tmp_path, first)
    children = [process(tmp_path, "together", str(until)) for _ in range(workers)]
    try:
        assert [child.wait(300) for child in children] == [0] * workers
    finally:
        for child in children:
            child.kill()
            child.communicate()
    ticks = {schedule: ledger.ticks(schedule, limit=9_999) for schedule in schedules}
    made = {tick.job for found in ticks.values() for tick in found if tick.job}
    assert len(made) == sum(bool(tick.job) for found in ticks.values() for tick in found)
    assert {job.id for job in ledger.jobs(limit=9_999)} == jobs | made
    assert {job.state for job in ledger.jobs(limit=9_999)} == {"done"}
    with closing(effects(tmp_path)) as rows:
        ran = rows.execute("SELECT job, what, moment FROM ran ORDER BY moment").fetchall()
    assert sorted(job for job, what, _ in ran if what == "begins") == sorted(jobs | made)
    for found in ticks.values():
        told = [what for job, what, _ in ran if job in {tick.job for tick in found}]
        assert told == ["begins", "ends"] * (len(told) // 2)
        assert len(told) > 10
