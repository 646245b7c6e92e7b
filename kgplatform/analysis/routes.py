"""Routes between sets of entities, the best first, and what a pattern leads to; entities and facts are numbers here.

What is *specific* is told by its information content: through an entity of many facts, or over a relation of many, a route says
little. It costs the logarithm of both, one of few hops less than one of many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import get_args

import numpy as np

from kgplatform.analysis.meeting import Meeting
from kgplatform.analysis.network import Ints, Network
from kgplatform.analysis.ranked import Costs, Ranked
from kgplatform.analysis.walking import Part, Passage, Terrain
from kgplatform.types import By

WAYS: tuple[str, ...] = get_args(By)
TRIFLE = 1e-9
"""What every hop costs besides, so that of equally good routes the shorter comes first, and none goes in a circle for nothing."""
TIE, DOUBT = 1e-5, 50.0
"""By how much less than a hop doubt counts where the fewest hops come first, and doubt at most."""
ALIKE = 30
"""Routes of one length that are put in order by how far they are believed."""


def routes(terrain: Terrain, starts: Ints, goals: Ints, *, k: int, max_hops: int, by: By = "shortest") -> list[Ints]:
    """The edges of the ``k`` best simple routes between two sets that have no entity in common.

    ``by`` fewest hops, of equally few the most believed (among ``ALIKE`` where there are more); least bits to find it among others
    (``specific``); or the product of confidences, where facts that are not believed at all count for nothing. Inner entities are in
    neither set.
    """
    if by == "confidence":
        terrain = Terrain(terrain.network, terrain.automaton, max(terrain.least, TRIFLE))
    passage = Passage(terrain, starts, goals)
    if (fewest := passage.hops(max_hops)) is None:
        return []
    if by != "shortest":
        return _ranked(passage, terrain.network, max_hops, k, by)
    found: list[Ints] = []
    if terrain.open:
        meeting = Meeting(terrain.network, passage.there, passage.back)
        found += _believed(terrain.network, meeting.routes(fewest), k)
        if len(found) < k and fewest < max_hops:
            passage.meet(fewest + 1)
            found += _believed(terrain.network, meeting.routes(fewest), k - len(found))
        fewest += 2
    for hops in range(fewest, max_hops + 1):
        if len(found) == k:
            break
        found = _ranked(passage, terrain.network, hops, k, by)
    return found


def _believed(network: Network, routes: Iterator[tuple[int, ...]], k: int) -> list[Ints]:
    """The most believed of routes of one length."""
    found = np.array(list(islice(routes, max(k, ALIKE))), np.int64)
    if not found.size:
        return []
    belief = network.confidence[found % network.facts].prod(axis=1)
    return list(found[np.lexsort((*found.T[::-1], -belief))[:k]])


def _ranked(passage: Passage, network: Network, hops: int, k: int, by: By) -> list[Ints]:
    part = passage.part(hops)
    return [part.edges[list(route[1:])] for route in islice(Ranked(part, _costs(network, part, by), hops + 1), k)]


def _costs(network: Network, part: Part, by: By) -> Costs:
    return np.where(part.edges < 0, 0.0, _COSTS[by](network, part) + TRIFLE)


def _bits(network: Network, part: Part) -> Costs:
    cost = np.log2(network.often[network.relation[part.edges % network.facts]])
    entity = part.entity[part.ends]
    return cost + np.where(np.isin(part.ends, part.goals), 0.0, np.log2(network.degree(entity)))


def _doubt(network: Network, part: Part) -> Costs:
    """Infinite of what is not believed at all."""
    confidence = network.confidence[part.edges % network.facts].astype(np.float64)
    return -np.log(confidence, where=confidence > 0, out=np.full_like(confidence, -np.inf))


_COSTS: dict[By, Callable[[Network, Part], Costs]] = {
    "shortest": lambda network, part: 1.0 + TIE * np.minimum(_doubt(network, part), DOUBT),
    "specific": _bits,
    "confidence": _doubt,
}


def reached(terrain: Terrain, start: int, max_hops: int) -> Iterator[tuple[Ints, Ints]]:
    """What a pattern leads to, hop by hop: entities, and the edges of a walk to each, ``(entities, hops)``; an entity comes once.

    A walk is one of the shortest; it may come to an entity again, and back to the start.
    """
    told, seen = np.zeros(terrain.network.entities, np.bool_), np.zeros(terrain.size, np.bool_)
    places, trail = terrain.starts(np.array([start])), list[tuple[Ints, Ints]]()
    seen[places] = True
    for hops in range(max_hops + 1):
        at = np.flatnonzero(np.isin(places % terrain.states, terrain.automaton.accepting))
        entities, once = np.unique(places[at] // terrain.states, return_index=True)
        new = ~told[entities]
        if new.any():
            told[entities] = True
            yield entities[new], _walks(at[once][new], trail)
        if hops == max_hops or not len(places):
            return
        origin, edges, ends = terrain.onward(places)
        ends, first = np.unique(ends, return_index=True)
        first, ends = first[~seen[ends]], ends[~seen[ends]]
        seen[ends] = True
        trail.append((origin[first], edges[first].astype(np.int64)))
        places = ends


def _walks(at: Ints, trail: list[tuple[Ints, Ints]]) -> Ints:
    """The edges by which the last places at these positions were reached."""
    columns: list[Ints] = []
    for origin, edges in reversed(trail):
        columns.append(edges[at])
        at = origin[at]
    return np.stack(columns[::-1], axis=1) if columns else np.zeros((len(at), 0), np.int64)
