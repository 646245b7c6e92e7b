"""Facts of the graph into a file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ui.tasks import Doing, paths

if TYPE_CHECKING:
    from kgplatform.facts import Which


def arguments(file: Path, *, format: str | None = None, force: bool = False, **which: Unpack[Which]) -> Mapping[str, Any]:
    """Raises ``BadRequest`` for a file that is there, unless ``force`` says to write over it, and for an unknown format or status."""
    from kgplatform import facts
    from kgplatform.formats import registry

    facts.which(**which)
    registry.place(file, format)
    place = paths.vacant(file, force)
    return {"file": place, "format": format, "force": force, **which}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from kgplatform.facts import Which
    from kgplatform.formats import registry

    asked, file = doing.arguments, paths.check_vacant(doing.arguments)
    which: Any = {name: asked[name] for name in Which.__annotations__ if name in asked}
    drops = registry.place(file, asked["format"]).format.drops
    with doing.progress(f"exporting to {file.name}") as progress:
        count = doing.wire.graph.dump(file, format=asked["format"], progress=progress, **which)
    merged = sum(not one.undone for one in doing.wire.graph.merges())
    return {"file": str(file), "facts": count, "drops": drops, "merged": merged}
