"""Runs jobs: one at once in the foreground, or one after the other in a worker.

Kinds of jobs are passed in; the runner knows none. The same function runs in the foreground and in a worker. What goes wrong is
recorded in the ledger; the foreground hears of it as well.
"""

from __future__ import annotations

import difflib
import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from kgplatform.errors import (
    BadRequest,
    BudgetExceeded,
    Cancelled,
    Halt,
    JobBusy,
    KgError,
    LeaseLost,
    LedgerError,
    Stopping,
    interrupted,
)
from kgplatform.jobs.lease import Lease
from kgplatform.jobs.ledger import Ledger
from kgplatform.jobs.queue import ATTEMPTS
from kgplatform.jobs.steps import Result
from kgplatform.jobs.types import Job, Schedule, Task
from kgplatform.jobs.work import PASSING, PAUSES, Listener, Work

Kind = Callable[[Work, Mapping[str, Any]], Result | None]
"""What a job of one kind does with its arguments; its answer is a JSON object."""
LEASE = 60.0
"""Seconds after which a worker that is not heard of counts as gone."""
LATER = 60.0
"""Seconds until a job that found no answer is tried again; five times as long at the next attempt."""
_LATER_ON = (*PASSING, LedgerError)
_LOOK = 2.0
"""Seconds between two looks for work."""
_LOG = logging.getLogger(__name__)


class Runner:
    """Jobs of these kinds. What the loggers named ``logged`` say goes into the log of the job that runs."""

    def __init__(
        self,
        ledger: Ledger,
        kinds: Mapping[str, Kind],
        *,
        logged: Sequence[str] = ("kgplatform",),
        lease: float = LEASE,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.ledger, self.kinds = ledger, kinds
        self._logged, self._seconds, self._pauses = logged, lease, pauses
        self._stopping = threading.Event()
        self._work: Work | None = None

    # in the foreground

    def now(self, task: Task, *, run: str = "") -> Job:
        """Run a task here and now, or go on with it where it stopped; the job as it ended.

        It ended ``done``, ``cancelled``, or ``failed`` when some of its steps did (``error`` says so, ``result`` is there). Any other
        failure is raised as it is; after one that passes, an interruption or a kill, the same task goes on where it was. Raises
        ``JobBusy`` while another process has it.
        """
        self._known(task)
        return self._foreground(self.ledger.take_up(task, self._seconds, run=run))

    def again(self, id: str, limits: Mapping[str, Any] | None = None) -> Job:
        """Run what is left of a job here and now, also what failed in it, or is left within new ``limits``; else as ``now``."""
        self._known(self.ledger.job(id).task)
        return self._foreground(self.ledger.take_this(id, self._seconds, limits))

    def _foreground(self, lease: Lease) -> Job:
        try:
            self._run(lease, alone=True)
        except LeaseLost as lost:
            raise JobBusy(str(lost)) from None
        except Cancelled:
            pass
        return self.ledger.job(lease.job.id)

    # for a worker

    def submit(self, task: Task, *, run: str = "") -> Job:
        """Queue a task for a worker, as ``Ledger.submit``. Raises ``BadRequest`` for an unknown kind."""
        self._known(task)
        return self.ledger.submit(task, run=run)

    def schedule(self, task: Task, cron: str, zone: str) -> Schedule:
        """Let a task recur, as ``Ledger.schedule``. Raises ``BadRequest`` for an unknown kind."""
        self._known(task)
        return self.ledger.schedule(task, cron, zone)

    def work(self, *, until_idle: bool = False, told: Callable[[Job], None] | None = None) -> int:
        """Make the jobs of the schedules and run what is due, until ``stop``; how many jobs were run. Each is ``told`` as it ended.

        Whatever becomes of a job, the worker goes on with the next; only an unusable ledger ends it (``LedgerError``).
        """
        many = 0
        with self.ledger.working() as sign:
            while not self._stopping.is_set():
                sign()
                self.ledger.fire()
                lease = self.ledger.take(self.kinds, self._seconds)
                if lease is None:
                    if until_idle:
                        break
                    self._stopping.wait(_LOOK)
                    continue
                self._background(lease)
                many += 1
                if told:
                    told(self.ledger.job(lease.job.id))
        return many

    def stop(self) -> None:
        """End the worker; the job it runs goes back to the queue at its next step, progress or pause.

        A handler of signals calls it in a thread of its own, since it may have broken into a wait for the same event.
        """
        self._stopping.set()
        if work := self._work:
            work.halt(Stopping("the worker is to end"))

    def _background(self, lease: Lease) -> None:
        try:
            self._run(lease, alone=False)
        except LedgerError:
            raise
        except (Halt, Exception) as error:  # noqa: BLE001 - the job's boundary: it is recorded, and the worker goes on
            _LOG.warning("job %s (%s) ended: %s", lease.job.id, lease.job.task.kind, error)

    # both

    def _known(self, task: Task) -> None:
        if task.kind not in self.kinds:
            near = difflib.get_close_matches(task.kind, self.kinds, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else f": there are {', '.join(sorted(self.kinds))}"
            raise BadRequest(f"{task.kind!r} is no kind of job{hint}")

    def _run(self, lease: Lease, *, alone: bool) -> None:
        """Run a job and record how it ended; whatever ends it but its own end is raised again."""
        work = Work(lease, self._pauses)
        if lease.job.fence > 1:
            lease.log("taken up again: what is done is not done anew", "info")
        try:
            with self._accompanied(work):
                result = self.kinds[lease.job.task.kind](work, lease.job.task.arguments)
                work.beat()
            _ended(lease, result or {})
        except LeaseLost:
            raise
        except (KgError, Halt, KeyboardInterrupt, SystemExit) as error:
            _last_words(work)
            _broken_off(lease, error, alone)
            raise
        except Exception as error:
            _last_words(work)
            if interrupted(error):
                _broken_off(lease, KeyboardInterrupt(), alone)
                raise KeyboardInterrupt from error
            told = f"{type(error).__name__}: {error}"
            lease.log("".join(traceback.format_tb(error.__traceback__)) + told, "error")
            lease.end("failed", f"{told}: this is a mistake in the program, see  kg jobs log {lease.job.id}")
            raise

    @contextmanager
    def _accompanied(self, work: Work) -> Iterator[None]:
        """With a heart that beats, and all that is logged kept."""
        ended = threading.Event()
        heart = threading.Thread(target=_beat, args=(work, ended, self._seconds / 3), daemon=True)
        with ExitStack() as stack:
            stack.enter_context(work.kept_open())
            self._work = work
            stack.callback(setattr, self, "_work", None)
            for name in self._logged:
                listener = Listener(work)
                logging.getLogger(name).addHandler(listener)
                stack.callback(logging.getLogger(name).removeHandler, listener)
            heart.start()
            stack.callback(heart.join)
            stack.callback(ended.set)
            yield


def _beat(work: Work, ended: threading.Event, seconds: float) -> None:
    """Keep the lease while the job runs. A ledger that cannot be written now is tried again: a lease that ran out may still be good."""
    while not ended.wait(seconds):
        try:
            work.beat()
        except Halt as halt:
            work.halt(halt)
            return
        except LedgerError as error:
            _LOG.warning("%s", error)


def _last_words(work: Work) -> None:
    """Keep what it has cost, if the ledger can be written."""
    with suppress(LedgerError):
        work.beat()


def _ended(lease: Lease, result: Result) -> None:
    counts = lease.counts()
    bad = counts.get("failed", 0) + counts.get("dead", 0)
    if bad:
        id = lease.job.id
        error = f"{bad:,} of {sum(counts.values()):,} steps failed: see  kg jobs show {id},  try them again with  kg jobs retry {id}"
        lease.end("failed", error, result)
    else:
        lease.end("done", "", result)


def _broken_off(lease: Lease, error: BaseException, alone: bool) -> None:
    """Record an end before the end. ``alone``: in the foreground, where the same command goes on with what it left."""
    job = lease.job
    match error:
        case Cancelled():
            lease.end("cancelled")
        case KgError() if isinstance(error, (*_LATER_ON, BudgetExceeded)) and alone:
            lease.end("stopped", str(error))
        case KgError() if isinstance(error, _LATER_ON) and job.attempts < ATTEMPTS:
            lease.give_back(str(error), after=LATER * 5 ** (job.attempts - 1))
        case KgError():
            lease.end("failed", str(error))
        case _ if job.background:
            lease.give_back(counts=False)
        case _:
            lease.end("stopped", "interrupted: the same command goes on where it was")
