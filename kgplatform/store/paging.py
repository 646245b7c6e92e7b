"""Facts are read by pages of their heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from kgplatform.store import selection
from kgplatform.store.connection import Connection
from kgplatform.store.statements import statement
from kgplatform.types import FactQuery

PAGE = 500
"""Heads in one page of facts."""
T = TypeVar("T")


def heads_of(connection: Connection, query: FactQuery) -> Iterator[list[str]]:
    """Ids of the heads that may have such facts, in order and in pages."""
    if query.relation is not None:
        found = connection.rows(statement("heads_of_type", TYPE=selection.type_of(query)))
        yield from in_pages(sorted(row["id"] for row in found if row["id"] >= selection.begin(query)))
        return
    if after := selection.begin(query):
        yield [after]
    while page := [row["id"] for row in connection.rows(statement("heads_page"), after=after, limit=PAGE)]:
        yield page
        after = page[-1]


def in_pages(listed: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(listed), PAGE):
        yield list(listed[start : start + PAGE])
