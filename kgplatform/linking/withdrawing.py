"""Take back what a run did: its evidence, and its merges where nobody else rests on them."""

from __future__ import annotations

from kgplatform.ports import Store
from kgplatform.store import merging
from kgplatform.types import Forgotten, Merge


def of_run(run: str) -> str:
    """What stands behind the reason of a merge that a run made."""
    return f" (run:{run})"


def merged_by(store: Store, run: str) -> list[Merge]:
    """The merges of a run that stand."""
    return [one for one in store.merges() if not one.undone and one.by.endswith(of_run(run))]


def forget_run(store: Store, run: str) -> tuple[Forgotten, int]:
    """Withdraw what a run observed, and part again what it merged but where others claimed something of both; how many were parted.

    What stays one was never parted, so that a withdrawal which was broken off is finished by another one.
    """
    done = store.forget_run(run)
    ours, now = merged_by(store, run), merging.in_force(store.merges())
    before = {other: keep for other, keep in now.items() if other not in {one.other for one in ours}}
    claimed = store.claimed({merging.root(one.keep, now) for one in ours}) if ours else set()
    spoken_of = {merging.root(one, before) for one in claimed}
    parted = [one for one in ours if not {merging.root(one.keep, before), one.other} <= spoken_of]
    for one in parted:
        store.undo(one.id)
    return done, len(parted)
