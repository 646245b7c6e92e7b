"""How jobs and schedules are told: in words, in numbers, escaped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kgplatform.jobs import Job, LogLine, Schedule, Step, Task, Tick
from kgplatform.jobs.types import Cost, Progress
from kgplatform.lm.talk import Usage
from tests.ui import world
from ui import job_view
from ui import jobs as words

TASK = Task("harvest documents", {"paths": ["/my texts", "/b"], "cards": [], "again": True, "dry_run": False}, "kg")
START = round(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3_600, "1 h"), (7_500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_a_length_of_time_in_words(seconds: float, told: str) -> None:
    assert words.span(seconds) == told


def test_a_task_reads_like_its_command() -> None:
    assert words.what(TASK) == "harvest documents '/my texts' /b --again"


@pytest.mark.parametrize(
    ("done", "seconds", "told"),
    [(30, 10, "reading 30 of 90, 3.0/s, 20 s left"), (1, 100, "reading 1 of 90, 0.6/min, 2 h 28 min left"), (0, 10, "reading 0 of 90")],
)
def test_how_far_a_job_is(done: int, seconds: int, told: str) -> None:
    job = Job("1", TASK, "running", START, progress=Progress(done, 90, 0, START, "reading"))
    assert words.far(job, START + 1_000 * seconds) == told


def test_a_job_without_an_end_in_sight_tells_what_it_does() -> None:
    assert words.far(Job("1", TASK, "running", START, progress=Progress(stage="reading")), START) == "reading"


def test_what_a_job_came_to_adds_up_its_parts() -> None:
    files = [{"file": "a", "new": 1_000, "left_out": 1}, {"file": "b", "new": 500, "left_out": 2}]
    result = {"files": files, "left_out": 7, "dry_run": False, "auc": 0.5, "found": ["a"]}
    assert words.numbers(result) == "new 1,500, left out 7"


def test_nothing_of_a_job_is_markup() -> None:
    hostile, progress = world.HOSTILE, Progress(1, 3, 0, START, world.HOSTILE)
    task = Task(hostile, {hostile: [hostile], "file": hostile}, hostile)
    failed = Job("1", task, "failed", START, error=hostile, result={hostile: 3}, run=hostile, schedule=hostile, progress=progress)
    running = Job("2", task, "running", START, started=START, progress=progress)
    schedule = Schedule("3", "0 3 * * *", "UTC", task, START, next=START)
    html = "".join(
        [
            *(job_view.line(job, START) + job_view.heading(job, START) + job_view.details(job, {}, START) for job in (failed, running)),
            job_view.failed([Step("1", hostile, "dead", error=hostile)]),
            job_view.log([LogLine(1, START, hostile, hostile)]),
            job_view.schedule(schedule, Tick("3", START, "1"), failed, START),
            job_view.schedule(schedule, Tick("3", START, why=hostile), None, START),
            job_view.costs([Cost(hostile, 1, 1, Usage())]),
        ]
    )
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") > 20


@pytest.mark.parametrize(
    ("next", "told"),
    [
        (datetime(2026, 3, 28, 2, tzinfo=UTC), "next Sat 2026-03-28 03:00, Sun 2026-03-29 03:00, Mon 2026-03-30 03:00"),
        (datetime(2026, 3, 1, 2, tzinfo=UTC), "due since Sun 2026-03-01 03:00, Mon 2026-03-02 03:00, Tue 2026-03-03 03:00"),
    ],
)
def test_a_schedule_tells_its_next_ticks_in_its_own_zone(next: datetime, told: str) -> None:
    one = Schedule("3", "0 3 * * *", "Europe/Berlin", TASK, START, next=round(next.timestamp() * 1000))
    assert f"<code>0 3 * * *</code> Europe/Berlin: {told}<" in job_view.schedule(one, None, None, START)


def test_a_schedule_tells_what_came_of_its_last_tick() -> None:
    one = Schedule("3", "0 3 * * *", "UTC", TASK, START, paused=True, next=START)
    job = Job("1", TASK, "failed", START, error="the disk is full")
    assert "failed, the disk is full" in job_view.schedule(one, Tick("3", START, "1"), job, START)
    assert "left out, job 9 was not finished" in job_view.schedule(one, Tick("3", START, why="job 9 was not finished"), None, START)
    assert "it has not come yet" in job_view.schedule(one, None, None, START)


def test_costs_of_several_kinds_have_a_sum() -> None:
    html = job_view.costs([Cost("complete", 2, 0, Usage()), Cost("embed", 1, 5, Usage(1_000, 10, 0.25))])
    assert "<tr><th>all</th><td>3</td><td>5</td><td>1,000</td><td>10</td><td>$0.25</td></tr>" in html
    assert "<th>all<" not in job_view.costs([Cost("embed", 1, 5, Usage())])


def test_what_a_harvest_changed_is_told_with_the_first_examples() -> None:
    changed = {"new": {"count": 2, "examples": ["<b>Ann</b> | born in | Ulm"]}, "withdrawn": {"count": 0, "examples": []}, "looked": 2}
    job = Job("a1", Task("harvest documents"), "done", 1, result={"changed": changed})
    told = job_view.details(job, {}, 2)
    assert "<h4>What it changed</h4><div>new: 2</div><div>  &lt;b&gt;Ann&lt;/b&gt; | born in | Ulm</div>" in told
    assert "withdrawn" not in told and "looked" not in told
