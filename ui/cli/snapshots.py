"""``kg snapshot`` and ``kg snapshots``: copies of the graph that never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ui.cli.command import AsJob, Run, add, group
from ui.shapes import many
from ui.tasks import snapshot as taking

app = group("Copies of graphs that never change: list them, show how one is cited, drop one.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A snapshot.")]


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    example = 'kg snapshot before-the-merge\nkg ask "Where was radium discovered?" --graph snapshot:before-the-merge'
    add(app, "snapshot", example=example)(snapshot)


def snapshot(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called; {date} stands for today.")],
    job: AsJob = False,
) -> None:
    """Copy the graph as it is now, with all evidence, to cite it and to ask it like the graph:  --graph snapshot:NAME

    It is a folder with a Parquet file and a manifest. Graphs that say the same on the same grounds have the same content digest.
    """

    def show(result: Mapping[str, Any]) -> None:
        run.screen.emit(result)
        run.screen.say(result["citation"])
        run.screen.note(f"kg: {result['folder']}; ask it by  --graph snapshot:{result['name']}")

    run.do("snapshot", taking.arguments(name), show, job=job)


@add(app, "list", example="kg snapshots list")
def list_(run: Run) -> None:
    """List all snapshots, of all graphs, the latest first."""
    from kgplatform import snapshots

    found = snapshots.manifests(run.snapshots)
    for one in found:
        run.screen.emit(asdict(one))
    run.screen.table(
        ("name", "graph", "taken", "facts", "content"), [(o.name, o.graph, o.time, f"{o.facts:,}", o.digest[:16]) for o in found]
    )


@add(app, "show", example="kg snapshots show before-the-merge")
def show(run: Run, name: Name) -> None:
    """Show what a snapshot holds, and a line to cite it by."""
    from kgplatform import snapshots

    found = snapshots.manifest(run.snapshots, name)
    run.screen.emit({**asdict(found), "citation": found.citation})
    run.screen.say(found.citation)
    told = {
        "entities": f"{found.entities:,}",
        "sources": f"{len(found.sources):,}",
        "content": found.digest,
        "believed by": found.calibration,
        "folder": str(run.snapshots / name),
    }
    run.screen.table(("what", "which"), told.items())


@add(app, "drop", example="kg snapshots drop before-the-merge")
def drop(run: Run, name: Name) -> None:
    """Delete a snapshot; the graph stays as it is."""
    from kgplatform import snapshots

    gone = snapshots.drop(run.snapshots, name)
    run.screen.emit(asdict(gone))
    run.screen.say(f"{name} is dropped: {many(gone.facts, 'fact')}")
