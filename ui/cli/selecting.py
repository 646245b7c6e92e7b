"""``kg facts``, and the options that say of which facts a command speaks: the same wherever there are any."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import typer

from kgplatform.types import Status, in_words
from ui import shapes
from ui.cli.command import Run, add
from ui.cli.screen import percent

StatusOf = Annotated[str, typer.Option("--status", help=f"Which facts: {', '.join(get_args(Status))}.")]
MinConfidence = Annotated[float, typer.Option("--min-confidence", min=0.0, max=1.0, help="The least confidence of a fact.")]
FromSource = Annotated[str | None, typer.Option("--source", metavar="ID", help="Only facts for which this source speaks.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="No facts that are said to hold only before or after it.")]


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    add(app, "facts", example='kg facts --head "Marie Curie"\nkg facts --relation "born in" --as-of 1900 --min-confidence .9 --json')(list_)


def list_(
    run: Run,
    head: Annotated[
        str | None,
        typer.Option(metavar="ENTITY", help="The entity at which facts begin, by id or name; of a symmetric relation, either end."),
    ] = None,
    relation: Annotated[str | None, typer.Option(help="The relation, in its own words.")] = None,
    tail: Annotated[str | None, typer.Option(metavar="ENTITY", help="The entity at which they end, by id or name.")] = None,
    status: StatusOf = "current",
    min_confidence: MinConfidence = 0.0,
    source: FromSource = None,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option(min=1, help="The most facts.")] = 100,
    after: Annotated[str | None, typer.Option(metavar="KEY", help="Go on behind the fact with this key.")] = None,
) -> None:
    """List facts in the order of their heads. kg explain says why one is believed; kg export writes all to a file."""
    told: dict[str, Any] = {"status": status, "min_confidence": min_confidence, "source": source, "as_of": as_of}
    found = list(iter(run.graph.facts(head, relation, tail, limit=limit + 1, after=after, **told)))
    shown = found[:limit]
    for fact in shown:
        run.screen.emit(shapes.fact(fact))
    rows = ((fact.head.name, fact.relation, in_words(fact.tail), percent(fact.confidence), ", ".join(fact.origin)) for fact in shown)
    run.screen.table(("head", "relation", "tail", "confidence", "origin"), rows)
    if len(found) > limit:
        run.screen.note(f"kg: there are more: raise  --limit,  or go on by  --after '{shown[-1].key}'")
