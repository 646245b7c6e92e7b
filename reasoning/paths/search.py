"""Relation paths from a node, walked as whole sets, and the facts they walk over.

A *hop* is a relation in one direction, as a number: ``relation``, or ``relation + relations`` against its
direction; a symmetric relation has the first alone, which goes both ways. Literals are nodes too: a date can
be an answer. A path that goes against a direction anywhere never comes back to where it started, else the
start would be an answer to its own question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kgplatform.types import Entity, EntityId, Fact, Literal, Path, Step

Ints = npt.NDArray[np.int64]
Hops = tuple[int, ...]
Node = EntityId | Literal

WORD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Facts by their ends. ``edges`` are sorted by (node, hop), which ``codes`` hold as node · 2·relations + hop."""

    facts: tuple[Fact, ...]
    nodes: tuple[Entity | Literal, ...]
    numbers: dict[Node, int]
    relations: tuple[str, ...]
    codes: Ints
    ends: Ints
    origin: Ints
    leaving: npt.NDArray[np.uint64]
    backward: frozenset[int]
    """The hops that can lead back over an edge: all against a direction, and the symmetric ones."""

    @classmethod
    def of(cls, facts: Iterable[Fact], symmetric: Collection[str] = ()) -> Network:
        """The network of these facts, the same whatever order they come in; ``symmetric`` names relations."""
        held = tuple(sorted(facts, key=lambda fact: fact.key))
        nodes: dict[Node, Entity | Literal] = {}
        for fact in held:
            nodes.setdefault(fact.head.id, fact.head)
            nodes.setdefault(_node(fact.tail), fact.tail)
        numbers = {node: number for number, node in enumerate(nodes)}
        relations = {name: number for number, name in enumerate(sorted({fact.relation for fact in held}))}
        heads = np.array([numbers[fact.head.id] for fact in held], dtype=np.int64)
        tails = np.array([numbers[_node(fact.tail)] for fact in held], dtype=np.int64)
        asked = np.array([relations[fact.relation] for fact in held], dtype=np.int64)
        count, width = len(relations), 2 * len(relations)
        both = {number for name, number in relations.items() if name in symmetric}
        against = np.where(np.isin(asked, list(both)), asked, asked + count)
        codes = np.concatenate([heads * width + asked, tails * width + against])
        order = np.argsort(codes, kind="stable")
        ends, origin = np.concatenate([tails, heads])[order], np.tile(np.arange(len(held)), 2)[order]
        leaving, backward = _masks(codes, len(nodes), width), frozenset(range(count, width)) | both
        return cls(held, tuple(nodes.values()), numbers, tuple(relations), codes[order], ends, origin, leaving, backward)

    def without(self, facts: Iterable[Fact]) -> Network:
        """The same nodes and relations without the edges of these facts."""
        gone = {fact.key for fact in facts}
        places = np.array([place for place, fact in enumerate(self.facts) if fact.key in gone], dtype=np.int64)
        kept = ~np.isin(self.origin, places)
        codes = self.codes[kept]
        leaving = _masks(codes, len(self.nodes), self.hops)
        return replace(self, codes=codes, ends=self.ends[kept], origin=self.origin[kept], leaving=leaving)

    @property
    def hops(self) -> int:
        return 2 * len(self.relations)

    def edges(self, nodes: Ints, hop: int) -> tuple[Ints, Ints]:
        """Positions of the edges that leave ``nodes`` by ``hop``, and for each the position of its node in ``nodes``."""
        codes = nodes * self.hops + hop
        first, last = np.searchsorted(self.codes, codes, "left"), np.searchsorted(self.codes, codes, "right")
        counts = last - first
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(first, counts) + within, np.repeat(np.arange(len(nodes)), counts)

    def step(self, nodes: Ints, hop: int) -> Ints:
        """All nodes one hop on, in order."""
        return np.unique(self.ends[self.edges(nodes, hop)[0]])

    def exits(self, nodes: Ints) -> list[int]:
        """The hops that lead on from any of ``nodes``."""
        mask = np.bitwise_or.reduce(self.leaving[nodes], axis=0)
        bits = np.unpackbits(mask.astype("<u8").view(np.uint8), bitorder="little")
        return np.flatnonzero(bits).tolist()

    def followed(self) -> npt.NDArray[np.float64]:
        """How large a part of the edges of each hop leads to what has each other as an exit; ``(hops, hops)``."""
        taken = self.codes % self.hops
        shares = np.zeros((self.hops, self.hops))
        for hop in np.unique(taken).tolist():
            masks, counts = np.unique(self.leaving[self.ends[taken == hop]], axis=0, return_counts=True)
            bits = np.unpackbits(masks.astype("<u8").view(np.uint8), axis=1, bitorder="little")[:, : self.hops]
            shares[hop] = counts @ bits / counts.sum()
        return shares

    def reached(self, start: int | Ints, hops: Hops) -> Ints:
        """The set at the end of a path from one node or several, without those once the path could have gone back."""
        nodes = starts = np.atleast_1d(np.asarray(start, dtype=np.int64))
        against = False
        for hop in hops:
            nodes, against = self.step(nodes, hop), against or hop in self.backward
            if against:
                nodes = _without(nodes, starts)
        return nodes

    def paths(self, start: int | Ints, longest: int) -> list[Hops]:
        """Every relation path of up to ``longest`` hops that leads anywhere from ``start``, shortest first.

        The last hop of a path is not walked, only seen to exist: it may lead back to the start alone.
        """
        found: list[Hops] = []
        starts = np.atleast_1d(np.asarray(start, dtype=np.int64))
        frontier: dict[Hops, Ints] = {(): starts}
        for length in range(1, longest + 1):
            longer = [(path, nodes, hop) for path, nodes in frontier.items() for hop in self.exits(nodes)]
            found.extend((*path, hop) for path, _, hop in longer)
            if length < longest:
                walked = ((path, hop, self._on(starts, path, nodes, hop)) for path, nodes, hop in longer)
                frontier = {(*path, hop): nodes for path, hop, nodes in walked if len(nodes)}
        return found

    def _on(self, starts: Ints, path: Hops, nodes: Ints, hop: int) -> Ints:
        after = self.step(nodes, hop)
        return after if self.backward.isdisjoint((*path, hop)) else _without(after, starts)

    def walks(self, start: int | Ints, hops: Hops) -> dict[int, Path]:
        """For each node that the path reaches, the walk there whose facts are believed most (their product)."""
        starts = frozenset(np.atleast_1d(np.asarray(start, dtype=np.int64)).tolist())
        best: dict[int, tuple[float, tuple[Step, ...]]] = dict.fromkeys(starts, (1.0, ()))
        against = False
        for hop in hops:
            against = against or hop in self.backward
            nodes = np.array(sorted(best), dtype=np.int64)
            after: dict[int, tuple[float, tuple[Step, ...]]] = {}
            for edge, place in zip(*self.edges(nodes, hop), strict=True):
                end, fact = int(self.ends[edge]), self.facts[self.origin[edge]]
                begin = int(nodes[place])
                trust, steps = best[begin]
                if (against and end in starts) or after.get(end, (-1.0,))[0] >= trust * fact.confidence:
                    continue
                after[end] = (trust * fact.confidence, (*steps, Step(fact, self.numbers[fact.head.id] == begin)))
            best = after
        return {end: Path(steps) for end, (_, steps) in best.items()}


def _without(nodes: Ints, starts: Ints) -> Ints:
    return nodes[nodes != starts[0]] if len(starts) == 1 else nodes[~np.isin(nodes, starts)]


def _node(end: Entity | Literal) -> Node:
    return end if isinstance(end, Literal) else end.id


def _masks(codes: Ints, nodes: int, width: int) -> npt.NDArray[np.uint64]:
    """For each node, bit ``hop`` is set when an edge leaves by it: ``(nodes, words)``."""
    masks = np.zeros((nodes, max(1, -(-width // WORD))), dtype=np.uint64)
    if len(codes):
        distinct = np.unique(codes)
        node, hop = np.divmod(distinct, width)
        np.bitwise_or.at(masks, (node, hop // WORD), np.uint64(1) << (hop % WORD).astype(np.uint64))
    return masks
