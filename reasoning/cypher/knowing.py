"""What is known of a query on one graph: what its variables are, and whether it returns what is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kgplatform import names
from kgplatform.types import Entity
from reasoning.cypher import text
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import ANY, Schema, Type
from reasoning.cypher.text import Edge, Node
from reasoning.cypher.wanted import Wanted

_COMPARED = re.compile(r"\b(\w+)\.id\s*=\s*\$(\w+)")
RETURNED = re.compile(r"\breturn\s+(?:distinct\s+)?(\w+)(?:\.(\w+))?(?:\s+as\s+\w+)?\s*\Z", re.IGNORECASE)
"""A variable, and a property of it, that are all that is returned."""


@dataclass(frozen=True, slots=True)
class Known:
    """A graph, a question, and the ``named`` entities whose ids the query's parameters are."""

    schema: Schema
    naming: Naming
    wanted: Wanted
    named: Mapping[str, Entity]

    def held(self, query: str) -> Callable[[Node], frozenset[str]]:
        """Says of a node which labels it may have, wherever in the query its variable is told; none when that is not known."""
        told = {name: frozenset(labels_of(entity)) for name, entity in self.entities(query).items()}

        def own(node: Node) -> frozenset[str]:
            if entity := self.entity(node):
                return frozenset(labels_of(entity))
            return frozenset() if ANY in node.labels else frozenset(node.labels)

        for node in text.nodes(query):
            if node.name and (labels := own(node)):
                told[node.name] = labels
        return lambda node: own(node) or told.get(node.name, frozenset())

    def reached(self, query: str, name: str) -> frozenset[str]:
        """The labels that a variable may have, by what is said of it or by a relationship there; none when that is not known."""
        held = self.held(query)
        for edge in text.edges(query):
            for node, head in ((edge.left, edge.arrow == ">"), (edge.right, edge.arrow == "<")):
                if node.name == name:
                    ends = [pair for one in edge.types if one in self.schema.edges for pair in self.schema.edges[one].ends]
                    places = (0,) if head else (1,) if edge.arrow else (0, 1)
                    return held(node) or frozenset(pair[place] for pair in ends for place in places)
        return next((held(node) for node in text.nodes(query) if node.name == name), frozenset())

    def entities(self, query: str) -> dict[str, Entity]:
        """The named entities that variables are."""
        found = {name: self.named[letter] for name, letter in _COMPARED.findall(query) if letter in self.named}
        return found | {node.name: entity for node in text.nodes(query) if node.name and (entity := self.entity(node))}

    def entity(self, node: Node) -> Entity | None:
        found = re.search(r"\bid\s*:\s*\$(\w+)", node.map)
        return self.named.get(found[1]) if found else None

    def between(self, query: str, edge: Edge) -> list[str]:
        """The types that join the labels of a relationship's ends, either way round; none where one is not known."""
        left, right = map(self.held(query), (edge.left, edge.right))
        joined = [name for name, one in self.schema.edges.items() if one.joins(left, right) or one.joins(right, left)]
        return joined if left and right else []

    def short(self, query: str, name: str, field: str) -> bool:
        """Whether what is returned is no such thing as is asked for."""
        labels = self.reached(query, name)
        if value := self.schema.values.get(field):
            return self.wanted.thing and value.joins(labels, ())
        return bool(self.wanted.labels and labels and not labels & self.wanted.labels and name not in self.entities(query))


def labels_of(entity: Entity) -> list[str]:
    """The labels of an entity, that of its first kind first."""
    return [names.label(kind) for kind in entity.kinds]


def joined(types: Collection[Type], head: Collection[str], tail: Collection[str]) -> bool:
    """Whether any of the types has facts from one of these labels to one of those."""
    return any(one.joins(head, tail) for one in types)
