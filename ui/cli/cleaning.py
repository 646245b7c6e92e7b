"""``kg evaluate denoise``: how well false facts are found among true ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from kgplatform.errors import BadFile
from ui.cli.command import Run, add

if TYPE_CHECKING:
    from reasoning.noise import Kind


def register(app: typer.Typer) -> None:
    """The command for the group of measurements."""
    add(app, "denoise", example="kg evaluate denoise wn18rr --rate 0.05\nkg evaluate denoise umls --kind typed --json")(denoise)


def denoise(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="train.txt valid.txt test.txt.")],
    rate: Annotated[float, typer.Option(metavar="SHARE", help="False facts that are added, as a share of the true ones.")] = 0.05,
    kind: Annotated[str, typer.Option(metavar="KIND", help="uniform: anything in the place; typed: what has stood there.")] = "uniform",
    seed: Annotated[int, typer.Option(min=0, help="Of the false facts, and of the denoiser.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the result there too, as JSON.")] = None,
) -> None:
    """How well kg denoise finds false facts that were added to a graph.

    All facts of the folder are put together, with the false ones among them, and ranked by how suspect they are: the protocol of CAGED.
    P@k% is the share of false ones among the most suspect k % of all. Two plain rankings stand beside it, of the same facts.
    """
    from kgplatform.wholefile import whole
    from reasoning.denoise.suspicion import suspicion
    from reasoning.noise import calibration_error, detection, noisy, plain
    from reasoning.split import read_split

    if out and not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    parts = read_split(folder)
    entities, relations = len(parts.train.entities), len(parts.train.relations)
    made = noisy(parts, rate, cast("Kind", kind), seed)
    with run.screen.progress("weighing every fact by the others") as progress:
        found = suspicion(made.triples, entities, relations, seed=seed, progress=progress)
    result = {
        "rate": rate,
        "kind": kind,
        "facts": len(made.triples),
        "false": int(made.noise.sum()),
        **detection(found.log_odds, made.noise).shape(),
        "wrong": found.wrong,
        "calibration_error": calibration_error(found.probability, made.noise),
        "baselines": {name: detection(values, made.noise).shape() for name, values in plain(made.triples).items()},
    }
    if out:
        with whole(out) as file:
            file.write(json.dumps(result, indent=1).encode())
    run.screen.emit(result)
    _show(run, result)


def _show(run: Run, result: Mapping[str, Any]) -> None:
    rows = [("kg denoise", result), *result["baselines"].items()]
    columns = ("auc", "average_precision", "p@1%", "p@3%", "p@5%", "r@5%")
    run.screen.table(("by", *columns), ((name, *(f"{row[column]:.3f}" for column in columns)) for name, row in rows))
    run.screen.say(
        f"{result['false']:,} of {result['facts']:,} facts are false; {result['wrong']:.1%} were said to be, "
        f"with a calibration error of {result['calibration_error']:.3f}"
    )
