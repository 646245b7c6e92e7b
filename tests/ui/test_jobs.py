"""Jobs, as a person follows them: nothing here loads the page again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from kgplatform.errors import BadFile
from kgplatform.jobs import Job, Ledger, Runner, Task, Work
from kgplatform.lm.talk import Usage
from tests.ui import world
from tests.ui.conftest import ROOT, Server, Visit, start

Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def jobs_server(home: Path) -> Iterator[Server]:
    server = start(home, "jobs").wait_until_open()
    yield server
    server.end()


@pytest.fixture
def jobs(visit: Callable[[str], Visit], jobs_server: Server, ledger: Ledger) -> Open:
    """Opens the page."""

    def go(after: str = "") -> Visit:
        tab = visit(f"{jobs_server.address}/jobs{after}")
        expect(tab.page.get_by_role("heading", name="At work")).to_be_visible()
        return tab

    return go


@dataclass
class Reading:
    """A kind of job that goes on only as the test lets it: three texts, one at a time."""

    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    hopeless: str = ""

    def __call__(self, work: Work, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        work.stage("reading")
        for done in range(3):
            work.progress(done, 3)
            while not self.gate.acquire(timeout=0.05):
                work.beat()
                work.check()
            work.step(f"text {done}", self.effect)
            work.spent(Usage(1_000, 200, 0.5))
            work.log(f"read text {done}")
        work.progress(3, 3)
        return {"documents": 3}

    def effect(self) -> Mapping[str, Any]:
        if self.hopeless:
            raise BadFile(self.hopeless)
        return {}


@contextmanager
def worker(ledger: Ledger, reading: Reading) -> Iterator[None]:
    """A worker, as ``kg worker`` is one, in a thread."""
    runner = Runner(ledger, {"harvest documents": reading})
    thread = threading.Thread(target=runner.work)
    thread.start()
    try:
        yield
    finally:
        runner.stop()
        thread.join()


def task(*texts: str) -> Task:
    return Task("harvest documents", {"paths": list(texts or ["/texts"])}, "jobs")


def failed_job(ledger: Ledger, reason: str = "/texts: no text is in it") -> Job:
    """A job of three steps, all of which failed for that reason."""
    job, reading = ledger.submit(task(reason)), Reading(hopeless=reason)
    reading.gate.release(3)
    Runner(ledger, {"harvest documents": reading}).work(until_idle=True)
    return ledger.job(job.id)


def row(tab: Visit, job: Job) -> Locator:
    """The job in the list that it stands in now."""
    return tab.page.locator(f".st-key-job-{job.id}").last


def tab_named(tab: Visit, name: str) -> None:
    tab.page.get_by_role("tab", name=name).click()


def test_a_job_is_seen_to_go_on_and_to_end(jobs: Open, ledger: Ledger) -> None:
    job, reading = ledger.submit(task()), Reading()
    tab = jobs()
    line = row(tab, job)
    expect(line).to_contain_text("harvest documents /texts")
    expect(line.locator(".tag")).to_have_text("queued")
    expect(tab.page.get_by_text("no worker is running: kg worker starts one")).to_be_visible()
    with worker(ledger, reading):
        expect(line.locator(".tag")).to_have_text("running")
        expect(line).to_contain_text("reading 0 of 3")
        expect(tab.page.get_by_text("1 worker")).to_be_visible()
        expect(tab.page.get_by_text("no worker is running")).to_have_count(0)
        reading.gate.release()
        expect(line.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "33")
        expect(line).to_contain_text("left")
        expect(line).to_contain_text("1 call, 1,200 tokens, $0.50")
        reading.gate.release(2)
        expect(tab.page.locator(".st-key-ended").locator(f".st-key-job-{job.id}")).to_contain_text("documents 3")
        expect(line.locator(".tag")).to_have_text("done")
    expect(line.get_by_role("button")).to_have_text(["Open"])
    assert tab.errors == []


def test_cancel_stops_a_job(jobs: Open, ledger: Ledger) -> None:
    job = ledger.submit(task())
    with worker(ledger, Reading()):
        tab = jobs()
        expect(row(tab, job).locator(".tag")).to_have_text("running")
        row(tab, job).get_by_role("button", name="Cancel").click()
        expect(row(tab, job).locator(".tag")).to_have_text("cancelled")
    assert ledger.job(job.id).state == "cancelled"


def test_a_failed_job_tells_why_and_is_tried_again(jobs: Open, ledger: Ledger) -> None:
    job, reading = failed_job(ledger), Reading()
    tab = jobs()
    line = row(tab, job)
    expect(line.locator(".tag")).to_have_text("failed")
    expect(line.locator(".why")).to_contain_text("3 of 3 steps failed")
    line.get_by_role("button", name="Open").click()
    expect(tab.page.locator(".stHtml .steps li")).to_have_count(3)
    expect(tab.page.locator(".stHtml .steps")).to_contain_text("/texts: no text is in it")
    line.get_by_role("button", name="Retry").click()
    expect(line.locator(".tag")).to_have_text("queued")
    reading.gate.release(3)
    with worker(ledger, reading):
        expect(line.locator(".tag")).to_have_text("done")
    expect(tab.page.locator(".stHtml .steps")).to_have_count(0)


def test_what_cannot_be_tried_again_says_why(jobs: Open, ledger: Ledger) -> None:
    job = failed_job(ledger)
    tab = jobs()
    retry = row(tab, job).get_by_role("button", name="Retry")
    expect(retry).to_be_visible()
    rival = ledger.submit(job.task)
    retry.click()
    expect(tab.page.get_by_role("alert").filter(has_text=f"job {rival.id} (harvest documents) does the same and is queued")).to_be_visible()


def test_an_address_opens_a_job_with_its_log_and_follows_it(jobs: Open, ledger: Ledger) -> None:
    job, reading = ledger.submit(task("/texts/a", "/texts/b")), Reading()
    tab = jobs(f"?job={job.id}")
    opened, log = tab.page.locator(".st-key-opened"), tab.page.locator("ol.log li")
    expect(opened).to_contain_text("/texts/a\n/texts/b")
    with worker(ledger, reading):
        reading.gate.release()
        expect(log).to_have_count(1)
        expect(log).to_contain_text("read text 0")
        reading.gate.release(2)
        expect(log).to_have_count(3)
    expect(opened).to_contain_text("3 done")
    expect(opened).to_contain_text("documents 3")


def test_an_opened_job_stands_in_the_address_until_it_is_closed(jobs: Open, jobs_server: Server, ledger: Ledger) -> None:
    job = ledger.submit(task())
    tab = jobs()
    row(tab, job).get_by_role("button", name="Open").click()
    expect(tab.page).to_have_url(f"{jobs_server.address}/jobs?job={job.id}")
    tab.page.get_by_role("button", name="Close").click()
    expect(tab.page).to_have_url(f"{jobs_server.address}/jobs")
    expect(tab.page.get_by_text("Open a job to see")).to_be_visible()


def test_an_address_of_no_job_names_the_nearest(jobs: Open, ledger: Ledger) -> None:
    job = ledger.submit(task())
    mistyped = f"{job.id[:-1]}x"
    tab = jobs(f"?job={mistyped}")
    expect(tab.page.get_by_text(f"there is no job '{mistyped}' (did you mean {job.id}?)")).to_be_visible()
    expect(row(tab, job)).to_be_visible()


def test_hostile_words_are_only_words(jobs: Open, ledger: Ledger) -> None:
    hostile = f"{world.HOSTILE} **bold** [a](javascript:alert(3)) :red[x]"
    job = failed_job(ledger, hostile)
    tab = jobs(f"?job={job.id}")
    expect(tab.page.locator("ol.log li").first).to_contain_text(hostile)
    expect(tab.page.locator(".stHtml .steps .why").first).to_have_text(hostile)
    expect(row(tab, job).locator(".task")).to_contain_text(world.HOSTILE)
    expect(tab.page.locator("img[src=x]")).to_have_count(0)
    assert (tab.dialogs, tab.errors) == ([], [])
    assert len(tab.hosts - {""}) == 1


def test_a_schedule_is_made_paused_resumed_and_removed(jobs: Open, ledger: Ledger, tmp_path: Path) -> None:
    tab = jobs()
    tab_named(tab, "Schedules")
    expect(tab.page.get_by_text("Nothing recurs yet.")).to_be_visible()
    tab.page.get_by_role("textbox", name="Folder or text file").fill(str(tmp_path))
    tab.page.get_by_role("textbox", name="Minute, hour").fill("30 4 * * 1")
    tab.page.get_by_role("textbox", name="Time zone").fill("Europe/Berlin")
    tab.page.get_by_role("button", name="Schedule", exact=True).click()
    listed = tab.page.locator("[class*=st-key-schedule-]")
    expect(listed).to_contain_text(f"harvest documents {tmp_path}")
    expect(listed).to_contain_text("30 4 * * 1 Europe/Berlin: next Mon ")
    (made,) = ledger.schedules()
    assert (made.task.graph, made.task.arguments["paths"]) == ("jobs", [str(tmp_path)])
    listed.get_by_role("button", name="Pause").click()
    expect(listed.locator(".tag")).to_have_text("paused")
    assert ledger.schedules()[0].paused
    listed.get_by_role("button", name="Resume").click()
    expect(listed.get_by_role("button", name="Pause")).to_be_visible()
    assert not ledger.schedules()[0].paused
    listed.get_by_role("button", name="Remove").click()
    expect(tab.page.get_by_text("Nothing recurs yet.")).to_be_visible()
    assert ledger.schedules() == []


@pytest.mark.parametrize(
    ("what", "line", "zone", "sentence"),
    [
        ("", "0 3 * *", "UTC", "'0 3 * *' is not a cron line: it has five fields, minute hour day month weekday, like  '0 3 * * *'"),
        ("", "0 3 31 2 *", "UTC", "the cron line '0 3 31 2 *' never comes: no such day is in any of the next 50 years"),
        ("", "0 3 * * *", "Europe/Berln", "there is no time zone 'Europe/Berln' (did you mean Europe/Berlin?)"),
        ("/no/such/folder", "0 3 * * *", "UTC", "/no/such/folder: there is no such file or folder"),
        ("texts", "0 3 * * *", "UTC", "'texts' is not a whole path"),
    ],
)
def test_what_cannot_be_scheduled_gets_its_sentence(
    jobs: Open, ledger: Ledger, tmp_path: Path, what: str, line: str, zone: str, sentence: str
) -> None:
    tab = jobs()
    tab_named(tab, "Schedules")
    tab.page.get_by_role("textbox", name="Folder or text file").fill(what or str(tmp_path))
    tab.page.get_by_role("textbox", name="Minute, hour").fill(line)
    tab.page.get_by_role("textbox", name="Time zone").fill(zone)
    tab.page.get_by_role("button", name="Schedule", exact=True).click()
    expect(tab.page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
    assert ledger.schedules() == []


def test_a_real_worker_imports_a_file_into_the_graph_of_the_page(
    jobs: Open, ledger: Ledger, home: Path, kg: object, tmp_path: Path
) -> None:
    from ui.tasks import importing
    from ui.wire import Wire, load

    file = tmp_path / "facts.tsv"
    file.write_text("head\trelation\ttail\nWarsaw\tcapital of\tPoland\n", "utf-8")
    with Wire(load(home=str(home), graph="jobs")) as wire:
        job = ledger.submit(wire.task("import", importing.arguments([file])))
    tab = jobs()
    expect(row(tab, job).locator(".tag")).to_have_text("queued")
    command = [sys.executable, "-m", "ui.cli.main", "worker", "--until-idle", "--home", str(home)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=300, capture_output=True)
    expect(row(tab, job).locator(".tag")).to_have_text("done")
    expect(row(tab, job)).to_contain_text("new 1")
    tab_named(tab, "Costs")
    expect(tab.page.locator("table.costs").first).to_contain_text("import")


def test_costs_are_added_up_by_kind(jobs: Open, ledger: Ledger) -> None:
    job, reading = ledger.submit(task()), Reading()
    reading.gate.release(3)
    Runner(ledger, {"harvest documents": reading}).work(until_idle=True)
    assert ledger.job(job.id).state == "done"
    tab = jobs()
    tab_named(tab, "Costs")
    for period in (0, 1):
        cells = tab.page.locator("table.costs").nth(period).locator("tr").nth(1).locator("th, td")
        expect(cells).to_have_text(["harvest documents", "1", "3", "3,000", "600", "$1.50"])
