"""What a graph looks like in Cypher: which labels its relations join, and which of its values are properties.

Words of cards stand beside the types, since few names say which way they go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kgplatform import names
from kgplatform.cardform import SLOT
from kgplatform.types import Entity, Literal, Relation
from reasoning.paths.search import Network

GLOSS = 80
"""Characters of a card's words."""
ANY = "Entity"
"""The label of every entity."""
OWN = ("id", "name", "aliases", "kinds", "description")
"""Properties of every entity."""

_FORMS = {"date": " 'YYYY-MM-DD'", "year": " 'YYYY'"}
"""How text looks that stands for a time."""

Ends = dict[tuple[str, str], int]
"""How many facts there are from entities with a label to those with another, or to values of a datatype."""


@dataclass(frozen=True, slots=True)
class Type:
    """A relation as Cypher sees it: a relationship ``type`` with its ``ends``, or for values a ``field`` of nodes."""

    relation: str
    card: Relation
    ends: Ends

    @property
    def type(self) -> str:
        return names.relationship_type(self.relation)

    @property
    def field(self) -> str:
        return names.property_name(self.relation)

    def joins(self, head: Collection[str], tail: Collection[str]) -> bool:
        """Whether there are such facts from one of these labels to one of those; no labels are any."""
        return any((not head or one in head) and (not tail or other in tail) for one, other in self.ends)

    def leads(self, start: Collection[str], end: Collection[str], forward: bool) -> bool:
        """The same from one of these labels along it, or against it, to one of those."""
        return self.joins(start, end) if forward else self.joins(end, start)

    @property
    def said(self) -> str:
        """What its card calls it between two variables, h and t."""
        prompt = next(iter(self.card.prompts), "") or (f"h {self.relation} t" if self.card.definition else "")
        words = SLOT.sub(lambda slot: {"head": "h", "tail": "t"}.get(slot[1], "…"), prompt)
        return " ".join(words.split())[:GLOSS]


@dataclass(frozen=True, slots=True)
class Schema:
    """``edges`` by type lead to entities, ``values`` by property to literals."""

    edges: Mapping[str, Type]
    values: Mapping[str, Type]
    labels: frozenset[str]

    @classmethod
    def of(cls, network: Network, cards: Mapping[str, Relation]) -> Schema:
        """Counted over all facts; an entity of several kinds counts for each."""
        edges: dict[str, Type] = {}
        values: dict[str, Type] = {}
        for relation, heads, end, count in _groups(network):
            card = cards.get(relation) or Relation(relation)
            if isinstance(end, Literal):
                found = values.setdefault(names.property_name(relation), Type(relation, card, {}))
                tails: tuple[str, ...] = (end.datatype,)
            else:
                found = edges.setdefault(names.relationship_type(relation), Type(relation, card, {}))
                tails = tuple(map(names.label, end.kinds))
            for pair in ((names.label(head), tail) for head in heads for tail in tails):
                found.ends[pair] = found.ends.get(pair, 0) + count
        held = {head for one in (*edges.values(), *values.values()) for head, _ in one.ends}
        return cls(edges, values, frozenset({ANY} | held | {tail for one in edges.values() for _, tail in one.ends}))

    def told(self, relations: Collection[str]) -> str:
        """What there is of these relations, for a model to read."""
        edges = [line for one in self.edges.values() if one.relation in relations for line in _edge(one)]
        values = [line for one in self.values.values() if one.relation in relations for line in _value(one)]
        return "\n".join((*edges, *values))


def _groups(network: Network) -> Iterator[tuple[str, tuple[str, ...], Entity | Literal, int]]:
    """For each relation, kinds of heads and kinds of tails: the first of its tails, and how many facts."""
    kinds = [node.kinds if isinstance(node, Entity) else node.datatype for node in network.nodes]
    numbers = {held: number for number, held in enumerate(dict.fromkeys(kinds))}
    kind = np.array([numbers[held] for held in kinds], dtype=np.int64)
    hop = network.codes % network.hops
    forward = np.flatnonzero(hop < len(network.relations))
    forward = forward[np.unique(network.origin[forward], return_index=True)[1]]  # a symmetric fact leaves from both its ends
    heads, tails = network.codes[forward] // network.hops, network.ends[forward]
    found, first, counts = np.unique(
        np.stack([hop[forward], kind[heads], kind[tails]], axis=1), axis=0, return_index=True, return_counts=True
    )
    for relation, at, count in zip(found[:, 0].tolist(), first.tolist(), counts.tolist(), strict=True):
        head = network.nodes[heads[at]]
        assert isinstance(head, Entity)
        yield network.relations[relation], head.kinds, network.nodes[tails[at]], count


def _edge(one: Type) -> Iterator[str]:
    """A line for each label at the head, with all labels at its tails."""
    tails: dict[str, dict[str, int]] = {}
    for (head, tail), count in sorted(one.ends.items(), key=lambda item: -item[1]):
        tails.setdefault(head, {})[tail] = count
    for head, held in tails.items():
        yield f"(h:{head})-[:{one.type}]->(t:{'|'.join(held)})  {one.said}".rstrip()


def _value(one: Type) -> Iterator[str]:
    for head, datatype in one.ends:
        yield f"{head}.{one.field} {datatype}{_FORMS.get(datatype, '')}"
