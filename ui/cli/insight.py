"""``kg insight``: the shape of the graph, and what in it is worth a look or a question."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ui import shapes
from ui.cli.command import Run, add
from ui.cli.selecting import StatusOf

if TYPE_CHECKING:
    from kgplatform.analysis.dynamics import Dynamics
    from kgplatform.analysis.insight import Gap, Insight, Standing
    from ui.insight_words import Grown


def register(app: typer.Typer) -> None:
    """Add this command to ``kg``."""
    add(app, "insight", example="kg insight\nkg insight --top 5 --json")(insight)


def insight(
    run: Run,
    top: Annotated[int, typer.Option(min=1, help="Of each list so many.")] = 10,
    seed: Annotated[int, typer.Option(help="What is sampled in large graphs follows from it.")] = 0,
    status: StatusOf = "current",
) -> None:
    """Show the shape of the graph: communities, hubs, what lies between, what holds it together, and gaps worth asking about.

    Facts between entities count, whichever way they point: the current ones, or those of --status. Of the last expansion it is shown
    too how the graph grew.
    """
    from kgplatform.analysis.insight import insight as look
    from ui import insight_words as words

    told: dict[str, Any] = {"status": status}
    view = run.graph.view(**told)
    found = look(view, run.graph.relations(), top, seed)
    if status == "current" and not len(view.triples) and (waiting := len(run.graph.facts(status="proposed"))):
        run.screen.note(
            f"kg: no fact is current, and {shapes.many(waiting, 'fact')} waiting as proposed:  --status proposed  looks at these"
        )
    runs = words.grown(run.expansions)
    run.screen.emit(
        {**_shape(found), "runs": {one.run: [{"iteration": at, **asdict(told)} for at, told in one.iterations] for one in runs}}
    )
    run.screen.table(("what", "how much"), words.shape(found.dynamics).items())
    for title, standings in (("hub", found.hubs), ("between communities", found.between), ("without which parts fall off", found.cuts)):
        if standings:
            run.screen.say()
            run.screen.table((title, "how it stands"), [(one.entity.name, words.standing(one)) for one in standings])
    if found.communities:
        run.screen.say()
        rows = [(words.community(one), f"{one.size:,}", f"{one.inside:.0%}") for one in found.communities]
        run.screen.table(("community", "entities", "links within"), rows)
    if found.gaps:
        run.screen.say()
        run.screen.table(("worth asking", "why"), [(gap.question, words.why(gap)) for gap in found.gaps])
    for one in runs[:1]:
        run.screen.say()
        columns = (f"{one.run}, iteration", "entities", "links", "modularity", "hops apart", "clustering")
        run.screen.table(columns, [_row(at, told) for at, told in one.iterations])


def _row(iteration: int, told: Dynamics) -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (iteration, told.nodes, told.edges))
    return (*counts, *map(_figure, (told.modularity, told.path_length, told.clustering)))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _grown(one: Grown) -> list[dict[str, Any]]:
    return [{"iteration": at, **asdict(told)} for at, told in one.iterations]


def _shape(found: Insight) -> dict[str, Any]:
    return {
        "dynamics": asdict(found.dynamics),
        "communities": [
            {"size": one.size, "inside": one.inside, "central": [shapes.end(entity) for entity in one.central]} for one in found.communities
        ],
        "hubs": [_standing(one) for one in found.hubs],
        "between": [_standing(one) for one in found.between],
        "cuts": [_standing(one) for one in found.cuts],
        "gaps": [_gap(gap) for gap in found.gaps],
    }


def _standing(one: Standing) -> dict[str, Any]:
    return {**asdict(one), "entity": shapes.end(one.entity)}


def _gap(gap: Gap) -> dict[str, Any]:
    return {**asdict(gap), "entities": [shapes.end(entity) for entity in gap.entities]}
