"""The shortest routes between two ends, told one by one from the places where the waves from both ends meet.

A route of the fewest hops, or of one more, comes to no entity twice: without that circle it would be shorter than the shortest. So none of
them has to be checked or ranked, and hardly more is looked at than is told.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kgplatform.analysis.network import Network
from kgplatform.analysis.walking import Wave


class Meeting:
    """Two waves that have met, in a network of which every edge may be walked both ways."""

    def __init__(self, network: Network, there: Wave, back: Wave) -> None:
        self._network, self._there, self._back = network, there, back
        self._known: dict[tuple[Wave, int, int], list[tuple[int, int]]] = {}

    def routes(self, fewest: int) -> Iterator[tuple[int, ...]]:
        """The edges of all routes of as many hops as the waves have made together, ``fewest`` or one more; the shortest has ``fewest``."""
        there, back = ([*wave.levels, *wave.beyond] for wave in (self._there, self._back))
        facts = self._network.facts
        ahead, behind = len(there) - 1, len(back) - 1
        splits = [(ahead, behind)]
        if ahead + behind > fewest:
            splits += [(ahead - 1, behind), (ahead, behind - 1)]
        for hops, others in splits:
            if hops < min(1, ahead) or others < min(1, behind):  # on a beginning, with hops left to it
                continue
            level = there[hops]
            for place in level[self._back.far[level] == others + 1].tolist():
                for first in self._ways(self._there, place, ahead):
                    begun = tuple((edge + facts) % (2 * facts) for edge in reversed(first))  # as they are walked from the start
                    for last in self._ways(self._back, place, behind):
                        yield begun + last

    def _ways(self, wave: Wave, place: int, left: int) -> Iterator[tuple[int, ...]]:
        """The edges from a place to where the wave began, in so many hops."""
        if not left:
            yield ()
            return
        for edge, other in self._steps(wave, place, left):
            for rest in self._ways(wave, other, left - 1):
                yield (edge, *rest)

    def _steps(self, wave: Wave, place: int, left: int) -> list[tuple[int, int]]:
        """The edges by which so many hops still lead to where the wave began: nearer, or no farther away where there is a hop to spare."""
        if (known := self._known.get((wave, place, left))) is not None:
            return known
        first, last = self._network.begins[place : place + 2].tolist()
        others = self._network.others[first:last]
        far = wave.far[others]
        kept = far == left
        if wave.far[place] <= left:  # where it began it is entered by the last hop alone
            kept = (kept & (others != place)) | ((far == left - 1) & (far > 1))
        facing = self._back if wave is self._there else self._there
        if not facing.hops:
            kept &= facing.far[others] != 1
        at = np.flatnonzero(kept)
        found = self._known[wave, place, left] = list(zip(self._network.edges[first + at].tolist(), others[at].tolist(), strict=True))
        return found
