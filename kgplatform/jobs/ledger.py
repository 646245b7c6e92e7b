"""The ledger: every job, its steps and its log, and the schedules, in one file of the data folder.

``Ledger`` is what people and schedules ask of it; ``take`` gives a worker a ``Lease``, through which alone it writes
(``kgplatform.jobs.lease``). Any number of processes may share it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from kgplatform.errors import JobBusy
from kgplatform.jobs import queue, records, schedules, workers
from kgplatform.jobs.file import LedgerFile
from kgplatform.jobs.lease import Lease
from kgplatform.jobs.owner import me, where
from kgplatform.jobs.types import Cost, Job, LogLine, Schedule, State, Step, StepState, Task, Tick, Worker

Clock = Callable[[], datetime]
"""Tells the time, with its zone."""


def now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Ledger:
    """``Ledger(settings.home / "jobs.sqlite")``. Every method may raise ``LedgerError``; those that take an id take its beginning too.

    An unknown id raises ``NotFound`` with the nearest, a beginning of several ``Ambiguous``.
    """

    def __init__(self, path: Path, clock: Clock = now) -> None:
        self._file = LedgerFile(path)
        self._clock = clock

    @property
    def path(self) -> Path:
        return self._file.path

    def time(self) -> int:
        """Now, in milliseconds, by the ledger's clock: for ``Job.rate`` and ``Job.eta``."""
        return records.milliseconds(self._clock())

    # jobs, as people see them

    def submit(self, task: Task, *, run: str = "") -> Job:
        """Queue a task for a worker; where one of the same key is queued or running already, that one.

        One that stopped in the foreground is taken up again where it was.
        """
        with self._file.writing() as rows:
            return queue.submit(rows, task, self.time(), run)

    def named(self, name: str) -> Job:
        """The latest job whose evidence bears this name as its run, else the one with that id. Raises ``NotFound`` or ``Ambiguous``."""
        with self._file.reading() as rows:
            return queue.of_run(rows, name) or queue.find(rows, name)

    def job(self, id: str) -> Job:
        with self._file.reading() as rows:
            return queue.find(rows, id)

    def jobs(self, states: Collection[State] = (), *, graph: str | None = None, kind: str | None = None, limit: int = 50) -> list[Job]:
        """The latest first; of all states, graphs and kinds unless some are named."""
        with self._file.reading() as rows:
            return queue.latest(rows, states, graph, kind, limit)

    def cancel(self, id: str) -> Job:
        """What waits is cancelled at once; what runs is asked to stop, and does so at its next step, progress or heartbeat.

        Raises ``JobBusy`` for one that is finished.
        """
        with self._file.writing() as rows:
            return queue.cancel(rows, queue.find(rows, id), self.time())

    def of_run(self, run: str, graph: str) -> list[Job]:
        """All jobs of a run on a graph."""
        with self._file.reading() as rows:
            return queue.of_run_all(rows, run, graph)

    def withdraw(self, run: str, graph: str) -> int:
        """Drop what the jobs of a run that is forgotten have done: taken up again they begin anew; how many. Raises ``JobBusy``."""
        with self._file.writing() as rows:
            jobs = queue.of_run_all(rows, run, graph)
            for job in jobs:
                queue.withdraw(rows, job, self.time())
            return len(jobs)

    def erase(self, source: str) -> None:
        """Drop the steps whose results hold the id of a source that is forgotten, and so may hold words of its text."""
        with self._file.writing() as rows:
            rows.execute("DELETE FROM steps WHERE instr(result, ?) > 0", (orjson.dumps(source).decode(),))

    def retry(self, id: str, limits: Mapping[str, Any] | None = None) -> Job:
        """Queue a failed, cancelled or stopped job again, for a worker: what is done stays done, only the rest is run.

        One that is queued is to be done at once. Raises ``JobBusy`` for one that is done or running, or when another one of the same
        task is queued or running. One that is done goes on where limits had ended it, or with new ``limits``, which are arguments.
        """
        with self._file.writing() as rows:
            queue.recover(rows, self.time())
            return queue.retry(rows, queue.find(rows, id), limits or {})

    def steps(self, id: str, state: StepState | None = None, *, limit: int = 100) -> list[Step]:
        """Steps of a job that have been tried, the latest first."""
        with self._file.reading() as rows:
            return queue.steps(rows, queue.find(rows, id).id, state, limit)

    def results(self, id: str, part: str = "", but: Collection[str] = ()) -> list[Step]:
        """All steps of a job that are done and whose key holds ``part``, but is none of ``but``, in the order in which they were done."""
        with self._file.reading() as rows:
            return queue.results(rows, queue.find(rows, id).id, part, but)

    def times(self, id: str, part: str) -> dict[str, int]:
        """Of the steps that ``results`` gives, when each was done."""
        with self._file.reading() as rows:
            return queue.times(rows, queue.find(rows, id).id, part)

    def done(self, kind: str, graph: str) -> list[tuple[Mapping[str, Any], set[str]]]:
        """Of every job of that kind on that graph its arguments, and the keys of the steps that it did."""
        with self._file.reading() as rows:
            return queue.done(rows, kind, graph)

    def counts(self, id: str) -> dict[StepState, int]:
        """How many of a job's steps are in each state."""
        with self._file.reading() as rows:
            return queue.counts(rows, queue.find(rows, id).id)

    def lines(self, id: str, *, after: int = 0, limit: int = 1_000) -> list[LogLine]:
        """The log from the line behind ``after`` on: to follow it, ask again with the last number."""
        with self._file.reading() as rows:
            return queue.lines(rows, queue.find(rows, id).id, after, limit)

    def tail(self, id: str, *, limit: int = 200) -> list[LogLine]:
        """The end of the log."""
        with self._file.reading() as rows:
            return queue.tail(rows, queue.find(rows, id).id, limit)

    def costs(self, since: int) -> list[Cost]:
        """What the jobs that were at work since then have cost, whole, by kind; the dearest first."""
        with self._file.reading() as rows:
            return queue.costs(rows, since)

    # schedules

    def schedule(self, task: Task, cron: str, zone: str) -> Schedule:
        """Let a task recur; the same one at the same times is kept once. Raises ``BadSchedule``."""
        with self._file.writing() as rows:
            return schedules.add(rows, task, cron, zone, self._clock())

    def schedules(self) -> list[Schedule]:
        """The one that comes next first; paused ones last."""
        with self._file.reading() as rows:
            return schedules.every(rows)

    def unschedule(self, id: str) -> Schedule:
        """Take a schedule away; jobs that it made stay."""
        with self._file.writing() as rows:
            return schedules.remove(rows, schedules.find(rows, id))

    def pause(self, id: str) -> Schedule:
        with self._file.writing() as rows:
            return schedules.pause(rows, schedules.find(rows, id))

    def resume(self, id: str) -> Schedule:
        """Let a paused schedule go on from its next tick; what it passed over is not caught up."""
        with self._file.writing() as rows:
            return schedules.resume(rows, schedules.find(rows, id), self._clock())

    def ticks(self, id: str, *, limit: int = 50) -> list[Tick]:
        """What came of a schedule's ticks, the latest first."""
        with self._file.reading() as rows:
            return schedules.ticks(rows, schedules.find(rows, id).id, limit)

    def fire(self) -> list[Tick]:
        """Make a job of every schedule whose tick has come: of the latest one, if several were missed.

        Whoever calls this first makes it; a tick is skipped while the same work is queued or running.
        """
        with self._file.reading() as rows:
            waiting = schedules.due(rows, self.time())
        if not waiting:
            return []
        with self._file.writing() as rows:
            return [schedules.fire(rows, schedule, self._clock()) for schedule in schedules.due(rows, self.time())]

    # workers

    def workers(self) -> list[Worker]:
        """Those that are there, the oldest first."""
        with self._file.reading() as rows:
            return workers.present(rows, self.time())

    @contextmanager
    def working(self) -> Iterator[Callable[[], None]]:
        """Be counted among the workers; call what is given now and then to be still."""
        last = 0

        def sign() -> None:
            nonlocal last
            if self.time() - last >= 1_000 * workers.SEEN:
                with self._file.writing() as rows:
                    workers.sign(rows, last := self.time())

        sign()
        try:
            yield sign
        finally:
            with self._file.writing() as rows:
                workers.leave(rows)

    def take(self, kinds: Collection[str], seconds: float) -> Lease | None:
        """A lease on the queued job that is due and has waited longest, of the kinds that this worker knows; ``None`` when there is none.

        First what workers left that are no more goes back to the queue, or fails at its third attempt.
        """
        with self._file.reading() as rows:
            if not queue.anything(rows, self.time()):
                return None
        with self._file.writing() as rows:
            queue.recover(rows, self.time())
            chosen = queue.next_due(rows, kinds, self.time())
            return self._lease(rows, chosen, seconds) if chosen else None

    def take_up(self, task: Task, seconds: float, *, run: str = "") -> Lease:
        """A lease for the foreground: on the unfinished job of that task where it stopped, else on a new one.

        Raises ``JobBusy`` when a living process has it.
        """
        with self._file.writing() as rows:
            queue.recover(rows, self.time())
            return self._lease(rows, queue.unfinished(rows, task, self.time(), run), seconds)

    def take_this(self, id: str, seconds: float, limits: Mapping[str, Any] | None = None) -> Lease:
        """A lease for the foreground on one job, by its id, as ``retry`` has it. Raises ``JobBusy``."""
        with self._file.writing() as rows:
            queue.recover(rows, self.time())
            return self._lease(rows, queue.reopened(rows, queue.find(rows, id), limits or {}), seconds)

    def _lease(self, rows: sqlite3.Connection, job: Job, seconds: float) -> Lease:
        if job.state == "running":
            raise JobBusy(f"job {job.id} ({job.task.kind}) is running in {where(job.owner)}: see  kg jobs show {job.id}")
        leased = queue.lease(rows, job, me(), self.time(), seconds)
        return Lease(self._file, self.time, leased, seconds)
