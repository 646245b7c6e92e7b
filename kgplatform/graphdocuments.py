"""Facts to and from LangChain's ``GraphDocument``, what its graph transformers make of texts and its graph stores take.

>>> from kgplatform.graphdocuments import from_graph_documents, to_graph_documents
>>> kg.put(from_graph_documents(transformer.convert_to_graph_documents(documents)))  # doctest: +SKIP
>>> neo4j_graph.add_graph_documents(to_graph_documents(kg.facts()))  # doctest: +SKIP

Whatever has the fields of one is read as one. Objects of LangChain are made where one of its packages that have the class is
installed (``langchain-neo4j``, ``langchain-community``), else ours with the same fields.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kgplatform import names
from kgplatform.errors import BadRequest
from kgplatform.formats import iris
from kgplatform.literals import literal, native
from kgplatform.types import Claim, Entity, Evidence, Fact, Literal, Source, SourceId

ID = "kg_source"
"""Where the metadata of a document that we made have the id of its source."""
_PACKAGES = ("langchain_neo4j", "langchain_community")
_OURS = frozenset({"name", "kinds", "aliases", "description"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Document:
    page_content: str
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass
class Node:
    id: str | int
    type: str = "Node"
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass
class Relationship:
    source: Any
    target: Any
    type: str
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass
class GraphDocument:
    nodes: list[Any]
    relationships: list[Any]
    source: Any = None


class _Like(Protocol):
    """What has the fields of a ``GraphDocument``."""

    nodes: Any
    relationships: Any
    source: Any


# -- in ----------------------------------------------------------------------------------------------


def from_graph_documents(documents: Iterable[_Like], source: Source | str | None = None) -> Iterator[Claim]:
    """Claims for ``kg.put``: relationships, and properties of nodes as values; properties of relationships are qualifiers.

    They rest on the text that each document was made from, or on ``source``. A relationship whose ``confidence`` is a number from 0 to 1
    is believed that much. Raises ``BadRequest`` with the document that is none.
    """
    for number, document in enumerate(documents, start=1):
        try:
            yield from _claims(document, source)
        except AttributeError as error:
            raise BadRequest(f"document {number} is no GraphDocument: {error}") from None
        except BadRequest as error:
            raise BadRequest(f"document {number}: {error}") from None


def _claims(document: _Like, given: Source | str | None) -> Iterator[Claim]:
    source = source_of(document.source, given)
    for node in document.nodes:
        head, ours = _entity(node), _is_ours(node)
        for name, value in node.properties.items():
            if ours and name in _OURS:
                continue
            relation = names.clean(name if ours else name.replace("_", " "))
            for one in value if isinstance(value, list | tuple | set) else [value]:
                if one is not None and one != "":
                    tail = _value(one)
                    yield Claim(head, relation, tail, (_told(source, {}, head.name, tail.value),))
    for edge in document.relationships:
        head, end = _entity(edge.source), _entity(edge.target)
        qualifiers = {str(name): str(value) for name, value in edge.properties.items() if value is not None and not _sure(name, value)}
        told = _told(source, edge.properties, head.name, end.name)
        relation = names.clean(edge.type if _is_ours(edge.source) else _words(edge.type))
        yield Claim(head, relation, end, (told,), tuple(sorted(qualifiers.items())))


def source_of(document: Any, given: Source | str | None = None) -> Source:
    """The text that a graph was made from as a source, or what is ``given`` instead. Raises ``BadRequest`` for neither."""
    if isinstance(given, Source):
        return given
    if given:
        return Source(SourceId(given), "document", given)
    if document is None:
        raise BadRequest("it does not say which text it was made from: give a source")
    told = document.metadata
    id = told.get(ID) or f"doc:{hashlib.sha256(document.page_content.encode('utf-8', 'replace')).hexdigest()[:16]}"
    return Source(SourceId(str(id)), "document", str(told.get("title", "")), str(told.get("source", "")))


def _entity(node: Any) -> Entity:
    """A node of ours by its id, one of others by what it is called."""
    told = node.properties
    if _is_ours(node):
        aliases = tuple(map(str, told.get("aliases", ())))
        return Entity(
            names.given_id(str(node.id)), names.given_name(told["name"]), tuple(told["kinds"]), aliases, told.get("description", "")
        )
    name = names.given_name(str(node.id))
    kind = "thing" if node.type in ("", "Node") else names.clean(_words(node.type))
    return Entity(names.entity_id(kind, name), name, (kind,))


def _is_ours(node: Any) -> bool:
    return "kinds" in node.properties and "name" in node.properties


def _words(type: str) -> str:
    """``BORN_IN``, ``KNOWS`` and ``CapitalCity`` in words."""
    return iris.spaced(type.lower() if type.isupper() and type.replace("_", "").isalpha() else type)


def _value(value: object) -> Literal:
    if isinstance(value, bool | int | float):
        kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "decimal"
        return literal(str(value), kind)
    return literal(str(value), "date" if _DATE.fullmatch(str(value)) else "string")


def _sure(name: str, value: object) -> bool:
    return name == "confidence" and isinstance(value, int | float) and 0 <= value <= 1


def _told(source: Source, properties: Mapping[str, Any], head: str, tail: str) -> Evidence:
    """A confidence is taken as that of a file, since a text has none."""
    words = {"head_words": head, "tail_words": tail[:1_000]}
    if _sure("confidence", value := properties.get("confidence")):
        return Evidence("import", source, float(value), **words)  # type: ignore[arg-type]
    return Evidence("text", source, **words)  # type: ignore[arg-type]


# -- out ---------------------------------------------------------------------------------------------


def to_graph_documents(facts: Iterable[Fact]) -> list[Any]:
    """A document for each source, with the facts that rest on it; values are properties of their nodes, without unit and language.

    Texts, quotes and reviews are not in them. All of it is in memory.
    """
    made: dict[str, _Drawn] = {}
    for fact in facts:
        for source in fact.sources or (SourceId(""),):
            made.setdefault(source, _Drawn()).add(fact)
    graph_document, document = _classes("GraphDocument"), _document()
    return [
        graph_document(nodes=list(one.nodes.values()), relationships=one.edges, source=document(page_content="", metadata={ID: source}))
        for source, one in made.items()
    ]


class _Drawn:
    """The nodes and edges of one document."""

    def __init__(self) -> None:
        self._node, self._edge = _classes("Node"), _classes("Relationship")
        self.nodes: dict[str, Any] = {}
        self.edges: list[Any] = []

    def add(self, fact: Fact) -> None:
        head = self._entity(fact.head)
        if isinstance(fact.tail, Literal):
            name = fact.relation if fact.relation not in _OURS else f"{fact.relation}_"
            head.properties[name] = [*head.properties.get(name, []), native(fact.tail)]
            return
        told = {name: value if isinstance(value, str) else value.name for name, value in fact.qualifiers}
        properties = {**told, "confidence": fact.confidence}
        self.edges.append(self._edge(source=head, target=self._entity(fact.tail), type=fact.relation, properties=properties))

    def _entity(self, entity: Entity) -> Any:
        if (found := self.nodes.get(entity.id)) is None:
            told: dict[str, Any] = {"name": entity.name, "kinds": list(entity.kinds)}
            told |= {"aliases": list(entity.aliases)} if entity.aliases else {}
            told |= {"description": entity.description} if entity.description else {}
            found = self.nodes[entity.id] = self._node(id=entity.id, type=entity.kinds[0], properties=told)
        return found


def _classes(name: str) -> Any:
    """A class of LangChain by its name, or ours."""
    for package in _PACKAGES:
        try:
            return getattr(importlib.import_module(f"{package}.graphs.graph_document"), name)
        except ImportError:
            continue
    return globals()[name]


def _document() -> Any:
    if _classes("GraphDocument") is GraphDocument:
        return Document
    return importlib.import_module("langchain_core.documents").Document
