"""What a job promises: steps, attempts, cancelling, retrying, the foreground, fences. The clock is the test's own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import (
    Ambiguous,
    BadFile,
    BadRequest,
    BudgetExceeded,
    Cancelled,
    JobBusy,
    KgError,
    LeaseLost,
    ModelBusy,
    ModelRefused,
    ModelUnreachable,
    NotFound,
)
from kgplatform.jobs import Job, Ledger, Runner, Task, Work
from kgplatform.jobs.types import Progress, Step
from kgplatform.lm.talk import Usage


class Clock:
    """Stands still unless told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(tmp_path / "jobs.sqlite", clock)


Function = Callable[[Work, Mapping[str, Any]], Mapping[str, Any] | None]
TASK = Task("harvest documents", {"paths": ["texts"]}, "kg", "c1")


def runner(ledger: Ledger, function: Function, **named: Any) -> Runner:
    return Runner(ledger, {TASK.kind: function}, **{"pauses": (), **named})


class Effects:
    """Steps with names, and what became of each call."""

    def __init__(self, failing: Mapping[str, KgError | BaseException] | None = None) -> None:
        self.failing = dict(failing or {})
        self.called: list[str] = []

    def __call__(self, name: str) -> dict[str, str]:
        self.called.append(name)
        if name in self.failing:
            raise self.failing[name]
        return {"made": name}

    def work(self, work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
        results = [work.step(name, lambda name=name: self(name)) for name in "abcde"]  # type: ignore[misc]
        return {"made": [result["made"] for result in results if result]}


# -- steps -------------------------------------------------------------------------------------------


def test_a_job_runs_its_steps_and_keeps_what_they_gave(ledger: Ledger) -> None:
    effects = Effects()
    job = runner(ledger, effects.work).now(TASK)
    assert (job.state, job.result, job.error, job.task) == ("done", {"made": list("abcde")}, "", TASK)
    assert effects.called == list("abcde")
    assert ledger.counts(job.id) == {"done": 5}
    assert ledger.job(job.id) == job


def test_a_step_that_was_done_is_not_run_again_and_gives_what_it_gave(ledger: Ledger) -> None:
    effects = Effects({"c": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        runner(ledger, effects.work).now(TASK)
    (stopped,) = ledger.jobs()
    assert stopped.state == "stopped"
    effects.failing.clear()
    job = runner(ledger, effects.work).now(TASK)
    assert (job.id, job.state, job.result) == (stopped.id, "done", {"made": list("abcde")})
    assert effects.called == list("abc") + list("cde")


def test_another_config_is_another_job(ledger: Ledger) -> None:
    effects = Effects({"c": KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        runner(ledger, effects.work).now(TASK)
    effects.failing.clear()
    job = runner(ledger, effects.work).now(Task(TASK.kind, TASK.arguments, "kg", "c2"))
    assert job.id != ledger.jobs(["stopped"])[0].id
    assert effects.called == list("abc") + list("abcde")


def test_a_step_that_cannot_be_done_is_told_and_the_others_are_done(ledger: Ledger) -> None:
    effects = Effects({"b": BadFile("b.txt: is no text"), "d": BadFile("d.txt: is empty")})
    job = runner(ledger, effects.work).now(TASK)
    assert job.state == "failed"
    assert job.result == {"made": list("ace")}
    assert job.error == f"2 of 5 steps failed: see  kg jobs show {job.id},  try them again with  kg jobs retry {job.id}"
    assert {(step.key, step.error) for step in ledger.steps(job.id, "dead")} == {("b", "b.txt: is no text"), ("d", "d.txt: is empty")}
    assert [line.text for line in ledger.lines(job.id)] == ["b: b.txt: is no text", "d: d.txt: is empty"]


def test_results_are_of_steps_that_are_done_by_a_part_of_their_key(ledger: Ledger) -> None:
    def work(work: Work, _: Mapping[str, Any]) -> None:
        for number, key in enumerate(("a/put 1", "a/known", "a/put 2", "100%", "a_put")):
            work.step(key, lambda number=number: {"n": number})  # type: ignore[misc]
        work.step("a/put 3", failing)

    def failing() -> None:
        raise BadFile("it is empty")

    job = runner(ledger, work).now(TASK)
    assert {step.key: dict(step.result) for step in ledger.results(job.id, "/put ")} == {"a/put 1": {"n": 0}, "a/put 2": {"n": 2}}
    assert [step.key for step in ledger.results(job.id, "/put ", {"a/put 1", "b"})] == ["a/put 2"]
    assert [step.key for step in ledger.results(job.id, "%")] == ["100%"]
    assert len(ledger.results(job.id[:-1])) == 5


def test_what_limits_ended_goes_on_within_others_and_keeps_what_it_did(ledger: Ledger) -> None:
    done: list[str] = []

    def work(work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
        for key in "abcde"[: arguments["most"]]:
            work.step(key, lambda key=key: done.append(key))  # type: ignore[misc]
        return {"cut": arguments["most"] < 5}

    made = runner(ledger, work)
    job = made.now(Task(TASK.kind, {"most": 2}))
    assert (job.state, job.cut) == ("done", True)
    assert made.again(job.id).cut
    ledger.retry(job.id, {"most": 4})
    made.work(until_idle=True)
    whole = made.again(job.id, {"most": 5})
    assert (whole.id, whole.cut, whole.task, done) == (job.id, False, Task(TASK.kind, {"most": 5}), list("abcde"))
    with pytest.raises(JobBusy, match="is done: there is nothing to try again"):
        made.again(job.id)


def test_a_retry_runs_what_failed_and_nothing_else(ledger: Ledger) -> None:
    effects = Effects({"b": BadFile("b"), "d": ModelUnreachable("no answer")})
    job = runner(ledger, effects.work).now(TASK)
    assert ledger.counts(job.id) == {"done": 3, "dead": 1, "failed": 1}
    effects.failing.clear()
    effects.called.clear()
    assert ledger.retry(job.id).state == "queued"
    assert runner(ledger, effects.work).work(until_idle=True) == 1
    assert (ledger.job(job.id).state, ledger.job(job.id).error, effects.called) == ("done", "", ["b", "d"])
    with pytest.raises(JobBusy, match="is done"):
        ledger.retry(job.id)


def test_the_foreground_runs_again_what_failed_in_a_job(ledger: Ledger) -> None:
    effects = Effects({"b": BadFile("b")})
    job = runner(ledger, effects.work).now(TASK)
    effects.failing.clear()
    assert runner(ledger, effects.work).again(job.id[:5]).state == "done"
    assert effects.called == [*"abcde", "b"]


def test_a_step_without_an_answer_is_tried_again_after_waiting(ledger: Ledger) -> None:
    answers = iter([ModelBusy("busy", after=0.0), ModelUnreachable("no answer"), None])

    def effect() -> dict[str, int]:
        if error := next(answers):
            raise error
        return {"n": 1}

    job = runner(ledger, lambda work, _: work.step("a", effect), pauses=(0.0, 0.0)).now(TASK)
    assert (job.state, job.result) == ("done", {"n": 1})
    assert ledger.steps(job.id)[0].attempts == 3
    assert [line.text for line in ledger.lines(job.id)] == ["a: busy; trying again", "a: no answer; trying again"]


def test_an_outage_ends_the_foreground_which_goes_on_where_it_was(ledger: Ledger) -> None:
    effects = Effects(dict.fromkeys("bcde", ModelUnreachable("no answer")))
    with pytest.raises(ModelUnreachable):
        runner(ledger, effects.work).now(TASK)
    assert effects.called == list("abcd")
    assert [(job.state, job.error) for job in ledger.jobs()] == [("stopped", "no answer")]
    effects.failing.clear()
    assert runner(ledger, effects.work).now(TASK).state == "done"
    assert effects.called == list("abcd") + list("bcde")


def test_an_outage_puts_a_workers_job_off_and_at_last_fails_it(ledger: Ledger, clock: Clock) -> None:
    effects = Effects(dict.fromkeys("abcde", ModelUnreachable("no answer")))
    worker, id = runner(ledger, effects.work), ledger.submit(TASK).id
    for wait in (60, 300):
        assert worker.work(until_idle=True) == 1
        assert (ledger.job(id).state, ledger.job(id).error) == ("queued", "no answer")
        clock.go(wait - 1)
        assert worker.work(until_idle=True) == 0
        clock.go(1)
    assert worker.work(until_idle=True) == 1
    assert (ledger.job(id).state, ledger.job(id).error) == ("failed", "no answer")


@pytest.mark.parametrize("error", [ModelRefused("the key is wrong"), BudgetExceeded("2 of 2 tokens are spent")])
def test_what_every_step_would_meet_ends_the_job(ledger: Ledger, error: KgError) -> None:
    effects = Effects(dict.fromkeys("bcde", error))
    id = ledger.submit(TASK).id
    runner(ledger, effects.work).work(until_idle=True)
    assert (ledger.job(id).state, ledger.job(id).error, effects.called) == ("failed", str(error), ["a", "b"])


def test_after_more_budget_the_same_command_goes_on(ledger: Ledger) -> None:
    effects = Effects({"d": BudgetExceeded("all is spent")})
    with pytest.raises(BudgetExceeded):
        runner(ledger, effects.work).now(TASK)
    effects.failing.clear()
    assert runner(ledger, effects.work).now(TASK).state == "done"
    assert effects.called == list("abcd") + list("de")


def test_a_mistake_of_the_program_is_recorded_and_the_worker_goes_on(ledger: Ledger) -> None:
    effects = Effects({"c": ZeroDivisionError("division by zero")})
    bad, good = ledger.submit(TASK).id, ledger.submit(Task(TASK.kind)).id
    worker = runner(ledger, lambda work, arguments: effects.work(work, arguments) if arguments else {})
    told: list[Job] = []
    assert worker.work(until_idle=True, told=told.append) == 2
    assert [(job.id, job.state) for job in told] == [(bad, "failed"), (good, "done")]
    assert told[0].error.startswith("ZeroDivisionError: division by zero: this is a mistake in the program")
    assert "test_jobs.py" in ledger.lines(bad)[-1].text
    with pytest.raises(ZeroDivisionError):
        runner(ledger, effects.work).again(bad)


def test_changed_inputs_undo_the_steps(ledger: Ledger) -> None:
    effects, read = Effects({"c": KeyboardInterrupt()}), ["snapshot 1"]

    def work(work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
        work.inputs(read[-1])
        return effects.work(work, arguments)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            runner(ledger, work).now(TASK)
    assert effects.called == list("abcc")
    read.append("snapshot 2")
    effects.failing.clear()
    job = runner(ledger, work).now(TASK)
    assert effects.called == [*"abcc", *"abcde"]
    assert (job.inputs, ledger.lines(job.id)[-1].level) == ("snapshot 2", "warning")


def test_many_steps_at_a_time_keep_their_order_and_tell_how_far_they_are(ledger: Ledger) -> None:
    def work(work: Work, _: Mapping[str, Any]) -> dict[str, Any]:
        def effect(n: int) -> dict[str, int]:
            return {"n": n}

        effects = [(f"step {n}", partial(effect, n)) for n in range(40)]
        return {"n": [result and result["n"] for result in work.steps(effects, 40, threads=4)]}

    job = runner(ledger, work).now(TASK)
    assert job.result == {"n": list(range(40))}
    assert (job.progress.done, job.progress.total, ledger.counts(job.id)) == (40, 40, {"done": 40})


def test_a_halt_in_a_thread_of_steps_ends_the_job(ledger: Ledger) -> None:
    def work(work: Work, _: Mapping[str, Any]) -> None:
        def effect(n: int) -> dict[str, int]:
            if n == 7:
                ledger.cancel(work.job.id)
            return {"n": n}

        for _result in work.steps(((str(n), lambda n=n: effect(n)) for n in range(1_000)), 1_000, threads=2):  # type: ignore[misc]
            pass

    job = runner(ledger, work).now(TASK)
    assert job.state == "cancelled"
    assert ledger.counts(job.id)["done"] < 20


# -- who may run it ----------------------------------------------------------------------------------


def test_the_same_task_is_queued_once(ledger: Ledger) -> None:
    first = ledger.submit(TASK)
    assert ledger.submit(Task(TASK.kind, dict(TASK.arguments), "kg", "c1")).id == first.id
    assert ledger.submit(Task(TASK.kind, TASK.arguments, "other", "c1")).id != first.id


def test_a_living_one_elsewhere_is_named(ledger: Ledger) -> None:
    lease = ledger.take_up(TASK, 60)
    here, named = runner(ledger, Effects().work), rf"job {lease.job.id} \(harvest documents\) is running in process {os.getpid()} on"
    with pytest.raises(JobBusy, match=named):
        here.now(TASK)
    with pytest.raises(JobBusy, match=f"job {lease.job.id} .* is running: see"):
        here.again(lease.job.id)
    assert ledger.submit(TASK).id == lease.job.id


def test_an_expired_lease_goes_to_the_next_worker_and_shuts_the_last_out(ledger: Ledger, clock: Clock) -> None:
    id = ledger.submit(TASK).id
    old = ledger.take([TASK.kind], 60)
    assert old
    old.write(step=Step(id, "a", "done", result={"made": "a"}))
    clock.go(59.9)
    assert ledger.take([TASK.kind], 60) is None
    clock.go(0.2)
    old.write(progress=Progress(1, 5))  # late, but nobody has taken it
    clock.go(61)
    new = ledger.take([TASK.kind], 60)
    assert new
    assert (new.job.id, new.job.fence > old.job.fence, new.job.attempts) == (id, True, 1)
    before = (ledger.job(id), ledger.steps(id), ledger.lines(id))
    writes: list[Callable[[], object]] = [
        lambda: old.write(step=Step(id, "b", "done")),
        lambda: old.write(progress=Progress(3, 5)),
        lambda: old.write(usage=Usage(5, 5, 1.0), calls=1),
        lambda: old.log("still here", "info"),
        lambda: old.inputs("x"),
        lambda: old.end("done"),
        lambda: old.give_back(),
        lambda: old.step("a"),
    ]
    for write in writes:
        with pytest.raises(LeaseLost, match="another process"):
            write()
    assert (ledger.job(id), ledger.steps(id), ledger.lines(id)) == before
    new.end("done")
    with pytest.raises(LeaseLost):
        new.log("after the end", "info")


def test_a_worker_that_lost_its_lease_stops_and_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    id = ledger.submit(TASK).id

    def work(work: Work, _: Mapping[str, Any]) -> None:
        def slept() -> dict[str, int]:
            clock.go(61)
            taken = ledger.take([TASK.kind], 60)
            assert taken
            taken.end("done", result={"by": "another"})
            return {"by": 1}

        try:
            work.step("a", slept)
        except Exception:  # noqa: BLE001 - as careless code does
            pytest.fail("a lost lease was taken for an error")

    assert runner(ledger, work).work(until_idle=True) == 1
    assert (ledger.job(id).state, ledger.job(id).result, ledger.counts(id)) == ("done", {"by": "another"}, {})


def test_attempts_are_bounded(ledger: Ledger, clock: Clock) -> None:
    id = ledger.submit(TASK).id
    for attempt in (1, 2, 3):
        lease = ledger.take([TASK.kind], 60)
        assert lease
        assert lease.job.attempts == attempt
        clock.go(61)
    assert ledger.take([TASK.kind], 60) is None
    assert ledger.job(id).state == "failed"
    assert ledger.job(id).error.startswith("3 times the process that ran it ended in the middle")
    assert ledger.retry(id).attempts == 0
    assert ledger.take([TASK.kind], 60)


def test_an_attempt_that_came_further_is_not_held_against_a_job(ledger: Ledger, clock: Clock) -> None:
    id = ledger.submit(TASK).id
    for attempt in range(20):
        lease = ledger.take([TASK.kind], 60)
        assert lease
        lease.write(step=Step(id, str(attempt), "done"))
        clock.go(61)
    assert ledger.counts(id) == {"done": 20}


def test_after_a_step_more_there_are_three_attempts_again(ledger: Ledger, clock: Clock) -> None:
    id = ledger.submit(TASK).id
    for step in ("one", "", "", "two", "", ""):
        lease = ledger.take([TASK.kind], 60)
        assert lease
        if step:
            lease.write(step=Step(id, step, "done"))
        clock.go(61)
    assert ledger.take([TASK.kind], 60)
    clock.go(61)
    assert ledger.take([TASK.kind], 60) is None
    assert ledger.job(id).state == "failed"


def test_a_worker_does_not_take_what_stopped_in_the_foreground(ledger: Ledger, clock: Clock) -> None:
    lease = ledger.take_up(TASK, 60)
    clock.go(61)
    effects = Effects()
    assert runner(ledger, effects.work).work(until_idle=True) == 0
    assert ledger.job(lease.job.id).state == "stopped"
    ledger.retry(lease.job.id)
    assert runner(ledger, effects.work).work(until_idle=True) == 1


def test_a_worker_leaves_kinds_that_it_does_not_know(ledger: Ledger) -> None:
    id = ledger.submit(Task("dream")).id
    assert runner(ledger, Effects().work).work(until_idle=True) == 0
    assert ledger.job(id).state == "queued"
    with pytest.raises(BadRequest, match="did you mean 'harvest documents'"):
        runner(ledger, Effects().work).submit(Task("harvest document"))
    with pytest.raises(BadRequest, match="no kind of job"):
        runner(ledger, Effects().work).schedule(Task("dream"), "0 3 * * *", "UTC")


def test_the_heart_keeps_a_long_job(ledger: Ledger, clock: Clock) -> None:
    def work(work: Work, arguments: Mapping[str, Any]) -> None:
        for _ in range(5):  # longer than the lease, without a word
            clock.go(0.2)
            assert ledger.take([TASK.kind], 60) is None
            until = time.monotonic() + 60
            while ledger.job(work.job.id).beat < ledger.time():
                assert time.monotonic() < until, "the heart does not beat"

    ledger.submit(TASK)
    assert runner(ledger, work, lease=0.3).work(until_idle=True) == 1
    assert (ledger.jobs()[0].state, ledger.jobs()[0].attempts) == ("done", 1)


# -- stopping ----------------------------------------------------------------------------------------


def test_what_waits_is_cancelled_at_once(ledger: Ledger) -> None:
    id = ledger.submit(TASK).id
    assert ledger.cancel(id).state == "cancelled"
    assert runner(ledger, Effects().work).work(until_idle=True) == 0
    with pytest.raises(JobBusy, match="is cancelled already"):
        ledger.cancel(id)
    assert ledger.retry(id).state == "queued"


@pytest.mark.parametrize("by", ["step", "progress", "stage", "pause", "heart"])
def test_what_runs_is_cancelled_at_its_next_sign_of_life(ledger: Ledger, by: str) -> None:
    def unheard() -> dict[str, Any]:
        raise ModelUnreachable("no answer")

    def work(work: Work, _: Mapping[str, Any]) -> None:
        work.step("a", dict)
        assert ledger.cancel(work.job.id).cancelling
        if by == "step":
            work.step("b", dict)
            work.step("c", dict)
        elif by == "progress":
            work.progress(2, 2)
        elif by == "stage":
            work.stage("reading")
            work.check()
        elif by == "pause":
            work.step("b", unheard)
        while True:
            work.check()

    id = ledger.submit(TASK).id
    runner(ledger, work, lease=0.3 if by in ("pause", "heart") else 60, pauses=(600,)).work(until_idle=True)
    assert ledger.job(id).state == "cancelled"
    assert "c" not in {step.key for step in ledger.steps(id)}


def test_a_stopped_worker_gives_its_job_back_and_the_attempt_does_not_count(ledger: Ledger) -> None:
    effects, id = Effects(), ledger.submit(TASK).id
    worker = runner(ledger, effects.work)
    effects.failing["c"] = BadFile("c")

    def stop(work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
        work.step("a", lambda: effects("a"))
        worker.stop()
        return effects.work(work, arguments)

    worker.kinds = {TASK.kind: stop}
    assert worker.work() == 1
    assert (ledger.job(id).state, ledger.job(id).attempts, effects.called) == ("queued", 0, ["a"])
    assert runner(ledger, Effects().work).work(until_idle=True) == 1
    assert ledger.job(id).state == "done"


def _masked() -> BufferError:
    """What the driver makes of an interrupt when its session closes."""
    error = BufferError("Existing exports of data: object cannot be re-sized")
    error.__context__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), _masked()])
def test_an_interrupted_worker_gives_its_job_back(ledger: Ledger, stop: BaseException) -> None:
    id = ledger.submit(TASK).id
    with pytest.raises(KeyboardInterrupt):
        runner(ledger, Effects({"b": stop}).work).work(until_idle=True)
    assert (ledger.job(id).state, ledger.job(id).attempts) == ("queued", 0)


def test_nothing_on_the_way_takes_a_halt_for_an_error() -> None:
    assert not issubclass(Cancelled, Exception)
    assert not issubclass(LeaseLost, Exception)


# -- what is told ------------------------------------------------------------------------------------


def test_progress_rate_and_eta(ledger: Ledger, clock: Clock) -> None:
    seen: list[Job] = []

    def work(work: Work, _: Mapping[str, Any]) -> None:
        work.stage("reading")
        work.progress(100, 500)
        for done in range(101, 201):
            clock.go(2)
            work.progress(done, 500)
        work.beat()
        seen.append(ledger.job(work.job.id))

    job = runner(ledger, work).now(TASK)
    now = ledger.time()
    assert (seen[0].progress.done, seen[0].progress.total, seen[0].progress.stage) == (200, 500, "reading")
    assert (seen[0].rate(now), seen[0].eta(now)) == (0.5, 600.0)
    assert (job.seconds(now + 99_000), job.rate(now + 99_000), job.eta(now)) == (200.0, 0.5, None)
    assert (ledger.submit(Task("x")).rate(now), ledger.submit(Task("x")).eta(now), ledger.submit(Task("x")).seconds(now)) == (0, None, 0)


def test_other_words_for_what_is_done_leave_the_progress_as_it_is(ledger: Ledger, clock: Clock) -> None:
    seen: list[Job] = []

    def work(work: Work, _: Mapping[str, Any]) -> None:
        work.stage("learning")
        for done in (0, 100):
            work.words(f"learning, epoch {done // 50}")
            work.progress(done, 500)
            clock.go(50)
        work.beat()
        seen.append(ledger.job(work.job.id))

    runner(ledger, work).now(TASK)
    assert (seen[0].progress.stage, seen[0].progress.done, seen[0].eta(ledger.time())) == ("learning, epoch 2", 100, 400.0)


def test_steps_that_were_done_before_do_not_make_the_rest_look_quick(ledger: Ledger, clock: Clock) -> None:
    seen: list[Job] = []

    def work(work: Work, _: Mapping[str, Any]) -> None:
        def effect(n: int) -> None:
            clock.go(1)
            if n == 90 and work.job.fence == 1:
                raise KeyboardInterrupt

        for result in work.steps(((str(n), lambda n=n: effect(n)) for n in range(100)), 100):  # type: ignore[misc]
            assert result == {}
        seen.append(ledger.job(work.job.id))

    with pytest.raises(KeyboardInterrupt):
        runner(ledger, work).now(TASK)
    runner(ledger, work).now(TASK)
    assert seen[0].rate(ledger.time()) == pytest.approx(1.0, rel=0.25)


def test_costs_add_up_over_attempts(ledger: Ledger) -> None:
    def work(work: Work, _: Mapping[str, Any]) -> None:
        work.spent(Usage(100, 10, 0.5))
        work.spent(Usage(1, 1, 0.25), calls=2)
        if work.job.attempts == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner(ledger, work).now(TASK)
    job = runner(ledger, work).now(TASK)
    assert (job.usage, job.calls) == (Usage(202, 22, 1.5), 6)


def test_the_log_keeps_hostile_text_as_text_and_the_latest_lines(ledger: Ledger) -> None:
    lease = ledger.take_up(TASK, 60)
    lease.log("\x1b[2Jgone \ud800 'x'); DROP TABLE jobs; -- \0 ünï\tcode", "error")
    lease.log("x" * 10_000, "info")
    first, long = ledger.lines(lease.job.id)
    assert first.text == "�[2Jgone ? 'x'); DROP TABLE jobs; -- � ünï\tcode"
    assert (len(long.text), long.text[-1]) == (2_000, "…")
    assert ledger.lines(lease.job.id, after=1) == [long]


def test_the_log_has_an_end(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.jobs.lease.LINES", 20)
    monkeypatch.setattr("kgplatform.jobs.lease._DROPPED", 10)
    lease = ledger.take_up(TASK, 60)
    for n in range(101):
        lease.log(f"line {n}", "info")
    kept = ledger.lines(lease.job.id)
    assert ([line.number for line in kept], kept[-1].text) == (list(range(82, 102)), "line 100")


def test_what_the_program_logs_stands_in_the_jobs_log(ledger: Ledger) -> None:
    def work(work: Work, _: Mapping[str, Any]) -> None:
        logging.getLogger("kgplatform.store").warning("the server %s is slow", "x")
        logging.getLogger("urllib3").warning("not ours")

    job = runner(ledger, work).now(TASK)
    logging.getLogger("kgplatform.store").warning("after the job")
    assert [(line.level, line.text) for line in ledger.lines(job.id)] == [("warning", "the server x is slow")]


def test_jobs_are_listed_by_state_and_graph_the_latest_first(ledger: Ledger) -> None:
    ids = [ledger.submit(Task("x", {"n": n}, graph)).id for n, graph in enumerate(["a", "b", "a"])]
    ledger.cancel(ids[0])
    assert [job.id for job in ledger.jobs()] == ids[::-1]
    assert [job.id for job in ledger.jobs(["queued"])] == [ids[2], ids[1]]
    assert [job.id for job in ledger.jobs(graph="a", limit=1)] == [ids[2]]


def test_an_unknown_job_is_answered_with_the_nearest(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="there is no job 'abc'; there are no jobs yet"):
        ledger.job("abc")
    ids = [ledger.submit(Task("x", {"n": n})).id for n in range(40)]
    mistyped = ids[3][:-2] + ids[3][-1] + "z"
    with pytest.raises(NotFound, match=rf"there is no job '{mistyped}' \(did you mean {ids[3]}\?\)"):
        ledger.job(mistyped)
    double = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    with pytest.raises(Ambiguous, match="give more of it"):
        ledger.job(double)
    for nothing in ("", "%", "_" * 8):
        with pytest.raises(NotFound):
            ledger.job(nothing)


def test_arguments_that_no_json_holds_are_refused(ledger: Ledger) -> None:
    for value in ("bad\udcff.txt", object()):
        with pytest.raises(BadRequest, match="cannot be kept for a job"):
            ledger.submit(Task("x", {"path": value}))


def test_a_rival_of_the_same_task_bars_a_retry(ledger: Ledger) -> None:
    first = ledger.submit(TASK).id
    ledger.cancel(first)
    second = ledger.submit(TASK).id
    with pytest.raises(JobBusy, match=f"job {second} .* does the same and is queued"):
        ledger.retry(first)


def test_threads_share_a_lease(ledger: Ledger) -> None:
    lease = ledger.take_up(TASK, 60)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: lease.log(f"{n}", "info"), range(80)))
    assert [line.number for line in ledger.lines(lease.job.id)] == list(range(1, 81))
