"""Work that is done while earlier results are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def ahead(work: Callable[[T], U], items: Iterable[T], many: int = 1) -> Iterator[U]:
    """What ``work`` makes of each item, in order; the next ``many`` are made in threads while one is in use."""
    worker = ThreadPoolExecutor(many)
    waiting: deque[Future[U]] = deque()
    try:
        for item in items:
            waiting.append(worker.submit(work, item))
            if len(waiting) > many:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        worker.shutdown(cancel_futures=True)
