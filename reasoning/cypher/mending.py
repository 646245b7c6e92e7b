"""What is wrong with a query and has one remedy: an arrow the wrong way round, a label of another entity, a walk that ends too soon."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from reasoning.cypher import text
from reasoning.cypher.knowing import RETURNED, Known, joined, labels_of
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import ANY, Schema, Type
from reasoning.cypher.wanted import Wanted
from reasoning.paths.wording import plain
from reasoning.paths.words import content, stem

_PATTERN = re.compile(
    r"(match\b(?:(?!\breturn\b|\bwith\b).)*)\breturn\b(?:(?!\breturn\b|\bexists\b|\bcount\b|[=<>]).)*", re.IGNORECASE | re.DOTALL
)
"""A query that returns what a pattern finds."""


def mended(query: str, schema: Schema, naming: Naming, wanted: Wanted) -> tuple[str, Known]:
    """The query with names as parameters and all that has one remedy put right, and what is known of it."""
    query, named = naming.parametrised(query)
    known = Known(schema, naming, wanted, named)
    for remedy in (_spelt, _labelled, _related, _turned, _relabelled, _bridged, _named, _continued, _judged):
        query = remedy(known, query)
    return query, known


def _spelt(known: Known, query: str) -> str:
    """Types and labels in their own capitals."""
    types = {name.casefold(): name for name in known.schema.edges}
    labels = {name.casefold(): name for name in known.schema.labels}
    places = [(edge.at, types) for edge in text.edges(query)] + [(node.at, labels) for node in text.nodes(query)]
    return _replaced(query, [(at, _capitals(query[at[0] : at[1]], those)) for at, those in places if at[0] >= 0])


def _labelled(known: Known, query: str) -> str:
    """A node that is a named entity has a label of that entity."""
    changes = []
    for node in text.nodes(query):
        entity = known.entity(node)
        if entity and node.labels and not {ANY, *labels_of(entity)}.intersection(node.labels):
            changes.append((node.at, labels_of(entity)[0]))
    return _replaced(query, changes)


def _related(known: Known, query: str) -> str:
    """A type that there is not, between labels that one type alone joins, is that one."""
    changes = []
    for edge in text.edges(query):
        if len(edge.types) == 1 and edge.types[0] not in known.schema.edges and len(between := known.between(query, edge)) == 1:
            changes.append((edge.at, between[0]))
    return _replaced(query, changes)


def _turned(known: Known, query: str) -> str:
    """An arrow points as the facts do; to both sides where they have no direction."""
    held = known.held(query)
    changes: list[tuple[tuple[int, int], str]] = []
    for edge in text.edges(query):
        types = [one for name in edge.types if (one := known.schema.edges.get(name))]
        if not edge.arrow or not types or len(types) < len(edge.types):
            continue
        left, right = held(edge.left), held(edge.right)
        head, tail = (left, right) if edge.arrow == ">" else (right, left)
        if all(one.card.symmetric for one in types):
            changes.append((edge.arrows[edge.arrow == ">"], ""))
        elif not joined(types, head, tail) and joined(types, tail, head):
            away, there = (edge.arrows[1], edge.arrows[0]) if edge.arrow == ">" else edge.arrows
            changes.append((away, ""))
            changes.append((there, "<" if edge.arrow == ">" else ">"))
    return _replaced(query, changes)


def _bridged(known: Known, query: str) -> str:
    """Where a relation ends at a part, and the query wants the whole that it lies in: the step between them."""
    held = known.held(query)
    changes: list[tuple[tuple[int, int], str]] = []
    for edge in text.edges(query):
        one = known.schema.edges.get("".join(edge.types))
        head, tail = (held(edge.left), held(edge.right)) if edge.arrow == ">" else (held(edge.right), held(edge.left))
        if one and edge.arrow and tail and one.joins(head, ()) and not one.joins(head, tail):
            parts = {end for start, end in one.ends if not head or start in head}
            for step in (other.type for other in known.schema.edges.values() if other.card.transitive and other.joins(parts, tail)):
                at = edge.right.span[0] if edge.arrow == ">" else edge.left.span[1]
                changes.append(((at, at), f"()-[:{step}]->" if edge.arrow == ">" else f"<-[:{step}]-()"))
                break
    return _replaced(query, changes)


def _named(known: Known, query: str) -> str:
    """Things that are asked for are told by name, not by a number of theirs."""
    alone = RETURNED.search(query)
    if alone and alone[2] in known.schema.values and known.wanted.labels and known.reached(query, alone[1]) & known.wanted.labels:
        return _replaced(query, [(alone.span(2), "name")])
    return query


def _relabelled(known: Known, query: str) -> str:
    """What is returned has the label that is asked for, where the relationship to it leads to such too."""
    alone = RETURNED.search(query)
    if alone is None or not known.wanted.labels or not known.short(query, alone[1], alone[2] or "name"):
        return query
    changes = []
    for edge in text.edges(query):
        types = [known.schema.edges[name] for name in edge.types if name in known.schema.edges]
        for node, other, forward in ((edge.right, edge.left, edge.arrow == ">"), (edge.left, edge.right, edge.arrow == "<")):
            start, asked = known.held(query)(other), known.wanted.labels
            if node.name == alone[1] and node.labels and edge.arrow and any(one.leads(start, asked, forward) for one in types):
                changes.append((node.at, "|".join(sorted(asked))))
    return _replaced(query, changes)


def _continued(known: Known, query: str) -> str:
    """A walk that ends before what is asked for goes on to it, by the one relation that is spoken of, or that of part and whole."""
    alone = RETURNED.search(query)
    if alone is None or not known.short(query, alone[1], alone[2] or "name"):
        return query
    onward = _onward(known, query, alone[1])
    if len(onward) != 1:
        return query
    one, forward = onward[0]
    step = f"-[:{one.type}]->" if forward else f"<-[:{one.type}]-"
    label = f":{'|'.join(sorted(known.wanted.labels))}" if known.wanted.labels else ""
    return f"{query[: alone.start()]}MATCH ({alone[1]}){step}(answer{label}) RETURN DISTINCT answer.name"


def _onward(known: Known, query: str, name: str) -> list[tuple[Type, bool]]:
    """The relations that lead on to what is asked for, and whether forward: from part to whole, or those spoken of."""
    labels, used = known.reached(query, name), {used for edge in text.edges(query) for used in edge.types}
    others = [one for one in known.schema.edges.values() if one.type not in used] if labels else []
    ways = [(one, forward) for one in others for forward in (True, False) if one.leads(labels, known.wanted.labels, forward)]
    if known.wanted.labels and len(ways) == 1 and ways[0][0].card.transitive:
        return ways
    said = {stem(word) for word in content(known.naming.question)}
    return [way for way in ways if said & {stem(word) for word in content(plain(way[0].relation))}]


def _judged(known: Known, query: str) -> str:
    """Whether something is so is whether there is such a pattern."""
    found = _PATTERN.fullmatch(query) if known.wanted.truth else None
    return f"RETURN EXISTS {{ {found[1].strip()} }} AS answer" if found else query


def _capitals(written: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\w+", lambda word: known.get(word[0].casefold(), word[0]), written)


def _replaced(query: str, changes: Collection[tuple[tuple[int, int], str]]) -> str:
    for (start, end), words in sorted(changes, reverse=True):
        query = f"{query[:start]}{words}{query[end:]}"
    return query
