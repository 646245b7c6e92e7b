"""What is wrong with a query and has no one remedy: told to the model in a sentence, with the nearest that there is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from reasoning.cypher import text
from reasoning.cypher.knowing import RETURNED, Known, joined
from reasoning.cypher.naming import quoted
from reasoning.cypher.schema import OWN, Type

_OURS = re.compile(r"Kg[A-Z]\w*")


def complaint(known: Known, query: str) -> str:
    """What is wrong with a mended query, in words for the model; empty when nothing is."""
    return next((said for part in (_labels, _variables, _edges, _properties, _names, _answer) for said in part(known, query)), "")


def _labels(known: Known, query: str) -> Iterator[str]:
    for node in text.nodes(query):
        for label in node.labels:
            if label not in known.schema.labels and not _OURS.fullmatch(label):
                yield f"no node has the label {label}{_nearest(label, known.schema.labels)}"


def _variables(known: Known, query: str) -> Iterator[str]:
    held, told = known.held(query), dict[str, frozenset[str]]()
    for node in text.nodes(query):
        labels = held(node)
        if node.name and labels and not told.setdefault(node.name, labels) & labels:
            one, other = ("|".join(sorted(part)) for part in (told[node.name], labels))
            yield f"{node.name} cannot be {one} and {other} at once: call the other otherwise"


def _edges(known: Known, query: str) -> Iterator[str]:
    held = known.held(query)
    for edge in text.edges(query):
        for name in edge.types:
            if name in known.schema.edges:
                continue
            if value := known.schema.values.get(name.casefold()):
                yield f"{name} is no relationship but a property: h.{value.field} of (h:{_heads(value)})"
            else:
                between = ", ".join(known.between(query, edge)[:3])
                near = f": between these there is {between}" if between else _nearest(name, known.schema.edges)
                yield f"there is no relationship {name}{near}"
        types = [known.schema.edges[name] for name in edge.types if name in known.schema.edges]
        ends = (held(edge.left), held(edge.right))
        ways = {">": [ends], "<": [ends[::-1]]}.get(edge.arrow, [ends, ends[::-1]])
        if types and not any(joined(types, head, tail) for head, tail in ways):
            told = " and ".join(f"(:{head})-[:{one.type}]->(:{tail})" for one in types for head, tail in sorted(one.ends))
            yield f"{' or '.join(edge.types)} joins only {told}"


def _properties(known: Known, query: str) -> Iterator[str]:
    held, variables = known.held(query), {node.name: node for edge in text.edges(query) for node in (edge.left, edge.right)}
    variables |= {node.name: node for node in text.nodes(query) if node.labels or node.map}
    for variable, name in text.properties(query):
        if variable not in variables or name in OWN or name.removesuffix("_unit") in OWN:
            continue
        value, edge = known.schema.values.get(name.removesuffix("_unit")), known.schema.edges.get(name.upper())
        labels = held(variables[variable])
        if edge:
            yield f"{name} is no property but a relationship: (h:{_heads(edge)})-[:{edge.type}]->(t)"
        elif value is None and not any(_OURS.fullmatch(label) for label in labels):
            yield f"no node has the property {name}{_nearest(name, {**known.schema.values, 'name': None})}"
        elif value and labels and not value.joins(labels, ()):
            yield f"{name} is a property of {_heads(value)}, not of {' or '.join(sorted(labels))}"


def _names(known: Known, query: str) -> Iterator[str]:
    if name := known.naming.unknown(query):
        near = ", ".join(known.naming.near(name))
        yield f"nothing is called {name[:80]!r}{f': names somewhat like it are {near}' if near else ''}"
    meant, used = known.naming.meant, {one.id for one in known.named.values()}
    missing = [one.name for one in meant if one.id not in used]
    if missing and (known.wanted.truth or len(missing) == len(meant)):
        yield f"the question names {missing[0]}, which is not in it: match it by its name, {{name: {quoted(missing[0][:80])}}}"


def _answer(known: Known, query: str) -> Iterator[str]:
    """What is returned alone must be what is asked for."""
    alone = RETURNED.search(query)
    if alone is None:
        return
    name, field = alone[1], alone[2] or "name"
    if field == "name" and (entity := known.entities(query).get(name)):
        yield f"it returns {entity.name}, which the question itself names: return what is asked for"
    elif value := known.schema.values.get(field):
        if known.wanted.thing:
            yield f"{known.wanted.word} does not ask for {name}.{field}, which is a {next(iter(value.ends))[1]}"
    elif known.wanted.labels and (labels := known.reached(query, name)) and not labels & known.wanted.labels:
        asked = "|".join(sorted(known.wanted.labels))
        yield f"{known.wanted.word} asks for {asked}, and {name} is {'|'.join(sorted(labels))}: go on to what is asked for"


def _heads(one: Type) -> str:
    return "|".join(dict.fromkeys(head for head, _ in one.ends))


def _nearest(name: str, known: Collection[str]) -> str:
    from rapidfuzz import fuzz, process

    near = process.extract(name.casefold(), {one: one.casefold() for one in known}, scorer=fuzz.ratio, limit=3, score_cutoff=40)
    return f": nearest to it is {', '.join(one for _, _, one in near)}" if near else ""
