"""A recommender, learned from the interactions beside the graph."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest
from reasoning.recommend.models.registry import AUTO, CLEANING
from ui.tasks import Doing, Telling

if TYPE_CHECKING:
    from reasoning.recommend.training import Heard, Settings

MODEL = AUTO
TOP = 20
"""Items that are recommended, unless another number is named."""
SETTINGS = ("dim", "epochs", "batch", "rate", "reg", "seed")
"""Fields of the settings that a person may set."""


def arguments(
    *,
    model: str = MODEL,
    given: Mapping[str, float | int] | None = None,
    review: bool = False,
    new_items: bool = False,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``given`` are some of ``SETTINGS``; ``review``: put what cleaning says of facts to review; ``new_items``: give items that nobody
    took vectors by what is told of them. Raises ``BadRequest``.
    """
    _settings({"model": model, **(given or {})})
    if review and model not in (AUTO, *CLEANING):
        raise BadRequest(f"{model} cleans no graph, so it has nothing for review: take {' or '.join(CLEANING)}")
    return {"model": model, **(given or {}), "review": review, "new_items": new_items, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from reasoning.recommend.health import Health
    from reasoning.recommend.run import Way, learn
    from reasoning.train import pick_device

    asked, wire = doing.arguments, doing.wire
    kept = wire.beside.read()
    doing.steps.inputs(kept.revision)
    settings = _settings(asked)
    for doubt in Health.of(kept).doubts:
        doing.note(doubt)
    if doing.dry_run:
        return {"dry_run": True, "model": asked["model"], "interactions": len(kept.interactions), "users": len(kept.interactions.users)}
    folder = wire.going(doing.steps.run or "learn")
    with doing.progress("learning what goes with what") as progress:
        way = Way(
            device=pick_device(wire.settings["KG_DEVICE"]),
            progress=progress,
            trying=lambda name: _hearing(doing, progress, name),
            checkpoint=folder / "recommender.safetensors",
            said=doing.note,
            encode=wire.encoder.encode if asked["new_items"] else None,
        )
        found = learn(wire.graph, wire.beside, settings, kept, auto=asked["model"] == AUTO, review=asked["review"], way=way)
    shutil.rmtree(folder, ignore_errors=True)
    if asked["review"] and found.reviewed is None:
        doing.note(f"{found.served.told['model']} recommends best and cleans no graph, so nothing goes to review: name  --model diffkg")
    if asked["new_items"] and not found.served.told["new_items"]:
        doing.note("no item is new: somebody took each")
    elif asked["new_items"] and found.served.form != "factors":
        doing.note(f"{found.served.told['model']} has no vectors, so new items are not recommended: name  --model lightgcn")
    return {"dry_run": False, **found.shape()}


def _settings(asked: Mapping[str, Any]) -> Settings:
    """The best of several has the settings of any: which model is decided by trying. Raises ``BadRequest``."""
    from reasoning.recommend.training import Settings

    given = {name: asked[name] for name in SETTINGS if name in asked}
    return Settings(**given) if asked["model"] == AUTO else Settings(model=asked["model"], **given)


def _hearing(doing: Doing, progress: Telling, name: str) -> Heard:
    def heard(epoch: int, epochs: int, ndcg: float) -> None:
        progress.words(f"learning by {name}, epoch {epoch:,} of {epochs:,}, NDCG {ndcg:.3f}")
        doing.steps.log(f"{name}, epoch {epoch} of {epochs}: NDCG {ndcg:.4f} of the watched interactions")

    return heard
