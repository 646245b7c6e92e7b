"""Pairs of relations out of a language model's memory; each relation is a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ui.cli import shapes
from ui.tasks import Doing, paths


def arguments(cards: Sequence[Path], *, dry_run: bool = False) -> Mapping[str, Any]:
    """``cards`` are files. Raises ``BadFile``."""
    paths.present(cards, "file")
    return {"cards": paths.cards(cards), "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from harvest.bertnet import harvest
    from kgplatform.cards import read_relation

    wire, cards = doing.wire, [read_relation(Path(card)) for card in doing.arguments["cards"]]
    with doing.progress("scoring pairs"):
        report = harvest(wire.graph, cards, scorer=wire.scorer, encoder=wire.encoder, dry_run=doing.dry_run, steps=doing.steps)
    return {
        "dry_run": doing.dry_run,
        "candidates": len(report.claims),
        "found": doing.first(shapes.claim(claim) for claim in report.claims),
        **shapes.counts(report.receipt),
        "changed": report.changed.shape(),
        "notes": [outcome.note for outcome in report.outcomes if outcome.note],
    }
