"""Missing links, predicted by a graph model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadFile
from kgplatform.types import Claim
from ui import shapes
from ui.tasks import Doing
from ui.tasks.training import hearing

if TYPE_CHECKING:
    from kgplatform.types import Relation
    from reasoning.blend import Blend
    from reasoning.links import Report
    from reasoning.predict import Proposal


MODEL, TOP, LEAST = "complex", 20, 0.1
"""The graph model, the most facts and the least confidence, unless others are named."""


def arguments(
    relation: str | None,
    *,
    model: str = MODEL,
    top: int = TOP,
    min_confidence: float = LEAST,
    ultra: Path | None = None,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``relation``: only facts of this one; ``None``: of any. Raises ``BadRequest``, ``BadFile``."""
    from reasoning.models.registry import known

    if model != "auto":
        known(model)
    if ultra and not ultra.is_file():
        raise BadFile(f"{ultra}: there is no such file")
    told = {"model": model, "relation": relation, "top": top, "min_confidence": min_confidence, "dry_run": dry_run}
    return {**told, "ultra": str(ultra.resolve())} if ultra else told


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from reasoning import links

    asked, wire = doing.arguments, doing.wire
    with doing.progress("learning the graph") as progress:
        report = links.complete(
            wire.graph,
            asked["top"],
            asked["relation"],
            asked["min_confidence"],
            asked["model"],
            device=wire.settings["KG_DEVICE"],
            progress=progress,
            heard=hearing(doing, progress),
            dry_run=doing.dry_run,
            ultra=Path(asked["ultra"]) if "ultra" in asked else None,
            kept=wire.learned,
        )
    return _shape(report, wire.graph.relations())


def _shape(report: Report, cards: Mapping[str, Relation]) -> Mapping[str, Any]:
    from reasoning.calibrate import MISSING

    receipt = report.receipt
    return {
        "model": report.model,
        "snapshot": report.snapshot,
        "facts": report.facts,
        "auc": report.quality.auc,
        "held_out": report.quality.held_out,
        "relations": {name: {"auc": area, "held_out": held} for name, (area, held) in sorted(report.quality.relations.items())},
        "prior": MISSING,
        "note": report.note,
        "start": report.start,
        "ultra": _told(report.blend) if report.blend else None,
        "dry_run": receipt is None,
        "new": receipt.new if receipt else 0,
        "predictions": [_proposal(proposal, cards) for proposal in report.proposals],
    }


def _told(blend: Blend) -> shapes.Shape:
    return {"heard": blend.wins, "auc": blend.auc, "auc_without": blend.alone}


def _proposal(proposal: Proposal, known: Mapping[str, Relation]) -> shapes.Shape:
    from kgplatform import cards

    claim = cards.canonical(Claim(proposal.head, proposal.relation, proposal.tail, ()), known)
    return {
        "key": cards.key(claim, known),
        "head": shapes.end(proposal.head),
        "relation": proposal.relation,
        "tail": shapes.end(proposal.tail),
        "confidence": proposal.confidence,
        "log_odds": proposal.log_odds,
        "support": list(proposal.support),
        "rules": list(proposal.rules),
    }
