"""Work that is done while its last result is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The items; each is made in a thread while the one before it is in use."""
    end = object()
    with ThreadPoolExecutor(1) as worker:
        waiting = worker.submit(next, items, end)
        while (made := waiting.result()) is not end:
            waiting = worker.submit(next, items, end)
            yield made  # type: ignore[misc]
