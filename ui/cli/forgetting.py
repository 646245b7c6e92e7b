"""``kg forget``: a source, or a run, withdrawn as a whole."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.types import SourceId
from ui import shapes
from ui.cli.command import DryRun, Run, add

if TYPE_CHECKING:
    from kgplatform.types import Forgotten

RUN = "run:"
"""What stands before the name of a run that is to be forgotten, or whose merges are to be undone."""


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    add(app, "forget", example="kg forget --dry-run import:5f2c9e1a77b0c3d4\nkg forget run:silk")(forget)


def forget(
    run: Run,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The id of a source, as kg explain --json shows it, or run:NAME.")],
    dry_run: DryRun = False,
) -> None:
    """Withdraw a source with all it said, its text and what chat models answered to it; facts that nothing else speaks for go too.

    Of run:NAME what that run found is withdrawn, and what it merged is parted.
    """
    if source.startswith(RUN):
        _forget_run(run, source.removeprefix(RUN), dry_run)
        return
    if dry_run:
        _would_forget(run, source)
        return
    from kgplatform import snapshots

    done, answers = run.forget(source)
    run.screen.emit({"source": source, **dataclasses.asdict(done), "answers": answers})
    if held := snapshots.holding(run.snapshots, source):
        run.screen.note(f"kg: the snapshots {', '.join(held)} still hold it:  kg snapshots drop NAME  deletes one")
    _gone(run, source, done, answers)


def _gone(run: Run, what: str, done: Forgotten, answers: int = 0) -> None:
    gone = f"{shapes.many(done.evidence, 'piece')} of evidence gone, {shapes.many(done.facts_removed, 'fact')} with them"
    if done.predictions:
        gone += f", and {shapes.many(done.predictions, 'prediction')} that rested on those"
    if done.passages:
        gone += f", and its text in {shapes.many(done.passages, 'passage')}"
    if answers:
        gone += f", and {shapes.many(answers, 'answer')} of models to it"
    run.screen.say(f"{what}: {gone}; {shapes.many(done.facts_kept, 'fact')} {'stays' if done.facts_kept == 1 else 'stay'}")


def _forget_run(run: Run, name: str, dry_run: bool) -> None:
    if not dry_run:
        done = run.forget_run(name)
        run.screen.emit({"run": name, **dataclasses.asdict(done)})
        _gone(run, RUN + name, done)
        return
    done = run.would_forget_run(name)
    counts = {"evidence": done.evidence, "facts_removed": done.facts_removed, "facts_kept": done.facts_kept}
    run.screen.emit({"run": name, "dry_run": True, **counts})
    told = f"{shapes.many(done.evidence, 'piece')} of evidence would go, {shapes.many(done.facts_removed, 'fact')} with them"
    run.screen.say(f"{RUN}{name}: {told}; {shapes.many(done.facts_kept, 'fact')} would stay by other evidence")


def _would_forget(run: Run, source: str) -> None:
    speaking = list(iter(run.graph.facts(source=source, status="all")))
    kept = run.graph.store.document(SourceId(source))
    alone, passages = sum(fact.sources == (source,) for fact in speaking), kept.passages if kept else 0
    counts = {"facts_removed": alone, "facts_kept": len(speaking) - alone, "passages": passages}
    run.screen.emit({"source": source, "dry_run": True, **counts})
    text = f", its text in {shapes.many(passages, 'passage')} too" if passages else ""
    run.screen.say(f"{source}: {shapes.many(alone, 'fact')} would go{text}, {len(speaking) - alone:,} would stay by other evidence")
