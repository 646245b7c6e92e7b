"""Graph documents of LangChain become claims, and facts become graph documents."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kgplatform.errors import BadRequest
from kgplatform.graph import KnowledgeGraph
from kgplatform.graphdocuments import Document, GraphDocument, Node, Relationship, from_graph_documents, to_graph_documents
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Literal, Source, SourceId

TEXT = Document("Marie Curie was born in Warsaw in 1867.", {"title": "A text", "source": "file:///a.txt"})
MARIE = Node("Marie Curie", "Person", {"birth_year": 1867, "born_on": "1867-11-07", "tall": 1.6, "names": ["Maria", "Marie"]})
BORN = Relationship(MARIE, Node("Warsaw", "CapitalCity"), "BORN_IN", {"since": 1867})


def graph() -> KnowledgeGraph:
    return KnowledgeGraph(MemoryStore())


def test_what_a_transformer_makes_becomes_facts_that_rest_on_the_text() -> None:
    kg = graph()
    kg.put(from_graph_documents([GraphDocument([MARIE, BORN.target], [BORN], TEXT)]))
    facts = {(str(one.head.id), one.relation, getattr(one.tail, "id", one.tail)): one for one in kg.facts(status="all")}
    marie = "person:marie_curie"
    assert facts.keys() == {
        (marie, "born in", "capital_city:warsaw"),
        (marie, "birth year", Literal("1867", "integer")),
        (marie, "born on", Literal("1867-11-07", "date")),
        (marie, "tall", Literal("1.6", "decimal")),
        (marie, "names", Literal("Maria")),
        (marie, "names", Literal("Marie")),
    }
    (source,) = kg.sources()
    (piece,) = kg.store.evidence(facts[marie, "born in", "capital_city:warsaw"].key)
    assert piece.source == Source(source, "document", "A text", "file:///a.txt")
    assert facts[marie, "born in", "capital_city:warsaw"].qualifiers == (("since", "1867"),)
    assert kg.forget(source).facts_removed == 6


def test_a_source_and_a_confidence_may_be_given() -> None:
    kg = graph()
    sure = Relationship(MARIE, Node("Warsaw"), "left", {"confidence": 0.75})
    kg.put(from_graph_documents([GraphDocument([], [sure])], source="doc:mine"))
    (fact,) = kg.facts(status="all")
    assert (fact.sources, round(fact.confidence, 2), fact.qualifiers) == (("doc:mine",), 0.75, ())


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (SimpleNamespace(nodes=[]), "document 2 is no GraphDocument: "),
        ({"nodes": []}, "document 2 is no GraphDocument: "),
        (GraphDocument([], []), "document 2: it does not say which text it was made from"),
        (GraphDocument([], [Relationship(Node(""), MARIE, "x")], TEXT), "document 2: '' is not a name"),
        (GraphDocument([], [Relationship(MARIE, MARIE, " ")], TEXT), "document 2: .* is not a name"),
    ],
)
def test_what_is_no_graph_document_is_a_sentence_and_nothing_is_written(document: GraphDocument, words: str) -> None:
    kg = graph()
    with pytest.raises(BadRequest, match=words):
        kg.put(from_graph_documents([GraphDocument([MARIE], [BORN], TEXT), document]))
    assert not list(kg.facts(status="all"))


def test_facts_go_out_and_come_back_as_they_are() -> None:
    kg, back = graph(), graph()
    ada = Entity(EntityId("person:ada"), "Ada", ("person", "writer"), ("Countess",), "who wrote programs")
    charles = Entity(EntityId("person:charles"), "Charles", ("person",))
    sources = [Source(SourceId(f"doc:{n}"), "document") for n in range(2)]
    kg.put([Claim(ada, "knows", charles, tuple(Evidence("text", one, 2.0) for one in sources), (("valid_from", "1833"),))])
    kg.put([Claim(ada, "born on", Literal("1815-12-10", "date"), (Evidence("text", sources[0], 2.0),))])
    documents = to_graph_documents(kg.facts(status="all"))
    assert sorted(len(one.relationships) for one in documents) == [1, 1]
    assert {node.id for one in documents for node in one.nodes} == {"person:ada", "person:charles"}
    back.put(from_graph_documents(documents))
    assert {one.key: (one.head, one.tail, one.qualifiers, one.sources) for one in back.facts(status="all")} == {
        one.key: (one.head, one.tail, one.qualifiers, one.sources) for one in kg.facts(status="all")
    }


@pytest.mark.parametrize("package", ["langchain_neo4j", "langchain_community"])
def test_objects_of_langchain_go_in_and_come_out(package: str) -> None:
    theirs = pytest.importorskip(f"{package}.graphs.graph_document")
    text = pytest.importorskip("langchain_core.documents").Document(page_content="Ada knew Charles.")
    ada, charles = theirs.Node(id="Ada", type="Person"), theirs.Node(id="Charles", type="Person")
    edge = theirs.Relationship(source=ada, target=charles, type="KNOWS")
    kg = graph()
    kg.put(from_graph_documents([theirs.GraphDocument(nodes=[ada, charles], relationships=[edge], source=text)]))
    (fact,) = kg.facts(status="all")
    assert (fact.head.id, fact.relation, fact.tail) == ("person:ada", "knows", Entity(EntityId("person:charles"), "Charles", ("person",)))
    (document,) = to_graph_documents(kg.facts(status="all"))
    assert hasattr(document.source, "page_content") and document.relationships[0].source.id == "person:ada"
