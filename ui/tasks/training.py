"""A graph model, trained on a folder of facts or on the graph, and kept as a file.

What a training needs to go on lies in a folder of the job: a checkpoint, and the trials of a search for settings. It goes when the job is
done; a job that was killed, stopped or cancelled goes on from it.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadFile, BadRequest
from ui.tasks import Doing, Telling

if TYPE_CHECKING:
    from kgplatform.view import GraphView, Ints
    from reasoning.recipe import Recipe
    from reasoning.train import Heard, Predictor
    from reasoning.training.parallel import Group
    from reasoning.training.search import Found

MODEL = "complex"
MINUTES = 5.0
"""Between two checkpoints."""
SETTINGS = ("dim", "epochs", "batch", "norm", "rate", "seed")
"""Fields of the recipe that a person may set."""


def arguments(
    folder: Path | None,
    *,
    columns: Sequence[str] = (),
    model: str = MODEL,
    given: Mapping[str, float | int] | None = None,
    search: float | None = None,
    out: Path | None = None,
    dry_run: bool = False,
) -> Mapping[str, Any]:
    """``folder``: of ``train.txt`` and others, their order in ``columns``; ``None``: the graph. ``given`` are some of ``SETTINGS``.

    Raises ``BadRequest`` and ``BadFile``.
    """
    from reasoning.models.registry import known

    known(model)
    if search is not None and not 0 < search < math.inf:
        raise BadRequest(f"--search {search:g}: is a number of minutes above 0; leave it out to train with settings by size")
    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    if out and out.is_dir():
        raise BadFile(f"{out}: is a folder: name a file")
    where = {"folder": str(folder.resolve()) if folder else "", "columns": ",".join(columns), "out": str(out.resolve()) if out else ""}
    return {**where, "model": model, **(given or {}), "search": search, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    from kgplatform.settings import processes
    from reasoning import links
    from reasoning.train import learnable, pick_device
    from reasoning.training.parallel import joined

    asked = doing.arguments
    view, valid = _facts(doing)
    learnable(view)
    doing.steps.inputs(view.revision)
    recipe = links.Recipe.fitting(view, asked["model"], **{name: asked[name] for name in SETTINGS if name in asked})
    if doing.dry_run:
        return {"dry_run": True, **_size(view, valid), **_told(recipe)}
    with joined(processes(), pick_device(doing.wire.settings["KG_DEVICE"])) as (group, device):
        training = _Training(doing, view, valid, group, device)
        training.agree()
        folder = Path(group.agreed(str(doing.wire.going(doing.steps.run or "train")) if group.first else None))
        found = training.searched(recipe, folder) if asked["search"] else None
        recipe = found.recipe if found else recipe
        out = Path(asked["out"] or doing.wire.settings.home / "trained" / f"{recipe.revision(view)}.safetensors")
        predictor = training.trained(recipe, folder, out)
    if group.first:
        shutil.rmtree(folder, ignore_errors=True)
    return {"dry_run": False, "file": str(out), **_size(view, valid), **_shape(predictor), "search": _search_shape(found)}


def _facts(doing: Doing) -> tuple[GraphView, Ints | None]:
    """What is learned from, and what is watched meanwhile, where the folder says that. Raises ``BadFile``."""
    from kgplatform.view import GraphView
    from reasoning.split import read_split

    if folder := doing.arguments["folder"]:
        parts = read_split(Path(folder), doing.arguments["columns"].split(",") if doing.arguments["columns"] else None)
        return parts.train, parts.valid
    return GraphView.of(doing.wire.graph.facts(status="current")), None


@dataclass(frozen=True, slots=True)
class _Training:
    doing: Doing
    view: GraphView
    valid: Ints | None
    group: Group
    device: str

    def agree(self) -> None:
        """Raises ``BadRequest`` where processes that are to train together do not read the same."""
        group = self.group
        if group.agreed(self.view.revision if group.first else None) != self.view.revision:
            raise BadRequest(f"process {group.rank} of {group.size} reads other facts than the first: give all the same folder or graph")
        if group.size > 1 and self.doing.arguments["search"]:
            raise BadRequest("--search runs in one process: search first, then train together with what it found")

    def searched(self, recipe: Recipe, folder: Path) -> Found:
        from reasoning.training.search import search

        kept = folder / f"{recipe.revision(self.view)}.trials"
        with self.doing.progress("trying settings (seconds)") as progress:
            found = search(
                self.view,
                recipe,
                self.doing.arguments["search"],
                kept,
                valid=self.valid,
                device=self.device,
                progress=progress,
                words=progress.words,
            )
        self.doing.steps.log(gain(_search_shape(found)))
        return found

    def trained(self, recipe: Recipe, folder: Path, out: Path) -> Predictor:
        from reasoning import links

        _replaceable(out)
        with self.doing.progress("learning") as progress:
            return links.train(
                self.view,
                recipe,
                valid=self.valid,
                device=self.device,
                progress=progress,
                heard=hearing(self.doing, progress),
                checkpoint=folder / f"{recipe.revision(self.view)}.safetensors",
                minutes=MINUTES,
                out=out,
                group=self.group,
            )


def hearing(doing: Doing, progress: Telling) -> Heard:
    """What tells the screen how far a training is, and the log each look at the watched facts."""
    told: list[float] = []

    def heard(epoch: int, epochs: int, mrr: float | None) -> None:
        progress.words(far(epoch, epochs, mrr))
        if mrr is not None and told[-1:] != [mrr]:
            told.append(mrr)
            doing.steps.log(f"epoch {epoch} of {epochs}: MRR {mrr:.4f} of the watched facts")

    return heard


def far(epoch: int, epochs: int, mrr: float | None) -> str:
    """What a training does now."""
    return f"learning, epoch {epoch:,} of {epochs:,}" + ("" if mrr is None else f", MRR {mrr:.3f}")


def _replaceable(out: Path) -> None:
    """Raises ``BadFile`` for a file that is there and is no model of ours."""
    from reasoning.training import checkpoint

    if out.exists():
        try:
            checkpoint.read(out)
        except BadFile:
            raise BadFile(f"{out} is there already and is no trained model: name another file") from None


def gain(found: Mapping[str, Any]) -> str:
    """What a search came to, in words."""
    tried = f"{found['trials']:,} settings tried"
    if found["best"] is None:
        return f"{tried}, none far enough to be judged: the settings by size are used"
    if found["default"] is None:
        return f"{tried}, the time was too short for the settings by size: MRR {found['best']:.3f}"
    return f"{tried}: MRR {found['best']:.3f}, {found['best'] - found['default']:+.3f} to the settings by size"


def _size(view: GraphView, valid: Ints | None) -> dict[str, Any]:
    watched = {} if valid is None else {"watched": len(valid)}
    return {"facts": len(view), "entities": len(view.entities), "relations": len(view.relations), **watched}


def _told(recipe: Recipe) -> dict[str, Any]:
    return {"model": recipe.model, "settings": asdict(recipe)}


def _shape(predictor: Predictor) -> dict[str, Any]:
    return {
        **_told(predictor.recipe),
        "revision": predictor.recipe.revision(predictor.view),
        "epochs": predictor.epochs,
        "mrr": max(predictor.history, default=None),
        "epoch_seconds": predictor.epoch_seconds,
        "device": predictor.device,
    }


def _search_shape(found: Found | None) -> dict[str, Any]:
    return {"trials": found.trials, "default": found.default, "best": found.best, "seconds": found.seconds} if found else {}
