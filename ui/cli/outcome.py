"""What became of a job, told to the person who asked for it, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from kgplatform.errors import BadRequest, KgError, NotFound
from ui.jobs import interrupted, when

if TYPE_CHECKING:
    from kgplatform.jobs import Job, Ledger, Schedule
    from ui.cli.screen import Screen


class WasCancelled(KgError):
    """Somebody cancelled the job that this command waited for."""

    exit_code = 130


def submitted(screen: Screen, job: Job) -> None:
    """A job was left to a worker."""
    screen.emit(shape(job))
    screen.say(f"job {job.id} ({job.task.kind}) is {job.state}:  kg worker  does it,  kg jobs show {job.id}  says how far it is")


def scheduled(screen: Screen, schedule: Schedule) -> None:
    """A command will be done again and again."""
    screen.emit(schedule_shape(schedule))
    screen.say(f"schedule {schedule.id}: {schedule.task.kind}, next at {when(schedule.next)}, done by  kg worker")


def conclude(screen: Screen, job: Job, show: Callable[[Mapping[str, Any]], None]) -> None:
    """A job was done in the foreground: show what it came to, and leave with an exit code unless it went well."""
    if job.state == "cancelled":
        raise WasCancelled(f"job {job.id} was cancelled; what it had done stays")
    if job.result:
        show(job.result)
    if job.cut:
        screen.note(f"kg: a limit ended job {job.id}; with more time or budget  kg {job.task.kind} --resume {job.id}  goes on")
    if job.state != "done":
        screen.note(f"kg: job {job.id} {job.state}: {job.error}")
        raise typer.Exit(1)


def named(ledger: Ledger, name: str, kind: str) -> Job:
    """The job of that run or id. Raises ``NotFound``, or ``BadRequest`` for one of another kind."""
    try:
        found = ledger.named(name)
    except NotFound:
        raise NotFound(f"no job has the id or the run {name[:80]!r}: see  kg jobs list") from None
    if found.task.kind != kind:
        raise BadRequest(f"job {found.id} is of the kind {found.task.kind!r}: go on with it by  kg {found.task.kind} --resume {found.id}")
    return found


def shape(job: Job) -> dict[str, Any]:
    """A job as JSON readers get it; times are milliseconds since the epoch. ``interrupted``: it runs, by a process that has ended."""
    task, progress = job.task, job.progress
    return {
        "job": job.id,
        "kind": task.kind,
        "arguments": dict(task.arguments),
        "graph": task.graph,
        "run": job.run,
        "state": job.state,
        "interrupted": interrupted(job),
        "error": job.error,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "attempts": job.attempts,
        "stage": progress.stage,
        "done": progress.done,
        "total": progress.total,
        "calls": job.calls,
        "tokens": job.usage.tokens,
        "usd": job.usage.usd,
        "schedule": job.schedule,
        "result": dict(job.result),
    }


def schedule_shape(schedule: Schedule) -> dict[str, Any]:
    """A schedule as JSON readers get it."""
    task = schedule.task
    times = {"cron": schedule.cron, "zone": schedule.zone, "next": schedule.next, "paused": schedule.paused}
    return {"schedule": schedule.id, **times, "kind": task.kind, "arguments": dict(task.arguments), "graph": task.graph}
