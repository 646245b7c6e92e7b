"""How a simple graph is made: communities, what holds it together, how its degrees lie. By networkit and powerlaw."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kgplatform.analysis.simple import Simple
from kgplatform.errors import MissingExtra
from kgplatform.texts import Ints
from kgplatform.valued import Reals

Flags = npt.NDArray[np.bool_]
_SETTINGS = threading.Lock()
"""networkit's seed and threads are the whole process's."""
ENOUGH = 50
"""Entities from which on a law of degrees is fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """``(nodes,)`` each: the community of an entity, its clustering, whether the graph falls apart without it; and which edges hold it
    together alone ``(edges,)``."""

    community: Ints
    modularity: float | None
    clustering: Reals
    cuts: Flags
    bridges: Flags

    @property
    def communities(self) -> int:
        return int(np.count_nonzero(np.bincount(self.community)))


class Law(NamedTuple):
    """A discrete power law p(k) ~ k^-``exponent`` of the degrees from ``least`` on (Clauset, Shalizi, Newman 2009).

    ``ratio`` is the log-likelihood against a log-normal law over its standard deviation: above 0 the power law fits better, below 0 the
    other; ``p`` is how likely such a ratio is where both fit alike.
    """

    exponent: float
    least: int
    ratio: float
    p: float


def structure(graph: Simple, seed: int = 0, community: Ints | None = None) -> Structure:
    """Communities by the Leiden algorithm (Traag et al. 2019), the same for the same seed, unless they are given.

    Raises ``MissingExtra``.
    """
    nk, made = _networkit(), _built(graph)
    if not len(graph.edges):
        none = np.zeros(graph.nodes)
        return Structure(np.arange(graph.nodes), None, none, none > 0, np.zeros(0, bool))
    community = _leiden(made, seed) if community is None else community
    clustering = np.asarray(nk.centrality.LocalClusteringCoefficient(made, True).run().scores())
    joined = nk.components.BiconnectedComponents(made).run().getComponents()
    sizes = np.fromiter(map(len, joined), np.int64, len(joined))
    members = np.concatenate([np.asarray(one, dtype=np.int64) for one in joined])
    cuts = np.bincount(members, minlength=graph.nodes) > 1
    pairs = members[np.repeat(sizes == 2, sizes)].reshape(-1, 2)
    bridges = np.isin(_coded(graph.edges, graph.nodes), _coded(np.sort(pairs, axis=1), graph.nodes))
    return Structure(community, modularity(graph, community), np.nan_to_num(clustering), cuts, bridges)


def _leiden(made: Any, seed: int) -> Ints:
    nk = _networkit()
    with _SETTINGS:
        threads = nk.getMaxNumberOfThreads()
        nk.setSeed(seed, False)
        nk.setNumberOfThreads(1)
        try:
            return np.asarray(nk.community.ParallelLeiden(made).run().getPartition().getVector(), dtype=np.int64)
        finally:
            nk.setNumberOfThreads(threads)


def modularity(graph: Simple, community: Ints) -> float:
    """How many more edges lie within communities than by chance (Newman and Girvan 2004)."""
    count, ends = len(graph.edges), community[graph.edges]
    degrees = np.bincount(community, weights=graph.degree)
    return float((ends[:, 0] == ends[:, 1]).sum() / count - np.square(degrees / (2 * count)).sum())


def joined(graph: Simple, community: Ints) -> Ints:
    """The communities of a graph that has grown since: each new entity in that of most of its neighbours, of two the lower.

    New entities that no way leads from to old ones are communities by themselves, part by part.
    """
    told = np.concatenate([community, np.full(graph.nodes - len(community), -1)])
    ends = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    while True:
        at = ends[(told[ends[:, 0]] < 0) & (told[ends[:, 1]] >= 0)]
        if not len(at):
            break
        pairs, counts = np.unique(np.stack([at[:, 0], told[at[:, 1]]], axis=1), axis=0, return_counts=True)
        order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
        new, first = np.unique(pairs[order, 0], return_index=True)
        told[new] = pairs[order[first], 1]
    left = told < 0
    told[left] = told.max(initial=-1) + 1 + graph.component[left]
    return told


def law(degrees: Ints) -> Law | None:
    """Of how many entities have how many links; ``None`` where there are too few, or all have alike many. Raises ``MissingExtra``."""
    degrees = degrees[degrees > 0]
    if len(degrees) < ENOUGH or len(np.unique(degrees)) < 3:
        return None
    try:
        import powerlaw
    except ImportError:
        raise MissingExtra("powerlaw", extra="insight", need="telling how the degrees of a graph lie") from None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit = powerlaw.Fit(degrees, discrete=True, verbose=False)
            ratio, p = fit.distribution_compare("power_law", "lognormal", normalized_ratio=True)
            found = Law(float(fit.power_law.alpha), int(fit.xmin), float(ratio), float(p))
        except (ValueError, IndexError, ZeroDivisionError, FloatingPointError):
            return None
    return found if np.isfinite(found).all() else None


def between(graph: Simple, community: Ints) -> Flags:
    """Which entities have neighbours in several communities, ``(nodes,)``."""
    ends = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    least, most = np.full(graph.nodes, np.iinfo(np.int64).max), np.full(graph.nodes, -1)
    np.minimum.at(least, ends[:, 0], community[ends[:, 1]])
    np.maximum.at(most, ends[:, 0], community[ends[:, 1]])
    return least < most


def assortativity(graph: Simple) -> float | None:
    """The correlation of the degrees at both ends of the edges (Newman 2002); ``None`` where all are alike."""
    if not len(graph.edges):
        return None
    one, other = graph.degree[graph.edges].T.astype(float)
    both, swapped = np.concatenate([one, other]), np.concatenate([other, one])
    spread = both.var()
    return float(((both - both.mean()) * (swapped - swapped.mean())).mean() / spread) if spread > 0 else None


def _built(graph: Simple) -> Any:
    nk = _networkit()
    ends = np.ascontiguousarray(graph.edges.T, dtype=np.intp)
    return nk.GraphFromCoo((np.ones(len(graph.edges)), (ends[0], ends[1])), n=graph.nodes, weighted=False, directed=False)


def _coded(edges: Ints, nodes: int) -> Ints:
    return edges[:, 0] * np.int64(max(nodes, 1)) + edges[:, 1]


def _networkit() -> Any:
    try:
        import networkit
    except ImportError:
        raise MissingExtra("networkit", extra="insight", need="measuring the shape of a graph") from None
    return networkit
