"""What happened to a fact, in the words that every face uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kgplatform.types import Evidence, Merge, Method

if TYPE_CHECKING:
    from kgplatform.explanation import Event

METHODS: dict[Method, str] = {
    "import": "imported from a file",
    "text": "read in a document",
    "memory": "recalled by a language model",
    "review": "a person's word",
    "graph": "predicted from the graph",
}


def when(time: int) -> str:
    """A time in milliseconds since the epoch as people read it."""
    try:
        return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def what(event: Event) -> str:
    """What happened, in a few words."""
    match event.cause:
        case Merge(keep=keep, other=other, undone=undone):
            return f"{other} was merged into {keep}{' (undone since)' if undone else ''}"
        case Evidence(method="review", score=score):
            return "accepted" if score > 0 else "rejected" if score < 0 else "verdict taken back"
        case Evidence(method=method):
            return METHODS[method]


def who(event: Event) -> str:
    """The person, or the source and the run, that it came from; a reviewer's reason with it."""
    match event.cause:
        case Merge(by=by):
            return f"by {by}" if by else ""
        case Evidence(method="review", source=source, detail=detail):
            why = dict(detail).get("why", "")
            return f"by {source.title or source.id.removeprefix('person:')}" + (f": {why}" if why else "")
        case Evidence(source=source, run=run):
            return (source.title or source.id) + (f", run {run}" if run else "")
