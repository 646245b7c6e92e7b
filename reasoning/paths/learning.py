"""Learn from questions whose right answer is known which paths their words ask for.

A path's score gets what its hops are worth beside each word of the question, and by themselves: Gaussian priors hold all of these at
nothing, so that what nothing speaks for stays as it was without learning. Which of the paths that lead to just the right set was
meant is not known: the best so far is taken to be, and the weights are found anew, in turns (hard EM). What then chooses worse
among marks it has not seen, or is no surer of them, is not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from reasoning.paths.words import FUNCTION_WORDS, stem

Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Route = tuple[str, ...]

FEWEST = 20
"""Marks from which something is learned."""
MOST = 500
"""Marks that are learned from, the latest."""
TEMPERATURE = 3.0
"""How much better a path must score to be e times likelier."""
SPREAD = 2.0
"""How far a weight may well be from nothing: the standard deviation of its prior."""
ROUNDS, FOLDS = 3, 4
_FUNCTION_STEMS = frozenset(map(stem, FUNCTION_WORDS))
AGAINST = "~"
"""Before a relation that is walked against its direction."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A question by the stems of its words, without names; routes that it might ask for, scored without learning, and which are right.

    ``of`` tells the question from others and what it was by nothing: what is said of it again takes the place of what was said before.
    """

    said: tuple[str, ...]
    routes: tuple[Route, ...]
    scores: tuple[float, ...]
    right: tuple[int, ...]
    of: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What each feature of a route is worth beside each word, ``(words + 1, features)``: the last row beside any words.

    ``last``: in what part of the marks with each word each hop was the last, squared, so that seldom counts little; ``(words, hops)``.
    """

    words: dict[str, int]
    hops: dict[str, int]
    weights: Reals
    last: Reals

    def worth(self, said: Iterable[str], routes: Sequence[Route]) -> Reals:
        """What is added to the score of each route; ``(routes,)``."""
        worth: Reals = self.features(routes) @ (self.present(said) @ self.weights)
        return worth

    def meant(self, said: Sequence[str], hops: Sequence[str]) -> Reals:
        """How sure the marks make each word to mean each hop, of 1: nothing for words that carry no content; ``(words, hops)``."""
        meant = np.zeros((len(said), len(hops)))
        words = [(row, self.words[word]) for row, word in enumerate(said) if word in self.words and word not in _FUNCTION_STEMS]
        places = [(column, self.hops[hop]) for column, hop in enumerate(hops) if hop in self.hops]
        for row, word in words:
            meant[row, [column for column, _ in places]] = self.last[word, [hop for _, hop in places]]
        return meant

    def present(self, said: Iterable[str]) -> Reals:
        present = np.zeros(len(self.words) + 1)
        present[[self.words[word] for word in said if word in self.words]] = 1.0
        present[-1] = 1.0
        return present

    def features(self, routes: Sequence[Route]) -> Reals:
        """Which hops there are, which is the last, how many, and whether one goes back over the one before."""
        count = len(self.hops)
        found = np.zeros((len(routes), 2 * count + 3))
        for row, route in zip(found, routes, strict=True):
            row[[self.hops[hop] for hop in route if hop in self.hops]] = 1.0
            if route[-1] in self.hops:
                row[count + self.hops[route[-1]]] = 1.0
            backs = [_opposite(hop) == after for hop, after in pairwise(route)]
            row[-3:] = len(route), any(backs), bool(backs and backs[-1])
        return found


def learn(marks: Sequence[Mark]) -> Learned | None:
    """What the marks teach; ``None`` where they are few, or it chooses worse among marks held out, or is no surer of them, than without."""
    marks = marks[-MOST:]
    if len(marks) < FEWEST:
        return None
    # Alike questions are held out together: what counts is other wording.
    kinds = {kind: number for number, kind in enumerate(sorted({mark.said for mark in marks}))}
    fold = np.array([kinds[mark.said] % FOLDS for mark in marks])
    before, after = [], []
    for held in range(FOLDS):
        learned = _learned([mark for mark, own in zip(marks, fold, strict=True) if own != held])
        for mark in (mark for mark, own in zip(marks, fold, strict=True) if own == held):
            before.append(_told(mark, np.array(mark.scores)))
            after.append(_told(mark, np.array(mark.scores) + learned.worth(mark.said, mark.routes)))
    (hits, likely), (hits_learned, likely_learned) = np.mean(before, axis=0), np.mean(after, axis=0)
    return _learned(marks) if hits_learned >= hits and likely_learned > likely else None


def _told(mark: Mark, scores: Reals) -> tuple[bool, float]:
    """Whether the best route is a right one, and the logarithm of how likely the right ones are."""
    likely = scores / TEMPERATURE - np.logaddexp.reduce(scores / TEMPERATURE)
    return int(np.argmax(scores)) in mark.right, float(np.logaddexp.reduce(likely[list(mark.right)]))


def _learned(marks: Sequence[Mark]) -> Learned:
    from scipy.optimize import minimize

    words = {word: number for number, word in enumerate(sorted({word for mark in marks for word in mark.said}))}
    hops = {hop: number for number, hop in enumerate(sorted({hop for mark in marks for route in mark.routes for hop in route}))}
    learned = Learned(words, hops, np.zeros((len(words) + 1, 2 * len(hops) + 3)), np.zeros(0))
    said = np.array([learned.present(mark.said) for mark in marks])
    features = np.concatenate([learned.features(mark.routes) for mark in marks])
    scores = np.concatenate([mark.scores for mark in marks]) / TEMPERATURE
    sizes = np.array([len(mark.routes) for mark in marks])
    starts, of = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(marks)), sizes)
    right = [starts[number] + np.array(mark.right) for number, mark in enumerate(marks)]

    def logits(flat: Reals) -> Reals:
        beside = said @ flat.reshape(learned.weights.shape)
        found: Reals = scores + np.einsum("rf,rf->r", features, beside[of]) / TEMPERATURE
        return found

    flat, meant = learned.weights.ravel(), starts
    for _ in range(ROUNDS):
        now = logits(flat)
        meant = np.array([rows[np.argmax(now[rows])] for rows in right])

        def loss(flat: Reals, meant: Ints = meant) -> tuple[float, Reals]:
            now = logits(flat)
            now = now - np.maximum.reduceat(now, starts)[of]
            total = np.add.reduceat(np.exp(now), starts)
            less = np.exp(now) / total[of]
            less[meant] -= 1.0
            lost = float((np.log(total) - now[meant]).sum() + 0.5 * (flat @ flat) / SPREAD**2)
            slope = said.T @ np.add.reduceat(features * less[:, None], starts) / TEMPERATURE
            return lost, slope.ravel() + flat / SPREAD**2

        flat = minimize(loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    ends = features[meant, len(hops) : 2 * len(hops)]
    # One more that ended elsewhere: what was seen once is not certain.
    often = said[:, :-1].T @ ends / (said[:, :-1].sum(axis=0) + 1.0)[:, None]
    return Learned(words, hops, flat.reshape(learned.weights.shape), often**2)


def _opposite(hop: str) -> str:
    return hop[1:] if hop.startswith(AGAINST) else AGAINST + hop
