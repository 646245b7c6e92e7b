"""Take back what a run did: its evidence, and its merges where nobody else rests on them."""

from __future__ import annotations

from kgplatform.ports import Store
from kgplatform.types import EntityId, FactQuery, Forgotten


def of_run(run: str) -> str:
    """What stands behind the reason of a merge that a run made."""
    return f" (run:{run})"


def forget_run(store: Store, run: str) -> Forgotten:
    """Withdraw what a run observed, and part again what it merged; where others claimed something of both, they stay one."""
    merges = [one for one in store.merges() if not one.undone and one.by.endswith(of_run(run))]
    for one in merges:
        store.undo(one.id)
    done = store.forget_run(run)
    for one in reversed(merges):
        keep = store.entities([one.keep]).get(one.keep)  # under another id where somebody has merged it on
        if keep and _spoken_of(store, one.other) and _spoken_of(store, keep.id):
            store.merge(keep.id, one.other, one.by)
    return done


def _spoken_of(store: Store, entity: EntityId) -> bool:
    return bool(store.neighbours([entity], FactQuery(status="all", limit=1)))
