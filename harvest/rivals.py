"""How far a candidate is ahead of the others that stand for the same thing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def leads(scores: Floats, groups: Sequence[Hashable]) -> Floats:
    """By how much each score leads (or trails) the best other score of its group: ``(scores,)``; 0 without a rival."""
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    result = np.zeros(len(scores))
    for where in (np.array(indices) for indices in members.values() if len(indices) > 1):
        first, second = where[np.argsort(-scores[where], kind="stable")[:2]]
        result[where] = scores[where] - scores[first]
        result[first] = scores[first] - scores[second]
    return result
