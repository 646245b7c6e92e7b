"""The record of what was written (``KgBatch``), as those who follow it read it: in the order of time, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kgplatform.store.connection import Connection, Record
from kgplatform.store.statements import statement

PAGE = 200
"""Batches in one page; each may name some thousands of keys."""


def pages(connection: Connection, since: int, which: str = "true", keys: str = "b.keys", **parameters: Any) -> Iterator[list[Record]]:
    """Batches after a time (milliseconds), in the order of time; no page is empty. ``which`` and ``keys`` are Cypher, with ``parameters``.

    A millisecond has any number of batches: the one at which a page was cut off is read once more, by itself.
    """
    splices = {"WHICH": which, "KEYS": keys}
    while page := connection.rows(statement("batches_since", **splices), time=since, limit=PAGE, **parameters):
        if len(page) < PAGE:
            yield page
            return
        since = page[-1]["time"]
        if whole := [batch for batch in page if batch["time"] < since]:
            yield whole
        after = ""
        while page := connection.rows(statement("batches_at", **splices), time=since, after=after, limit=PAGE, **parameters):
            yield page
            after = page[-1]["id"]
