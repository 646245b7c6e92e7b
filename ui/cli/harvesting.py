"""``kg harvest``: facts out of documents and out of language models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile
from ui.cli import shapes
from ui.cli.command import DryRun, Run, add, group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kgplatform.types import Receipt, Relation

RunId = Annotated[str, typer.Option("--run", metavar="NAME", help="A name for this run, kept with its evidence.")]
SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add this group to ``kg``."""
    harvest = group("Harvest facts from documents or from a language model.")
    add(harvest, "documents", example="kg harvest documents texts/ notes.txt --run first")(documents)
    add(harvest, "relation", example="kg harvest relation born-in.yaml --dry-run")(relation)
    app.add_typer(harvest, name="harvest")


def documents(
    run: Run,
    path: Annotated[list[Path], typer.Argument(metavar="PATH", help="Text files, or folders of them.")],
    card: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A relation card to look for; none: those that ship.")] = None,
    name: RunId = "",
    dry_run: DryRun = False,
) -> None:
    """Read documents and put the facts they state, each with the words that state it."""
    # Before the models are loaded, which takes seconds.
    if missing := [one for one in path if not one.exists()]:
        raise BadFile(f"{missing[0]}: there is no such file or folder")
    from harvest.documents import advice, harvest
    from harvest.documents.read import read_all

    read, skipped = read_all(path)
    for line in skipped:
        run.screen.note(f"  skipped: {line}")
    cards = _cards(card) if card else None
    with run.screen.progress("reading") as progress:
        report = harvest(
            run.graph,
            read,
            scorer=run.scorer,
            encoder=run.encoder,
            reader=run.reader,
            cards=cards,
            progress=progress,
            dry_run=dry_run,
            run=name,
        )
    show(run, report.receipt, [shapes.candidate(found) for found in report.candidates], dry_run)
    for unlinked in report.unlinked[:SHOWN]:
        run.screen.note(f"  not linked: {shapes.candidate(unlinked.candidate)}: {unlinked.why}")
    for line in advice(report):
        run.screen.say(line)


def relation(
    run: Run,
    card: Annotated[list[Path], typer.Argument(metavar="CARD", help="Relation cards (YAML).")],
    name: RunId = "",
    dry_run: DryRun = False,
) -> None:
    """Ask the language model for pairs of a relation, and put those that it finds likely."""
    cards = _cards(card)
    from harvest.bertnet import harvest

    with run.screen.progress("scoring pairs") as progress:
        report = harvest(run.graph, cards, scorer=run.scorer, encoder=run.encoder, progress=progress, dry_run=dry_run, run=name)
    show(run, report.receipt, [shapes.claim(claim) for claim in report.claims], dry_run)
    for outcome in report.outcomes:
        if outcome.note:
            run.screen.say(outcome.note)


def _cards(paths: list[Path]) -> list[Relation]:
    from kgplatform.cards import read_relation

    return [read_relation(path) for path in paths]


def show(run: Run, receipt: Receipt, found: Sequence[str], dry_run: bool) -> None:
    """What a harvest did, or the facts that it would put."""
    done = {"new": receipt.new, "merged": receipt.merged, "unchanged": receipt.unchanged}
    run.screen.emit({"dry_run": dry_run, "found": list(found), **done})
    if dry_run:
        run.screen.say(f"{len(found):,} pieces of evidence found; nothing was written")
        for line in found[:SHOWN]:
            run.screen.say(f"  {line}")
    else:
        run.screen.say(shapes.receipt(receipt))
        for line in found[:SHOWN]:
            run.screen.say(f"  {line}")
        if receipt.new:
            run.screen.note("to see them with what supports them:  kg app,  kg review next")
    for refusal in receipt.refused[:SHOWN]:
        run.screen.note(f"  refused: {shapes.claim(refusal.claim)}: {refusal.why}")
