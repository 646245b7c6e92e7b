"""A copy of the graph that never changes, to cite and to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ui.tasks import Doing
from ui.wire import place

DATE = "{date}"
"""In a name: the day on which the snapshot is taken, UTC; for those that are taken every night."""


def arguments(name: str) -> Mapping[str, Any]:
    """Raises ``BadRequest`` for what is no name."""
    from kgplatform import snapshots

    snapshots.check(_dated(name))
    return {"name": name}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from kgplatform import snapshots

    wire, name = doing.wire, _dated(doing.arguments["name"])
    with doing.progress(f"copying into {name}") as progress:
        made = snapshots.take(wire.graph, wire.snapshots, name, place(wire.settings), progress)
    return {**asdict(made), "citation": made.citation, "folder": str(wire.snapshots / name)}


def _dated(name: str) -> str:
    return name.replace(DATE, f"{datetime.now(UTC):%Y-%m-%d}")
