"""Facts of the graph into a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kgplatform.types import Status
from ui.tasks import Doing, paths


def arguments(file: Path, *, status: Status = "current", format: str | None = None, force: bool = False) -> Mapping[str, Any]:
    """Raises ``BadRequest`` for a file that is there, unless ``force`` says to write over it, and for an unknown format."""
    from kgplatform.formats import registry

    place = paths.vacant(file, force)
    registry.place(file, format)
    return {"file": place, "status": status, "format": format, "force": force}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from kgplatform.formats import registry

    asked, file = doing.arguments, paths.check_vacant(doing.arguments)
    drops = registry.place(file, asked["format"]).format.drops
    with doing.progress(f"exporting to {file.name}") as progress:
        count = doing.wire.graph.dump(file, format=asked["format"], status=asked["status"], progress=progress)
    merged = sum(not one.undone for one in doing.wire.graph.merges())
    return {"file": str(file), "facts": count, "drops": drops, "merged": merged}
