"""Commands that find entities: by words, and by what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import typer

from ui import shapes
from ui.cli.command import AsJob, DryRun, Run, add


def register(app: typer.Typer) -> None:
    """Add these commands to ``kg``."""
    add(app, "search", example='kg search curie\nkg search --meaning "a metal that glows in the dark"')(search)
    add(app, "embed", example="kg embed\nkg embed --replace")(embed)


def search(
    run: Run,
    words: Annotated[str, typer.Argument(metavar="WORDS", help="A name, the beginning of one, or something like it.")],
    meaning: Annotated[bool, typer.Option("--meaning", help="Find what means something like it; kg embed comes first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The most entities to show.")] = 20,
) -> None:
    """Find entities by their names, or by what their names and descriptions mean; the best first."""
    hits = run.graph.similar(words, run.encoder, limit) if meaning else run.graph.search(words, limit)
    for hit in hits if run.screen.json else ():
        run.screen.emit(shapes.hit(hit))
    if hits:
        rows = ((f"{hit.score:.2f}", hit.entity.name, ", ".join(hit.entity.kinds), hit.entity.description, hit.entity.id) for hit in hits)
        run.screen.table(("score", "name", "kinds", "description", "id"), rows)
    else:
        run.screen.say("nothing found")


def embed(
    run: Run,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the vectors of another encoder, if the graph holds such.")] = False,
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Make ready to search by meaning: encode the names and descriptions of the entities that are new or told anew.

    What is interrupted goes on where it was.
    """
    run.do("embed", {"replace": replace, "dry_run": dry_run}, partial(_show, run), job=job)


def _show(run: Run, result: Mapping[str, Any]) -> None:
    run.screen.emit(result)
    if "lacking" in result:
        run.screen.say(f"{result['lacking']:,} entities would be encoded by {result['encoder']}")
    else:
        run.screen.say(f"{result['embedded']:,} entities encoded by {result['encoder']}")
