"""Schedules in the ledger; each function is part of a transaction. A row of a schedule and a tick decides who makes the job."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from kgplatform.jobs import cron, naming, queue, records
from kgplatform.jobs.types import Job, Schedule, Task, Tick, canonical


def add(rows: sqlite3.Connection, task: Task, line: str, zone: str, now: datetime) -> Schedule:
    """As the ledger says."""
    line, next = " ".join(line.split()), records.milliseconds(cron.following(line, zone, now))
    there = [one for one in every(rows) if (one.cron, one.zone, one.task.key) == (line, zone, task.key)]
    if there:
        return there[0]
    made = Schedule(naming.new(rows, "schedules"), line, zone, task, records.milliseconds(now), next=next)
    rows.execute(
        "INSERT INTO schedules (id, cron, zone, kind, arguments, graph, config, created, next) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (made.id, line, zone, task.kind, canonical(task.arguments), task.graph, task.config, made.created, next),
    )
    return made


def find(rows: sqlite3.Connection, id: str) -> Schedule:
    return records.schedule(naming.found(rows, "schedules", id))


def every(rows: sqlite3.Connection) -> list[Schedule]:
    return [records.schedule(row) for row in rows.execute("SELECT * FROM schedules ORDER BY paused, next, id")]


def remove(rows: sqlite3.Connection, schedule: Schedule) -> Schedule:
    rows.execute("DELETE FROM ticks WHERE schedule = ?", (schedule.id,))
    rows.execute("DELETE FROM schedules WHERE id = ?", (schedule.id,))
    return schedule


def pause(rows: sqlite3.Connection, schedule: Schedule) -> Schedule:
    rows.execute("UPDATE schedules SET paused = 1 WHERE id = ?", (schedule.id,))
    return find(rows, schedule.id)


def resume(rows: sqlite3.Connection, schedule: Schedule, now: datetime) -> Schedule:
    """As the ledger says; one that is not paused stays as it is."""
    if schedule.paused:
        next = records.milliseconds(cron.following(schedule.cron, schedule.zone, now))
        rows.execute("UPDATE schedules SET paused = 0, next = ? WHERE id = ?", (next, schedule.id))
    return find(rows, schedule.id)


def ticks(rows: sqlite3.Connection, schedule: str, limit: int) -> list[Tick]:
    wanted = "SELECT * FROM ticks WHERE schedule = ? ORDER BY tick DESC LIMIT ?"
    return [records.tick(row) for row in rows.execute(wanted, (schedule, limit))]


def due(rows: sqlite3.Connection, now: int) -> list[Schedule]:
    return [
        records.schedule(row) for row in rows.execute("SELECT * FROM schedules WHERE NOT paused AND next <= ? ORDER BY next, id", (now,))
    ]


def fire(rows: sqlite3.Connection, schedule: Schedule, now: datetime) -> Tick:
    """Make the job of a schedule's latest tick, unless the same work is not finished yet, and look ahead to its next."""
    tick = cron.latest(schedule.cron, schedule.zone, records.moment(schedule.next - 1), now) or records.moment(schedule.next)
    at = records.milliseconds(tick)
    busy = _unfinished(rows, schedule)
    if busy:
        done = Tick(schedule.id, at, why=f"job {busy} was not finished")
    else:
        job = queue.insert(rows, Job("", schedule.task, "queued", records.milliseconds(now), schedule=schedule.id, tick=at))
        done = Tick(schedule.id, at, job=job.id)
    rows.execute("INSERT INTO ticks (schedule, tick, job, why) VALUES (?, ?, ?, ?)", (done.schedule, done.tick, done.job, done.why))
    next = records.milliseconds(cron.following(schedule.cron, schedule.zone, now))
    rows.execute("UPDATE schedules SET next = ? WHERE id = ?", (next, schedule.id))
    return done


def _unfinished(rows: sqlite3.Connection, schedule: Schedule) -> str:
    """The id of a job of this schedule, or of the same task, that is queued or running."""
    wanted = "SELECT id FROM jobs WHERE state IN ('queued', 'running') AND (schedule = ? OR key = ?) LIMIT 1"
    row = rows.execute(wanted, (schedule.id, schedule.task.key)).fetchone()
    return str(row["id"]) if row else ""
