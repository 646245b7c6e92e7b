"""Take back what a run did: its evidence, and its merges where nobody else rests on them; or all its merges, whoever does."""

from __future__ import annotations

from dataclasses import dataclass

from kgplatform.errors import BadRequest, NotFound
from kgplatform.ports import Store
from kgplatform.store import merging
from kgplatform.types import Forgotten, Merge


@dataclass(frozen=True, slots=True)
class Parted:
    """What became of the merges of a run that was undone: those parted now, and those that somebody had undone ``before``."""

    now: tuple[Merge, ...]
    before: tuple[Merge, ...] = ()


def of_run(run: str) -> str:
    """What stands behind the reason of a merge that a run made."""
    return f" (run:{run})" if run else ""


def merged_by(store: Store, run: str) -> list[Merge]:
    """The merges of a run that stand."""
    return [one for one in _merges(store, run) if not one.undone]


def undoable(store: Store, run: str) -> Parted:
    """What ``undo_run`` would part. Raises ``NotFound`` when the run merged nothing, ``BadRequest`` when nothing of it stands."""
    ours = _merges(store, run)
    if not ours:
        raise NotFound(f"no merge is of a run {run[:120]!r}: see  kg review merges")
    stand = tuple(one for one in ours if not one.undone)
    if not stand:
        raise BadRequest(f"the merges of the run {run[:120]!r} were all undone already")
    return Parted(stand, tuple(one for one in ours if one.undone))


def undo_run(store: Store, run: str) -> Parted:
    """Part again all that a run merged, the latest first. What was broken off goes on when it is asked for again."""
    found = undoable(store, run)
    done, before = list[Merge](), list(found.before)
    for one in found.now:
        try:
            done.append(store.undo(one.id))
        except BadRequest:  # somebody undid it meanwhile
            before.append(one)
    return Parted(tuple(done), tuple(before))


def _merges(store: Store, run: str) -> list[Merge]:
    return [one for one in store.merges() if run and one.by.endswith(of_run(run))]


def forget_run(store: Store, run: str) -> tuple[Forgotten, int]:
    """Withdraw what a run observed, and part again what it merged but where others claimed something of both; how many were parted.

    What stays one was never parted, so that a withdrawal which was broken off is finished by another one.
    """
    done = store.forget_run(run)
    parted = resting_on_none(store, run)
    for one in parted:
        store.undo(one.id)
    return done, len(parted)


def resting_on_none(store: Store, run: str) -> list[Merge]:
    """The merges of a run that stand and of which others have not claimed something of both."""
    ours, now = merged_by(store, run), merging.in_force(store.merges())
    before = {other: keep for other, keep in now.items() if other not in {one.other for one in ours}}
    claimed = store.claimed({merging.root(one.keep, now) for one in ours}) if ours else set()
    spoken_of = {merging.root(one, before) for one in claimed}
    return [one for one in ours if not {merging.root(one.keep, before), one.other} <= spoken_of]
