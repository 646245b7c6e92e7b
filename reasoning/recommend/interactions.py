"""Who took what: users and items by number, each pair once, with when and how it was rated where that is known.

Interactions are no facts: nobody claims them, so they lie beside the graph, outside belief.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from kgplatform.numbered import inverse
from kgplatform.texts import Texts, places

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
UNITS = (1.0, 1e3, 1e6, 1e9)
"""How many of a unit of time make a second."""
EARLIEST, LATEST = 0.0, 4_102_444_800.0
"""1970 and 2100: between them lies a time whose unit is understood."""
RECENT, MIXED = 1e8, 300.0
"""After 1973 no time is so many times another of the same unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Interactions:
    """``pairs`` ``(n, 2)`` are places in ``users`` and ``items`` (ascending names), ordered and each once; ``times`` ``(n,)`` are seconds
    since 1970."""

    users: Texts
    items: Texts
    pairs: Ints
    times: Reals | None = None
    ratings: Reals | None = None

    @classmethod
    def of(
        cls, users: Sequence[str], items: Sequence[str], times: Reals | None = None, ratings: Reals | None = None, known: Sequence[str] = ()
    ) -> Interactions:
        """From columns. Of a pair that comes again the latest stays, without times the last. ``known`` are items that may have none."""
        names, user = np.unique(np.array(users, dtype=object), return_inverse=True)
        every, place = np.unique(np.array([*known, *items], dtype=object), return_inverse=True)
        pairs = np.stack([user, place[len(known) :]], axis=1).astype(np.int64)
        return cls(Texts.of(names.tolist()), Texts.of(every.tolist()), pairs, times, ratings)._once()

    def _once(self) -> Interactions:
        """In order, each pair once: the latest, without times the last."""
        pairs = self.pairs
        order = np.lexsort((np.arange(len(pairs)) if self.times is None else self.times, pairs[:, 1], pairs[:, 0]))
        pairs = pairs[order]
        last = np.append((pairs[1:] != pairs[:-1]).any(axis=1), True)[: len(pairs)]
        return self.only(order[last])

    def joined(self, later: Interactions) -> Interactions:
        """These and those, by the names of both; of a pair that both have the latest, without times that of ``later``."""
        users, items = (Texts.of(sorted({*ours, *theirs})) for ours, theirs in ((self.users, later.users), (self.items, later.items)))
        sides = ((places(users, one.users)[one.pairs[:, 0]], places(items, one.items)[one.pairs[:, 1]]) for one in (self, later))
        pairs = [np.stack(side, axis=1) for side in sides]
        told = (_joined(getattr(self, name), getattr(later, name), len(self), len(later)) for name in ("times", "ratings"))
        return Interactions(users, items, np.concatenate(pairs), *told)._once()

    def without(self, users: Ints) -> Interactions:
        """Those of other users, who are numbered anew; items keep their numbers."""
        left = np.setdiff1d(np.arange(len(self.users)), users)
        kept = self.only(~np.isin(self.pairs[:, 0], users))
        pairs = np.stack([inverse(left, len(self.users))[kept.pairs[:, 0]], kept.pairs[:, 1]], axis=1)
        return replace(kept, users=self.users.take(left), pairs=pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def only(self, which: Flags | Ints) -> Interactions:
        """Some of the pairs; users and items keep their numbers."""
        times, ratings = (None if values is None else values[which] for values in (self.times, self.ratings))
        return replace(self, pairs=self.pairs[which], times=times, ratings=ratings)

    def at_least(self, rating: float) -> Interactions:
        """Those rated so high. Raises ``BadRequest`` where nothing is rated, or nothing so high."""
        if self.ratings is None:
            raise BadRequest("nothing is rated here, so no interaction can be left out for its rating")
        if not (high := self.ratings >= rating).any():
            raise BadRequest(f"no rating is {rating:g} or more: they go from {self.ratings.min():g} to {self.ratings.max():g}")
        return self.only(high)


def _joined(ours: Reals | None, theirs: Reals | None, many: int, more: int) -> Reals | None:
    """Values of the one after those of the other; missing ones are no number."""
    if ours is None and theirs is None:
        return None
    return np.concatenate([np.full(size, np.nan) if values is None else values for values, size in ((ours, many), (theirs, more))])


def seconds(times: Reals) -> Reals:
    """Times of one unit (seconds, or thousandths and less) as seconds since 1970. Raises ``BadRequest`` for mixed or unknown ones."""
    if not len(times):
        return times
    if not np.isfinite(times).all():
        raise BadRequest("a time is missing or no number: give every interaction one, or leave the column out")
    for unit in UNITS:
        found: Reals = times / unit
        one_unit = found.max() < MIXED * max(1.0, found.min()) or found.max() < RECENT
        if found.min() >= EARLIEST and found.max() <= LATEST and one_unit and (unit == 1.0 or found.max() >= RECENT):
            return found
    raise BadRequest(
        f"times from {times.min():g} to {times.max():g} are of several units, or of none that is known: "
        "give seconds or milliseconds since 1970"
    )
