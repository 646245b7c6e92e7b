"""The whole graph into one file, while writing goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest
from ui.tasks import Doing, paths

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.ports import Archive


def arguments(file: Path, *, force: bool = False) -> Mapping[str, Any]:
    """Raises ``BadRequest`` for a file that is there, unless ``force`` says to write over it."""
    return {"file": paths.vacant(file, force), "force": force}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    file = paths.check_vacant(doing.arguments)
    with doing.progress("backing up") as progress:
        lines = archive(doing.wire.graph).backup(file, progress)
    return {"file": str(file), "lines": lines, "bytes": file.stat().st_size}


def archive(graph: KnowledgeGraph) -> Archive:
    """The store as an archive. Raises ``BadRequest`` for one in memory."""
    from kgplatform.ports import Archive

    if not isinstance(graph.store, Archive):
        raise BadRequest("a graph in memory cannot be backed up: use the local server or Neo4j")
    return graph.store
