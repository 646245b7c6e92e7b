"""The schema of a graph as chains that write Cypher know it, from ``Neo4jGraph``: as a mapping, and in words for a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ui.shapes import Shape

_TYPES = {"integer": "INTEGER", "decimal": "FLOAT", "boolean": "BOOLEAN"}
_OF_NODES = (("id", "STRING"), ("name", "STRING"))
_OF_FACTS = (("confidence", "FLOAT"), ("verdict", "STRING"))
Properties = list[dict[str, str]]


def structured(schema: Shape) -> dict[str, Any]:
    """What ``Asking.schema`` says: labels and types, their properties, and what leads where."""
    labels = {kind["name"]: kind["label"] for kind in schema["kinds"]}
    values: dict[str, dict[str, str]] = {}
    ways: dict[tuple[str, str, str], None] = {}
    for relation in schema["relations"]:
        for join in relation["joins"]:
            head, tail = labels[join["head"]], labels.get(join["tail"])
            held = values.setdefault(head, {})
            if tail is None:
                held[relation["property"]] = _TYPES.get(join["tail"], "STRING")
            else:
                values.setdefault(tail, {})
                ways[head, relation["type"], tail] = None
    return {
        "node_props": {label: _properties((*_OF_NODES, *held.items())) for label, held in values.items()},
        "rel_props": {type: _properties(_OF_FACTS) for _, type, _ in ways},
        "relationships": [{"start": start, "type": type, "end": end} for start, type, end in ways],
        "metadata": {"constraint": [], "index": []},
    }


def _properties(named: Sequence[tuple[str, str]]) -> Properties:
    return [{"property": name, "type": type} for name, type in named]


def in_words(schema: Mapping[str, Any]) -> str:
    """A structured schema as a prompt has it."""
    ways = [f"(:{way['start']})-[:{way['type']}]->(:{way['end']})" for way in schema["relationships"]]
    nodes, facts = _held(schema["node_props"]), _held(schema["rel_props"])
    return "\n".join(("Node properties:", *nodes, "Relationship properties:", *facts, "The relationships:", *ways))


def _held(properties: Mapping[str, Properties]) -> list[str]:
    told = {name: ", ".join(f"{one['property']}: {one['type']}" for one in some) for name, some in properties.items()}
    return [f"{name} {{{held}}}" for name, held in told.items()]
