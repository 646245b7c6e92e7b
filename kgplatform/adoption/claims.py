"""What a graph that is adopted says, as claims. Pure functions of the map and of what was read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from kgplatform import names
from kgplatform.adoption.mapping import EdgeMap, Map, NodeMap, Value
from kgplatform.errors import BadRequest
from kgplatform.formats import rows
from kgplatform.store.plain import plain
from kgplatform.types import Claim, Entity, Source


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it was read: the server's id, labels, the properties that the map speaks of."""

    id: str
    labels: frozenset[str]
    held: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship as it was read."""

    id: str
    type: str
    start: Node
    end: Node
    held: Mapping[str, Any]


Row = tuple[str, Claim | str]
"""Where something stands in the graph, and the claim that it is or the reason why it is left out."""


Meant = tuple[Entity, Sequence[NodeMap]]
NEAR = 10_000
"""Entities that are remembered."""


class Reader:
    """Nodes and relationships as the map means them."""

    def __init__(self, map: Map, source: Source) -> None:
        self._map, self._source = map, source
        self._near: dict[str, Meant] = {}

    def of_node(self, node: Node) -> Iterator[Row]:
        """What a node says of itself; a reason when it can be no entity."""
        try:
            entity, meant = self._entity(node)
        except BadRequest as error:
            yield _place(node), str(error)
            return
        told: dict[str, Value] = {}
        for one in meant:
            told |= {value.property: value for value in one.values if value.property not in told}
        for value in told.values():
            for text in _texts(node.held.get(value.property), value.datatype):
                try:
                    literal = rows.value(text, value.datatype, value.unit, value.language)
                except BadRequest as error:
                    yield f"{_place(node)}, property {value.property}", str(error)
                else:
                    evidence = rows.told(entity.name, literal.value, 1.0, self._source)
                    yield _place(node), Claim(entity, value.relation, literal, (evidence,))

    def of_edge(self, edge: Edge) -> Row:
        where = f"relationship {edge.type} {edge.id}"
        try:
            return where, self._claim(edge, self._map.edges[edge.type])
        except BadRequest as error:
            return where, str(error)

    def _claim(self, edge: Edge, meant: EdgeMap) -> Claim:
        if not self._map.of(edge.end.labels):
            raise BadRequest(f"leads to a node with the labels {', '.join(sorted(edge.end.labels)) or '(none)'}, of which the map has none")
        ends = [self._entity(edge.start)[0], self._entity(edge.end)[0]]
        head, tail = reversed(ends) if meant.reverse else ends
        sure = _confidence(edge.held.get(meant.confidence)) if meant.confidence else 1.0
        said = {name: ", ".join(_texts(edge.held.get(property))) for property, name in meant.qualifiers}
        qualifiers = tuple(sorted(((name, text) for name, text in said.items() if text), key=itemgetter(0)))
        return Claim(head, meant.relation, tail, (rows.told(head.name, tail.name, sure, self._source),), qualifiers)

    def _entity(self, node: Node) -> Meant:
        """The entity of a node, and what its labels mean; of those met lately remembered. Raises ``BadRequest`` when it can be none."""
        if (known := self._near.get(node.id)) is None:
            known = self._made(node)
            if len(self._near) >= NEAR:
                self._near.clear()
            if len(known[0].description) <= rows.SHORT:
                self._near[node.id] = known
        return known

    def _made(self, node: Node) -> Meant:
        meant = self._map.of(node.labels)
        first = meant[0]
        id = _id(node, first)
        named = next((text for one in meant for text in _texts(node.held.get(one.name))[:1]), _texts(node.held.get(first.id) or node.id)[0])
        aliases = {alias: None for one in meant for alias in _texts(node.held.get(one.aliases))}
        described = next((text for one in meant for text in _texts(node.held.get(one.description))[:1]), "")
        kinds = tuple(dict.fromkeys(one.kind for one in meant))
        return rows.entity(id, named, kinds, tuple(aliases), described), meant


def _id(node: Node, meant: NodeMap) -> str:
    """Kind and property where the map names one, since others count anew for each label; else the server's own."""
    if not meant.id:
        return f"neo4j:{node.id}"
    if not (texts := _texts(node.held.get(meant.id))):
        raise BadRequest(f"has no {meant.id}, which the map makes the id")
    return f"{names.normalise(meant.kind).replace(' ', '_')}:{texts[0]}"


def _place(node: Node) -> str:
    return f"node {node.id} ({', '.join(sorted(node.labels))})"


def _texts(value: Any, datatype: str = "string") -> list[str]:
    """A property as words: one, or one for each item of a list; nothing for what is empty."""
    items = value if isinstance(value, list | tuple) else [value]
    return [text for item in items if item is not None and (text := _text(item, datatype)).strip()]


def _text(item: Any, datatype: str) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    told = plain(item)
    if datatype == "date" and isinstance(told, str):
        return told.partition("T")[0]  # of a time on a day, the day
    return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def _confidence(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest(f"{rows.shown(value)} is not a confidence: a number from 0 to 1")
    return rows.sure(float(value), value)
