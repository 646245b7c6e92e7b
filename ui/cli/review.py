"""``kg review``: a person's word on facts, and on which entities are one."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.store.merging import undoable
from ui import shapes
from ui.cli import merging
from ui.cli.command import DryRun, Run, add, group
from ui.cli.forgetting import RUN
from ui.cli.screen import percent
from ui.waiting import Wanted, doubt, waiting

if TYPE_CHECKING:
    from kgplatform.types import Fact

app = group("Judge facts: what waits, accept, reject; merge entities that are one; take either back.")

Facts = Annotated[list[str], typer.Argument(metavar="FACT", help='A key, or "head | relation | tail" by names.')]
By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]


@add(app, "next", example='kg review next --top 5\nkg review next --relation "born in"')
def next_(
    run: Run,
    relation: Annotated[str | None, typer.Option(metavar="NAME", help="Only facts of this relation.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 1,
) -> None:
    """Show what waits for a person: predicted and proposed facts, the least certain first."""
    from kgplatform import lookup

    if relation is not None:
        lookup.check_relation(run.graph.store, relation)
    found = heapq.nsmallest(top, waiting(run.graph, Wanted(relation)), key=doubt)
    for fact in found:
        explained = run.graph.explain(fact)
        run.screen.emit(shapes.explanation(explained))
        run.screen.say(shapes.line(fact))
        for reason in explained.reasons[:3]:
            run.screen.say(f"    {reason.weight:+.2f}  {shapes.where(reason.evidence)}  {reason.evidence.quote}".rstrip())
        for conflict in explained.conflicts:
            run.screen.say(f"    contradicts: {shapes.line(conflict.fact)}")
    if not found:
        run.screen.note("nothing waits for review")


@add(app, "accept", example='kg review accept "Marie Curie | born in | Warsaw" --by ada')
def accept(run: Run, fact: Facts, by: By = "me", dry_run: DryRun = False) -> None:
    """Say that facts hold."""
    found = [run.graph.fact(one) for one in fact]
    for one in found:
        _told(run, one if dry_run else run.graph.accept(one, by), "accepted", dry_run)


@add(app, "reject", example='kg review reject "Marie Curie | born in | Paris" --why "she moved there later"')
def reject(
    run: Run,
    fact: Facts,
    by: By = "me",
    why: Annotated[str, typer.Option(help="The reason, kept with the verdict.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Say that facts do not hold."""
    found = [run.graph.fact(one) for one in fact]
    for one in found:
        _told(run, one if dry_run else run.graph.reject(one, by, why), "rejected", dry_run)


def _told(run: Run, fact: Fact, verdict: str, dry_run: bool) -> None:
    run.screen.emit({**shapes.fact(fact), "dry_run": dry_run})
    if dry_run:
        run.screen.say(f"would be {verdict}: {shapes.line(fact)}")
    else:
        run.screen.say(f"{verdict}: {shapes.triple(fact)}  (now {percent(fact.confidence)})")


merging.register(app)


_UNDOING = """kg review undo 5f2c9e1a77b0c3d4
kg review undo run:merge-5f2c9e1a --dry-run
kg review undo "Marie Curie | born in | Paris" --by ada"""


@add(app, "undo", example=_UNDOING)
def undo(
    run: Run,
    what: Annotated[
        str, typer.Argument(metavar="MERGE|RUN|FACT", help="The id of a merge or run:NAME (kg review merges tells both), or a judged fact.")
    ],
    by: Annotated[str, typer.Option(metavar="NAME", help="Whose verdict on the fact.")] = "me",
    dry_run: DryRun = False,
) -> None:
    """Take a merge back, all that a run merged, or your verdict on a fact; what was learnt since stays, and so does another's word.

    kg review merge does not list what was parted so again.
    """
    if what.startswith(RUN) and "|" not in what:
        _undo_run(run, what.removeprefix(RUN), dry_run)
    elif "|" in what:
        _undo_verdict(run, run.graph.fact(what), by, dry_run)
    else:
        _undo_merge(run, what, dry_run)


def _undo_verdict(run: Run, fact: Fact, by: str, dry_run: bool) -> None:
    verdict = "accepted" if run.graph.review(fact, by).score > 0 else "rejected"
    now = fact if dry_run else run.graph.retract(fact, by)
    run.screen.emit({**shapes.fact(now), "dry_run": dry_run})
    run.screen.say(f"{'would be' if dry_run else 'is'} no longer {verdict} by {by}: {shapes.line(now)}")


def _undo_merge(run: Run, what: str, dry_run: bool) -> None:
    made = undoable(what, run.graph.merges()) if dry_run else run.graph.undo(what)
    run.screen.emit({**shapes.merge(made), "dry_run": dry_run})
    run.screen.say(f"{'would be parted' if dry_run else 'parted'} again: {made.other} from {made.keep}")


def _undo_run(run: Run, name: str, dry_run: bool) -> None:
    from kgplatform.linking import withdrawing

    done = withdrawing.undoable(run.graph.store, name) if dry_run else run.graph.undo_run(name)
    told = {"now": list(map(shapes.merge, done.now)), "before": list(map(shapes.merge, done.before))}
    run.screen.emit({"run": name, **told, "dry_run": dry_run})
    for one in done.now:
        run.screen.say(f"{'would be parted' if dry_run else 'parted'} again: {one.other} from {one.keep}")
    before = f"; {len(done.before):,} had been before" if done.before else ""
    run.screen.note(f"{len(done.now):,} {'would be parted' if dry_run else 'parted'} again{before}")
