"""Vectors of entities, for the search by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.tasks import Doing


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments``: ``replace``, ``dry_run``."""
    from kgplatform import similar

    graph, encoder, replace = doing.wire.graph, doing.wire.encoder, doing.arguments["replace"]
    if doing.dry_run:
        return {"encoder": encoder.name, "dry_run": True, "lacking": similar.lacking(graph.store, encoder, replace=replace)}
    with doing.progress("encoding entities") as progress:
        return {"encoder": encoder.name, "embedded": graph.embed(encoder, replace=replace, progress=progress)}
