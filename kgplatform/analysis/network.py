"""The facts of a view by their ends, in both directions: what is walked over.

An *edge* is a fact as it is walked: its place among the facts from head to tail, that place + ``facts`` from tail to head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from kgplatform.texts import Ints
from kgplatform.view import Floats, GraphView

__all__ = ["Floats", "Ints", "Network", "rows"]

Short = npt.NDArray[np.int32]
FEW = 32
"""The rows of so many entities are cut out one by one, which takes less time than to number all places."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Every entity's edges and where they lead, made once for a graph: 20 bytes a fact and 8 an entity, besides the view.

    Those of entity ``e`` stand at ``begins[e]`` up to ``begins[e + 1]`` of ``edges`` and ``others``. ``relation`` and ``confidence`` are
    ``(facts,)``, ``often`` is how many facts each relation has; an entity's own facts with itself are two edges, there and back.
    """

    begins: Ints
    edges: Short
    others: Short
    relation: Short
    confidence: Floats
    relations: tuple[str, ...]
    often: Ints

    @classmethod
    def of(cls, view: GraphView) -> Network:
        return cls.joining(view.triples, len(view.entities), view.relations, view.confidence)

    @classmethod
    def joining(cls, triples: Ints, entities: int, relations: tuple[str, ...], confidence: Floats) -> Network:
        """Of ``triples`` ``(facts, 3)``. Raises ``BadRequest`` for an entity that there is not."""
        facts, heads, tails = len(triples), triples[:, 0], triples[:, 2]
        if facts and not (triples[:, [0, 2]].min() >= 0 and triples[:, [0, 2]].max() < entities):
            raise BadRequest(f"a fact names an entity beyond the {entities:,} that there are")
        leaving, entering = np.bincount(heads, minlength=entities), np.bincount(tails, minlength=entities)
        begins = np.append(0, np.cumsum(leaving + entering))
        edges, others = np.empty(2 * facts, np.int32), np.empty(2 * facts, np.int32)
        for own, other, first, shift in ((heads, tails, begins[:-1], 0), (tails, heads, begins[:-1] + leaving, facts)):
            order = np.argsort(own, kind="stable")
            count = leaving if shift == 0 else entering
            at = np.arange(facts) + np.repeat(first - (np.cumsum(count) - count), count)
            edges[at], others[at] = order + shift, other[order]
        often = np.bincount(triples[:, 1], minlength=len(relations))
        return cls(begins, edges, others, triples[:, 1].astype(np.int32), confidence, relations, often)

    @property
    def facts(self) -> int:
        return len(self.relation)

    @property
    def entities(self) -> int:
        return len(self.begins) - 1

    def degree(self, entities: Ints) -> Ints:
        """How many edges each has."""
        return self.begins[entities + 1] - self.begins[entities]

    def leaving(self, entities: Ints) -> tuple[Ints, Short, Short]:
        """The edges of these entities: the position of each one's own in ``entities``, the edge, where it leads."""
        at, owner = rows(self.begins, entities)
        return owner, self.edges[at], self.others[at]

    def near(self, entities: Ints) -> Short:
        """Where the edges of these entities lead."""
        if len(entities) > FEW:
            return self.others[rows(self.begins, entities)[0]]
        spans = zip(self.begins[entities].tolist(), self.begins[entities + 1].tolist(), strict=True)
        return np.concatenate([self.others[:0], *(self.others[first:last] for first, last in spans)])

    def turned(self, edges: Short) -> Short:
        """The same facts, walked the other way."""
        return np.where(edges < self.facts, edges + self.facts, edges - self.facts).astype(np.int32)

    def symbols(self, edges: Short) -> Ints:
        """What each edge says: its relation, + the number of relations where it is walked from tail to head."""
        back = edges >= self.facts
        return self.relation[edges - back * self.facts] + back * np.int64(len(self.relations))


def rows(begins: Ints, which: Ints) -> tuple[Ints, Ints]:
    """The places of all members of these rows, and for each the position of its row in ``which``."""
    first = begins[which]
    counts = begins[which + 1] - first
    owner = np.repeat(np.arange(len(which)), counts)
    return np.arange(len(owner)) + (first - (np.cumsum(counts) - counts))[owner], owner
