"""Python's search for cycles, seldom: it looks at every value again and again while millions are made that have none."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (500_000, 20, 100)
_turn = threading.Lock()
_inside = 0
_usual = gc.get_threshold()


@contextmanager
def seldom() -> Iterator[None]:
    """Collect seldom inside, in all threads; as before once the last one has left. It takes a third of the time of putting otherwise."""
    global _inside, _usual
    with _turn:
        if not _inside:
            _usual = gc.get_threshold()
            gc.set_threshold(*SELDOM)
        _inside += 1
    try:
        yield
    finally:
        with _turn:
            _inside -= 1
            if not _inside:
                gc.set_threshold(*_usual)
