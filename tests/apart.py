"""Coroutines run apart: a worker that drives a browser has a loop running in its own thread already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


def apart(run: Callable[..., Awaitable[T]], *given: Any) -> T:
    """What ``await run(*given)`` answers, in a loop and a thread of its own."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, run, *given).result()
