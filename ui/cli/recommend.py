"""``kg recommend``: what somebody may like, from what they took."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile, BadRequest
from ui import shapes
from ui.cli.command import Run, add
from ui.cli.screen import percent
from ui.shapes import Shape, many
from ui.tasks import recommending

if TYPE_CHECKING:
    from reasoning.recommend.answer import Desk, Recommended
    from reasoning.recommend.interactions import Ints
    from reasoning.recommend.why import Why

SHOWN = 3


def register(app: typer.Typer) -> None:
    """Add the command to ``kg``."""
    example = 'kg recommend 196 --top 5\nkg recommend --basket "Toy Story,GoldenEye"\nkg recommend --all all.parquet'
    add(app, "recommend", example=example)(recommend)


def recommend(
    run: Run,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user, as the interactions name them.")] = "",
    top: Annotated[int, typer.Option("--top", min=1, metavar="K", help="How many items.")] = recommending.TOP,
    basket: Annotated[str, typer.Option(metavar="ITEMS", help="Instead of a user, or besides: items by id or name, with commas.")] = "",
    where: Annotated[str, typer.Option(metavar="CYPHER", help="What must hold of the entity  item,  such as  item.year > 1990.")] = "",
    diversity: Annotated[float, typer.Option(min=0.0, max=1.0, metavar="X", help="How unlike each other items are to be.")] = 0.0,
    popularity: Annotated[float, typer.Option(min=-1.0, max=1.0, metavar="X", help="Below 0: what few took; above: what many did.")] = 0.0,
    why: Annotated[bool, typer.Option("--why", help="Tell what in the graph speaks for each, and how it would rank without.")] = False,
    everybody: Annotated[Path | None, typer.Option("--all", metavar="FILE", help="For all users, into a Parquet file.")] = None,
) -> None:
    """Recommend items to a user, or to who has a basket of items; what they have is not recommended.

    What was taken since the recommender was learned counts too.
    """
    from reasoning.recommend.answer import Desk, Wanted

    desk = Desk(run.beside, lambda: run.graph)
    if everybody:
        if user or basket or where or diversity or popularity or why:
            raise BadRequest("--all is for all users alike: of the other options it takes  --top  only")
        _everybody(run, desk, everybody, top)
        return
    words = [word.strip() for word in basket.split(",") if word.strip()]
    if not user and not words:
        raise BadRequest("name a user, or items by  --basket;  or a file for all users by  --all")
    import numpy as np

    taken = np.union1d(desk.taken(user) if user else desk.basket([]), desk.basket(words))
    desk.ready()
    began = time.perf_counter()
    found = desk.recommend(taken, Wanted(top, diversity, popularity, where))
    milliseconds = 1000 * (time.perf_counter() - began)
    explained = _explained(run, desk, taken, found) if why else [[] for _ in found]
    _show(run, desk, user, len(taken), found, explained, milliseconds)


def _explained(run: Run, desk: Desk, taken: Ints, found: list[Recommended]) -> list[list[Shape]]:
    """The reasons for each, as JSON holds them."""
    from reasoning.recommend.why import Explainer

    explainer = Explainer(desk, lambda: run.graph)
    if not explainer.knows:
        run.screen.note("kg: no reasons: what was learned of the graph went when a source was forgotten;  kg interactions learn")
    return [[_reason(run, desk, one) for one in explainer.why(taken, desk.items.ids.find(each.item))] for each in found]


def _reason(run: Run, desk: Desk, why: Why) -> Shape:
    told = {name: getattr(why, name) for name in ("score", "confidence", "specificity", "attention")}
    return {
        "begins": [{"item": item, "name": desk.called(item)} for item in why.begins],
        **told,
        "steps": [shapes.step(run.graph.store, step) for step in why.steps],
        "beside": [shapes.triple(step.fact) for step in why.beside],
        "without": dataclasses.asdict(why.change),
    }


def _show(run: Run, desk: Desk, user: str, taken: int, found: list[Recommended], explained: list[list[Shape]], milliseconds: float) -> None:
    model = desk.served.told["model"]
    items = [{**dataclasses.asdict(one), "reasons": reasons} for one, reasons in zip(found, explained, strict=True)]
    run.screen.emit({"user": user, "taken": taken, "model": model, "milliseconds": milliseconds, "items": items})
    rows = ((one.rank, one.name or one.item, one.item, f"{one.score:.3f}", f"{one.taken_by:,}") for one in found)
    run.screen.table(("", "name", "item", "score", "taken by"), rows)
    for one, reasons in zip(found, explained, strict=True):
        if reasons:
            run.screen.say(one.name or one.item)
        for reason in reasons:
            _say(run, reason)
    if not found:
        run.screen.say("there is nothing to recommend: all items were taken, or the condition holds of none")
    run.screen.note(f"by {model}, from {many(taken, 'item')} taken, in {milliseconds:.0f} ms")


def _say(run: Run, reason: Shape) -> None:
    """A reason for people: what it begins at, its facts with their confidence, and the rank without it."""
    from reasoning.recommend.counterfactual import Change
    from ui import recommend_words

    begins = ", ".join(one["name"] for one in reason["begins"][:SHOWN])
    steps = "; ".join(f"{step['words']} ({percent(step['fact']['confidence'])})" for step in reason["steps"])
    run.screen.say(f"      from {begins}: {steps}")
    run.screen.say(f"         {recommend_words.worth(Change(**reason['without']), begins)}")


def _everybody(run: Run, desk: Desk, out: Path, top: int) -> None:
    from pyarrow import parquet

    from kgplatform.wholefile import whole

    if not out.parent.is_dir():
        raise BadFile(f"{out}: there is no folder {out.parent}: make it first")
    rows = users = 0
    with run.screen.progress("recommending to all users") as progress, whole(out) as file:
        writer = None
        for batch in desk.everybody(top, progress):
            writer = writer or parquet.ParquetWriter(file, batch.schema)
            writer.write_batch(batch)
            rows += len(batch)
            users += len(batch["user"].unique())
        if writer is not None:
            writer.close()
    run.screen.emit({"file": str(out), "rows": rows, "users": users})
    run.screen.say(f"{many(rows, 'recommendation')} for {many(users, 'user')} written to {out}")
