"""A graph in LangChain's terms: a graph store, a retriever, tools, and an agent.

>>> from ui.langchain import Graph, Retriever, agent, tools
>>> agent(kg).invoke("When was the discoverer of sodium born?").text  # doctest: +SKIP

``langchain-core`` is all that is needed. What a tool or a chain asks only reads; ``Graph.add_graph_documents`` alone writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from kgplatform import names
from kgplatform.errors import KgError, MissingExtra
from kgplatform.graph import KnowledgeGraph
from kgplatform.graphdocuments import from_graph_documents, source_of
from kgplatform.lm.ports import Encoder
from kgplatform.ports import Limits
from kgplatform.types import Entity, Fact, Receipt, in_words
from ui import shapes

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable, RunnableLambda
    from langchain_core.tools import StructuredTool, ToolException
except ImportError:
    raise MissingExtra("langchain-core", extra="chat", need="LangChain") from None

from pydantic import ValidationError

from ui.asking import arguments, drawn, relevant
from ui.asking.asking import Asking
from ui.asking.guides import Guides
from ui.asking.operations import OPERATIONS, Operation, answered
from ui.cli.screen import as_json

if TYPE_CHECKING:
    from reasoning.agent.answer import Answer

__all__ = ["Graph", "Retriever", "agent", "tools"]


class Graph:
    """What chains ask of ``langchain_neo4j.Neo4jGraph``, for reading: the schema for a prompt, and ``query``."""

    def __init__(self, kg: KnowledgeGraph, limits: Limits | None = None) -> None:
        self.kg, self.limits = kg, limits or Limits()
        self.schema, self.structured_schema = "", dict[str, Any]()
        self.refresh_schema()

    @property
    def get_schema(self) -> str:
        return self.schema

    @property
    def get_structured_schema(self) -> dict[str, Any]:
        return self.structured_schema

    def refresh_schema(self) -> None:
        """Read anew what the graph's current facts join."""
        self.structured_schema = drawn.structured(Asking(self.kg, _encoder).schema(arguments.Schema()))
        self.schema = drawn.in_words(self.structured_schema)

    def query(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of reading Cypher, within the limits. Raises ``KgError`` with a sentence."""
        found = self.kg.read(query, params or {}, self.limits)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def add_graph_documents(self, graph_documents: Sequence[Any], include_source: bool = False) -> Receipt:
        """Put the facts of LangChain's graph documents, with the texts that they were made from if these are to be kept."""
        done = self.kg.put(from_graph_documents(graph_documents))
        for one in graph_documents if include_source else ():
            self.kg.add_document(source_of(one.source), one.source.page_content)
        return done


class Retriever(BaseRetriever):
    """What a question names, and the facts around that: at most ``k`` documents, the most telling first.

    The metadata of a fact has its ``key``, ``confidence``, ``source`` and ``sources``; of an entity its ``id`` and ``kinds``.
    """

    kg: KnowledgeGraph
    k: int = 10
    entities: int = 3
    """How many of them may be entities."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002 - LangChain's
        named = relevant.entities(self.kg, query, min(self.k, self.entities))
        facts = relevant.facts(self.kg, query, named, self.k - len(named))
        return [*map(_of_entity, named), *(_of_fact(self.kg, fact) for fact in facts)]


def _of_entity(entity: Entity) -> Document:
    also = f", also called {', '.join(entity.aliases)}" if entity.aliases else ""
    words = f"{entity.name} ({', '.join(entity.kinds)}){also}" + (f": {entity.description}" if entity.description else "")
    return Document(page_content=words, metadata={"id": entity.id, "name": entity.name, "kinds": list(entity.kinds)}, id=entity.id)


def _of_fact(kg: KnowledgeGraph, fact: Fact) -> Document:
    best = shapes.strongest(kg.store.evidence(fact.key))
    words = f"{shapes.triple(fact)}" + "".join(f"; {name}: {in_words(value)}" for name, value in fact.qualifiers)
    if best and best.quote:
        words += f"\n“{best.quote}”"
    told = {"head": fact.head.name, "relation": fact.relation, "tail": in_words(fact.tail)}
    source = shapes.where(best) if best else ""
    metadata = {"key": fact.key, "confidence": fact.confidence, "source": source, "sources": list(fact.sources), **told}
    return Document(page_content=words, metadata=metadata, id=fact.key)


def tools(kg: KnowledgeGraph, encoder: Encoder | None = None) -> list[StructuredTool]:
    """Every operation as a tool. What goes wrong is one sentence (``ToolException``), which the model reads; the artifact is the JSON."""
    asking = Asking(kg, _given(encoder))
    return [_tool(asking, operation) for operation in OPERATIONS]


def _tool(asking: Asking, operation: Operation) -> StructuredTool:
    def do(**given: Any) -> tuple[str, shapes.Shape]:
        try:
            told = operation.do(asking, operation.takes.read(given))
        except KgError as error:
            raise ToolException(str(error)) from None
        return as_json(told), told

    async def do_async(**given: Any) -> tuple[str, shapes.Shape]:
        try:
            told = await answered(asking, operation, operation.takes.read(given))
        except KgError as error:
            raise ToolException(str(error)) from None
        return as_json(told), told

    return StructuredTool.from_function(
        do,
        do_async,
        operation.name,
        operation.says,
        args_schema=operation.takes,
        response_format="content_and_artifact",
        handle_tool_error=True,
        handle_validation_error=_unfit,
    )


def _unfit(error: Any) -> str:
    return arguments.wrong(error.errors()) if isinstance(error, ValidationError) else str(error)


def agent(kg: KnowledgeGraph, encoder: Encoder | None = None, *, predicted: bool = False) -> Runnable[str, Answer]:
    """From a question to an ``Answer`` with the walks that it rests on; no language model is asked."""
    guides = Guides(kg, _given(encoder))

    def answer(question: str) -> Answer:
        asked = names.text(question, "a question")
        return guides.guide(predicted).answer(asked)

    return RunnableLambda(answer, name="kg ask")


def _given(encoder: Encoder | None) -> Callable[[], Encoder]:
    return _encoder if encoder is None else lambda: encoder


@cache
def _encoder() -> Encoder:
    """The one of the settings."""
    from kgplatform import opening, settings

    return opening.encoder(settings.load())
