"""Interactions beside the graph, mirrored into the graph server so that Cypher reads them, or taken out of it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ui.tasks import Doing

if TYPE_CHECKING:
    from reasoning.recommend.beside import Kept


def arguments(*, drop: bool = False, dry_run: bool = False) -> Mapping[str, Any]:
    """``drop``: take the mirror out."""
    return {"drop": drop, "dry_run": dry_run}


def do(doing: Doing) -> Mapping[str, Any]:
    """``arguments`` as they are made here."""
    graph = doing.wire.graph
    if doing.arguments["drop"]:
        there = graph.store.interactions_mirrored()
        return {"dry_run": doing.dry_run, "dropped": there if doing.dry_run else graph.drop_interactions()}
    kept = doing.wire.beside.read()
    doing.steps.inputs(kept.revision)
    linked = int((kept.items.entities.lengths > 0)[kept.interactions.pairs[:, 1]].sum())
    if doing.dry_run:
        return {"dry_run": True, "kept": linked, "skipped": len(kept.interactions) - linked}
    with doing.progress("mirroring interactions") as progress:
        told = graph.mirror_interactions(_rows(kept), lambda done, _: progress(done, linked))
    return {"dry_run": False, "kept": told.kept, "skipped": told.skipped + len(kept.interactions) - linked}


def _rows(kept: Kept) -> Iterator[tuple[str, str, float | None, float | None]]:
    """Those whose items are entities."""
    whole, entities = kept.interactions, list(kept.items.entities)
    users, none = list(whole.users), [None] * len(whole)
    told = [none if values is None else [None if one != one else one for one in values.tolist()] for values in (whole.times, whole.ratings)]
    for (user, item), time, rating in zip(whole.pairs.tolist(), *told, strict=True):
        if entities[item]:
            yield users[user], entities[item], time, rating
