"""``kg evaluate recommend --split cold``: items that nobody has taken yet, beside what is popular and what texts alone say."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

from kgplatform.errors import BadRequest
from ui.cli.command import Run

if TYPE_CHECKING:
    from reasoning.recommend.models.factors import Factors
    from reasoning.recommend.ranking import Recommender
    from reasoning.recommend.reading import Data
    from reasoning.recommend.training import Settings


def measured(run: Run, data: Data, settings: Settings, names: Sequence[str], device: str, top: int) -> list[dict[str, Any]]:
    """A row for each recommender whose vectors are made for new items, and for what each must beat."""
    from reasoning.recommend import cold
    from reasoning.recommend.models.registry import AUTO
    from reasoning.recommend.training import train

    if data.texts is None:
        raise BadRequest("nothing tells what the items are: --split cold wants columns in a file .item beside the interactions, as a title")
    if other := [name for name in names if name in (AUTO, "itemknn")]:
        raise BadRequest(f"{other[0]} has no vectors, so none are made for new items: name bpr, lightgcn or another with --split cold")
    about = cold.About(run.encoder.encode(list(data.texts)), data.facts)
    taken, seed, rows = data.parts.train, settings.seed, []
    for one in (replace(settings, model=name) for name in names if name != "popularity"):  # that is compared with anyway
        began = time.perf_counter()
        with run.screen.progress(f"learning by {one.model}") as progress:
            model = train(data.parts, one, data.facts, device=device, progress=progress)
        vectors = cast("Factors", model.model).fixed()
        users, items = vectors.users.detach().cpu().numpy(), vectors.items.detach().cpu().numpy()
        learned = time.perf_counter()
        made = cold.filled(users, items, taken, about, first=top, seed=seed)
        seconds = {"train_seconds": learned - began, "cold_seconds": time.perf_counter() - learned}
        chosen = {"ridge": made.ridge, "graph": made.graph, "stretch": made.stretch, "unexplained": made.unexplained}
        told = {"epochs": model.epochs, **seconds, "device": device, "settings": asdict(one), "cold": chosen}
        rows.append({"model": one.model, **_figures(cold.fixed(users, made.items), data, top), **told})
    floors = {"text only": cold.by_text(taken, about.texts), "popularity": cold.by_count(taken, seed)}
    floors["popularity guessed"] = cold.by_guess(taken, about.texts)
    return rows + [{"model": name, **_figures(floor, data, top)} for name, floor in floors.items()]


def _figures(model: Recommender, data: Data, top: int) -> dict[str, Any]:
    """How the test items are found among all and among the new; and the watched, all old, without the new and beside them."""
    from reasoning.recommend.cold import untaken
    from reasoning.recommend.ranking import figures

    parts, cold = data.parts, untaken(data.parts.train)
    every = figures(model, parts.test, parts.train, parts.valid, k=top)
    new = figures(model, parts.test, parts.train, parts.valid, k=top, among=cold)
    warm = parts.valid.only(~cold[parts.valid.pairs[:, 1]])
    alone, beside = (float(figures(model, warm, parts.train, k=top, among=some).recall.mean()) for some in (~cold, None))
    return {
        **every.shape(),
        **{f"cold_{name}": value for name, value in new.shape().items() if name != "users"},
        "cold_items": int(cold.sum()),
        f"warm_recall@{top}_alone": alone,
        f"warm_recall@{top}": beside,
    }


def show(run: Run, rows: Sequence[Mapping[str, Any]], top: int) -> None:
    """The rows for a person."""
    names = (f"cold_recall@{top}", f"recall@{top}", f"warm_recall@{top}", f"warm_recall@{top}_alone")
    heads = ("model", "among the new", "among all", "old ones beside the new", "and without them")
    run.screen.table(heads, [(row["model"], *(f"{row[name]:.4f}" for name in names)) for row in rows])
    run.screen.say(f"recall@{top}: {rows[0]['cold_items']:,} items that nobody took; {rows[0]['users']:,} users took some of them later")
