"""Links by a language model's memory: how much likelier the words of a tail are after a head and a relation than after other heads.

A model reads every candidate, so only some test facts are asked, against a few candidates drawn once for all worlds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kgplatform.errors import ModelError
from kgplatform.lm.ports import TokenScorer
from kgplatform.ports import Progress
from kgplatform.view import Ints
from reasoning.memory.report import Judge, Reals, sample
from reasoning.memory.similarity import described
from reasoning.memory.texts import Texts
from reasoning.memory.worlds import World
from reasoning.queries import queries
from reasoning.split import Split

CANDIDATES = 20
"""The true end among them."""
OTHERS = 2
"""Heads that stand for any other; a neutral word would let rare tails win, which follow any head better than it."""
ANYTHING = "Something"
"""The head of a relation that training has no fact of."""
LONGEST = 300
"""Letters of a head's description that are read."""

_Item = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Test facts ``(facts, 3)``; for each, false tails and false heads; for each relation, some heads that it has in training."""

    facts: Ints
    rivals: Sequence[tuple[Ints, Ints]]
    usual: Sequence[Ints]

    @classmethod
    def of(cls, split: Split, limit: int, seed: int = 0, candidates: int = CANDIDATES) -> Asked:
        """At most ``limit`` facts, the same for the same seed; ends that make a known fact are no rivals."""
        facts, rng = sample(split.test, limit, seed), np.random.default_rng([seed, len(split.test)])
        count = len(split.train.relations)
        truth = queries(np.unique(split.known, axis=0), count)
        sides = ((facts[:, 0], facts[:, 1]), (facts[:, 2], facts[:, 1] + count))
        true = [[truth.tails[truth.of(row[None])[1]] for row in truth.find(starts, relations)] for starts, relations in sides]
        every = np.arange(len(split.train.entities))
        drawn = [[rng.permutation(np.setdiff1d(every, ends))[: candidates - 1] for ends in side] for side in true]
        heads = split.train.triples
        usual = [rng.permutation(np.unique(heads[heads[:, 1] == number, 0]))[:OTHERS] for number in range(count)]
        return cls(facts, list(zip(*drawn, strict=True)), usual)


def likelihood(scorer: TokenScorer, asked: Asked) -> Judge:
    """Judges by the scorer: the ranks of ``asked.facts`` among their rivals."""

    def judge(world: World, progress: Progress | None) -> Reals:
        return _Reading(scorer, asked, world.texts).ranks(progress)

    return judge


@dataclass(frozen=True, slots=True)
class _Reading:
    scorer: TokenScorer
    asked: Asked
    texts: Texts

    def ranks(self, progress: Progress | None) -> Reals:
        """``(facts, 2)``; equal candidates share the mean of their ranks."""
        rows = [row for fact, rivals in zip(self.asked.facts.tolist(), self.asked.rivals, strict=True) for row in _rows(fact, rivals)]
        items = dict.fromkeys(item for row in rows for end in row for item in (self._after(*end), *self._neutral(*end[1:])))
        values = dict(zip(items, self.scorer.logprobs(list(items), progress).tolist(), strict=True))
        found = [_rank(np.array([self._gain(values, *end) for end in row])) for row in rows]
        return np.array(found).reshape(-1, 2)

    def _gain(self, values: dict[_Item, float], head: int, relation: int, tail: int) -> float:
        return values[self._after(head, relation, tail)] - float(np.mean([values[item] for item in self._neutral(relation, tail)]))

    def _after(self, head: int, relation: int, tail: int) -> _Item:
        text = self.texts
        known = f"{described(text, head)[:LONGEST]}\n" if text.descriptions[head] else ""
        return f"{known}{text.names[head]} {text.relations[relation]}", f" {text.names[tail]}"

    def _neutral(self, relation: int, tail: int) -> list[_Item]:
        """The same tail after the relation's usual heads."""
        others = self.asked.usual[relation].tolist()
        bare = (f"{ANYTHING} {self.texts.relations[relation]}", f" {self.texts.names[tail]}")
        return [self._after(other, relation, tail) for other in others] or [bare]


def _rows(fact: list[int], rivals: tuple[Ints, Ints]) -> list[list[tuple[int, int, int]]]:
    """The facts that compete for the tail, and those for the head; the true one is the first."""
    head, relation, tail = fact
    tails, heads = rivals
    return [[(head, relation, end) for end in (tail, *tails.tolist())], [(start, relation, tail) for start in (head, *heads.tolist())]]


def _rank(scores: Reals) -> float:
    if not np.isfinite(scores).all():
        raise ModelError("the language model gives likelihoods that are not numbers: choose another with KG_SCORER_MODEL")
    return float(1.0 + (scores[1:] > scores[0]).sum() + (scores[1:] == scores[0]).sum() / 2.0)
