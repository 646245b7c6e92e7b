"""A graph as its shape is measured: whether two entities are linked, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kgplatform.texts import Ints
from kgplatform.valued import Reals
from kgplatform.view import GraphView


@dataclass(frozen=True, eq=False)
class Simple:
    """The simple graph of some facts: undirected, one edge where there are several facts, none from an entity to itself.

    ``edges`` ``(m, 2)`` are places of entities, the smaller first, in order and each once; ``nodes`` is how many entities there are.
    """

    edges: Ints
    nodes: int

    @classmethod
    def of(cls, view: GraphView) -> Simple:
        return cls.linking(view.triples[:, [0, 2]], len(view.entities))

    @classmethod
    def linking(cls, pairs: npt.ArrayLike, nodes: int) -> Simple:
        """Of pairs of entities ``(n, 2)``, either way round."""
        ends = np.sort(np.asarray(pairs, dtype=np.int64).reshape(-1, 2), axis=1)
        ends = ends[ends[:, 0] < ends[:, 1]]
        coded = np.sort(ends[:, 0] * np.int64(max(nodes, 1)) + ends[:, 1])  # ten times as quick as ``np.unique``
        coded = coded[np.diff(coded, prepend=-1) > 0]
        return cls(np.stack(np.divmod(coded, max(nodes, 1)), axis=1), nodes)

    @cached_property
    def adjacency(self) -> sparse.csr_matrix:
        """``(nodes, nodes)``, symmetric, ones."""
        ends = np.concatenate([self.edges, self.edges[:, ::-1]])
        return sparse.csr_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(self.nodes, self.nodes))

    @cached_property
    def degree(self) -> Ints:
        """With how many others each entity is linked, ``(nodes,)``."""
        return np.bincount(self.edges.ravel(), minlength=self.nodes)

    @cached_property
    def component(self) -> Ints:
        """The number of the connected component of each entity, ``(nodes,)``."""
        from scipy.sparse.csgraph import connected_components

        return np.asarray(connected_components(self.adjacency, directed=False)[1], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What was seen from some entities. Where these are not all, ``betweenness`` is an estimate and ``farthest`` a lower bound.

    ``betweenness`` ``(nodes,)`` is the share of shortest paths between others that pass through each entity; ``mean`` is how many hops
    two entities are apart on average, where a path leads from one to the other, and ``farthest`` the most of these.
    """

    betweenness: Reals
    mean: float | None
    farthest: int | None
    sources: int


BATCH = 16
"""Entities that are walked from at once."""


def walked(graph: Simple, sources: Ints) -> Walked:
    """Walk from these entities, distinct ones chosen at random, along all shortest paths.

    Brandes' algorithm (2001) by levels for a batch of sources, each level one product with the adjacency matrix; of sampled sources
    the estimate of Brandes and Pich (2007): it is unbiased.
    """
    through = np.zeros(graph.nodes)
    apart = pairs = farthest = 0
    for first in range(0, len(sources), BATCH):
        some, hops = _levels(graph, sources[first : first + BATCH])
        through += some
        apart += int(hops[hops > 0].sum(dtype=np.int64))
        pairs += int((hops > 0).sum())
        farthest = max(farthest, int(hops.max(initial=0)))
    scale = graph.nodes / max(1, len(sources)) / max(1, (graph.nodes - 1) * (graph.nodes - 2))
    return Walked(through * scale, apart / pairs if pairs else None, farthest if pairs else None, len(sources))


def _levels(graph: Simple, sources: Ints) -> tuple[Reals, npt.NDArray[np.int16]]:
    """How much each entity depends on (nodes,), and the hops ``(nodes, sources)``, -1 where none lead there."""
    columns = np.arange(len(sources))
    hops = np.full((graph.nodes, len(sources)), -1, np.int16)
    hops[sources, columns] = 0
    paths = np.zeros(hops.shape)
    paths[sources, columns] = 1
    front, level = paths, 0
    while True:
        front = graph.adjacency @ front
        front[hops >= 0] = 0
        reached = front > 0
        if not reached.any():
            break
        level += 1
        hops[reached] = level
        paths = paths + front
    depending = np.zeros(hops.shape)
    for last in range(level, 1, -1):
        share = np.zeros(hops.shape)
        np.divide(1 + depending, paths, out=share, where=hops == last)
        depending += np.where(hops == last - 1, graph.adjacency @ share, 0) * paths
    return depending.sum(axis=1), hops
