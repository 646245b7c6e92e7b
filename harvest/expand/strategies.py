"""How the next question comes out of the graph as it now stands: a strategy gives questions about what has grown, best first.

The strategies of ``agentic-expansion``, after Buehler (arXiv 2502.13025). Who asks takes the first that were not asked yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from harvest.expand.grown import Grown, Question

Vectors = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Unit vectors of names, ``(names, dimension)``."""
Strategy = Callable[[Grown, Vectors], Iterator[Question]]
COMPARED = 1_000
"""Things, the newest, whose pairs are compared."""
PAIRS = 500
QUOTED = 300


def node(grown: Grown, vectors: Vectors) -> Iterator[Question]:  # noqa: ARG001 - a strategy
    """The mechanism of each thing, the newest first."""
    for id in reversed(grown.names):
        yield _one(grown, id, "By what mechanism does {} work, and what does it lead to?")


def answer(grown: Grown, vectors: Vectors) -> Iterator[Question]:  # noqa: ARG001 - a strategy
    """What follows from what was said last, and its converse."""
    depth = max(grown.depths.values(), default=0) + 1
    for said in grown.said:
        yield Question(f"It was said: {said[:QUOTED]} What follows from this?", (), depth)
        yield Question(f"It was said: {said[:QUOTED]} What would have to be otherwise if this were not so?", (), depth)


def edge(grown: Grown, vectors: Vectors) -> Iterator[Question]:
    """Pairs without a link whose names are neither near nor far."""
    yield from _pairs(grown, vectors, "How are {} and {} related?", lambda cosines: np.abs(cosines - np.median(cosines)))


def frontier(grown: Grown, vectors: Vectors) -> Iterator[Question]:
    """Things with the fewest links that were not asked about, each with the hub: what most shortest paths pass through.

    When each was, the mechanism of each.
    """
    if not grown.names:
        return
    ids, hub = list(grown.names), grown.hub
    for place in np.argsort(grown.graph.degree, kind="stable").tolist():
        if (id := ids[place]) != hub and not grown.visited(id):
            yield _two(grown, id, hub, "What is {} linked with, and how does it bear on {}?")
    yield from node(grown, vectors)


def novelty(grown: Grown, vectors: Vectors) -> Iterator[Question]:
    """Things farthest from the middle of all."""
    if not grown.names:
        return
    ids, told = list(grown.names), vectors(list(grown.names.values()))
    for place in np.argsort(told @ told.mean(axis=0), kind="stable").tolist():
        yield _one(grown, ids[place], "What is unusual about {}, and what is it linked with?")


def leap(grown: Grown, vectors: Vectors) -> Iterator[Question]:
    """Pairs whose names are least alike."""
    yield from _pairs(grown, vectors, "What could {} and {} have in common?", lambda cosines: cosines)


def mixed(grown: Grown, vectors: Vectors) -> Iterator[Question]:
    """All others in turn."""
    for questions in zip_longest(*(strategy(grown, vectors) for strategy in (frontier, node, edge, answer, novelty, leap))):
        yield from filter(None, questions)


STRATEGIES: dict[str, Strategy] = {one.__name__: one for one in (node, answer, edge, frontier, novelty, leap, mixed)}
"""By name; whoever has another adds it."""


def _pairs(
    grown: Grown, vectors: Vectors, words: str, rank: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
) -> Iterator[Question]:
    """Pairs of the newest things that no link joins, those of lowest rank by their cosine first."""
    first = max(0, len(grown.names) - COMPARED)
    ids = list(grown.names)[first:]
    if len(ids) < 2:
        return
    told = vectors([grown.names[id] for id in ids])
    apart = np.triu(np.ones((len(ids), len(ids)), bool), 1)
    edges = grown.graph.edges - first
    edges = edges[(edges >= 0).all(axis=1)]
    apart[edges[:, 0], edges[:, 1]] = False
    heads, tails = np.nonzero(apart)
    if not len(heads):
        return
    ranks = np.round(rank((told @ told.T)[heads, tails]), 4)
    few = np.flatnonzero(ranks <= np.partition(ranks, min(PAIRS, len(ranks)) - 1)[min(PAIRS, len(ranks)) - 1])
    for place in few[np.argsort(ranks[few], kind="stable")].tolist():
        yield _two(grown, ids[heads[place]], ids[tails[place]], words)


def _one(grown: Grown, id: str, words: str) -> Question:
    return Question(words.format(grown.names[id]), (id,), grown.depths[id] + 1)


def _two(grown: Grown, one: str, other: str, words: str) -> Question:
    return Question(words.format(grown.names[one], grown.names[other]), (one, other), max(grown.depths[one], grown.depths[other]) + 1)
