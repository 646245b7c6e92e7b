"""``kg recommend``: what somebody may like, from what they took."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile, BadRequest
from ui.cli.command import Run, add

if TYPE_CHECKING:
    from reasoning.recommend.answer import Desk, Recommended

TOP = 20


def register(app: typer.Typer) -> None:
    """Add the command to ``kg``."""
    example = 'kg recommend 196 --top 5\nkg recommend --basket "Toy Story,GoldenEye"\nkg recommend --all all.parquet'
    add(app, "recommend", example=example)(recommend)


def recommend(
    run: Run,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user, as the interactions name them.")] = "",
    top: Annotated[int, typer.Option("--top", min=1, metavar="K", help="How many items.")] = TOP,
    basket: Annotated[str, typer.Option(metavar="ITEMS", help="Instead of a user, or besides: items by id or name, with commas.")] = "",
    where: Annotated[str, typer.Option(metavar="CYPHER", help="What must hold of the entity  item,  such as  item.year > 1990.")] = "",
    diversity: Annotated[float, typer.Option(min=0.0, max=1.0, metavar="X", help="How unlike each other items are to be.")] = 0.0,
    popularity: Annotated[float, typer.Option(min=-1.0, max=1.0, metavar="X", help="Below 0: what few took; above: what many did.")] = 0.0,
    everybody: Annotated[Path | None, typer.Option("--all", metavar="FILE", help="For all users, into a Parquet file.")] = None,
) -> None:
    """Recommend items to a user, or to who has a basket of items; what they have is not recommended.

    What was taken since the recommender was learned counts too.
    """
    from reasoning.recommend.answer import Desk, Wanted

    desk = Desk(run.beside, lambda: run.graph)
    if everybody:
        if user or basket or where or diversity or popularity:
            raise BadRequest("--all is for all users alike: of the other options it takes  --top  only")
        _everybody(run, desk, everybody, top)
        return
    if not user and not basket:
        raise BadRequest("name a user, or items by  --basket;  or a file for all users by  --all")
    import numpy as np

    words = [word.strip() for word in basket.split(",") if word.strip()]
    taken = np.union1d(desk.taken(user) if user else desk.basket([]), desk.basket(words))
    desk.ready()
    began = time.perf_counter()
    found = desk.recommend(taken, Wanted(top, diversity, popularity, where))
    _show(run, desk, user, len(taken), found, 1000 * (time.perf_counter() - began))


def _show(run: Run, desk: Desk, user: str, taken: int, found: list[Recommended], milliseconds: float) -> None:
    model = desk.served.told["model"]
    items = [dataclasses.asdict(one) for one in found]
    run.screen.emit({"user": user, "taken": taken, "model": model, "milliseconds": milliseconds, "items": items})
    rows = ((one.rank, one.name or one.item, one.item, f"{one.score:.3f}", f"{one.taken_by:,}") for one in found)
    run.screen.table(("", "name", "item", "score", "taken by"), rows)
    if not found:
        run.screen.say("there is nothing to recommend: all items were taken, or the condition holds of none")
    run.screen.note(f"by {model}, from {taken:,} items that were taken, in {milliseconds:.0f} ms")


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
    run.screen.say(f"{rows:,} recommendations for {users:,} users are in {out}")
