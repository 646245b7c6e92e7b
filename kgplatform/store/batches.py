"""The record of what was written (``KgBatch``), as those who follow it read it: in the order of time, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from kgplatform.store.connection import Connection, Record
from kgplatform.store.statements import statement

PAGE = 500
"""Batches in one page."""


def pages(connection: Connection, since: int) -> Iterator[list[Record]]:
    """Batches after a time (milliseconds), in the order of time and, within a page's last millisecond, of id.

    A millisecond has any number of batches: the one at which a page was cut off is read once more, by itself.
    """
    while page := connection.rows(statement("batches_since"), time=since, limit=PAGE):
        if len(page) < PAGE:
            yield page
            return
        last = page[-1]["time"]
        if whole := [batch for batch in page if batch["time"] < last]:
            yield whole
        yield from _at(connection, last)
        since = last


def _at(connection: Connection, time: int) -> Iterator[list[Record]]:
    """All batches of one millisecond."""
    after = ""
    while page := connection.rows(statement("batches_at"), time=time, after=after, limit=PAGE):
        yield page
        after = page[-1]["id"]
