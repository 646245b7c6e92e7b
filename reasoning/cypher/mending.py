"""What is wrong with a query and has one remedy: an arrow the wrong way round, a label of another entity, a name in capitals.

What has none is told to the model, in a sentence, with the nearest names that there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from kgplatform import names
from kgplatform.types import Entity
from reasoning.cypher import text
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import ANY, OWN, Schema, Type
from reasoning.cypher.text import Edge, Node
from reasoning.cypher.wanted import Wanted
from reasoning.paths.wording import plain
from reasoning.paths.words import content, stem

_COMPARED = re.compile(r"\b(\w+)\.id\s*=\s*\$(\w+)")
_RETURNED = re.compile(r"\breturn\s+(?:distinct\s+)?(\w+)(?:\.(\w+))?(?:\s+as\s+\w+)?\s*\Z", re.IGNORECASE)
_PATTERN = re.compile(
    r"(match\b(?:(?!\breturn\b|\bwith\b).)*)\breturn\b(?:(?!\breturn\b|\bexists\b|\bcount\b|[=<>]).)*", re.IGNORECASE | re.DOTALL
)
"""A query that returns what a pattern finds."""
_OURS = re.compile(r"Kg[A-Z]\w*")


class Mender:
    """Mends queries on one graph, for one question."""

    def __init__(self, schema: Schema, naming: Naming, wanted: Wanted) -> None:
        self.schema, self.naming, self.wanted = schema, naming, wanted
        self.named: dict[str, Entity] = {}

    def mended(self, query: str) -> tuple[str, dict[str, Entity]]:
        """The query with all that has one remedy put right, and what its parameters are the ids of."""
        query, self.named = self.naming.parametrised(query)
        for remedy in (self._spelt, self._labelled, self._related, self._turned, self._bridged, self._named, self._continued, self._judged):
            query = remedy(query)
        return query, self.named

    def complaint(self, query: str) -> str:
        """What is wrong with a mended query, in words for the model; empty when nothing is."""
        return next((said for part in (self._labels, self._edges, self._properties, self._names, self._answer) for said in part(query)), "")

    # -- remedies

    def _spelt(self, query: str) -> str:
        """Types and labels in their own capitals."""
        types = {name.casefold(): name for name in self.schema.edges}
        labels = {name.casefold(): name for name in self.schema.labels}
        places = [(edge.at, types) for edge in text.edges(query)] + [(node.at, labels) for node in text.nodes(query)]
        return _replaced(query, [(at, _spelt(query[at[0] : at[1]], known)) for at, known in places if at[0] >= 0])

    def _labelled(self, query: str) -> str:
        """A node that is a named entity has a label of that entity."""
        changes = []
        for node in text.nodes(query):
            entity = self._entity(node)
            if entity and node.labels and not {ANY, *self._labels_of(entity)}.intersection(node.labels):
                changes.append((node.at, self._labels_of(entity)[0]))
        return _replaced(query, changes)

    def _related(self, query: str) -> str:
        """A type that there is not, between labels that one type alone joins, is that one."""
        changes = []
        for edge in text.edges(query):
            if len(edge.types) == 1 and edge.types[0] not in self.schema.edges and len(between := self._between(query, edge)) == 1:
                changes.append((edge.at, between[0]))
        return _replaced(query, changes)

    def _between(self, query: str, edge: Edge) -> list[str]:
        """The types that join the labels of a relationship's ends, either way round; none where one is not known."""
        left, right = map(self._held(query), (edge.left, edge.right))
        joined = [name for name, one in self.schema.edges.items() if one.joins(left, right) or one.joins(right, left)]
        return joined if left and right else []

    def _turned(self, query: str) -> str:
        """An arrow points as the facts do; to both sides where they have no direction."""
        held = self._held(query)
        changes: list[tuple[tuple[int, int], str]] = []
        for edge in text.edges(query):
            known = [one for name in edge.types if (one := self.schema.edges.get(name))]
            if not edge.arrow or not known or len(known) < len(edge.types):
                continue
            left, right = held(edge.left), held(edge.right)
            head, tail = (left, right) if edge.arrow == ">" else (right, left)
            if all(one.card.symmetric for one in known):
                changes.append((edge.arrows[edge.arrow == ">"], ""))
            elif not _joined(known, head, tail) and _joined(known, tail, head):
                away, there = (edge.arrows[1], edge.arrows[0]) if edge.arrow == ">" else edge.arrows
                changes.append((away, ""))
                changes.append((there, "<" if edge.arrow == ">" else ">"))
        return _replaced(query, changes)

    def _bridged(self, query: str) -> str:
        """Where a relation ends at a part, and the query wants the whole that it lies in: the step between them."""
        held = self._held(query)
        changes: list[tuple[tuple[int, int], str]] = []
        for edge in text.edges(query):
            one = self.schema.edges.get("".join(edge.types))
            head, tail = (held(edge.left), held(edge.right)) if edge.arrow == ">" else (held(edge.right), held(edge.left))
            if one and edge.arrow and tail and one.joins(head, ()) and not one.joins(head, tail):
                parts = {end for start, end in one.ends if not head or start in head}
                for step in (other.type for other in self.schema.edges.values() if other.card.transitive and other.joins(parts, tail)):
                    at = edge.right.span[0] if edge.arrow == ">" else edge.left.span[1]
                    changes.append(((at, at), f"()-[:{step}]->" if edge.arrow == ">" else f"<-[:{step}]-()"))
                    break
        return _replaced(query, changes)

    def _named(self, query: str) -> str:
        """Things that are asked for are told by name, not by a number of theirs."""
        alone = _RETURNED.search(query)
        if alone and alone[2] in self.schema.values and self.wanted.labels and self._reached(query, alone[1]) & self.wanted.labels:
            return _replaced(query, [(alone.span(2), "name")])
        return query

    def _continued(self, query: str) -> str:
        """A walk that ends before what is asked for goes on to it, where one relation alone does that, or is spoken of."""
        alone = _RETURNED.search(query)
        if alone is None or not self._short(query, alone[1], alone[2] or "name"):
            return query
        onward = self._onward(query, alone[1])
        if len(onward) != 1:
            return query
        one, forward = onward[0]
        step = f"-[:{one.type}]->" if forward else f"<-[:{one.type}]-"
        label = f":{'|'.join(sorted(self.wanted.labels))}" if self.wanted.labels else ""
        return f"{query[: alone.start()]}MATCH ({alone[1]}){step}(answer{label}) RETURN DISTINCT answer.name"

    def _short(self, query: str, name: str, field: str) -> bool:
        """Whether what is returned is no such thing as is asked for."""
        labels = self._reached(query, name)
        if value := self.schema.values.get(field):
            return self.wanted.thing and value.joins(labels, ())
        return bool(self.wanted.labels and labels and not labels & self.wanted.labels and name not in self._entities(query))

    def _onward(self, query: str, name: str) -> list[tuple[Type, bool]]:
        """The relations that lead on to what is asked for, and whether forward: the only one, or those that the question speaks of."""
        labels, used = self._reached(query, name), {used for edge in text.edges(query) for used in edge.types}
        others = [one for one in self.schema.edges.values() if one.type not in used] if labels else []
        ways = [(one, forward) for one in others for forward in (True, False) if one.leads(labels, self.wanted.labels, forward)]
        if self.wanted.labels and len(ways) == 1:
            return ways
        said = {stem(word) for word in content(self.naming.question)}
        return [way for way in ways if said & {stem(word) for word in content(plain(way[0].relation))}]

    def _judged(self, query: str) -> str:
        """Whether something is so is whether there is such a pattern."""
        found = _PATTERN.fullmatch(query) if self.wanted.truth else None
        return f"RETURN EXISTS {{ {found[1].strip()} }} AS answer" if found else query

    # -- complaints

    def _labels(self, query: str) -> Iterator[str]:
        for node in text.nodes(query):
            for label in node.labels:
                if label not in self.schema.labels and not _OURS.fullmatch(label):
                    yield f"no node has the label {label}{_nearest(label, self.schema.labels)}"

    def _edges(self, query: str) -> Iterator[str]:
        held = self._held(query)
        for edge in text.edges(query):
            for name in edge.types:
                if name in self.schema.edges:
                    continue
                if value := self.schema.values.get(name.casefold()):
                    yield f"{name} is no relationship but a property: h.{value.field} of (h:{_heads(value)})"
                else:
                    between = ", ".join(self._between(query, edge)[:3])
                    near = f": between these there is {between}" if between else _nearest(name, self.schema.edges)
                    yield f"there is no relationship {name}{near}"
            known = [self.schema.edges[name] for name in edge.types if name in self.schema.edges]
            ends = (held(edge.left), held(edge.right))
            ways = {">": [ends], "<": [ends[::-1]]}.get(edge.arrow, [ends, ends[::-1]])
            if known and not any(_joined(known, head, tail) for head, tail in ways):
                told = " and ".join(f"(:{head})-[:{one.type}]->(:{tail})" for one in known for head, tail in sorted(one.ends))
                yield f"{' or '.join(edge.types)} joins only {told}"

    def _properties(self, query: str) -> Iterator[str]:
        held, variables = self._held(query), {node.name: node for edge in text.edges(query) for node in (edge.left, edge.right)}
        variables |= {node.name: node for node in text.nodes(query) if node.labels or node.map}
        for variable, name in text.properties(query):
            if variable not in variables or name in OWN or name.removesuffix("_unit") in OWN:
                continue
            value, edge = self.schema.values.get(name.removesuffix("_unit")), self.schema.edges.get(name.upper())
            labels = held(variables[variable])
            if edge:
                yield f"{name} is no property but a relationship: (h:{_heads(edge)})-[:{edge.type}]->(t)"
            elif value is None and not any(_OURS.fullmatch(label) for label in labels):
                yield f"no node has the property {name}{_nearest(name, {**self.schema.values, 'name': None})}"
            elif value and labels and not value.joins(labels, ()):
                yield f"{name} is a property of {_heads(value)}, not of {' or '.join(sorted(labels))}"

    def _names(self, query: str) -> Iterator[str]:
        if name := self.naming.unknown(query):
            near = ", ".join(self.naming.near(name))
            yield f"nothing is called {name[:80]!r}{f': names somewhat like it are {near}' if near else ''}"

        meant = self.naming.meant
        if meant and not {one.id for one in meant}.intersection(one.id for one in self.named.values()):
            yield f"the question names {meant[0].name}, which is not in it: match it by its name, {{name: '{meant[0].name}'}}"

    def _answer(self, query: str) -> Iterator[str]:
        """What is returned alone must be what is asked for."""
        alone = _RETURNED.search(query)
        if alone is None:
            return
        name, field = alone[1], alone[2] or "name"
        if field == "name" and (entity := self._entities(query).get(name)):
            yield f"it returns {entity.name}, which the question itself names: return what is asked for"
        elif value := self.schema.values.get(field):
            if self.wanted.thing:
                yield f"{self.wanted.word} does not ask for {name}.{field}, which is a {next(iter(value.ends))[1]}"
        elif self.wanted.labels and (labels := self._reached(query, name)) and not labels & self.wanted.labels:
            asked = "|".join(sorted(self.wanted.labels))
            yield f"{self.wanted.word} asks for {asked}, and {name} is {'|'.join(sorted(labels))}: go on to what is asked for"

    # -- what is known of nodes

    def _held(self, query: str) -> Callable[[Node], frozenset[str]]:
        """Says of a node which labels it may have, wherever in the query its variable is told; none when that is not known."""
        told = {name: frozenset(self._labels_of(entity)) for name, entity in self._entities(query).items()}

        def own(node: Node) -> frozenset[str]:
            if entity := self._entity(node):
                return frozenset(self._labels_of(entity))
            return frozenset() if ANY in node.labels else frozenset(node.labels)

        for node in text.nodes(query):
            if node.name and (labels := own(node)):
                told[node.name] = labels
        return lambda node: own(node) or told.get(node.name, frozenset())

    def _reached(self, query: str, name: str) -> frozenset[str]:
        """The labels that a variable may have, by what is said of it or by a relationship there; none when that is not known."""
        held = self._held(query)
        for edge in text.edges(query):
            for node, head in ((edge.left, edge.arrow == ">"), (edge.right, edge.arrow == "<")):
                if node.name == name:
                    ends = [pair for one in edge.types if one in self.schema.edges for pair in self.schema.edges[one].ends]
                    places = (0,) if head else (1,) if edge.arrow else (0, 1)
                    return held(node) or frozenset(pair[place] for pair in ends for place in places)
        return next((held(node) for node in text.nodes(query) if node.name == name), frozenset())

    def _entities(self, query: str) -> dict[str, Entity]:
        """The named entities that variables are."""
        found = {name: self.named[letter] for name, letter in _COMPARED.findall(query) if letter in self.named}
        return found | {node.name: entity for node in text.nodes(query) if node.name and (entity := self._entity(node))}

    def _entity(self, node: Node) -> Entity | None:
        found = re.search(r"\bid\s*:\s*\$(\w+)", node.map)
        return self.named.get(found[1]) if found else None

    @staticmethod
    def _labels_of(entity: Entity) -> list[str]:
        return [names.label(kind) for kind in entity.kinds]


def _joined(types: Collection[Type], head: Collection[str], tail: Collection[str]) -> bool:
    return any(one.joins(head, tail) for one in types)


def _heads(one: Type) -> str:
    return "|".join(dict.fromkeys(head for head, _ in one.ends))


def _spelt(written: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\w+", lambda word: known.get(word[0].casefold(), word[0]), written)


def _replaced(query: str, changes: Collection[tuple[tuple[int, int], str]]) -> str:
    for (start, end), words in sorted(changes, reverse=True):
        query = f"{query[:start]}{words}{query[end:]}"
    return query


def _nearest(name: str, known: Collection[str]) -> str:
    from rapidfuzz import fuzz, process

    near = process.extract(name.casefold(), {one: one.casefold() for one in known}, scorer=fuzz.ratio, limit=3, score_cutoff=40)
    return f": nearest to it is {', '.join(one for _, _, one in near)}" if near else ""
