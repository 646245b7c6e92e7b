"""Commands that find entities: by words, and by what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli import shapes
from ui.cli.command import DryRun, Run, add

if TYPE_CHECKING:
    from kgplatform.types import Hit


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
        run.screen.emit(_shape(hit))
    if hits:
        rows = ((f"{hit.score:.2f}", hit.entity.name, ", ".join(hit.entity.kinds), hit.entity.description, hit.entity.id) for hit in hits)
        run.screen.table(("score", "name", "kinds", "description", "id"), rows)
    else:
        run.screen.say("nothing found")


def _shape(hit: Hit) -> shapes.Shape:
    return {**shapes.end(hit.entity), "aliases": list(hit.entity.aliases), "description": hit.entity.description, "score": hit.score}


def embed(
    run: Run,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the vectors of another encoder, if the graph holds such.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Make ready to search by meaning: encode the names and descriptions of the entities that are new or told anew.

    What is interrupted goes on where it was.
    """
    from kgplatform import similar

    if dry_run:
        lacking = similar.lacking(run.graph.store, run.encoder, replace=replace)
        run.screen.emit({"encoder": run.encoder.name, "dry_run": True, "lacking": lacking})
        run.screen.say(f"{lacking:,} entities would be encoded by {run.encoder.name}")
        return
    with run.screen.progress("encoding entities") as progress:
        made = run.graph.embed(run.encoder, replace=replace, progress=progress)
    run.screen.emit({"encoder": run.encoder.name, "embedded": made})
    run.screen.say(f"{made:,} entities encoded by {run.encoder.name}")
