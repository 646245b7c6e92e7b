"""Interactions to learn from, to choose by and to test by: held out at random, by time, the last ones of every user, or whole items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Interactions, Ints

Way = Literal["random", "time", "last", "cold"]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Three sets of interactions that number users and items alike; no pair is in two of them."""

    train: Interactions
    valid: Interactions
    test: Interactions


def parted(whole: Interactions, way: Way = "random", valid: float = 0.1, test: float = 0.2, seed: int = 0) -> Parts:
    """Shares of each user's interactions at ``random``, or the latest of all by ``time``; ``last``: of each user the latest, and the one
    before it; ``cold``: all that is known of a share of the items, and of the rest a share of each user's to choose by. Every user who
    has any keeps one to learn from, but by time and of the cold. Raises ``BadRequest`` where a part would stay empty.
    """
    if way == "time" and whole.times is None:
        raise BadRequest("there are no times to split by: split at random, or give a column of times")
    if not 0 < valid < 1 or not 0 < test < 1 or valid + test >= 1:
        raise BadRequest(f"shares of {valid:g} and {test:g} leave nothing to learn from: name two above 0 that make less than 1")
    draw = np.random.default_rng(seed).random(len(whole))
    if way == "time":
        place = _rank(whole.times if whole.times is not None else draw) / len(whole)
        return _cut(whole, place >= 1 - test, place >= 1 - test - valid)
    if way == "cold":
        return _whole_items(whole, valid, test, seed)
    by = draw if way == "random" or whole.times is None else whole.times
    late, counts = _from_the_end(whole.pairs[:, 0], by, draw)
    if way == "last":
        return _cut(whole, (late == 0) & (counts > 1), (late <= 1) & (counts > 2))
    wanted_test = np.minimum(_some(counts * test, whole.pairs[:, 0], seed), counts - 1)
    wanted_valid = np.minimum(_some(counts * valid, whole.pairs[:, 0], seed + 1), counts - 1 - wanted_test)
    return _cut(whole, late < wanted_test, late < wanted_test + wanted_valid)


def _whole_items(whole: Interactions, valid: float, test: float, seed: int) -> Parts:
    taken = np.unique(whole.pairs[:, 1])
    chosen = np.random.default_rng((seed, 2)).permutation(taken)[: max(1, round(test * len(taken)))]
    cold = np.isin(whole.pairs[:, 1], chosen)
    draw = np.where(cold, -1.0, np.random.default_rng(seed).random(len(whole)))  # the cold come first: the last are held out
    late, counts = _from_the_end(whole.pairs[:, 0], draw, draw)
    counts = counts - np.bincount(whole.pairs[cold, 0], minlength=len(whole.users))[whole.pairs[:, 0]]
    wanted = np.minimum(_some(counts * valid / (1 - test), whole.pairs[:, 0], seed), counts - 1)
    return _cut(whole, cold, late < wanted)


def held_out(whole: Interactions, seed: int = 0) -> tuple[Interactions, Interactions]:
    """To learn from, and one interaction at random of each user who has two: for data that come with nothing to choose by."""
    draw = np.random.default_rng(seed).random(len(whole))
    late, counts = _from_the_end(whole.pairs[:, 0], draw, draw)
    chosen = (late == 0) & (counts > 1)
    return whole.only(~chosen), whole.only(chosen)


def _cut(whole: Interactions, test: np.ndarray, valid: np.ndarray) -> Parts:
    parts = Parts(whole.only(~(test | valid)), whole.only(valid & ~test), whole.only(test))
    for name, part in (("to learn from", parts.train), ("to choose by", parts.valid), ("to test by", parts.test)):
        if not len(part):
            raise BadRequest(f"of {len(whole):,} interactions none are left {name}: give more, or other shares")
    return parts


def _rank(values: np.ndarray) -> Ints:
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(len(values))
    return ranks


def _from_the_end(users: Ints, by: np.ndarray, draw: np.ndarray) -> tuple[Ints, Ints]:
    """How many of its user's interactions come after each, and how many its user has, ``(n,)`` each; ``draw`` decides between equals."""
    order = np.lexsort((draw, by, users))
    counts = np.bincount(users)[users]
    ends = np.cumsum(np.bincount(users))
    late = np.empty(len(users), dtype=np.int64)
    late[order] = ends[users[order]] - 1 - np.arange(len(users))
    return late, counts


def _some(wanted: np.ndarray, users: Ints, seed: int) -> Ints:
    """Whole numbers for shares of counts, the same for all of a user; a rest is rounded up as often as it is large."""
    chance = np.random.default_rng((seed, 1)).random(int(users.max()) + 1 if len(users) else 0)
    floor = np.floor(wanted)
    found: Ints = (floor + (chance[users] < wanted - floor)).astype(np.int64)
    return found
