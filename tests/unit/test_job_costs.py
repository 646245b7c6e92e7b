"""What jobs cost together, and the end of a log: read from a ledger whose clock the test sets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kgplatform.jobs import Ledger, Runner, Task, Work
from kgplatform.jobs.types import Cost
from kgplatform.lm.prices import PICO
from kgplatform.lm.spending import Spending, Spent, by_model
from kgplatform.lm.talk import Usage
from ui import job_view

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


class Clock:
    """Stands still but for what the test sets."""

    now = MIDNIGHT

    def __call__(self) -> datetime:
        return self.now


def ask(work: Work, arguments: Mapping[str, Any]) -> None:
    for number in range(arguments["calls"]):
        work.spent(Usage(10, 1, arguments["usd"]))
        work.log(f"call {number}")


def done(ledger: Ledger, kind: str, calls: int, usd: float = 0.0) -> str:
    job = ledger.submit(Task(kind, {"calls": calls, "usd": usd}))
    Runner(ledger, {kind: ask}).work(until_idle=True)
    return job.id


def test_costs_since_a_moment_are_added_up_by_kind_the_dearest_first(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "jobs.sqlite", clock)
    clock.now = MIDNIGHT - timedelta(seconds=1)
    done(ledger, "harvest", 7, 9.0)
    clock.now = MIDNIGHT + timedelta(hours=1)
    for calls in (2, 3):
        done(ledger, "harvest", calls, 0.25)
    done(ledger, "complete", 0)
    done(ledger, "ask", 1, 2.0)
    today = [Cost("ask", 1, 1, Usage(10, 1, 2.0)), Cost("harvest", 2, 5, Usage(50, 5, 1.25)), Cost("complete", 1, 0, Usage())]
    assert ledger.costs(round(MIDNIGHT.timestamp() * 1000)) == today
    assert ledger.costs(0)[0] == Cost("harvest", 3, 12, Usage(120, 12, 64.25))


def test_a_job_that_is_tried_again_counts_on_the_day_of_its_last_work(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "jobs.sqlite", clock)
    job = ledger.submit(Task("ask", {"calls": 1, "usd": 1.0}))
    ledger.cancel(job.id)
    clock.now = MIDNIGHT + timedelta(days=1)
    ledger.retry(job.id)
    Runner(ledger, {"ask": ask}).work(until_idle=True)
    assert ledger.costs(round(clock.now.timestamp() * 1000)) == [Cost("ask", 1, 1, Usage(10, 1, 1.0))]


def test_the_end_of_a_log_is_in_order(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "jobs.sqlite")
    job = done(ledger, "ask", 5)
    assert [line.text for line in ledger.tail(job, limit=2)] == ["call 3", "call 4"]
    assert [line.number for line in ledger.tail(job)] == [1, 2, 3, 4, 5]


def test_what_models_took_since_a_day_is_added_up_the_dearest_first(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "lm.sqlite"
    spending = Spending(path, clock)
    assert by_model(path, "2026-03-02") == {}
    for model, usd, day in (("far:old", 9, -1), ("near:free", 0, 0), ("far:dear", 2, 0), ("far:dear", 1, 1)):
        clock.now = MIDNIGHT + timedelta(days=day)
        made = spending.reserve("run", model, Usage(10, 90), usd * PICO)
        spending.settle(made, Usage(10, 20), usd * PICO, 0.5)
    spending.reserve("run", "far:<b>unknown</b>", Usage(1, 1), None)
    found = by_model(path, "2026-03-02")
    assert list(found) == ["far:dear", "near:free", "far:<b>unknown</b>"]
    assert found["far:dear"] == Spent(2, 2, 0, Usage(20, 40, 3.0), 1.0)
    told = job_view.models(found)
    assert "<td>$3.00</td>" in told and "1 call had no known price" in told and "<b>" not in told
    assert "No chat model was asked" in job_view.models({})
