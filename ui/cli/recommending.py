"""``kg evaluate recommend``: recommenders measured on interactions of one's own."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from kgplatform.errors import BadFile, BadRequest
from ui.cli import cold
from ui.cli.command import Run, add

if TYPE_CHECKING:
    from reasoning.recommend.reading import Data
    from reasoning.recommend.splitting import Way
    from reasoning.recommend.training import Heard, Settings

MODEL = "lightgcn"


def register(app: typer.Typer) -> None:
    """Add the command to ``kg evaluate``."""
    add(app, "recommend", example="kg evaluate recommend data/ml100k_kg --model popularity,itemknn,lightgcn --json")(recommend)


def recommend(
    run: Run,
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="RecBole's files, DiffKG's files, or one table (user, item, rating, time).")
    ],
    model: Annotated[str, typer.Option(metavar="NAMES", help="A recommender, several to compare (name,name), or auto: the best.")] = MODEL,
    split: Annotated[
        str, typer.Option(metavar="WAY", help="random, time, last (one of each user), cold (whole items); nothing: as it is, or random.")
    ] = "",
    rating: Annotated[float | None, typer.Option(metavar="X", help="Leave out what is rated lower.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="How many of the first recommended items count.")] = 20,
    dim: Annotated[int | None, typer.Option(min=1, help="Numbers that describe a user or item.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="How often all interactions are gone through, at most.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Interactions that are learned from at once.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="X", help="The learning rate.")] = None,
    reg: Annotated[float | None, typer.Option(metavar="X", help="The weight of the penalty.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another number gives another split and training.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or cuda:N; nothing: KG_DEVICE.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well a recommender finds the items that users took later.

    All items are ranked for each user but those known already; the epoch is chosen on interactions that are neither learned from nor
    tested by.
    """
    from kgplatform.wholefile import whole
    from reasoning.recommend.health import telling
    from reasoning.recommend.models.registry import AUTO, known
    from reasoning.recommend.reading import read
    from reasoning.recommend.training import Settings
    from reasoning.train import pick_device

    names = [one if (one := name.strip()) == AUTO else known(one) for name in model.split(",")]
    if split not in ("", "random", "time", "last", "cold"):
        raise BadRequest(f"--split {split}: is none of random, time, last, cold")
    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    device = pick_device(device or run.settings["KG_DEVICE"])
    given = {
        name: value for name, value in {"dim": dim, "epochs": epochs, "batch": batch, "rate": rate, "reg": reg}.items() if value is not None
    }
    settings = Settings(seed=seed, **cast("dict[str, Any]", given))
    data = read(source, way=cast("Way | None", split or None), rating=rating, seed=seed)
    doubt = telling(data.parts.train, data.facts).doubt if data.facts else ""
    if doubt:
        run.screen.note(f"kg: {doubt}")
    new = split == "cold"
    if new:
        rows = cold.measured(run, data, settings, names, device, top)
    else:
        rows = [_measured(run, data, settings, name, device, top) for name in names]
    sizes = {**_sizes(data), "graph_doubt": doubt, "peak_memory": peak_memory(device)}
    result = {**sizes, "models": rows} if len(rows) > 1 else {**sizes, **rows[0]}
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    if new:
        cold.show(run, rows, top)
    else:
        _show(run, result, rows, top)


def _measured(run: Run, data: Data, settings: Settings, name: str, device: str, top: int) -> dict[str, Any]:
    """One recommender, or the one that ``auto`` takes."""
    from dataclasses import asdict, replace

    from reasoning.recommend.models.registry import AUTO
    from reasoning.recommend.ranking import figures
    from reasoning.recommend.training import choose, train

    began = time.perf_counter()
    chosen: dict[str, Any] = {}
    with run.screen.progress(f"learning by {name}") as progress:

        def trying(model: str) -> Heard:
            def heard(epoch: int, epochs: int, ndcg: float) -> None:
                if progress:
                    progress.words(f"learning by {model}, epoch {epoch:,} of {epochs:,}, NDCG {ndcg:.3f}")

            return heard

        if name == AUTO:
            choice = choose(data.parts, settings, data.facts, device=device, progress=progress, trying=trying)
            found, chosen = choice.trained, {"watched_ndcg": dict(choice.watched)}
        else:
            found = train(data.parts, replace(settings, model=name), data.facts, device=device, progress=progress, heard=trying(name))
    trained = time.perf_counter()
    parts = data.parts
    told = figures(found.model, parts.test, parts.train, parts.valid, k=top)
    seconds = {"train_seconds": trained - began, "epoch_seconds": found.epoch_seconds, "test_seconds": time.perf_counter() - trained}
    settings = found.settings
    row = {"model": settings.model, **told.shape(), "epochs": found.epochs, **seconds, "device": device, "settings": asdict(settings)}
    return {**row, **chosen}


def peak_memory(device: str) -> int:
    """The most bytes that this process, or on a graphics card its tensors, have taken so far; 0 where the system does not say."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _sizes(data: Data) -> dict[str, int]:
    parts, facts = data.parts, data.facts
    sizes = {"all_users": len(parts.train.users), "items": len(parts.train.items)}
    sizes |= {f"{name}_interactions": len(part) for name, part in (("train", parts.train), ("valid", parts.valid), ("test", parts.test))}
    return {**sizes, "graph_facts": len(facts.triples) if facts else 0, "items_in_graph": int((facts.of_item >= 0).sum()) if facts else 0}


def _show(run: Run, result: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], top: int) -> None:
    recall, ndcg = f"recall@{top}", f"ndcg@{top}"
    table = [(row["model"], f"{row[recall]:.4f}", f"{row[ndcg]:.4f}", row["epochs"], f"{row['train_seconds']:.1f}") for row in rows]
    run.screen.table(("model", recall, ndcg, "best epoch", "seconds"), table)
    for row in rows:
        if watched := row.get("watched_ndcg"):
            told = ", ".join(f"{name} {value:.4f}" for name, value in watched.items())
            run.screen.say(f"auto takes {row['model']}, by the NDCG of the watched interactions: {told}")
    run.screen.say(
        f"{rows[0]['users']:,} users with test items, {result['items']:,} items, {result['train_interactions']:,} interactions to learn"
    )
