"""What does not fit into memory is tried again in smaller pieces, and said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from kgplatform.errors import ModelError

Found = TypeVar("Found")
_SIGNS = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
_LOG = logging.getLogger(__name__)


def is_shortage(error: BaseException) -> bool:
    """Whether it was raised for lack of memory, of the machine's or of a graphics card's."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def kept_small(work: Callable[[int], Found], size: int, what: str, of: str) -> tuple[Found, int]:
    """What ``work`` gives for as many as it is asked for: ``size``, or half as many until they fit; and how many those were.

    Raises ``ModelError`` when there is no room even for one.
    """
    wanted = size
    while True:
        try:
            found = work(size)
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
        else:
            if size < wanted:
                _LOG.warning("%s does not fit into memory: it goes on with %s %s at a time", what, f"{size:,}", of)
            return found, size
        # Here the error is gone, and with it what it held.
        if size == 1:
            raise ModelError(f"{what} does not fit into memory, not even one of its {of} at a time: take a smaller dim, or another device")
        size //= 2
        _free()


def _free() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
