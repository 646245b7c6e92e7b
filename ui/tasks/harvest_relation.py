"""Pairs of relations out of a language model's memory; each relation is a step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ui.cli import shapes
from ui.tasks import Doing


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments``: ``cards`` (files), ``dry_run``."""
    from harvest.bertnet import harvest
    from kgplatform.cards import read_relation

    wire, cards = doing.wire, [read_relation(Path(card)) for card in doing.arguments["cards"]]
    with doing.progress("scoring pairs"):
        report = harvest(wire.graph, cards, scorer=wire.scorer, encoder=wire.encoder, dry_run=doing.dry_run, steps=doing.steps)
    return {
        "dry_run": doing.dry_run,
        "candidates": len(report.claims),
        "found": [shapes.claim(claim) for claim in report.claims],
        **shapes.counts(report.receipt),
        "changed": report.changed.shape(),
        "notes": [outcome.note for outcome in report.outcomes if outcome.note],
    }
