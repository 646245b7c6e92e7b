"""Who writes to a graph of the local server waits until it is their turn, whichever thread or process they are.

That server keeps writers apart only where they write the same page: two who make one relationship from its two ends both
have theirs, and what one has read may be changed by another before it commits. All its clients are on one machine and it
has the one disk, so turns cost nothing that could be used. The operating system frees the locks of a process that dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from kgplatform.errors import StoreConflict

PATIENCE = 600.0
"""Seconds to wait for a turn: a transaction has one minute at most."""
_LOOK = 0.005
"""Seconds between two looks at a lock."""


@contextmanager
def turn(folder: Path, graph: str, writer: str) -> Iterator[bool]:
    """Hold the turn to write; says whether the last turn was this writer's as well. Raises ``StoreConflict`` when it does not come.

    Who has just written waits behind the one that is next, else it would be there first every time.
    """
    following, writing = (FileLock(folder / f"{graph}.{name}.lock", mode=0o600) for name in ("following", "writing"))
    try:
        with following.acquire(timeout=PATIENCE, poll_interval=_LOOK):
            writing.acquire(timeout=PATIENCE, poll_interval=_LOOK)
    except Timeout:
        raise StoreConflict(f"other programs have been writing to the graph {graph!r} for {PATIENCE:.0f} s: try again later") from None
    try:
        last = folder / f"{graph}.writer"
        again = _text(last) == writer
        if not again:
            last.write_text(writer, "utf-8")
        yield again
    finally:
        writing.release()


def _text(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text("utf-8")
    return ""
