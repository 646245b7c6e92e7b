"""The whole graph into one file, while writing goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest
from ui.tasks import Doing

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.ports import Archive


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments``: ``file``; ``force`` writes over one that is there."""
    file = Path(doing.arguments["file"])
    with doing.progress("backing up") as progress:
        lines = archive(doing.wire.graph).backup(file, progress)
    return {"file": str(file), "lines": lines, "bytes": file.stat().st_size}


def archive(graph: KnowledgeGraph) -> Archive:
    """The store as an archive. Raises ``BadRequest`` for one in memory."""
    from kgplatform.ports import Archive

    if not isinstance(graph.store, Archive):
        raise BadRequest("a graph in memory cannot be backed up: use the local server or Neo4j")
    return graph.store
