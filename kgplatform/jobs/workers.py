"""Who works: each worker says now and then that it is there, and one with a job is known by it; each function is part of a transaction.

Nothing depends on this but what people are told.
"""

from __future__ import annotations

import sqlite3

from kgplatform.jobs.owner import dead, me
from kgplatform.jobs.types import Worker

SEEN = 20.0
"""Seconds between two signs of a worker without a job; when three are missing it counts as gone."""


def sign(rows: sqlite3.Connection, now: int) -> None:
    """This process is at work; the signs of those that are gone are taken away."""
    rows.execute("INSERT INTO workers VALUES (?1, ?2, ?2) ON CONFLICT DO UPDATE SET seen = excluded.seen", (me(), now))
    there = {worker.owner for worker in present(rows, now)}
    for (owner,) in rows.execute("SELECT owner FROM workers").fetchall():
        if owner not in there:
            rows.execute("DELETE FROM workers WHERE owner = ?", (owner,))


def leave(rows: sqlite3.Connection) -> None:
    """This process works no more."""
    rows.execute("DELETE FROM workers WHERE owner = ?", (me(),))


def present(rows: sqlite3.Connection, now: int) -> list[Worker]:
    """Those that are at work, the oldest first."""
    wanted = """SELECT owner, since, seen FROM workers WHERE seen > ?1
        OR owner IN (SELECT owner FROM jobs WHERE state = 'running' AND lease_until > ?2) ORDER BY since, owner"""
    found = [Worker(*row) for row in rows.execute(wanted, (now - round(3_000 * SEEN), now))]
    return [worker for worker in found if not dead(worker.owner)]
