"""By what a set is ordered: the dates or numbers that the question's words mean, or how many things a relation leads to."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from kgplatform.types import Entity, Literal, Path, Step
from reasoning.agent.cues import BORN
from reasoning.agent.phrases import TOPIC
from reasoning.agent.sets import Member
from reasoning.agent.walker import Walker
from reasoning.paths.question import read
from reasoning.paths.values import DATES, NUMBERS, comparable
from reasoning.paths.words import FUNCTION_WORDS, words

Ints = npt.NDArray[np.int64]


def attribute(walker: Walker, nodes: Ints, said: str, scale: str = "") -> int | None:
    """The hop to dates (``scale`` "date") or numbers ("number") that the words mean, or the only one when they say nothing."""
    hops = [hop for hop in walker.network.exits(nodes) if hop < walker.count and _leads_to(walker, hop, scale)]
    if not hops:
        return None
    if all(word.text.casefold() in FUNCTION_WORDS for word in words(said)):
        return hops[0] if len(hops) == 1 else None
    found = _aligned(walker, said if TOPIC in said else f"{TOPIC} {said}", hops)
    return _age(walker, nodes, hops) if found is None and said == BORN else found


def means(walker: Walker, said: str, hop: int) -> bool:
    """Whether words mean a hop, and no other that leads on from where it does."""
    nodes = np.unique(walker.network.codes[walker.network.codes % walker.network.hops == hop] // walker.network.hops)
    return _aligned(walker, f"{TOPIC} {said}", [one for one in walker.network.exits(nodes) if one < walker.count]) == hop


def _age(walker: Walker, nodes: Ints, hops: list[int]) -> int | None:
    """What nothing of its kind is born is as old as its only date says."""
    held = [node.kinds for number in nodes.tolist() if isinstance(node := walker.node(number), Entity)]
    alike = [walker.of_kind[kind] for kind in {kind for kinds in held for kind in kinds if kind != "thing"}]
    every = [hop for hop in walker.network.exits(np.concatenate([nodes, *alike])) if hop < walker.count]
    dates = [hop for hop in hops if _leads_to(walker, hop, "date")]
    return dates[0] if len(dates) == 1 and _aligned(walker, f"{TOPIC} {BORN}", every) is None else None


def _leads_to(walker: Walker, hop: int, scale: str) -> bool:
    types = {"date": DATES, "number": NUMBERS}.get(scale, DATES + NUMBERS)
    ends = walker.network.ends[walker.network.codes % walker.network.hops == hop][:1]
    end = walker.node(int(ends[0])) if len(ends) else None
    return isinstance(end, Literal) and end.datatype in types and comparable(end)


def _aligned(walker: Walker, text: str, hops: list[int]) -> int | None:
    at = text.index(TOPIC)
    scores, worst = walker.aligner.scores(read(text, at, at + len(TOPIC)), [(hop,) for hop in hops])
    best = int(np.argmax(scores))
    return hops[best] if worst[best] >= walker.floor else None


def values(walker: Walker, nodes: Ints, hop: int) -> dict[int, tuple[Literal, Path]]:
    """For each node its value by a hop, the most believed of several, with the walk there."""
    found: dict[int, tuple[Literal, Path]] = {}
    for edge, place in zip(*walker.network.edges(nodes, hop), strict=True):
        fact, node = walker.network.facts[walker.network.origin[edge]], int(nodes[place])
        if isinstance(fact.tail, Literal) and comparable(fact.tail):
            held = found.get(node)
            if held is None or held[1].steps[0].fact.confidence < fact.confidence:
                found[node] = (fact.tail, Path((Step(fact),)))
    return found


def most(
    walker: Walker, nodes: Ints, said: str, kept: Callable[[Ints], npt.NDArray[np.bool_]], fits: Callable[[int], bool], kind: str = ""
) -> tuple[int, dict[int, dict[int, Member]]] | None:
    """The hop that the words mean, and the nodes that it leads from to as many things, of that kind, as are ``kept``, with those."""
    network = walker.network
    hops = [hop for hop in network.exits(nodes) if fits(hop)]
    hop = _aligned(walker, said, hops) if hops else None
    if hop is None:
        return None
    edges, places = network.edges(nodes, hop)
    pairs = np.unique(np.stack([places, network.ends[edges]]), axis=1)
    counted = np.unique(pairs[1]) if not kind else walker.of_kind[kind]
    pairs = pairs[:, np.isin(pairs[1], counted)]
    if not pairs.size:
        return None
    sizes = np.bincount(pairs[0], minlength=len(nodes))
    told, held = np.flatnonzero((sizes > 0) & kept(sizes)), set(counted.tolist())
    return hop, {int(nodes[place]): _ends(walker, int(nodes[place]), hop, held) for place in told}


def _ends(walker: Walker, node: int, hop: int, counted: Collection[int]) -> dict[int, Member]:
    walks = walker.network.walks(node, (hop,))
    return {end: Member(path.steps[0].fact.confidence, (path,)) for end, path in walks.items() if end in counted}
