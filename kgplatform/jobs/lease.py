"""A job in a worker's hands. Every write says which lease it is made under, and is refused once another one has been given."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from kgplatform.errors import LeaseLost
from kgplatform.jobs import queue, records
from kgplatform.jobs.file import LedgerFile
from kgplatform.jobs.types import Job, Progress, State, Step, StepState
from kgplatform.lm.talk import Usage

LINES = 10_000
"""Log lines of a job that are kept, the latest."""
_DROPPED = 500
"""Lines that are dropped at a time."""


class Lease:
    """The right to write of one job. Any thread may use it; every method raises ``LeaseLost`` when it has gone to another.

    ``job`` is as it was when the lease was given. One that ran out is good until it is given to another.
    """

    def __init__(self, file: LedgerFile, time: Callable[[], int], job: Job, seconds: float) -> None:
        self.job, self.seconds = job, seconds
        self._file, self._time = file, time

    def kept_open(self) -> AbstractContextManager[None]:
        """Quicker writing inside."""
        return self._file.kept_open()

    def now(self) -> int:
        """The ledger's clock, in milliseconds."""
        return self._time()

    def step(self, key: str) -> Step | None:
        """What became of a step, if it was tried."""
        with self._file.reading() as rows:
            self._check(rows)
            row = rows.execute("SELECT * FROM steps WHERE job = ? AND key = ?", (self.job.id, key)).fetchone()
        return records.step(row) if row else None

    def earlier(self, key: str) -> Mapping[str, Any] | None:
        """What a step gave in the latest other job of this kind on this graph that did it."""
        wanted = """SELECT steps.result FROM jobs JOIN steps ON steps.job = jobs.id AND steps.key = ? AND steps.state = 'done'
            WHERE jobs.kind = ? AND jobs.graph = ? AND jobs.id <> ? ORDER BY steps.time DESC LIMIT 1"""
        task = self.job.task
        with self._file.reading() as rows:
            row = rows.execute(wanted, (key, task.kind, task.graph, self.job.id)).fetchone()
        return records.unpacked(row["result"]) if row else None

    def write(self, *, step: Step | None = None, progress: Progress | None = None, usage: Usage | None = None, calls: int = 0) -> bool:
        """Keep all of this at once, and the lease for its whole time again; says whether the job is asked to stop."""
        spent = usage or Usage()
        with self._file.writing() as rows:
            now = self._time()
            self._change(rows, "beat = ?, lease_until = ?", now, now + round(self.seconds * 1000))
            if spent.tokens or spent.usd or calls:
                sums = "prompt_tokens = prompt_tokens + ?, completion_tokens = completion_tokens + ?, usd = usd + ?, calls = calls + ?"
                self._change(rows, sums, spent.prompt, spent.completion, spent.usd, calls)
            if progress:
                values = (progress.done, progress.total, progress.base, progress.since, records.plain(progress.stage, 200))
                self._change(rows, "done = ?, total = ?, base = ?, since = ?, stage = ?", *values)
            if step:
                self._mark(rows, step, now)
            asked = rows.execute("SELECT cancelling FROM jobs WHERE id = ?", (self.job.id,)).fetchone()
            return bool(asked["cancelling"])

    def log(self, text: str, level: str) -> None:
        """Add a line; the oldest go when there are too many."""
        with self._file.writing() as rows:
            self._check(rows)
            last = rows.execute("SELECT max(number) FROM lines WHERE job = ?", (self.job.id,)).fetchone()[0] or 0
            values = (self.job.id, last + 1, self._time(), level, records.plain(text))
            rows.execute("INSERT INTO lines (job, number, time, level, text) VALUES (?, ?, ?, ?, ?)", values)
            if last % _DROPPED == 0:
                rows.execute("DELETE FROM lines WHERE job = ? AND number <= ?", (self.job.id, last + 1 - LINES))

    def inputs(self, hash: str) -> bool:
        """Keep what the job reads, as a hash; where it was another before, forget all steps and say so."""
        with self._file.writing() as rows:
            before = self._check(rows)["inputs"]
            self._change(rows, "inputs = ?", hash)
            if changed := before not in ("", hash):
                rows.execute("DELETE FROM steps WHERE job = ?", (self.job.id,))
            return changed

    def counts(self) -> dict[StepState, int]:
        """How many steps are in each state."""
        with self._file.reading() as rows:
            self._check(rows)
            return queue.counts(rows, self.job.id)

    def end(self, state: State, error: str = "", result: Mapping[str, Any] | None = None) -> None:
        """Give the lease up for good or until the job is taken up again."""
        kept = "{}" if result is None else records.packed(result)
        with self._file.writing() as rows:
            change = "state = ?, error = ?, result = ?, ended = ?, owner = '', cancelling = 0"
            self._change(rows, change, state, records.plain(error), kept, self._time())

    def give_back(self, error: str = "", *, after: float = 0.0, counts: bool = True) -> None:
        """Put the job back into the queue, not to be taken before ``after`` seconds; whether this attempt counts."""
        with self._file.writing() as rows:
            change = "state = 'queued', error = ?, not_before = ?, owner = '', attempts = max(0, attempts - ?)"
            self._change(rows, change, records.plain(error), self._time() + round(after * 1000), int(not counts))

    def _mark(self, rows: sqlite3.Connection, step: Step, now: int) -> None:
        if step.state == "done":
            self._change(rows, "attempts = 0")
        values = (self.job.id, step.key, step.state, step.attempts, records.packed(step.result), records.plain(step.error), now)
        rows.execute(
            """INSERT INTO steps (job, key, state, attempts, result, error, time, fence) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET state = excluded.state, attempts = steps.attempts + excluded.attempts, result = excluded.result,
            error = excluded.error, time = excluded.time, fence = excluded.fence""",
            (*values, self.job.fence),
        )

    def _change(self, rows: sqlite3.Connection, change: str, *values: object) -> None:
        held = f"UPDATE jobs SET {change} WHERE id = ? AND fence = ? AND state = 'running'"  # noqa: S608 - words of this file
        if rows.execute(held, (*values, self.job.id, self.job.fence)).rowcount != 1:
            self._lost()

    def _check(self, rows: sqlite3.Connection) -> sqlite3.Row:
        held = "SELECT * FROM jobs WHERE id = ? AND fence = ? AND state = 'running'"
        row: sqlite3.Row | None = rows.execute(held, (self.job.id, self.job.fence)).fetchone()
        return row if row is not None else self._lost()

    def _lost(self) -> sqlite3.Row:
        raise LeaseLost(f"job {self.job.id} ({self.job.task.kind}) has gone to another process: this one leaves it")
