"""Facts of files into the graph. What is repeated after a kill finds what is there, so there are no steps to pass over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui import shapes
from ui.tasks import Doing, adopting

if TYPE_CHECKING:
    from kgplatform.formats.loading import Checked


def arguments(files: Sequence[Path], *, strict: bool = False, format: str | None = None, dry_run: bool = False) -> Mapping[str, Any]:
    """A file may come into being after this."""
    return {"files": list(dict.fromkeys(str(file.resolve()) for file in files)), "strict": strict, "format": format, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here, or in ``adopting``. All files are checked before anything is written."""
    if "map" in doing.arguments:
        return adopting.do(doing)
    checked = [_check(doing, Path(path)) for path in doing.arguments["files"]]
    files = [_tried(one) if doing.dry_run else _put(doing, one) for one in checked]
    return {"files": files, "left_out": sum(one["left_out"] for one in files)}


def _check(doing: Doing, path: Path) -> Checked:
    from kgplatform.formats import loading

    with doing.progress(f"checking {path.name} (bytes)") as progress:
        return loading.check(path, format=doing.arguments["format"], strict=doing.arguments["strict"], progress=progress)


def _tried(checked: Checked) -> dict[str, Any]:
    unread = checked.unread
    shape = {"file": str(checked.place.path), "dry_run": True, "readable": checked.good, "left_out": unread.count, "unread": unread.first}
    words = {"kinds": len(checked.kinds), "relations": len(checked.relations)}
    return {**shape, **words, "header": checked.header, "unit": checked.place.format.unit}


def _put(doing: Doing, checked: Checked) -> dict[str, Any]:
    from kgplatform.formats import loading

    with doing.progress(f"importing {checked.place.path.name}") as progress:
        loaded = loading.put(doing.wire.graph, checked, strict=doing.arguments["strict"], progress=progress)
    words = {"kinds": loaded.kinds, "relations": loaded.relations}
    told = {**words, "header": loaded.header, "refused": loaded.refused, "unlinked": loaded.unlinked, "unread": loaded.unread}
    return {"file": str(checked.place.path), **shapes.counts(loaded.receipt), "left_out": loaded.left_out, **told}
