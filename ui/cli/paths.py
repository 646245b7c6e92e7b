"""``kg paths``: how two entities hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kgplatform.errors import BadRequest
from kgplatform.types import By, in_words
from ui import shapes
from ui.cli.command import Run, add
from ui.cli.screen import percent
from ui.cli.selecting import AsOf, FromSource, MinConfidence, StatusOf

if TYPE_CHECKING:
    from kgplatform.types import Step


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    example = 'kg paths "Marie Curie" Paris --k 3\nkg paths "Marie Curie" --pattern "^discovered by/named after"'
    add(app, "paths", example=example)(paths)


def paths(
    run: Run,
    start: Annotated[str, typer.Argument(metavar="A", help="An entity, by id or name.")],
    end: Annotated[str | None, typer.Argument(metavar="[B]", help="Another; may be left out with --pattern.")] = None,
    k: Annotated[int, typer.Option("--k", min=1, help="The most paths to show.")] = 5,
    max_hops: Annotated[int, typer.Option(min=1, help="The most facts of a path.")] = 4,
    by: Annotated[By, typer.Option(help="What comes first.")] = "shortest",
    pattern: Annotated[
        str | None, typer.Option(metavar="RELATIONS", help="Relations to go over: / then, ^ against, | or, + * ? repeat, names in quotes.")
    ] = None,
    directed: Annotated[bool, typer.Option("--directed", help="Walk facts from head to tail only.")] = False,
    status: StatusOf = "current",
    min_confidence: MinConfidence = 0.0,
    source: FromSource = None,
    as_of: AsOf = None,
) -> None:
    """Show how two entities hang together: the paths of facts between them, the best first.

    With --pattern and no B, a walk to each entity that the pattern leads to; dates and numbers are none.
    How far a path is believed is the product over its facts.
    """
    if end is None and pattern is None:
        raise BadRequest("say where paths should end, or give a --pattern that leads to the ends")
    told: dict[str, Any] = {"status": status, "min_confidence": min_confidence, "source": source, "as_of": as_of}
    found = run.graph.paths(start, end, max_hops, k, by=by, pattern=pattern, directed=directed, **told)
    for path in found if run.screen.json else ():
        run.screen.emit(shapes.path(run.graph.store, path))
    for path in found:
        run.screen.say(f"{percent(shapes.believed(path)):>6}  {in_words(path.steps[0].start)}{''.join(map(_step, path.steps))}")
    if not found:
        run.screen.say(f"no path of at most {shapes.many(max_hops, 'fact')} leads there")


def _step(step: Step) -> str:
    """A step behind its start, with an arrow from head to tail."""
    line = f"—{step.fact.relation}→" if step.forward else f"←{step.fact.relation}—"
    return f" {line} {in_words(step.end)}"
