"""Jobs in the ledger, from the side of those who submit, look, cancel and hand out; each function is part of a transaction."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from kgplatform.errors import JobBusy
from kgplatform.jobs import naming, records
from kgplatform.jobs.owner import dead
from kgplatform.jobs.types import Cost, Job, LogLine, State, Step, StepState, Task, canonical
from kgplatform.lm.talk import Usage
from kgplatform.names import storable

ATTEMPTS = 3
"""How often workers may leave a job in the middle with no step more done, before it counts as the job's fault."""

WITHDRAWN = "the run was forgotten"
"""Stands as the reason at the jobs of such a run."""


def insert(rows: sqlite3.Connection, job: Job) -> Job:
    """Keep a new job; its id and, if it has none, its run are made here."""
    id = naming.new(rows, "jobs")
    job = dataclasses.replace(job, id=id, run=job.run or id)
    rows.execute(
        """INSERT INTO jobs (id, key, kind, arguments, graph, config, state, created, run, background, schedule, tick)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            *(id, job.task.key, job.task.kind, canonical(job.task.arguments), job.task.graph, job.task.config),
            *(job.state, job.created, storable(job.run), job.background, job.schedule, job.tick),
        ),
    )
    return job


def submit(rows: sqlite3.Connection, task: Task, now: int, run: str) -> Job:
    """As the ledger says."""
    if there := live(rows, task):
        return there
    if stopped := _stopped(rows, task):
        return _queued(rows, stopped)
    return insert(rows, Job("", task, "queued", now, run))


def find(rows: sqlite3.Connection, id: str) -> Job:
    return records.job(naming.found(rows, "jobs", id))


def of_run(rows: sqlite3.Connection, name: str) -> Job | None:
    row = rows.execute("SELECT * FROM jobs WHERE run = ? ORDER BY created DESC, rowid DESC LIMIT 1", (name,)).fetchone()
    return records.job(row) if row else None


def latest(rows: sqlite3.Connection, states: Collection[State], graph: str | None, kind: str | None, limit: int) -> list[Job]:
    wanted = """SELECT * FROM jobs WHERE (?1 = '[]' OR state IN (SELECT value FROM json_each(?1))) AND (?2 IS NULL OR graph = ?2)
        AND (?3 IS NULL OR kind = ?3) ORDER BY created DESC, rowid DESC LIMIT ?4"""
    return [records.job(row) for row in rows.execute(wanted, (json.dumps(list(states)), graph, kind, limit))]


def live(rows: sqlite3.Connection, task: Task) -> Job | None:
    """The job of that task that is queued or running; there is at most one."""
    row = rows.execute("SELECT * FROM jobs WHERE key = ? AND state IN ('queued', 'running')", (task.key,)).fetchone()
    return records.job(row) if row else None


def _stopped(rows: sqlite3.Connection, task: Task) -> Job | None:
    query = "SELECT * FROM jobs WHERE key = ? AND state = 'stopped' ORDER BY created DESC, rowid DESC LIMIT 1"
    row = rows.execute(query, (task.key,)).fetchone()
    return records.job(row) if row else None


def cancel(rows: sqlite3.Connection, job: Job, now: int) -> Job:
    """As the ledger says."""
    if job.finished:
        raise JobBusy(f"job {job.id} ({job.task.kind}) is {job.state} already")
    if job.state == "running" and not dead(job.owner):
        rows.execute("UPDATE jobs SET cancelling = 1 WHERE id = ?", (job.id,))
    else:
        finish(rows, job, "cancelled", "", now)
    return find(rows, job.id)


def finish(rows: sqlite3.Connection, job: Job, state: State, error: str, now: int) -> None:
    """End or stop a job that nobody holds; whoever thinks to hold it is shut out."""
    rows.execute(
        "UPDATE jobs SET state = ?, error = ?, ended = ?, fence = fence + 1, owner = '' WHERE id = ?",
        (state, records.plain(error), now, job.id),
    )


def of_run_all(rows: sqlite3.Connection, run: str, graph: str) -> list[Job]:
    return [records.job(row) for row in rows.execute("SELECT * FROM jobs WHERE run = ? AND graph = ?", (storable(run), graph))]


def withdraw(rows: sqlite3.Connection, job: Job, now: int) -> None:
    """Let a job have done nothing, since what it did was taken back. Raises ``JobBusy``."""
    if job.state == "running" and not dead(job.owner):
        raise JobBusy(f"job {job.id} ({job.task.kind}) of the run {job.run!r} is running:  kg jobs cancel {job.id}  first")
    rows.execute("DELETE FROM steps WHERE job = ?", (job.id,))
    rows.execute("UPDATE jobs SET result = '{}' WHERE id = ?", (job.id,))
    finish(rows, job, "cancelled", WITHDRAWN, now)


def retry(rows: sqlite3.Connection, job: Job, limits: Mapping[str, Any]) -> Job:
    """As the ledger says."""
    return _queued(rows, reopened(rows, job, limits))


def reopened(rows: sqlite3.Connection, job: Job, limits: Mapping[str, Any]) -> Job:
    """A job whose failed steps may be tried anew, or that goes on within new limits. Raises ``JobBusy``."""
    if job.state == "done" and not (limits or job.cut):
        raise JobBusy(f"job {job.id} ({job.task.kind}) is done: there is nothing to try again")
    if job.state == "running":
        raise JobBusy(f"job {job.id} ({job.task.kind}) is running: see  kg jobs show {job.id}")
    task = dataclasses.replace(job.task, arguments={**job.task.arguments, **limits})
    rival = live(rows, task)
    if rival and rival.id != job.id:
        raise JobBusy(f"job {rival.id} ({rival.task.kind}) does the same and is {rival.state}: see  kg jobs show {rival.id}")
    rows.execute("DELETE FROM steps WHERE job = ? AND state <> 'done'", (job.id,))
    rows.execute("UPDATE jobs SET attempts = 0, key = ?, arguments = ? WHERE id = ?", (task.key, canonical(task.arguments), job.id))
    return find(rows, job.id)


def _queued(rows: sqlite3.Connection, job: Job) -> Job:
    rows.execute(
        """UPDATE jobs SET state = 'queued', background = 1, attempts = 0, not_before = 0, ended = 0, cancelling = 0, error = ''
        WHERE id = ?""",
        (job.id,),
    )
    return find(rows, job.id)


# -- handing out ---------------------------------------------------------------------------------------


def anything(rows: sqlite3.Connection, now: int) -> bool:
    """Whether it is worth while to look for work: reading this keeps nobody waiting."""
    wanted = "SELECT 1 FROM jobs WHERE state = 'running' OR (state = 'queued' AND not_before <= ?) LIMIT 1"
    return rows.execute(wanted, (now,)).fetchone() is not None


def recover(rows: sqlite3.Connection, now: int) -> None:
    """Take every job out of the hands of those that are no more: their lease ran out, or their process ended."""
    for job in [records.job(row) for row in rows.execute("SELECT * FROM jobs WHERE state = 'running'")]:
        if job.lease_until <= now or dead(job.owner):
            _abandoned(rows, job, now)


def _abandoned(rows: sqlite3.Connection, job: Job, now: int) -> None:
    if job.cancelling:
        finish(rows, job, "cancelled", "", now)
    elif not job.background:
        why = f"the process that ran it ended in the middle: the same command goes on where it was, or  kg jobs retry {job.id}"
        finish(rows, job, "stopped", why, now)
    elif job.attempts >= ATTEMPTS:
        why = f"{job.attempts} times the process that ran it ended in the middle, no step further: see  kg jobs log {job.id}"
        finish(rows, job, "failed", why, now)
    else:
        finish(rows, job, "queued", "", 0)


def next_due(rows: sqlite3.Connection, kinds: Collection[str], now: int) -> Job | None:
    wanted = """SELECT * FROM jobs WHERE state = 'queued' AND not_before <= ? AND kind IN (SELECT value FROM json_each(?))
        ORDER BY created, rowid LIMIT 1"""
    row = rows.execute(wanted, (now, json.dumps(list(kinds)))).fetchone()
    return records.job(row) if row else None


def unfinished(rows: sqlite3.Connection, task: Task, now: int, run: str) -> Job:
    """The job of a task that can be gone on with, else a new one."""
    return live(rows, task) or _stopped(rows, task) or insert(rows, Job("", task, "stopped", now, run, background=False))


def lease(rows: sqlite3.Connection, job: Job, owner: str, now: int, seconds: float) -> Job:
    """Give a job that nobody holds to an owner."""
    rows.execute(
        """UPDATE jobs SET state = 'running', owner = ?, lease_until = ?, beat = ?, fence = fence + 1, attempts = attempts + 1,
        started = CASE started WHEN 0 THEN ? ELSE started END, ended = 0, since = 0, cancelling = 0, error = '' WHERE id = ?""",
        (owner, now + round(seconds * 1000), now, now, job.id),
    )
    return find(rows, job.id)


# -- what became of a job -----------------------------------------------------------------------------


def steps(rows: sqlite3.Connection, job: str, state: StepState | None, limit: int) -> list[Step]:
    wanted = "SELECT * FROM steps WHERE job = ?1 AND (?2 IS NULL OR state = ?2) ORDER BY time DESC, key LIMIT ?3"
    return [records.step(row) for row in rows.execute(wanted, (job, state, limit))]


def results(rows: sqlite3.Connection, job: str, part: str, but: Collection[str]) -> list[Step]:
    wanted = """SELECT * FROM steps WHERE job = ? AND state = 'done' AND instr(key, ?) > 0
        AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY time, key"""
    return [records.step(row) for row in rows.execute(wanted, (job, storable(part), json.dumps(list(but))))]


def times(rows: sqlite3.Connection, job: str, part: str) -> dict[str, int]:
    wanted = "SELECT key, time FROM steps WHERE job = ? AND state = 'done' AND instr(key, ?) > 0"
    return {row["key"]: row["time"] for row in rows.execute(wanted, (job, storable(part)))}


def done(rows: sqlite3.Connection, kind: str, graph: str) -> list[tuple[Mapping[str, Any], set[str]]]:
    wanted = """SELECT arguments, json_group_array(steps.key) AS keys FROM jobs JOIN steps ON steps.job = jobs.id AND steps.state = 'done'
        WHERE kind = ? AND graph = ? GROUP BY jobs.id"""
    return [(json.loads(row["arguments"]), set(json.loads(row["keys"]))) for row in rows.execute(wanted, (kind, graph))]


def counts(rows: sqlite3.Connection, job: str) -> dict[StepState, int]:
    return {
        row["state"]: row["many"] for row in rows.execute("SELECT state, count(*) AS many FROM steps WHERE job = ? GROUP BY state", (job,))
    }


def costs(rows: sqlite3.Connection, since: int) -> list[Cost]:
    """As the ledger says."""
    wanted = """SELECT kind, count(*), sum(calls), sum(prompt_tokens), sum(completion_tokens), sum(usd) AS spent FROM jobs
        WHERE beat >= ? GROUP BY kind ORDER BY spent DESC, sum(calls) DESC, kind"""
    return [Cost(kind, many, calls, Usage(*spent)) for kind, many, calls, *spent in rows.execute(wanted, (since,))]


def tail(rows: sqlite3.Connection, job: str, limit: int) -> list[LogLine]:
    wanted = "SELECT * FROM lines WHERE job = ? ORDER BY number DESC LIMIT ?"
    return [records.line(row) for row in rows.execute(wanted, (job, limit))][::-1]


def lines(rows: sqlite3.Connection, job: str, after: int, limit: int) -> list[LogLine]:
    wanted = "SELECT * FROM lines WHERE job = ? AND number > ? ORDER BY number LIMIT ?"
    return [records.line(row) for row in rows.execute(wanted, (job, after, limit))]
