"""How a graph changes while it grows: its shape, measured one iteration after the other, and kept with the run that made it grow.

The measures are those of Buehler, "Agentic Deep Graph Reasoning" (arXiv 2502.13025). What takes long is sampled, so that an iteration
on 100,000 entities takes less than a second; the same graph and seed give the same figures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from kgplatform.analysis.simple import Simple, Walked, walked
from kgplatform.analysis.structure import Law, Structure, assortativity, between, joined, law, structure
from kgplatform.errors import BadFile
from kgplatform.texts import Ints
from kgplatform.view import GraphView
from kgplatform.wholefile import whole

WORK = 4_000_000
"""Edges that are looked at, at most, to walk from sampled entities."""
FEWEST = 8
SMALL, SHARE = 5_000, 0.02
"""A graph that grows is measured anew where it has fewer links, or so many more, as a share, than when it was measured."""


@dataclass(frozen=True, slots=True)
class Dynamics:
    """The shape of a graph at one time; ``None`` where a measure has no meaning, as the clustering of nothing.

    Entities and links are those of the simple graph (``Simple``). ``clustering`` is the mean of each entity's own, ``transitivity`` that
    of the whole; ``path_length`` and ``diameter`` are hops, from ``sources`` entities: of fewer than all, the diameter is a lower bound;
    ``exponent`` to ``against_lognormal_p`` are ``structure.Law``; ``betweenness`` is the highest of an entity; ``cuts`` are
    articulation points, ``bridges`` the edges that hold parts together alone; ``between`` are entities with neighbours in several
    communities, ``between_stayed`` the share of those of the iteration before that are so still, ``between_age`` for how many
    iterations they have been so on average; ``small_world`` is σ of Humphries and Gurney (2008), against the clustering and path
    length of a random graph with as many entities and links, as they are expected.
    """

    nodes: int
    edges: int
    components: int
    largest: int
    mean_degree: float | None
    clustering: float | None
    transitivity: float | None
    communities: int
    modularity: float | None
    path_length: float | None
    diameter: int | None
    sources: int
    exponent: float | None
    exponent_from: int | None
    against_lognormal: float | None
    against_lognormal_p: float | None
    betweenness: float | None
    cuts: int
    bridges: int
    between: int
    between_stayed: float | None
    between_age: float | None
    assortativity: float | None
    small_world: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A graph's shape with what each entity is in it."""

    graph: Simple
    parts: Structure
    walks: Walked
    between: Ints
    dynamics: Dynamics


def measure(graph: Simple, seed: int = 0) -> Measured:
    """The shape of a graph at one time. Raises ``MissingExtra``."""
    return figures(graph, structure(graph, seed), walk(graph, seed), law(graph.degree))


def walk(graph: Simple, seed: int = 0) -> Walked:
    """Walks from as many entities as can be afforded."""
    sources = min(graph.nodes, max(FEWEST, WORK // max(1, 2 * len(graph.edges))))
    return walked(graph, np.sort(np.random.default_rng(seed).permutation(graph.nodes)[:sources]))


def figures(graph: Simple, parts: Structure, walks: Walked, fitted: Law | None) -> Measured:
    """The figures of a graph whose parts were measured."""
    count = len(graph.edges)
    several = np.flatnonzero(between(graph, parts.community))
    degree = 2 * count / graph.nodes if graph.nodes else None
    clustering = float(parts.clustering.mean()) if graph.nodes else None
    wedges = graph.degree * (graph.degree - 1.0)
    components = np.bincount(graph.component) if graph.nodes else np.zeros(0, np.int64)
    return Measured(
        graph,
        parts,
        walks,
        several,
        Dynamics(
            nodes=graph.nodes,
            edges=count,
            components=len(components),
            largest=int(components.max(initial=0)),
            mean_degree=degree,
            clustering=clustering,
            transitivity=float(parts.clustering @ wedges / wedges.sum()) if wedges.sum() else None,
            communities=parts.communities,
            modularity=parts.modularity,
            path_length=walks.mean,
            diameter=walks.farthest,
            sources=walks.sources,
            exponent=fitted and fitted.exponent,
            exponent_from=fitted and fitted.least,
            against_lognormal=fitted and fitted.ratio,
            against_lognormal_p=fitted and fitted.p,
            betweenness=float(walks.betweenness.max()) if graph.nodes > 2 else None,
            cuts=int(parts.cuts.sum()),
            bridges=int(parts.bridges.sum()),
            between=len(several),
            between_stayed=None,
            between_age=None,
            assortativity=assortativity(graph),
            small_world=_small_world(graph.nodes, degree, clustering, walks.mean),
        ),
    )


def _small_world(nodes: int, degree: float | None, clustering: float | None, length: float | None) -> float | None:
    if degree is None or degree <= 1 or not clustering or not length:
        return None
    return (clustering / (degree / nodes)) / (length / (math.log(nodes) / math.log(degree)))


class Following:
    """Measures a graph again and again while it grows; what takes long is measured anew only when the graph has grown by ``SHARE``.

    Until then entities join the communities of their neighbours, and the figures of walks and of the law of degrees stand. A graph
    of fewer than ``SMALL`` links is measured anew every time.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._links: dict[str, int] = {}
        self._community: Ints = np.zeros(0, np.int64)
        self._walks = Walked(np.zeros(0), None, None, 0)
        self._law: Law | None = None

    def measure(self, graph: Simple) -> Measured:
        """As the function of that name, of a graph that has all entities of the one before, in their places."""
        parts = structure(graph, self._seed, None if self._due("communities", graph) else joined(graph, self._community))
        self._community = parts.community
        if self._due("walks", graph):
            self._walks = walk(graph, self._seed)
        if self._due("law", graph):
            self._law = law(graph.degree)
        return figures(graph, parts, self._walks, self._law)

    def _due(self, what: str, graph: Simple) -> bool:
        count, before = len(graph.edges), self._links.get(what, 0)
        due = count < SMALL or not before <= count < before * (1 + SHARE)
        if due:
            self._links[what] = count
        return due


class Recorder:
    """Measures one iteration after the other, and keeps the figures in a file of JSON lines that a run can be resumed by."""

    def __init__(self, path: Path, seed: int = 0) -> None:
        """Go on with what the file holds. Raises ``BadFile``."""
        self.path, self.seed = path, seed
        self._lines = [*_lines(path)] if path.exists() else []
        self._written = [_written(line) for line in self._lines]
        self._since = since_when(self._lines)
        self._following = Following(seed)

    def add(self, iteration: int, view: GraphView) -> Dynamics:
        """Measure the graph as it is after an iteration; one that was measured already, and those after it, are replaced."""
        return self._record(iteration, measure(Simple.of(view), self.seed), view.entity_ids)

    def record(self, iteration: int, graph: Simple, ids: Sequence[str]) -> Dynamics:
        """As ``add``, of a simple graph that grows from one iteration to the next (``Following``); ``ids`` are of its entities."""
        return self._record(iteration, self._following.measure(graph), ids)

    def _record(self, iteration: int, measured: Measured, ids: Sequence[str]) -> Dynamics:
        self._back_to(iteration)
        now, since = {ids[place] for place in measured.between.tolist()}, self._since
        became, left = now - since.keys(), since.keys() - now
        told = asdict(measured.dynamics)
        told["between_stayed"] = (len(since) - len(left)) / len(since) if since else None
        line = {"iteration": iteration, **told, "became_between": sorted(became), "no_longer_between": sorted(left)}
        _follow(since, line)
        line["between_age"] = told["between_age"] = iteration - sum(since.values()) / len(since) if since else None
        self._lines.append(line)
        self._written.append(_written(line))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole(self.path) as file:
            file.writelines(self._written)
        return Dynamics(**told)

    def _back_to(self, iteration: int) -> None:
        """Leave this iteration and those after it out, where they are recorded."""
        before = [line for line in self._lines if line["iteration"] < iteration]
        if len(before) < len(self._lines):
            self._lines, self._written, self._since = before, self._written[: len(before)], since_when(before)


def read(path: Path) -> list[tuple[int, Dynamics]]:
    """The iterations that were recorded, in order. Raises ``BadFile``."""
    names = [field.name for field in fields(Dynamics)]
    return [(line["iteration"], Dynamics(**{name: line[name] for name in names})) for line in _lines(path)]


def since_when(lines: list[dict[str, Any]]) -> dict[str, int]:
    """The entities that are between communities after the last of these iterations, and since which they have been."""
    since: dict[str, int] = {}
    for line in lines:
        _follow(since, line)
    return since


def _follow(since: dict[str, int], line: Mapping[str, Any]) -> None:
    for one in line["no_longer_between"]:
        since.pop(one, None)
    since |= dict.fromkeys(line["became_between"], line["iteration"])


def _written(line: Mapping[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    needed = {"iteration", "became_between", "no_longer_between", *(field.name for field in fields(Dynamics))}
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if not isinstance(line, Mapping) or not needed <= line.keys():
                raise BadFile(f"{path}: line {number} is no record of a graph's shape: delete the file, and it is begun anew")
            yield dict(line)
