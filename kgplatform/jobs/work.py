"""What the function of a kind of job is given: its steps, and everything it can tell of itself.

A step is marked done after its effect, under a key made from its content. A kill between the two lets the effect happen once more when
the job is taken up, so an effect is written to be harmless when repeated, as ``put`` is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from kgplatform.errors import (
    BadSetting,
    BudgetExceeded,
    Cancelled,
    Halt,
    KgError,
    LedgerError,
    MissingExtra,
    ModelBusy,
    ModelRefused,
    ModelUnreachable,
    StoreConflict,
    StoreRefused,
    StoreUnreachable,
    StoreUnsuitable,
    WeightsCorrupt,
    WeightsMissing,
)
from kgplatform.jobs.lease import Lease
from kgplatform.jobs.steps import Effect, Holds, Result, always
from kgplatform.jobs.types import Job, Progress, Step
from kgplatform.lm.talk import Usage
from kgplatform.names import storable
from kgplatform.store.ahead import ahead

if TYPE_CHECKING:
    from kgplatform.ports import Progress as Told

PASSING = (ModelUnreachable, ModelBusy, StoreUnreachable, StoreConflict)
"""Asking again later may help."""
HOPELESS = (
    *(BudgetExceeded, LedgerError, BadSetting, MissingExtra, ModelRefused, WeightsMissing, WeightsCorrupt),
    *(StoreRefused, StoreUnsuitable),
)
"""No other step would fare better: the job ends."""
PAUSES = (1.0, 5.0, 25.0)
"""Seconds between the tries of a step."""
LONGEST = 300.0
"""Seconds to wait for a model at most, whatever it asks for."""
OUTAGE = 3
"""So many steps in a row without an answer, and the job waits for better times."""
_SELDOM = 0.3
"""Seconds between two writes of progress."""


class Work:
    """One job while it is run. Threads of the job may share it.

    Every method ends the job with a ``Halt`` when a person cancelled it, its lease went to another, or the worker is to stop.
    """

    def __init__(self, lease: Lease, pauses: Sequence[float] = PAUSES) -> None:
        self._lease, self._pauses = lease, pauses
        self._lock = threading.Lock()
        self._usage, self._calls = Usage(), 0
        self._progress, self._written = lease.job.progress, 0.0
        self._unanswered = 0
        self._listener: Told | None = None
        self._halt: Halt | None = None
        self._halted = threading.Event()

    @property
    def job(self) -> Job:
        """As it was when this attempt began."""
        return self._lease.job

    @property
    def run(self) -> str:
        """The name to keep with the evidence."""
        return self.job.run

    def step(self, key: str, effect: Effect, holds: Holds = always) -> Result | None:
        """Run an effect unless this step is done and ``holds``, and give back what it gave; ``None`` for a step that failed.

        What has no answer is tried again after growing pauses. A step that fails for a reason of its own is kept with the reason, and
        the job goes on. Raises the ``KgError`` that every step would meet, such as ``BudgetExceeded`` or ``ModelRefused``.
        """
        self.check()
        key = storable(key)
        kept = self._lease.step(key)
        if kept and (kept.state == "dead" or (kept.state == "done" and holds(kept.result))):
            with self._lock:  # what costs no time says nothing of the rate
                self._progress = replace(self._progress, base=self._progress.base + 1)
            return kept.result if kept.state == "done" else None
        for tried in range(1, len(self._pauses) + 2):
            try:
                result = effect() or {}
            except HOPELESS:
                raise
            except PASSING as error:
                if tried > len(self._pauses):
                    self._unheard(key, error, tried)
                    return None
                self.log(f"{key}: {error}; trying again", "warning")
                self._pause(max(self._pauses[tried - 1], getattr(error, "after", None) or 0.0))
            except KgError as error:
                self._failed(Step(self.job.id, key, "dead", tried, error=str(error)))
                return None
            else:
                self._unanswered = 0
                self._write(Step(self.job.id, key, "done", tried, result))
                return result
        raise AssertionError("the last try returns")

    def earlier(self, key: str) -> Result | None:
        """What that step gave when another job of this kind did it on this graph, if one did."""
        return self._lease.earlier(key)

    def steps(self, effects: Iterable[tuple[str, Effect]], total: int, threads: int = 1) -> Iterator[Result | None]:
        """Many steps, so many at a time, with progress; what they gave, in the order of the effects, which are asked for as needed."""
        self.progress(0, total)
        for done, result in enumerate(ahead(lambda effect: self.step(*effect), effects, threads), 1):
            self.progress(done, total)
            yield result

    def progress(self, done: int, total: int) -> None:
        """Tell how far the job is, as often as it likes: a ``kgplatform.ports.Progress``."""
        with self._lock:
            before, now = self._progress, time.monotonic()
            counting = before.since and before.total == total and done >= before.done
            base, since = (before.base, before.since) if counting else (done, self._lease.now())
            self._progress = Progress(done, total, base, since, before.stage)
            if due := now - self._written > _SELDOM or done >= total or not counting:
                self._written = now
        if self._listener:
            self._listener(done, total)
        if due:
            self._write()
        self.check()

    def told(self, listener: Told | None) -> None:
        """Whom to tell of progress besides, from now on."""
        self._listener = listener

    def stage(self, what: str) -> None:
        """Say what the job does now, in a few words; progress counts from the beginning."""
        with self._lock:
            self._progress = Progress(stage=what)
        self._write()

    def words(self, what: str) -> None:
        """Say what the job does now in other words; they are written with the next progress."""
        with self._lock:
            self._progress = replace(self._progress, stage=what)

    def log(self, line: str, level: str = "info") -> None:
        """Add a line to the job's log."""
        self._lease.log(line, level)

    def spent(self, usage: Usage, calls: int = 1) -> None:
        """Add to the job's cost; it is written with the next step, progress or heartbeat."""
        with self._lock:
            self._usage, self._calls = self._usage + usage, self._calls + calls

    def inputs(self, hash: str) -> None:
        """Say what the job reads (a snapshot, the hashes of files). When that has changed since it began, no step counts as done."""
        if self._lease.inputs(hash):
            self.log("what it reads has changed since it began: all steps are run anew", "warning")

    def check(self) -> None:
        """Raises the ``Halt`` that is due."""
        if self._halt:
            raise self._halt

    def halt(self, reason: Halt) -> None:
        """End the work from another thread at its next step, progress or pause."""
        self._halt = self._halt or reason
        self._halted.set()

    def beat(self) -> None:
        """Keep the lease, and find out whether the job is asked to stop."""
        self._write()

    def kept_open(self) -> AbstractContextManager[None]:
        """Quicker steps inside."""
        return self._lease.kept_open()

    def _write(self, step: Step | None = None) -> None:
        with self._lock:
            usage, calls, self._usage, self._calls = self._usage, self._calls, Usage(), 0
            progress = self._progress
        try:
            asked = self._lease.write(step=step, progress=progress, usage=usage, calls=calls)
        except LedgerError:
            self.spent(usage, calls)
            raise
        if asked:
            self.halt(Cancelled(f"job {self.job.id} was cancelled"))

    def _pause(self, seconds: float) -> None:
        self._halted.wait(min(seconds, LONGEST))
        self.check()

    def _unheard(self, key: str, error: KgError, tried: int) -> None:
        self._failed(Step(self.job.id, key, "failed", tried, error=str(error)))
        self._unanswered += 1
        if self._unanswered >= OUTAGE:
            raise error

    def _failed(self, step: Step) -> None:
        self.log(f"{step.key}: {step.error}", "error")
        self._write(step)


class Listener(logging.Handler):
    """Writes what the program logs while a job runs into the job's log too."""

    def __init__(self, work: Work) -> None:
        super().__init__(logging.INFO)
        self._work = work

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._work.log(record.getMessage(), record.levelname.lower())
        except Halt as halt:
            self._work.halt(halt)
        except LedgerError:
            pass  # whoever writes next hears of it
        except Exception:  # noqa: BLE001 - as all handlers of logging do: a log line that cannot be kept ends nothing
            self.handleError(record)
