"""The file of the ledger: what is none, what is of another version, what cannot be written; each a sentence. And schedules in it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kgplatform.errors import BadSchedule, LedgerError, NotFound
from kgplatform.jobs import Ledger, Runner, Task, Work
from kgplatform.jobs.file import LedgerFile

TASK = Task("complete", {"top": 20}, "kg")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "jobs.sqlite"


def refused(path: Path) -> str:
    """The sentence, which must be one."""
    with pytest.raises(LedgerError) as error:
        Ledger(path).submit(TASK)
    said = str(error.value)
    assert str(path) in said
    assert "\n" not in said
    assert "Traceback" not in said
    return said


def test_a_ledger_of_a_newer_version_is_refused_and_stays_as_it_is(path: Path) -> None:
    Ledger(path).submit(TASK)
    with closing(sqlite3.connect(path)) as rows:
        rows.execute("PRAGMA user_version=7")
    before = path.read_bytes()
    assert "written by a newer kgplatform (ledger 7, this one knows 1)" in refused(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all, but quite some text" * 100, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_file_that_is_no_ledger_is_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert "is no ledger of jobs" in refused(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", [0, 1])
def test_another_programs_database_is_left_alone(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as rows:
        rows.executescript(f"CREATE TABLE jobs (mine TEXT); PRAGMA user_version={version};")
    assert "is no ledger of jobs: move it away" in refused(path)
    with closing(sqlite3.connect(path)) as rows:
        assert [row[0] for row in rows.execute("SELECT name FROM sqlite_master")] == ["jobs"]


def test_a_folder_that_cannot_be_made_or_written_is_told(path: Path, tmp_path: Path) -> None:
    path.parent.write_text("a file where the folder should be")
    assert "cannot be opened or written" in refused(path)
    path.parent.unlink()
    path.mkdir(parents=True)
    assert "cannot be opened or written" in refused(path)


@pytest.fixture
def readonly(path: Path) -> Iterator[Path]:
    Ledger(path).submit(TASK)
    path.parent.chmod(0o500)
    path.chmod(0o400)
    yield path
    path.parent.chmod(0o700)


def test_a_folder_that_may_only_be_read_is_told(readonly: Path) -> None:
    assert "cannot be opened or written" in (as_nobody(readonly) if os.geteuid() == 0 else refused(readonly))


def as_nobody(path: Path) -> str:
    """What a user is told who is not root, whom no permission stops: in a child that stands in the folder, as it may not walk there."""
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with os.fdopen(reading) as said:
            told = said.read()
        os.waitpid(child, 0)
        return told
    try:
        os.chdir(path.parent)
        os.setresuid(65534, 65534, 65534)
        os.write(writing, refused(Path(path.name)).encode())
    finally:
        os._exit(0)


def test_a_full_disk_is_told_and_nothing_is_half_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(path)
    kept = ledger.submit(TASK)
    connected = LedgerFile._connected

    def full(self: LedgerFile) -> sqlite3.Connection:
        rows = connected(self)
        pages = rows.execute("PRAGMA page_count").fetchone()[0]
        rows.execute(f"PRAGMA max_page_count={pages}")
        return rows

    monkeypatch.setattr(LedgerFile, "_connected", full)
    with pytest.raises(LedgerError, match=r"the disk is full, so the ledger of jobs .* cannot be written: free some space"):
        for n in range(1_000):
            ledger.submit(Task("x", {"text": "x" * 9_000, "n": n}))
    monkeypatch.undo()
    assert ledger.job(kept.id) == kept
    assert ledger.submit(Task("x", {"after": "space was freed"})).state == "queued"


def test_a_ledger_that_is_locked_for_long_is_told(path: Path) -> None:
    Ledger(path).submit(TASK)
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"other programs have kept .* locked"), LedgerFile(path, patience=0.1).writing():
            pass


def test_the_ledger_is_durable(path: Path) -> None:
    Ledger(path).submit(TASK)
    with LedgerFile(path).reading() as rows:
        assert rows.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert rows.execute("PRAGMA synchronous").fetchone()[0] == 2


# -- schedules ---------------------------------------------------------------------------------------


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 28, 12, tzinfo=UTC))


@pytest.fixture
def ledger(path: Path, clock: Clock) -> Ledger:
    return Ledger(path, clock)


def times(ledger: Ledger, id: str) -> list[str]:
    return [datetime.fromtimestamp(tick.tick / 1000, UTC).strftime("%m-%d %H:%M") for tick in ledger.ticks(id, limit=999)]


def test_a_schedule_makes_its_job_once_a_tick(ledger: Ledger, clock: Clock) -> None:
    schedule = ledger.schedule(TASK, "30  2 * * *", "Europe/Berlin")
    ran: list[int] = []

    def complete(work: Work, _: Mapping[str, Any]) -> None:
        ran.append(work.job.tick)

    worker = Runner(ledger, {"complete": complete})
    while clock.now < datetime(2026, 4, 1, tzinfo=UTC):
        assert worker.work(until_idle=True) <= 1
        clock.now += timedelta(minutes=10)
    assert times(ledger, schedule.id) == ["03-31 00:30", "03-30 00:30", "03-29 01:00"]  # the first came as the clock was put forward
    assert ran == sorted(tick.tick for tick in ledger.ticks(schedule.id))
    assert [job.schedule for job in ledger.jobs()] == [schedule.id] * 3


def test_missed_ticks_are_caught_up_once(ledger: Ledger, clock: Clock) -> None:
    id = ledger.schedule(TASK, "0 * * * *", "UTC").id
    clock.now += timedelta(days=40, minutes=30)
    assert [tick.tick for tick in ledger.fire()] == [ledger.time() - 30 * 60_000]
    assert ledger.fire() == []
    assert len(ledger.ticks(id)) == len(ledger.jobs()) == 1
    assert ledger.schedules()[0].next == ledger.time() + 30 * 60_000


@pytest.mark.parametrize("live", ["queued", "running", "by hand"])
def test_a_tick_is_skipped_while_the_same_work_is_unfinished(ledger: Ledger, clock: Clock, live: str) -> None:
    id = ledger.schedule(TASK, "0 * * * *", "UTC").id
    if live == "by hand":
        busy = ledger.submit(TASK).id
    else:
        clock.now += timedelta(hours=1)
        busy = ledger.fire()[0].job
    lease = ledger.take([TASK.kind], 9_999) if live != "queued" else None
    clock.now += timedelta(hours=1)
    (skipped,) = ledger.fire()
    assert (skipped.job, skipped.why) == ("", f"job {busy} was not finished")
    lease.end("done") if lease else ledger.cancel(busy)
    clock.now += timedelta(hours=1)
    assert ledger.fire()[0].job
    assert bool(ledger.ticks(id)[0].job)


def test_a_paused_schedule_passes_over_its_ticks(ledger: Ledger, clock: Clock) -> None:
    id = ledger.schedule(TASK, "0 * * * *", "UTC").id
    assert ledger.pause(id[:4]).paused
    clock.now += timedelta(hours=5, minutes=1)
    assert ledger.fire() == []
    assert not ledger.resume(id).paused
    assert ledger.fire() == []
    clock.now += timedelta(hours=1)
    assert len(ledger.fire()) == 1


def test_a_schedule_is_kept_once_and_goes_without_its_jobs(ledger: Ledger, clock: Clock) -> None:
    schedule = ledger.schedule(TASK, "0 * * * *", "UTC")
    assert ledger.schedule(TASK, "0  * * * *", "UTC") == schedule
    clock.now += timedelta(hours=1)
    ledger.fire()
    ledger.unschedule(schedule.id)
    assert ledger.schedules() == []
    assert len(ledger.jobs()) == 1
    with pytest.raises(NotFound, match="there is no schedule"):
        ledger.pause(schedule.id)
    with pytest.raises(BadSchedule, match="never comes"):
        ledger.schedule(TASK, "0 0 30 2 *", "UTC")
