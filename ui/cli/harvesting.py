"""``kg harvest``: facts out of documents and out of language models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kgplatform.errors import BadRequest
from ui import jobs as words
from ui.cli import shapes
from ui.cli.command import AsJob, DryRun, Run, add, group
from ui.tasks import harvest_documents, harvest_relation

RunId = Annotated[str, typer.Option("--run", metavar="NAME", help="A name for this run, kept with its evidence.")]
Resume = Annotated[str, typer.Option("--resume", metavar="RUN", help="Go on with a run, or a job, that broke off or failed in part.")]
Again = Annotated[bool, typer.Option("--again", help="Read documents anew that the same command has read before.")]
Sync = Annotated[bool, typer.Option("--sync", help="Then forget texts that this command read before and that are gone from PATH.")]
SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add this group to ``kg``."""
    harvest = group("Harvest facts from documents or from a language model.")
    example = "kg harvest documents texts/ notes.txt --run first\nkg harvest documents texts/ --job"
    add(harvest, "documents", example=example, creates=True)(documents)
    add(harvest, "relation", example="kg harvest relation born-in.yaml --dry-run", creates=True)(relation)
    app.add_typer(harvest, name="harvest")


def documents(
    run: Run,
    path: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Text files, or folders of them.")] = None,
    card: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A relation card to look for; none: those that ship.")] = None,
    name: RunId = "",
    again: Again = False,
    sync: Sync = False,
    resume: Resume = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Read documents and put the facts they state, each with the words that state it.

    The same command again reads what is new; what was killed goes on where it was. With --sync, a file that was deleted or edited since is
    taken back, with all that rested on what it said.
    """
    # Before the models are loaded, which takes seconds.
    _either(path, resume, "PATH")
    arguments = harvest_documents.arguments(path or (), card or (), again=again, sync=sync, dry_run=dry_run)
    run.do("harvest documents", arguments, partial(_show, run), job=job, name=name, resume=resume)


def relation(
    run: Run,
    card: Annotated[list[Path] | None, typer.Argument(metavar="CARD", help="Relation cards (YAML).")] = None,
    name: RunId = "",
    resume: Resume = "",
    job: AsJob = False,
    dry_run: DryRun = False,
) -> None:
    """Ask the language model for pairs of a relation, and put those that it finds likely."""
    _either(card, resume, "CARD")
    arguments = harvest_relation.arguments(card or (), dry_run=dry_run)
    run.do("harvest relation", arguments, partial(_show, run), job=job, name=name, resume=resume)


def _either(paths: list[Path] | None, resume: str, name: str) -> None:
    """Raises ``BadRequest`` unless it is told either what to read or what to go on with."""
    if bool(paths) == bool(resume):
        raise BadRequest(f"name either {name}… or  --resume RUN")


def _show(run: Run, result: Mapping[str, Any]) -> None:
    """What a harvest did, or the facts that it would put."""
    run.screen.emit(result)
    if result["dry_run"]:
        run.screen.say(f"{result['candidates']:,} pieces of evidence found; nothing was written")
    else:
        run.screen.say(shapes.added(result))
        for line in words.changes(result["changed"]):
            run.screen.say(line)
    for line in () if result.get("changed", {}).get("new", {}).get("count") else result["found"][:SHOWN]:
        run.screen.say(f"  {line}")
    for source in result.get("gone", []):
        run.screen.say(f"{source} {'would be' if result['dry_run'] else 'is'} forgotten: its text is gone")
    if result["new"]:
        run.screen.note("to see them with what supports them:  kg app,  kg review next")
    for line in result["refused"][:SHOWN]:
        run.screen.note(f"  refused: {line}")
    for line in result.get("unlinked", [])[:SHOWN]:
        run.screen.note(f"  not linked: {line}")
    for line in result["notes"]:
        run.screen.say(line)
