"""A recommender, learned from the interactions beside the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest
from ui.tasks import Doing, Telling

if TYPE_CHECKING:
    from reasoning.recommend.training import Heard

MODEL = "lightgcn"
SETTINGS = ("dim", "epochs", "batch", "rate", "reg", "seed")
"""Fields of the settings that a person may set."""


def arguments(*, model: str = MODEL, given: Mapping[str, float | int] | None = None, dry_run: bool = False) -> Mapping[str, Any]:
    """``given`` are some of ``SETTINGS``. Raises ``BadRequest``."""
    from reasoning.recommend.training import Settings

    if unknown := sorted((given or {}).keys() - set(SETTINGS)):
        raise BadRequest(f"{unknown[0]!r} is no setting of a recommender: there are {', '.join(SETTINGS)}")
    Settings(model=model, **(given or {}))  # type: ignore[arg-type]
    return {"model": model, **(given or {}), "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from reasoning.recommend.health import Health
    from reasoning.recommend.run import learn
    from reasoning.recommend.training import Settings
    from reasoning.train import pick_device

    asked, wire = doing.arguments, doing.wire
    kept = wire.beside.read()
    doing.steps.inputs(kept.revision)
    settings = Settings(model=asked["model"], **{name: asked[name] for name in SETTINGS if name in asked})
    for doubt in Health.of(kept).doubts:
        doing.note(doubt)
    if doing.dry_run:
        return {"dry_run": True, "model": settings.model, "interactions": len(kept.interactions), "users": len(kept.interactions.users)}
    with doing.progress("learning what goes with what") as progress:
        found = learn(
            wire.graph,
            wire.beside,
            settings,
            device=pick_device(wire.settings["KG_DEVICE"]),
            progress=progress,
            heard=_hearing(doing, progress),
        )
    return {"dry_run": False, **found.shape()}


def _hearing(doing: Doing, progress: Telling) -> Heard:
    def heard(epoch: int, epochs: int, ndcg: float) -> None:
        progress.words(f"learning what goes with what, epoch {epoch:,} of {epochs:,}, NDCG {ndcg:.3f}")
        doing.steps.log(f"epoch {epoch} of {epochs}: NDCG {ndcg:.4f} of the watched interactions")

    return heard
