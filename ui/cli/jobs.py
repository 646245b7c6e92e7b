"""``kg worker`` and ``kg jobs``: long work in the background, by hand or by the clock."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from kgplatform.errors import BadRequest
from ui import jobs as words
from ui import tasks
from ui.cli import outcome
from ui.cli.command import Recurrence, Run, add, group
from ui.jobs import when

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kgplatform.jobs import Job, Runner, Schedule

app = group("Jobs: long work in the background, by hand or by the clock.")
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job, or its beginning.")]
ScheduleId = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The id of a schedule, or its beginning.")]
_FOLLOW = 1.0
"""Seconds between two looks at a log."""


def register(root: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(root, "worker", example="kg worker\nkg worker --until-idle", creates=True)(worker)
    root.add_typer(app, name="jobs")


def worker(
    run: Run,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to do.")] = False,
    healthy: Annotated[bool, typer.Option("--healthy", help="Only say, by the exit code, whether a worker runs here.")] = False,
) -> None:
    """Do the jobs that were left to it and those whose time has come, until Ctrl-C.

    A job that is cut off goes on where it was, with this worker or another; any number of them may run.
    """
    if healthy:
        there = run.ledger.workers()
        run.screen.emit({"workers": len(there)})
        run.screen.say(f"{len(there)} worker(s) at work")
        raise typer.Exit(0 if there else 1)
    runner = run.runner()
    run.screen.note(f"working on the jobs of {run.ledger.path}; Ctrl-C ends it after the step at hand")
    with _ended_by_signals(runner):
        many = runner.work(until_idle=until_idle, told=lambda job: _told(run, job))
    run.screen.note(f"jobs done: {many:,}")


@contextmanager
def _ended_by_signals(runner: Runner) -> Iterator[None]:
    """Ctrl-C, and how service managers end a process, let the worker put back the job at hand."""

    def stop(*_: object) -> None:
        threading.Thread(target=runner.stop).start()  # a signal may come while this one holds a lock of the runner's

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(run: Run, job: Job) -> None:
    run.screen.emit(outcome.shape(job))
    run.screen.say(f"{when(run.ledger.time())}  {job.id}  {words.what(job.task)}: {words.state(job)}")


@add(app, "list", example="kg jobs list\nkg jobs list --state failed --json")
def list_(
    run: Run,
    state: Annotated[list[str] | None, typer.Option(metavar="STATE", help="Only jobs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most jobs to show, the latest first.")] = 20,
) -> None:
    """List the latest jobs with what became of them, and the schedules."""
    from kgplatform.jobs.types import State

    for one in state or []:
        if one not in get_args(State):
            raise BadRequest(f"--state: {one!r} is not one of {', '.join(get_args(State))}")
    jobs = run.ledger.jobs(state or (), limit=limit)  # type: ignore[arg-type]
    schedules = [] if state else run.ledger.schedules()
    for job in jobs:
        run.screen.emit(outcome.shape(job))
    for schedule in schedules:
        run.screen.emit(outcome.schedule_shape(schedule))
    if not jobs and not schedules:
        run.screen.say("no jobs yet: give a long command  --job,  or see  kg jobs schedule --help")
    if jobs:
        run.screen.table(("job", "what", "graph", "state", "how far", "cost", "began"), (_row(run, job) for job in jobs))
    if schedules:
        run.screen.table(("schedule", "what", "graph", "when", "next"), map(_schedule_row, schedules))
    if any(job.state == "queued" for job in jobs) and not run.ledger.workers():
        run.screen.note(f"kg: {words.NO_WORKER}")


def _row(run: Run, job: Job) -> Sequence[str]:
    far, cost = words.far(job, run.ledger.time()), words.cost(job.calls, job.usage)
    return job.id, words.what(job.task), job.task.graph, words.state(job), far, cost, when(job.started or job.created)


def _schedule_row(schedule: Schedule) -> Sequence[str]:
    what = words.what(schedule.task)
    return schedule.id, what, schedule.task.graph, f"{schedule.cron} {schedule.zone}", "paused" if schedule.paused else when(schedule.next)


@add(app, "show", example="kg jobs show 3f2a")
def show(run: Run, job: JobId) -> None:
    """Say all about one job: how far it is, what it cost, which steps failed and why, and what it came to."""
    found = run.ledger.job(job)
    counts, bad = run.ledger.counts(found.id), [*run.ledger.steps(found.id, "dead"), *run.ledger.steps(found.id, "failed")]
    steps = [{"step": one.key, "state": one.state, "attempts": one.attempts, "error": one.error} for one in bad]
    run.screen.emit({**outcome.shape(found), "steps": counts, "failed_steps": steps})
    lines = {
        "job": found.id,
        "what": words.what(found.task),
        "graph": found.task.graph,
        "state": words.state(found),
        "how far": words.far(found, run.ledger.time()),
        "steps": ", ".join(f"{many:,} {state}" for state, many in counts.items()),
        "cost": words.cost(found.calls, found.usage),
        "began": when(found.started),
        "ended": when(found.ended),
        "run": found.run,
        "result": words.numbers(found.result),
    }
    for name, value in lines.items():
        if value:
            run.screen.say(f"{name}: {value}")
    for line in words.changes(found.result.get("changed", {})):
        run.screen.say(line)
    for one in bad:
        run.screen.say(f"  {one.state}: {one.key}: {one.error}")


@add(app, "log", example="kg jobs log 3f2a --follow")
def log(
    run: Run,
    job: JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
) -> None:
    """Print what a job has said."""
    last = 0
    while True:
        found = run.ledger.job(job)
        for line in (lines := run.ledger.lines(found.id, after=last)):
            run.screen.emit({"time": line.time, "level": line.level, "text": line.text})
            run.screen.say(f"{when(line.time)}  {line.level}  {line.text}")
            last = line.number
        if not (lines or last or follow):
            run.screen.say("it has said nothing yet")
        if not lines and not (follow and found.state in ("queued", "running")):
            return
        if not lines:
            time.sleep(_FOLLOW)


@add(app, "cancel", example="kg jobs cancel 3f2a")
def cancel(run: Run, job: JobId) -> None:
    """Stop a job at its next step; what it has done stays."""
    done = run.ledger.cancel(job)
    run.screen.emit(outcome.shape(done))
    run.screen.say(f"job {done.id} is cancelled" if done.state == "cancelled" else f"job {done.id} was asked to stop")


@add(app, "retry", example="kg jobs retry 3f2a")
def retry(run: Run, job: JobId) -> None:
    """Let a worker do again what failed, was cancelled or broke off in a job; what is done stays done."""
    outcome.submitted(run.screen, run.ledger.retry(job))


@add(app, "unschedule", example="kg jobs unschedule 9b1c")
def unschedule(run: Run, schedule: ScheduleId) -> None:
    """Take a schedule away; the jobs that it made stay."""
    _changed(run, run.ledger.unschedule(schedule), "is gone")


@add(app, "pause", example="kg jobs pause 9b1c")
def pause(run: Run, schedule: ScheduleId) -> None:
    """Let a schedule rest; its ticks pass unused."""
    _changed(run, run.ledger.pause(schedule), "is paused")


@add(app, "resume", example="kg jobs resume 9b1c")
def resume(run: Run, schedule: ScheduleId) -> None:
    """Let a paused schedule go on from its next tick."""
    done = run.ledger.resume(schedule)
    _changed(run, done, f"goes on at {when(done.next)}")


def _changed(run: Run, schedule: Schedule, what: str) -> None:
    run.screen.emit(outcome.schedule_shape(schedule))
    run.screen.say(f"schedule {schedule.id} ({words.what(schedule.task)}) {what}")


@add(
    app,
    "schedule",
    example="kg jobs schedule '0 3 * * *' harvest documents texts/\nkg jobs schedule --zone UTC '30 4 * * 1' backup w.kgbackup --force",
    rest=True,
)
def schedule(
    run: Run,
    cron: Annotated[str, typer.Argument(metavar="CRON", help="Minute, hour, day, month and weekday, as cron has them.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="The command, as it would stand behind  kg.")],
    zone: Annotated[str, typer.Option(metavar="NAME", help="A time zone like Europe/Berlin; without: this machine's.")] = "",
) -> None:
    """Do a command again and again: a worker does it whenever its time has come.

    Options of this command stand before CRON. A tick is left out while the one before is still at work; of ticks that no worker was
    there for, the latest is caught up.
    """
    from ui.cli.main import main_with

    _schedulable(command)
    main_with(command, run, Recurrence(cron, zone or run.zone))


def _schedulable(command: list[str]) -> None:
    """Raises ``BadRequest``, with the nearest, for what is no command that can be a job."""
    import difflib

    if command[0].startswith("-"):
        raise BadRequest(f"{command[0]} is an option: it stands before the cron line,  kg jobs schedule {command[0]} … '0 3 * * *' COMMAND")
    plain = [word for word in command if not word.startswith("-")]
    if not any(plain[: len(kind.split())] == kind.split() for kind in tasks.KINDS):
        named = " ".join(plain[:2])
        near = difflib.get_close_matches(named, tasks.KINDS, n=1) or difflib.get_close_matches(" ".join(plain[:1]), tasks.KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(tasks.KINDS)}"
        raise BadRequest(f"{named!r} is no command that can recur: {hint}")
