"""``kg review``: a person's word on facts."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ui.cli import shapes
from ui.cli.command import DryRun, Run, add, group
from ui.cli.screen import percent

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.types import Fact, Status

app = group("Judge facts: what waits, accept, reject.")
WAITING: tuple[Status, ...] = ("proposed", "predicted")

Facts = Annotated[list[str], typer.Argument(metavar="FACT", help='A key, or "head | relation | tail" by names.')]
By = Annotated[str, typer.Option(metavar="NAME", help="Who says so.")]


def waiting(graph: KnowledgeGraph, relation: str | None, top: int) -> list[Fact]:
    """Facts without a verdict that are not current: those first of which the graph is least sure."""
    facts: Iterable[Fact] = (fact for status in WAITING for fact in graph.facts(relation=relation, status=status))
    return heapq.nsmallest(top, facts, key=lambda fact: (abs(fact.confidence - 0.5), fact.key))


@add(app, "next", example='kg review next --top 5\nkg review next --relation "born in"')
def next_(
    run: Run,
    relation: Annotated[str | None, typer.Option(metavar="NAME", help="Only facts of this relation.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 1,
) -> None:
    """Show what waits for a person: predicted and proposed facts, the least certain first."""
    found = waiting(run.graph, relation, top)
    for fact in found:
        explained = run.graph.explain(fact)
        run.screen.emit(shapes.explanation(explained))
        run.screen.say(shapes.line(fact))
        for reason in explained.reasons[:3]:
            run.screen.say(f"    {reason.weight:+.2f}  {shapes.where(reason.evidence)}  {reason.evidence.quote}".rstrip())
        for other in explained.conflicts:
            run.screen.say(f"    contradicts: {shapes.line(other)}")
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
