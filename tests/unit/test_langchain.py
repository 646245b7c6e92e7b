"""A graph in LangChain: chains that write Cypher, a retriever, tools that a model calls, and the agent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.graphdocuments import Document, GraphDocument, Node, Relationship
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.opening import connect
from tests.apart import apart
from tests.ui import world
from ui.langchain import Graph, Retriever, agent, tools


@pytest.fixture(scope="module")
def kg() -> KnowledgeGraph:
    made = connect("memory")
    world.fill(made)
    return made


def test_graph_documents_go_in_with_their_text_and_the_schema_follows() -> None:
    kg = connect("memory")
    graph = Graph(kg)
    text = Document("Ada Lovelace was born in London.", {"title": "A text"})
    born = Relationship(Node("Ada Lovelace", "Person"), Node("London", "City"), "BORN_IN")
    graph.add_graph_documents([GraphDocument([born.source, born.target], [born], text)], include_source=True)
    assert graph.get_structured_schema["relationships"] == []
    graph.refresh_schema()
    assert graph.get_structured_schema["relationships"] == [{"start": "Person", "type": "BORN_IN", "end": "City"}]
    (document,) = kg.documents()
    assert (document.source.title, kg.text(document.source.id)) == ("A text", text.page_content)
    (fact,) = kg.facts()
    assert fact.sources == (document.source.id,)


def test_the_retriever_brings_what_a_question_names_with_key_confidence_and_source(kg: KnowledgeGraph) -> None:
    first, second, *more = Retriever(kg=kg, k=6).invoke("What is the atomic number of radium?")
    assert (first.page_content, first.metadata["id"]) == ("Radium (element)", "element:radium")
    assert second.page_content == "Radium | atomic number | 88"
    assert (second.id, second.metadata["key"]) == (second.metadata["key"], "atomic number|element:radium|=integer:::88")
    assert second.metadata["source"] == "facts.tsv [import:facts.tsv]" and 0.9 < second.metadata["confidence"] < 1
    assert len(more) == 2
    named = Retriever(kg=kg, k=3).invoke("where was Maria Skłodowska's life begun, and was she born in Warsaw?")
    assert [one.metadata.get("name") for one in named[:2]] == ["Marie Curie", "Warsaw"]
    assert [one.page_content.partition("\n")[0] for one in named[2:]] == ["Marie Curie | born in | Warsaw"]
    assert world.QUOTE in named[2].page_content


@pytest.mark.parametrize("question", ["", "?", "who is Nobody At All", "'" * 500, "x " * 3000])
def test_of_what_the_graph_does_not_name_nothing_is_brought(kg: KnowledgeGraph, question: str) -> None:
    assert Retriever(kg=kg).invoke(question) == []


def test_a_model_calls_tools_by_their_schema_and_reads_what_is_wrong(kg: KnowledgeGraph) -> None:
    named = {tool.name: tool for tool in tools(kg, HashingEncoder())}
    assert list(named) == ["search", "entity", "neighbours", "paths", "facts", "explain", "cypher", "ask", "schema"]
    assert named["paths"].args["max_hops"]["maximum"] == 6
    call = {"type": "tool_call", "id": "1", "name": "search", "args": {"text": "curie", "limit": 1}}
    message = named["search"].invoke(call)
    assert message.status == "success" and json.loads(message.content) == message.artifact
    assert message.artifact["entities"][0]["name"] in ("Marie Curie", "Pierre Curie")
    wrong = named["search"].invoke({**call, "args": {"text": "curie", "limit": 0}})
    assert (wrong.status, wrong.content) == ("error", "limit must be at least 1")
    missing = named["entity"].invoke({**call, "name": "entity", "args": {"entity": "Mari Curie"}})
    assert missing.status == "error" and "near it: Marie Curie" in missing.content
    said = apart(named["ask"].ainvoke, {"question": "Who founded the Radium Institute?"})
    assert "Marie Curie" in json.loads(said)["answer"]


def test_the_agent_answers_a_question_as_part_of_a_chain(kg: KnowledgeGraph) -> None:
    asking = agent(kg, HashingEncoder())
    assert [one.name for one in asking.invoke("Who founded the Radium Institute?").entities] == ["Marie Curie"]
    told = (asking | (lambda answer: answer.text)).batch(["Who founded the Radium Institute?", "Who founded Atlantis?"])
    assert "Marie Curie" in told[0] and "Atlantis" in told[1]


@pytest.mark.parametrize("given", [None, 7, {}, {"question": "Who founded the Radium Institute?"}])
def test_a_question_that_is_no_text_is_said(kg: KnowledgeGraph, given: Any) -> None:
    with pytest.raises(BadRequest, match="a question must be text, not "):
        agent(kg, HashingEncoder()).invoke(given)


def test_the_agent_knows_what_was_written_meanwhile() -> None:
    kg = connect("memory")
    asking = agent(kg, HashingEncoder())
    assert not asking.invoke("Who founded the Radium Institute?").supported
    world.fill(kg)
    assert [one.name for one in asking.invoke("Who founded the Radium Institute?").entities] == ["Marie Curie"]
    kg.reject("Radium Institute | founded by | Marie Curie")
    assert not asking.invoke("Who founded the Radium Institute?").entities
