"""Facts out of documents: each is a step, and one that an earlier job of the same task has read is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ui.cli import shapes
from ui.tasks import Doing, paths


def arguments(texts: Sequence[Path], cards: Sequence[Path] = (), *, again: bool = False, dry_run: bool = False) -> Mapping[str, Any]:
    """``texts``: files, or folders of them; ``cards``: files, none for those that ship. Raises ``BadFile``."""
    there = paths.present(texts, "file or folder")
    return {"paths": there, "cards": paths.cards(cards), "again": again, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from harvest.documents import advice, harvest
    from harvest.documents.read import read_all
    from kgplatform.cards import read_relation

    asked, wire = doing.arguments, doing.wire
    read, skipped = read_all([Path(path) for path in asked["paths"]])
    for line in skipped:
        doing.note(f"  skipped: {line}")
    with doing.progress("reading"):
        report = harvest(
            wire.graph,
            read,
            scorer=wire.scorer,
            encoder=wire.encoder,
            reader=wire.reader,
            cards=[read_relation(Path(card)) for card in asked.get("cards", ())] or None,
            dry_run=doing.dry_run,
            again=asked.get("again", False),
            steps=doing.steps,
        )
    return {
        "dry_run": doing.dry_run,
        "documents": report.documents,
        "passed": report.passed,
        "skipped": len(skipped),
        "candidates": report.found,
        "found": [shapes.candidate(found) for found in report.candidates],
        **shapes.counts(report.receipt),
        "unlinked": [f"{shapes.candidate(one.candidate)}: {one.why}" for one in report.unlinked],
        "notes": list(advice(report)),
    }
