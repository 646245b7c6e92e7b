"""A process that works on jobs, for tests that kill it: ``python -m tests.integration.labour HOME how ...``.

Its effects go to ``effects.sqlite``: ``made`` holds each once, ``called`` every call.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kgplatform.jobs import Ledger, Runner, Task, Work, runner

TASK = Task("write", {"steps": 300})
LOOK = 5_000


def effects(home: Path) -> sqlite3.Connection:
    """The file of effects, which no kill of a process can harm."""
    rows = sqlite3.connect(home / "effects.sqlite", timeout=60, isolation_level=None)
    rows.execute("PRAGMA synchronous=OFF")
    return rows


def begin(home: Path, now: int = 0) -> None:
    """Make an empty one, with the clock that processes share."""
    with closing(effects(home)) as rows:
        rows.executescript(
            """PRAGMA journal_mode=WAL;
            CREATE TABLE made (key TEXT PRIMARY KEY, text TEXT);
            CREATE TABLE called (key TEXT);
            CREATE TABLE ran (job TEXT, moment INTEGER, what TEXT);
            CREATE TABLE clock (now INTEGER);"""
        )
        rows.execute("INSERT INTO clock VALUES (?)", (now,))


def write(home: Path, work: Work, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Steps that each write a row, twice without harm; every tenth is slow to be marked."""

    def effect(key: str) -> dict[str, str]:
        with closing(effects(home)) as rows:
            rows.execute("INSERT INTO called VALUES (?)", (key,))
            rows.execute("INSERT OR IGNORE INTO made VALUES (?, ?)", (key, f"text of {key}"))
        sys.stdout.write(f"{key}\n")
        sys.stdout.flush()
        return {"text": f"text of {key}"}

    keys = [f"step {n}" for n in range(arguments["steps"])]
    results = [work.step(key, lambda key=key: effect(key)) for key in keys]  # type: ignore[misc]
    return {"texts": len([result for result in results if result])}


def note(home: Path, work: Work, arguments: Mapping[str, Any]) -> None:
    """Say when it begins and ends."""
    for what in ("begins", "ends"):
        now = tick(home)
        with closing(effects(home)) as rows:
            rows.execute("INSERT INTO ran VALUES (?, ?, ?)", (work.job.id, now, what))


def tick(home: Path) -> int:
    """A clock that all processes share: it goes on by some seconds whenever it is looked at."""
    with closing(effects(home)) as rows:
        return int(rows.execute("UPDATE clock SET now = now + ? RETURNING now", (LOOK,)).fetchone()[0])


def main(home: Path, how: str, until: int = 0) -> None:
    kinds = {"write": lambda work, arguments: write(home, work, arguments), "note": lambda work, arguments: note(home, work, arguments)}
    if how == "together":
        runner._LOOK = 0.0
        ledger = Ledger(home / "jobs.sqlite", lambda: datetime.fromtimestamp(tick(home) / 1000, UTC))
        while tick(home) < until:
            Runner(ledger, kinds, lease=1e6).work(until_idle=True)
        return
    worker = Runner(Ledger(home / "jobs.sqlite"), kinds)
    if how == "foreground":
        worker.now(TASK)
    else:
        worker.work(until_idle=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
