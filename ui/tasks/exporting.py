"""Facts of the graph into a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ui.tasks import Doing


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments``: ``file``, ``status``, ``format``."""
    from kgplatform.formats import registry

    asked, file = doing.arguments, Path(doing.arguments["file"])
    drops = registry.place(file, asked["format"]).format.drops
    with doing.progress(f"exporting to {file.name}") as progress:
        count = doing.wire.graph.dump(file, format=asked["format"], status=asked["status"], progress=progress)
    merged = sum(not one.undone for one in doing.wire.graph.merges())
    return {"file": str(file), "facts": count, "drops": drops, "merged": merged}
