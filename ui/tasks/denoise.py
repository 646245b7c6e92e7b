"""Facts that look wrong, found by the rest of the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ui import shapes
from ui.tasks import Doing

if TYPE_CHECKING:
    from reasoning.denoise.run import Suspect

TOP, LEAST = 20, 0.5
"""The most suspects, and the least probability of being wrong, unless others are named."""


def arguments(*, top: int = TOP, least: float = LEAST, apply: bool = False, seed: int = 0, dry_run: bool = False) -> Mapping[str, Any]:
    """``apply``: also lower belief in them."""
    return {"top": top, "least": least, "apply": apply, "seed": seed, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from reasoning.denoise.run import denoise

    asked = doing.arguments
    with doing.progress("weighing every fact by the others") as progress:
        report = denoise(
            doing.wire.graph,
            top=asked["top"],
            least=asked["least"],
            apply=asked["apply"] and not doing.dry_run,
            seed=asked["seed"],
            progress=progress,
        )
    return {
        "snapshot": report.snapshot,
        "facts": report.facts,
        "wrong": report.wrong,
        "auc": report.auc,
        "note": report.note,
        "applied": report.receipt is not None,
        "source": report.source if report.receipt else "",
        "suspects": [_suspect(one) for one in report.suspects],
    }


def _suspect(one: Suspect) -> shapes.Shape:
    return {**shapes.fact(one.fact), "probability_wrong": one.probability, "weight": -one.weight, "reasons": list(one.reasons)}
