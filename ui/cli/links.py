"""``kg train`` and ``kg evaluate links``: graph models that predict links."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplatform.errors import BadFile, BadRequest, BadSetting
from ui import tasks
from ui.cli import evaluating
from ui.cli.command import AsJob, DryRun, Run, add
from ui.tasks import training

if TYPE_CHECKING:
    from reasoning.links import Metrics, Predictor, Split

Model = Annotated[str, typer.Option(metavar="NAME", help="The graph model.")]
Dim = Annotated[int | None, typer.Option(metavar="N", help="Coordinates of an entity; nothing: by the size of the graph, as all of these.")]
Epochs = Annotated[int | None, typer.Option(metavar="N", help="How often all facts are gone through, at most.")]
Batch = Annotated[int | None, typer.Option(metavar="N", help="Questions that are learned from at once.")]
Norm = Annotated[float | None, typer.Option(metavar="X", help="The weight of the model's penalty.")]
Rate = Annotated[float | None, typer.Option(metavar="X", help="The learning rate.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Another number gives another training.")]
Columns = Annotated[str, typer.Option(metavar="LIST", help="The order of the files, such as  relation,head,tail.")]
SHOWN = 10
ULTRA = "ultra"
"""The model that is not trained on the graph that it ranks."""


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    example = "kg train --model complex --job\nkg train data/umls --model rotate --search 30 --out umls.safetensors"
    add(app, "train", example=example)(train)
    add(evaluating.app, "links", example="kg evaluate links data/umls --model complex --json --out umls.json")(links)


def train(
    run: Run,
    source: Annotated[
        str, typer.Argument(metavar="DIR_OR_GRAPH", help="A folder with train.txt, valid.txt, test.txt, or a graph; nothing: KG_GRAPH.")
    ] = "",
    model: Model = training.MODEL,
    search: Annotated[float | None, typer.Option(metavar="MINUTES", help="First try other settings for so long.")] = None,
    dim: Dim = None,
    epochs: Epochs = None,
    batch: Batch = None,
    norm: Norm = None,
    rate: Rate = None,
    seed: Seed = None,
    columns: Columns = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The trained model; nothing: a file of the data folder.")] = None,
    resume: Annotated[str, typer.Option("--resume", metavar="RUN", help="Go on with a training that broke off.")] = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Train a graph model on a folder of facts or on a graph, and keep it as a file.

    A training that was killed goes on where it was, by the same command, to the same model. Started by torchrun, processes train together.
    """
    if resume and source:
        raise BadRequest("name either DIR_OR_GRAPH or  --resume RUN")
    folder = _folder(run, source)
    given = _given(dim=dim, epochs=epochs, batch=batch, norm=norm, rate=rate, seed=seed)
    order = _order(columns) or ()
    if order and not folder:
        raise BadRequest("--columns names the order of files: give their folder")
    arguments = training.arguments(folder, columns=order, model=model, given=given, search=search, out=out, dry_run=dry_run)
    if _follows():
        from kgplatform.jobs.steps import Direct

        tasks.do("train", tasks.Doing(run, Direct(), arguments))
        return
    run.do("train", arguments, partial(_show_training, run), job=job, resume=resume)


def _follows() -> bool:
    """Whether this process only trains along with a first one, which keeps the job."""
    from kgplatform.settings import processes

    return bool((one := processes()) and one.rank)


def _folder(run: Run, source: str) -> Path | None:
    """The folder that is meant; ``None`` for a graph, which the run turns to. Raises ``BadFile`` for what can be neither."""
    if not source or (folder := Path(source)).is_dir():
        return folder if source else None
    try:
        run.turn_to(source)
    except BadSetting:
        raise BadFile(f"{source}: there is no such folder, and no graph can have that name") from None
    return None


def _order(columns: str) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in columns.split(",")) if columns else None


def _given(**settings: float | int | None) -> dict[str, float | int]:
    return {name: value for name, value in settings.items() if value is not None}


def _show_training(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    settings = ", ".join(f"{name} {result['settings'][name]}" for name in ("dim", "epochs", "batch", "rate", "norm"))
    run.screen.say(f"{result['facts']:,} facts of {result['entities']:,} entities and {result['relations']:,} relations")
    if result["dry_run"]:
        run.screen.say(f"{result['model']} with {settings}; nothing was trained")
        return
    if result["search"]:
        run.screen.say(training.gain(result["search"]))
    quality = "" if result["mrr"] is None else f", MRR {result['mrr']:.3f} of the watched facts"
    run.screen.say(f"{result['model']} with {settings}: {result['epochs']:,} epochs{quality}")
    run.screen.say(f"the model is in {result['file']}")


def links(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with train.txt, valid.txt and test.txt.")],
    model: Model = "",
    dim: Dim = None,
    epochs: Epochs = None,
    batch: Batch = None,
    norm: Norm = None,
    rate: Rate = None,
    seed: Seed = None,
    columns: Columns = "",
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N; nothing: KG_DEVICE.")] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Test this model of  kg train,  or with  --model ultra  its authors' parameters.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well a graph model finds the ends of facts that it was not shown.

    Ranks are filtered, over both sides, ties shared; test facts with entities that training never saw are ranked too, and counted.
    """
    from kgplatform.wholefile import whole
    from reasoning.split import read_split
    from reasoning.train import pick_device

    given = _given(dim=dim, epochs=epochs, batch=batch, norm=norm, rate=rate, seed=seed)
    if checkpoint and (given or model not in ("", ULTRA)):
        raise BadRequest("--checkpoint names a model that is trained already: leave out what says how to train one")
    if model == ULTRA and not checkpoint:
        raise BadRequest(f"--model {ULTRA} is not trained here: name the authors' parameters with  --checkpoint ultra_3g.pth")
    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    parts = read_split(folder, _order(columns))
    if not len(parts.test):
        raise BadFile(f"{folder / 'test.txt'}: holds no facts, so there is nothing to test by")
    device = pick_device(device or run.settings["KG_DEVICE"])
    began = time.perf_counter()
    if model == ULTRA and checkpoint:
        result = _inductive(run, checkpoint, parts, device)
    else:
        predictor = _predictor(run, parts, model or training.MODEL, given, device, checkpoint)
        seconds = None if checkpoint else time.perf_counter() - began
        result = _measured(run, predictor, parts) | {"train_seconds": seconds}
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    _show(run, result)


def _predictor(run: Run, parts: Split, model: str, given: Mapping[str, Any], device: str, checkpoint: Path | None) -> Predictor:
    from reasoning import links

    if checkpoint:
        return links.load(checkpoint, parts.train, device)
    recipe = links.Recipe.fitting(parts.train, model, **given)
    with run.screen.progress("learning") as progress:

        def heard(epoch: int, epochs: int, mrr: float | None) -> None:
            if progress:
                progress.words(training.far(epoch, epochs, mrr))

        return links.train(parts.train, recipe, valid=parts.valid, device=device, progress=progress, heard=heard)


def _inductive(run: Run, checkpoint: Path, parts: Split, device: str) -> dict[str, Any]:
    """ULTRA on these facts, with no training."""
    from reasoning.evaluate import evaluate
    from reasoning.models.ultra import Ultra

    view = parts.train
    scorer = Ultra.load(checkpoint).on(view.triples, len(view.entities), len(view.relations)).to(device)
    with run.screen.progress("ranking") as progress:
        found = evaluate(scorer, parts, device=device, progress=progress)
    told = {"model": ULTRA, "device": device, "epochs": 0, "settings": {"checkpoint": checkpoint.name}, "train_seconds": None}
    return {**found.row(), **told, **_sizes(parts)}


def _sizes(parts: Split) -> dict[str, int]:
    return {"facts": len(parts.train), "test_facts": len(parts.test), "entities": len(parts.train.entities)}


def _measured(run: Run, predictor: Predictor, parts: Split) -> dict[str, Any]:
    from dataclasses import asdict

    from reasoning import links

    with run.screen.progress("ranking") as progress:
        found: Metrics = links.evaluate(predictor, parts, progress=progress)
    told = {"model": predictor.recipe.model, "device": predictor.device, "epochs": predictor.epochs, "settings": asdict(predictor.recipe)}
    return {**found.row(), **told, **_sizes(parts)}


def _show(run: Run, result: Mapping[str, Any]) -> None:
    rows = [(name, result if name == "both" else result[name]) for name in ("both", "head", "tail")]
    table = [(f"{name} asked for" if name != "both" else name, *_figures(found)) for name, found in rows]
    table += [(f"{kind}, {side}", *_figures(found)) for kind, sides in result["per_kind"].items() for side, found in sides.items()]
    run.screen.table(("what", "MRR", "Hits@1", "Hits@3", "Hits@10", "ranks"), table)
    best = sorted(result["per_relation"].items(), key=lambda one: (-one[1]["ranks"], one[0]))[:SHOWN]
    run.screen.table(("relation", "kind", "MRR", "ranks"), [(name, one["kind"], f"{one['mrr']:.3f}", one["ranks"]) for name, one in best])
    unseen = result["unseen_test_triples"]
    run.screen.say(f"{result['test_facts']:,} test facts, {unseen:,} of them with entities that training never saw")
    trained, epoch = result["train_seconds"], result["epoch_seconds"]
    learned = "" if trained is None else f"{trained:.1f} s of training, {epoch:.2f} an epoch; "
    run.screen.say(f"{result['model']}, {result['epochs']:,} epochs on {result['device']}: {learned}{result['test_seconds']:.2f} s to rank")


def _figures(found: Mapping[str, Any]) -> list[str]:
    return [f"{found[name]:.3f}" for name in ("mrr", "hits@1", "hits@3", "hits@10")] + [f"{found['ranks']:,}"]
