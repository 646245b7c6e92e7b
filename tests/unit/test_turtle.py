"""Facts as Turtle and N-Triples: what others write is understood, and what we write is read by others."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph
import pytest

from kgplatform.errors import BadFile
from kgplatform.formats import iris, loading
from kgplatform.graph import KnowledgeGraph
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, Fact, Kind, Literal, Relation, Source, SourceId, in_words

BEGIN = """
@prefix ex: <http://example.org/things/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TOLD = (Evidence("text", Source(SourceId("doc:1"), "document")),)
ADA = Entity(EntityId("person:ada"), "Ada", ("person",))


def graph(*cards: Relation) -> KnowledgeGraph:
    made = KnowledgeGraph(MemoryStore())
    made.learn(relations=cards)
    return made


def write(folder: Path, triples: str, name: str = "given.ttl") -> Path:
    path = folder / name
    path.write_text(BEGIN + triples)
    return path


def told(kg: KnowledgeGraph) -> list[tuple[str, str, str]]:
    return sorted((fact.head.name, fact.relation, in_words(fact.tail)) for fact in kg.facts(status="all"))


def only(kg: KnowledgeGraph) -> Fact:
    (fact,) = kg.facts(status="all")
    return fact


def test_names_kinds_and_descriptions_may_stand_anywhere(tmp_path: Path) -> None:
    kg = graph()
    kg.load(
        write(
            tmp_path,
            """
            ex:m ex:birthPlace ex:w .
            ex:w rdfs:label "Warschau"@de , "Warsaw"@en ; a ex:CapitalCity , owl:Thing .
            ex:m a ex:Person ; rdfs:label "Marie Curie" ; skos:altLabel "Maria Skłodowska"@pl ; rdfs:comment "a physicist" .
            ex:birthPlace rdfs:label "born in"@en .
            """,
        )
    )
    fact = only(kg)
    here = "http://example.org/things/"
    assert fact.head == Entity(EntityId(f"{here}m"), "Marie Curie", ("person",), ("Maria Skłodowska",), "a physicist")
    assert fact.relation == "born in"
    assert fact.tail == Entity(EntityId(f"{here}w"), "Warsaw", ("capital city",), ("Warschau",))


def test_what_has_no_label_is_called_by_the_end_of_its_iri(tmp_path: Path) -> None:
    kg = graph()
    path = tmp_path / "given.nt"
    path.write_text(
        "<http://dbpedia.org/resource/Marie_Curie> <http://dbpedia.org/ontology/birthPlace> <http://dbpedia.org/resource/Warsaw> .\n"
        "<urn:isbn:123> <http://x.org/v#P50> <http://x.org/> .\n"
    )
    kg.load(path)
    assert told(kg) == [("123", "P50", "x.org"), ("Marie Curie", "birth place", "Warsaw")]


def test_values_keep_their_types_and_languages(tmp_path: Path) -> None:
    kg = graph()
    loaded = kg.load(
        write(
            tmp_path,
            """
            ex:a ex:p1 "1867-11-07"^^xsd:date ; ex:p2 "1867"^^xsd:gYear ; ex:p3 "1867-11"^^xsd:gYearMonth ; ex:p4 7 ; ex:p5 1.50 ;
                ex:p6 1e3 ; ex:p7 true ; ex:p8 "Stadt"@de ; ex:p9 "1952-03-11T00:00:00Z"^^xsd:dateTime .
            ex:a ex:q1 "2001-01-01T10:00:00"^^xsd:dateTime ; ex:q2 "POINT(1 2)"^^ex:wkt ; ex:q3 "http://a.b"^^xsd:anyURI .
            ex:a ex:bad "soon"^^xsd:date .
            """,
        )
    )
    assert [fact.tail for fact in sorted(kg.facts(status="all"), key=lambda fact: fact.relation)] == [
        Literal("1867-11-07", "date"),
        Literal("1867", "year"),
        Literal("1867-11", "date"),
        Literal("7", "integer"),
        Literal("1.5", "decimal"),
        Literal("1000", "decimal"),
        Literal("true", "boolean"),
        Literal("Stadt", "string", language="de"),
        Literal("1952-03-11", "date"),
        Literal("2001-01-01T10:00:00", "string"),
        Literal("POINT(1 2)", "string"),
        Literal("http://a.b", "string"),
    ]
    assert loaded.unread == (f"{tmp_path / 'given.ttl'}, line 12: 'soon' is not a value of type date",)


def test_blank_nodes_are_the_same_again_and_others_in_other_files(tmp_path: Path) -> None:
    kg = graph()
    triples = 'ex:a ex:has [ ex:part _:b ; rdfs:label "the first" ], [ ex:part _:b ] .\n'
    path = write(tmp_path, triples)
    assert kg.load(path).receipt.new == 4
    assert [kg.load(path).receipt.unchanged for _ in range(50)] == [4] * 50
    assert ("the first", "part") in {row[:2] for row in told(kg)}
    assert len({fact.tail for fact in kg.facts(status="all")}) == 3
    assert kg.load(write(tmp_path, triples + "ex:a ex:is ex:b .\n", "other.ttl")).receipt.new == 5


def test_lists_and_what_is_said_of_triples_are_left_out_with_a_sentence(tmp_path: Path) -> None:
    kg = graph()
    path = write(
        tmp_path,
        "ex:a ex:likes ex:b .\nex:a ex:likes ( ex:b ex:c ) .\nex:a ex:likes () .\nex:b ex:likes ex:c {| ex:sure 0.5 |} .\n"
        "ex:s a rdf:Statement ; rdf:subject ex:a ; rdf:predicate ex:likes ; rdf:object ex:z ; ex:by ex:me .\n",
    )
    loaded = kg.load(path)
    assert told(kg) == [("a", "likes", "b"), ("b", "likes", "c")]
    assert [reason.partition(", ")[2][:30] for reason in loaded.unread] == [
        "line 9: a list is no entity: s",
        "line 10: a list is no entity: ",
        "line 11: it speaks of a triple",
        "line 12: it speaks of a triple",
    ]


def test_classes_and_properties_become_kinds_and_cards_that_the_graph_does_not_have(tmp_path: Path) -> None:
    mine = Relation("knows", "what I say", prompts=("{head} knows {tail}",))
    kg = graph(mine)
    path = write(
        tmp_path,
        """
        ex:City rdfs:subClassOf ex:Place ; rdfs:comment "where many live" . ex:Place a rdfs:Class .
        ex:bornIn rdfs:domain ex:Person ; rdfs:range ex:City ; rdfs:comment "where somebody was born" .
        ex:bornOn rdfs:range xsd:date ; a owl:FunctionalProperty . ex:knows a owl:SymmetricProperty . ex:near a owl:SymmetricProperty .
        ex:a ex:bornOn "1815-12-10"^^xsd:date . ex:a ex:near ex:b . ex:b ex:near ex:a . ex:a ex:bornIn "nowhere" .
        """,
    )
    with pytest.raises(BadFile, match="the tail of 'born in' must be an entity"):
        kg.load(path, strict=True)
    assert (set(kg.relations()), kg.kinds()) == ({"knows"}, {})
    loaded = kg.load(path)
    assert kg.kinds() == {"place": Kind("place"), "city": Kind("city", "place", "where many live")}
    cards = kg.relations()
    assert (cards["knows"], set(cards)) == (mine, {"knows", "near", "born in", "born on"})
    born = cards["born in"]
    assert (born.domain, born.range, born.definition) == (("person",), ("city",), "where somebody was born")
    assert (cards["born on"].range, cards["born on"].functional, cards["near"].symmetric) == (("date",), True, True)
    assert (loaded.receipt.new, loaded.kinds, loaded.relations) == (2, 2, 3)
    assert "the tail of 'born in' must be an entity" in loaded.refused[0]
    again = kg.load(path)
    assert (again.receipt.new, again.kinds, again.relations) == (0, 0, 0)


def test_a_file_of_classes_alone_is_read(tmp_path: Path) -> None:
    kg = graph()
    loaded = kg.load(write(tmp_path, "ex:Cat rdfs:subClassOf ex:Animal . ex:Animal rdfs:subClassOf ex:Cat .\n"))
    assert (loaded.kinds, loaded.receipt.new, set(kg.kinds())) == (2, 0, {"cat", "animal"})


@pytest.mark.parametrize("ending", ["ttl", "nt"])
def test_others_read_what_is_written(tmp_path: Path, ending: str) -> None:
    kg = graph()
    foreign = Entity(EntityId("http://dbpedia.org/resource/Warsaw"), "Warsaw")
    odd = [Entity(EntityId(id), "odd") for id in ("..", "-", "a~b.c", "http://[x", "urn:x", "http://kgplatform.org/%", "_:b", "ä/ö")]
    tails: tuple[Entity | Literal, ...] = (
        foreign,
        Literal("1815", "date"),
        Literal("36.6", "decimal", "°C"),
        Literal('"\\\n\x00\x7f', language="de-at"),
        *odd,
    )
    kg.put([Claim(ADA, "did (or not)", tail, TOLD) for tail in tails])
    path, back = tmp_path / f"all.{ending}", graph()
    kg.dump(path, status="all")
    triples = list(pyoxigraph.parse(path=path, format=pyoxigraph.RdfFormat.from_extension(ending)))
    ada = pyoxigraph.NamedNode(f"{iris.BASE}person%3Aada")
    said = [triple.object for triple in triples if triple.predicate.value == f"{iris.HOME}relation/did%20%28or%20not%29"]
    assert pyoxigraph.NamedNode(foreign.id) in said
    assert {triple.subject for triple in triples if triple.object in said} == {ada}
    assert len(said) == len(tails)
    assert back.load(path, strict=True).left_out == 0
    assert set(back.facts(status="all")) and {one.tail for one in back.facts(status="all")} == {one.tail for one in kg.facts(status="all")}


def test_names_that_a_file_gives_late_cost_no_memory_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.formats.described.NEAR", 500)
    kg = graph()
    facts = "".join(f"ex:e{n} ex:next ex:e{n + 1} .\n" for n in range(50))
    names = "".join(f'ex:e{n} rdfs:label "Number {n}" .\n' for n in range(51))
    kg.load(write(tmp_path, facts + names))
    assert told(kg) == sorted((f"Number {n}", "next", f"Number {n + 1}") for n in range(50))


def test_hostile_files_are_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kgplatform.formats.schema.MOST", 10)
    monkeypatch.setattr("kgplatform.formats.described.MOST", 10)
    for triples, words in (
        ("".join(f"ex:c{n} a rdfs:Class .\n" for n in range(20)), "declares more than 10 classes"),
        ("ex:a ex:b ex:c .\n" + "".join(f'ex:a skos:altLabel "{n}" .\n' for n in range(20)), "line 8: of .* more than 10 things are said"),
        (f"ex:a ex:b <http://x.org/{'x' * 2_000}> .\n", "line 8: .* cannot be an id"),
        ('ex:a ex:b ex:c . ex:b rdfs:label "\\u0001" .\n', "line 8: .* is not a name"),
    ):
        with pytest.raises(BadFile, match=words):
            loading.check(write(tmp_path, triples))
