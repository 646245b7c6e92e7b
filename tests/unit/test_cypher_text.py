"""A query as text: taken out of an answer, refused when it could do anything but read, mended where there is one remedy."""

from __future__ import annotations

import pytest

from kgplatform.lm.scripted import HashingEncoder
from reasoning.agent.ask import Guide
from reasoning.cypher import text
from reasoning.cypher.complaining import complaint
from reasoning.cypher.knowing import Known
from reasoning.cypher.mending import mended
from reasoning.cypher.naming import Naming
from reasoning.cypher.schema import Schema
from reasoning.cypher.walk import hint
from reasoning.cypher.wanted import wanted
from tests.unit.test_ask import CARDS, FACTS, KINDS


@pytest.mark.parametrize(
    "answer",
    [
        "```cypher\nMATCH (n) RETURN n\n```",
        "Here it is:\n```\nMATCH (n) // all of them\nRETURN n;\n```\nIt returns all.",
        "MATCH (n) RETURN n",
        "Sure! match (n) /* really */ return n ;",
        "```cypher MATCH (n) RETURN n```",
    ],
)
def test_the_query_is_taken_out_of_an_answer(answer: str) -> None:
    assert " ".join(text.taken(answer).split()).lower() == "match (n) return n"


def test_an_answer_without_a_query_has_none() -> None:
    assert not text.taken("I cannot help with that.")
    assert text.refusal("") == "there is no query in it"


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (n {name: 'DELETE; CREATE // $x'}) RETURN n.name",
        "MATCH (n:Set) WHERE n.create > 1 RETURN n.`drop`",
        "CALL { MATCH (n) RETURN n } RETURN n",
        "CALL (n) { RETURN n AS m } RETURN m",
        "MATCH (a)-[:BORN_IN*1..3]->(b) RETURN date('2020-01-01'), date.truncate('year', b.x)",
        "MATCH (a)-[:BORN_IN*2]->(b) RETURN a",
        "RETURN 3 * 2 AS six",
    ],
)
def test_what_reads_is_let_through(query: str) -> None:
    assert not text.refusal(query)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("CREATE (n) RETURN n", "CREATE writes"),
        ("MATCH (n) SET n.x = 1 RETURN n", "SET writes"),
        ("MATCH (n) DETACH DELETE n", "DETACH writes"),
        ("MATCH (n) RETURN n; MATCH (m) RETURN m", "one statement"),
        ("CALL db.labels() YIELD label RETURN label", "procedures"),
        ("MATCH (n) RETURN apoc.cypher.runFirstColumnSingle('CREATE (n)', {})", "procedures"),
        ("MATCH (n) LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line", "LOAD CSV"),
        ("CALL { MATCH (n) RETURN n } IN TRANSACTIONS RETURN 1", "IN TRANSACTIONS"),
        ("MATCH (a)-[*]->(b) RETURN b", "longest length"),
        ("MATCH (a)-[:X*2..]-(b) RETURN b", "longest length"),
        ("MATCH (a)-[:X*1..99999]-(b) RETURN b", "longest length"),
        ("MATCH ((a)-[:X]->(b))+ RETURN b", "longest length"),
        ("MATCH (n {name: $name}) RETURN n", "in quotes"),
        ("SHOW USERS", "begins with MATCH"),
        ("EXPLAIN MATCH (n) RETURN n", "begins with MATCH"),
        ("MATCH (n)", "ends with RETURN"),
        (f"RETURN {'1 + ' * 2_000} 1", "characters"),
    ],
)
def test_what_does_more_than_read_is_refused_and_why_is_said(query: str, why: str) -> None:
    assert why in text.refusal(query)


def test_a_keyword_in_escapes_is_seen() -> None:
    assert "CREATE writes" in text.refusal(text.taken("MATCH (n) \\u0043REATE (m) RETURN m"))


@pytest.fixture(scope="module")
def guide() -> Guide:
    return Guide(FACTS, CARDS, KINDS, HashingEncoder())


def mend(guide: Guide, question: str, query: str) -> tuple[str, Known]:
    return mended(query, Schema.of(guide.network, guide.cards), Naming(guide, question), wanted(guide, question))


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("MATCH (c:City)-[:BORN_IN]->(p:Person) RETURN p", "MATCH (c:City)<-[:BORN_IN]-(p:Person) RETURN p"),
        ("MATCH (p:Person)<-[r:BORN_IN]-(c) WHERE c:City RETURN p", "MATCH (p:Person)-[r:BORN_IN]->(c) WHERE c:City RETURN p"),
        ("MATCH (c:city)<-[:born_in]-(p) RETURN p", "MATCH (c:City)<-[:BORN_IN]-(p) RETURN p"),
        ("MATCH (p:Person)-[:MARRIED_TO]->(q) RETURN q", "MATCH (p:Person)-[:MARRIED_TO]-(q) RETURN q"),
        ("MATCH (p:Person)-[:BORN_IN]->({name: 'Warsaw'}) RETURN p", "MATCH (p:Person)-[:BORN_IN]->({id: $a}) RETURN p"),
        ('MATCH (p)-[:BORN_IN]->(c:Country {name: "Warsaw"}) RETURN p', "MATCH (p)-[:BORN_IN]->(c:City {id: $a}) RETURN p"),
        ("MATCH (c:City)-[:BIRTHPLACE_OF]->(p:Person) RETURN c", "MATCH (c:City)<-[:BORN_IN]-(p:Person) RETURN c"),
        ("MATCH (p:Person)-[:BORN_IN]->(c:Country) RETURN c", "MATCH (p:Person)-[:BORN_IN]->()-[:LOCATED_IN]->(c:Country) RETURN c"),
        ("MATCH (c:Country)<-[:BORN_IN]-(p) RETURN p", "MATCH (c:Country)<-[:LOCATED_IN]-()<-[:BORN_IN]-(p) RETURN p"),
        ("MATCH (p:Person)-[:BORN_IN]->(c) WHERE c.name = 'Warsaw' RETURN p", "MATCH (p:Person)-[:BORN_IN]->(c) WHERE c.id = $a RETURN p"),
    ],
)
def test_what_has_one_remedy_is_put_right(guide: Guide, written: str, right: str) -> None:
    query, known = mend(guide, "Who was born in Warsaw?", written)
    assert query == right
    assert [entity.id for entity in known.named.values()] == ["city:warsaw"] * ("$a" in right)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("MATCH (p:Persons) RETURN p", "no node has the label Persons: nearest to it is Person"),
        ("MATCH (p:Person)-[:BIRTH_IN]->(c) RETURN c", "there is no relationship BIRTH_IN: nearest to it is BORN_IN"),
        ("MATCH (p:Person)-[:BORN_IN]->(c:City) WHERE NOT EXISTS { (c:Person) } RETURN p", "c cannot be City and Person at once"),
        ("MATCH (p:Person)-[:BORN_ON]->(d) RETURN d", "BORN_ON is no relationship but a property: h.born_on of (h:Person)"),
        ("MATCH (p:Person) RETURN p.birth_on", "no node has the property birth_on: nearest to it is born_on"),
        ("MATCH (p:Person) RETURN p.born_in", "born_in is no property but a relationship: (h:Person)-[:BORN_IN]->(t)"),
        ("MATCH (c:City) RETURN c.born_on", "born_on is a property of Person, not of City"),
        ("MATCH (p:Person)-[:BORN_IN]->(c:Element) RETURN c", "BORN_IN joins only (:Person)-[:BORN_IN]->(:City)"),
        ("MATCH (p {name: 'Marie Curry'}) RETURN p", "nothing is called 'Marie Curry': names somewhat like it are Marie Curie"),
    ],
)
def test_what_the_graph_does_not_have_is_told_with_what_it_has(guide: Guide, query: str, said: str) -> None:
    query, known = mend(guide, "Who?", query)
    assert complaint(known, query).startswith(said)


@pytest.mark.parametrize(
    ("question", "query", "said"),
    [
        (
            "Where was Marie Curie?",
            "MATCH (p:Person {name: 'Marie Curie'}) RETURN p.born_on",
            "where does not ask for p.born_on, which is a date",
        ),
        (
            "Which element was Marie Curie born in?",
            "MATCH ({name: 'Marie Curie'})-[:BORN_IN]->(c) RETURN c.name",
            "element asks for Element, and c is City",
        ),
        (
            "Who was born in Warsaw?",
            "MATCH (p)-[:BORN_IN]->(c {name: 'Warsaw'}) RETURN c.name",
            "it returns Warsaw, which the question itself names",
        ),
        ("Was Marie Curie born in Paris?", "MATCH (p {name: 'Marie Curie'})-[:BORN_IN]->(c) RETURN c", "the question names Paris, which"),
        ("Who discovered radium?", "MATCH (p:Person) RETURN p.name", "the question names radium, which is not in it"),
        ("Who was born in Warsaw?", "MATCH (p)-[:BORN_IN]->({name: 'Warsaw'}) RETURN p.name", ""),
        ("Which place was Marie Curie born in?", "MATCH ({name: 'Marie Curie'})-[:BORN_IN]->(c) RETURN c.name", ""),
        ("When was Marie Curie born?", "MATCH (p {name: 'Marie Curie'}) RETURN p.born_on", ""),
    ],
)
def test_what_answers_another_question_is_told_so(guide: Guide, question: str, query: str, said: str) -> None:
    query, known = mend(guide, question, query)
    told = complaint(known, query)
    assert told.startswith(said)
    assert bool(told) == bool(said)


@pytest.mark.parametrize(
    ("written", "right"),
    [
        (
            "MATCH (p {name: 'Marie Curie'})-[:BORN_IN]->(c {name: 'Paris'}) RETURN p.name",
            "RETURN EXISTS { MATCH (p {id: $a})-[:BORN_IN]->(c {id: $b}) } AS answer",
        ),
        ("MATCH (p {name: 'Marie Curie'})-[:BORN_IN]->(c) RETURN count(c) > 0", "MATCH (p {id: $a})-[:BORN_IN]->(c) RETURN count(c) > 0"),
        ("RETURN EXISTS { ({name: 'Marie Curie'})-[:BORN_IN]->() }", "RETURN EXISTS { ({id: $a})-[:BORN_IN]->() }"),
    ],
)
def test_yes_or_no_is_whether_a_pattern_is_there(guide: Guide, written: str, right: str) -> None:
    assert mend(guide, "Was Marie Curie born in Paris?", written)[0] == right


def test_a_walk_that_ends_too_soon_goes_on(guide: Guide) -> None:
    short = "MATCH (:Element {name: 'radium'})<-[:DISCOVERED]-(p:Person) RETURN p.born_on"
    query, _ = mend(guide, "Where was the discoverer of radium born?", short)
    assert query == "MATCH (:Element {id: $a})<-[:DISCOVERED]-(p:Person) MATCH (p)-[:BORN_IN]->(answer) RETURN DISTINCT answer.name"
    short = "MATCH (:Person {name: 'Marie Curie'})-[:BORN_IN]->(c) RETURN c.name"
    query, _ = mend(guide, "In which country was Marie Curie born?", short)
    assert query.endswith("(c) MATCH (c)-[:LOCATED_IN]->(answer:Country) RETURN DISTINCT answer.name")
    other = "MATCH (:Person {name: 'Marie Curie'})-[:BORN_IN]->(c:Country) RETURN c.name"
    query, _ = mend(guide, "In which city was Marie Curie born?", other)
    assert query.endswith("-[:BORN_IN]->(c:City) RETURN c.name")


def test_things_are_told_by_name(guide: Guide) -> None:
    query, _ = mend(guide, "Which person was born before 1900?", "MATCH (p:Person) WHERE p.born_on < '1900' RETURN p.born_on")
    assert query.endswith("RETURN p.name")


@pytest.mark.parametrize(
    ("question", "walk"),
    [
        ("Where was Marie Curie born?", "(:Person {name: 'Marie Curie'})-[:BORN_IN]->(b)"),
        ("Who was born in Warsaw?", "(:City {name: 'Warsaw'})<-[:BORN_IN]-(b)"),
        ("When was Marie Curie born?", "(:Person {name: 'Marie Curie'}), born_on of it"),
        ("How many people are there?", ""),
    ],
)
def test_the_model_is_told_the_walk_that_the_agent_would_take(guide: Guide, question: str, walk: str) -> None:
    assert hint(guide, Naming(guide, question)) == walk


def test_the_model_is_told_which_way_relations_go_and_how_times_look(guide: Guide) -> None:
    told = Schema.of(guide.network, guide.cards).told(guide.network.relations)
    assert "(h:Person)-[:MARRIED_TO]->(t:Person)  h was married to t" in told
    assert "Person.born_on date 'YYYY-MM-DD'" in told
