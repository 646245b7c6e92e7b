"""How probably somebody masters concepts, from answers that were right or wrong.

Bayesian knowledge tracing (Corbett and Anderson, 1995) with constants that are usual for it, with forgetting, and with a transfer along
prerequisites in the spirit of CAKT: a right answer speaks for what the concept needs, a wrong one against what needs it. It is no neural
model, as CAKT is: such a one is trained on the answers of many people, and none are public for a graph of one's own. The constants are
not learned either, so a probability orders concepts better than it counts them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kgplatform.view import Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

PRIOR, LEARN, SLIP, GUESS = 0.2, 0.1, 0.1, 0.2
"""Mastered before any answer; learned by answering; wrong though mastered; right though not."""
FORGET = 0.01
"""Forgotten, of what is mastered, by each answer that is about something else; never below the prior."""
TRANSFER, HOPS = 0.5, 2
"""What an answer weighs for a concept one fact away, times the belief in that fact; and how many facts it goes."""


def traced(answers: Iterable[tuple[int, bool]], pairs: Ints, confidence: Floats, size: int) -> npt.NDArray[np.float64]:
    """The mastery of each of ``size`` concepts ``(size,)`` after ``answers`` in time order: a concept, and whether it was right.

    ``pairs`` ``(n, 2)`` say what comes before what, ``confidence`` ``(n,)`` how far that is believed.
    """
    near = _near(pairs, confidence, size)
    mastery, since = np.full(size, PRIOR), np.zeros(size, dtype=np.int64)
    time = 0
    for time, (concept, right) in enumerate(answers, 1):
        place, weight = _row(near[0] if right else near[1], concept)
        touched = np.append(place, concept)
        mastery[touched] = _later(mastery[touched], time - since[touched] - 1)
        since[touched] = time
        mastery[place] += weight * (_told(mastery[place], right) - mastery[place])
        told = _told(mastery[[concept]], right)
        mastery[concept] = told[0] + (1 - told[0]) * LEARN
    return _later(mastery, time - since)


def _told(mastery: npt.NDArray[np.float64], right: bool) -> npt.NDArray[np.float64]:
    """By Bayes, after an answer about the concept itself."""
    yes, no = (1 - SLIP, GUESS) if right else (SLIP, 1 - GUESS)
    found: npt.NDArray[np.float64] = mastery * yes / (mastery * yes + (1 - mastery) * no)
    return found


def _later(mastery: npt.NDArray[np.float64], answers: Ints) -> npt.NDArray[np.float64]:
    """After so many answers about something else; what lies below the prior stays."""
    kept: npt.NDArray[np.float64] = PRIOR + (mastery - PRIOR) * (1 - FORGET) ** np.where(mastery > PRIOR, answers, 0)
    return kept


def _near(pairs: Ints, confidence: Floats, size: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """How much an answer weighs for others, ``(size, size)``: a right one for what comes before, a wrong one for what comes after."""
    from scipy import sparse

    apart = pairs[:, 0] != pairs[:, 1]
    first, then = pairs[apart].T
    best = sparse.coo_matrix((TRANSFER * confidence[apart].astype(np.float64), (then, first)), shape=(size, size)).tocsr()
    best.data = np.minimum(best.data, TRANSFER)  # facts that say the same are no more than one that is certain
    total = step = best
    for _ in range(HOPS - 1):
        step = step @ best
        total = total.maximum(step)
    total.setdiag(0)
    total.eliminate_zeros()
    total.data = np.minimum(total.data, TRANSFER)
    return total.tocsr(), total.T.tocsr()


def _row(matrix: sparse.csr_matrix, concept: int) -> tuple[Ints, npt.NDArray[np.float64]]:
    begin, end = matrix.indptr[concept : concept + 2]
    return matrix.indices[begin:end], matrix.data[begin:end]
