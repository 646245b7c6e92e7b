"""Somebody's Neo4j graph into the graph, as its map says. What is repeated after a kill finds what is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import shapes
from ui.tasks import Doing

if TYPE_CHECKING:
    from kgplatform.adoption.adopting import Adoption


def arguments(file: Path, *, strict: bool = False, dry_run: bool = False) -> Mapping[str, Any]:
    """The map is read when the work is done."""
    return {"map": str(file.resolve()), "strict": strict, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here. Of the foreign server nothing is asked but to read."""
    from kgplatform.adoption import adopting, mapping
    from kgplatform.adoption.source import Foreign, login

    meant = mapping.read(Path(doing.arguments["map"]))
    with Foreign(login(meant, doing.wire.settings)) as foreign:
        checked = adopting.check(foreign, meant)
        if doing.dry_run:
            with doing.progress("reading (nodes and relationships)") as progress:
                return _told(doing, foreign.source.id, adopting.attempt(foreign, meant, checked, progress)) | {"dry_run": True}
        if doing.arguments["strict"]:
            with doing.progress("checking (nodes and relationships)") as progress:
                adopting.strictly(doing.wire.graph, foreign, meant, checked, progress)
        with doing.progress("adopting (nodes and relationships)") as progress:
            return _told(doing, foreign.source.id, adopting.adopt(doing.wire.graph, foreign, meant, checked, progress))


def _told(doing: Doing, source: str, done: Adoption) -> dict[str, Any]:
    counts = {"readable": done.readable, "left_out": done.left_out, "bare": done.bare, "notes": list(done.notes)}
    reasons = {"unread": done.unread.first, "refused": done.refused.first}
    return {"map": doing.arguments["map"], "source": source, **shapes.counts(done.receipt), **counts, **reasons}
