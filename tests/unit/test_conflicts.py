"""Which facts contradict one another: one tail a head, one head a tail, one time, and kinds that nothing is both of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform import cards
from kgplatform.conflicts import OF_KINDS, overlap
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.opening import connect
from kgplatform.types import Claim, Entity, Evidence, Kind, Literal, Pairs, Relation, Source, SourceId, in_words

KINDS = [Kind("thing"), Kind("person", "thing"), Kind("place", "thing"), Kind("city", "place"), Kind("country", "place")]
RELATIONS = [
    Relation("born in", domain=("person",), range=("city", "place"), functional=True),
    Relation("born on", range=("date",), functional=True),
    Relation("capital of", domain=("city",), range=("country",), inverse_functional=True),
    Relation("married to", symmetric=True, functional=True),
    Relation("chaired by", functional=True),
    Relation("knows"),
    Relation("likes", range=("thing",)),
]


def thing(name: str) -> Entity:
    return Entity(entity_id("thing", name), name)


def span(start: str = "", end: str = "") -> Pairs:
    return tuple((name, date) for name, date in (("valid_from", start), ("valid_to", end)) if date)


def put(kg: KnowledgeGraph, head: str, relation: str, tail: str | Literal, qualifiers: Pairs = (), score: float = 3.0) -> str:
    end = tail if isinstance(tail, Literal) else thing(tail)
    kg.put([Claim(thing(head), relation, end, (Evidence("text", Source(SourceId("doc:1"), "document"), score),), qualifiers)])
    return f"{head} | {relation} | {in_words(end)}"


def conflicts(kg: KnowledgeGraph, fact: str) -> dict[str, str]:
    found = kg.explain(fact).conflicts
    return {f"{one.fact.head.name} {one.fact.relation} {in_words(one.fact.tail)}": one.why for one in found}


@pytest.fixture
def kg() -> KnowledgeGraph:
    made = connect("memory")
    made.learn(relations=RELATIONS, kinds=KINDS)
    return made


def test_a_functional_relation_has_one_tail(kg: KnowledgeGraph) -> None:
    warsaw = put(kg, "Marie", "born in", "Warsaw")
    put(kg, "Marie", "born in", "Paris")
    put(kg, "Marie", "born in", "Rome", score=-3.0)
    put(kg, "Marie", "knows", "Pierre")
    assert conflicts(kg, warsaw) == {"Marie born in Paris": "“born in” holds once for Marie"}


def test_an_inverse_functional_relation_has_one_head(kg: KnowledgeGraph) -> None:
    warsaw = put(kg, "Warsaw", "capital of", "Poland")
    put(kg, "Warsaw", "capital of", "Masovia")
    put(kg, "Cracow", "capital of", "Poland")
    assert conflicts(kg, warsaw) == {"Cracow capital of Poland": "“capital of” holds once for Poland"}


def test_a_symmetric_relation_that_holds_once_holds_once_for_both_ends(kg: KnowledgeGraph) -> None:
    couple = put(kg, "Marie", "married to", "Pierre")
    put(kg, "Anna", "married to", "Pierre")
    put(kg, "Marie", "married to", "Zeno")
    assert set(conflicts(kg, couple)) == {"Anna married to Pierre", "Marie married to Zeno"}


def test_a_coarser_date_agrees_with_a_finer_one(kg: KnowledgeGraph) -> None:
    born = put(kg, "Marie", "born on", Literal("1867-11-07", "date"))
    for date in ("1867", "1868"):
        put(kg, "Marie", "born on", Literal(date, "date"))
    assert set(conflicts(kg, born)) == {"Marie born on 1868"}


@pytest.mark.parametrize(
    ("first", "second", "at_once"),
    [
        (span(), span(), True),
        (span("1900", "1910"), span(), True),
        (span("1900", "1910"), span("1905", "1915"), True),
        (span("1900"), span("1905"), True),
        (span(end="1910"), span(end="1900"), True),
        (span("1900", "1910"), span("1911", "1915"), False),
        (span("1900", "1910"), span("1910", "1915"), False),
        (span("1900", "1910-05"), span("1910-06-01"), False),
        (span("1900", "1910-05"), span("1910"), False),
        (span("1900", "1910-06-02"), span("1910-05-30"), True),
        (span(end="1899"), span("1900"), False),
    ],
)
def test_who_held_an_office_one_after_the_other_did_not_hold_it_at_once(
    kg: KnowledgeGraph, first: Pairs, second: Pairs, at_once: bool
) -> None:
    ann, bob = put(kg, "The academy", "chaired by", "Ann", first), put(kg, "The academy", "chaired by", "Bob", second)
    assert bool(conflicts(kg, ann)) == bool(conflicts(kg, bob)) == at_once


dates = st.builds("-".join, st.lists(st.integers(10, 12).map(str), min_size=1, max_size=2)).map(lambda rest: f"19{rest}")
validities = st.builds(span, st.one_of(st.just(""), dates), st.one_of(st.just(""), dates))


@given(validities, validities)
def test_overlap_has_no_direction_and_open_ends_only_widen_it(one: Pairs, other: Pairs) -> None:
    assert overlap(one, other) == overlap(other, one)
    assert overlap((), other)
    assert overlap(one[:-1] if one and one[-1][0] == "valid_to" else one, other) >= overlap(one, other)


def test_nothing_is_of_two_disjoint_kinds(kg: KnowledgeGraph) -> None:
    put(kg, "Paris", "capital of", "France")
    wrong = put(kg, "Paris", "born in", "Warsaw")
    assert conflicts(kg, wrong) == {"Paris capital of France": "Paris cannot be person and city as well"}
    assert "Paris born in Warsaw" in conflicts(kg, "Paris | capital of | France")


def test_kinds_of_one_branch_and_unknown_ones_are_no_conflict(kg: KnowledgeGraph) -> None:
    born = put(kg, "Ann", "born in", "Singapore")
    put(kg, "Ann", "knows", "Singapore")
    put(kg, "Ann", "likes", "Singapore")
    put(kg, "Singapore", "capital of", "Singapore")
    assert conflicts(kg, born) == {}


def test_a_wrong_fact_shows_only_some_of_the_many_it_is_at_odds_with(kg: KnowledgeGraph) -> None:
    for n in range(OF_KINDS + 5):
        put(kg, f"Person {n}", "born in", "Warsaw")
    wrong = put(kg, "Warsaw", "born in", "Paris")
    assert len(conflicts(kg, wrong)) == OF_KINDS


def test_kinds_are_disjoint_when_they_lie_in_different_branches() -> None:
    kinds = {kind.name: kind for kind in KINDS}
    assert cards.disjoint("person", "city", kinds)
    assert not any(cards.disjoint(*pair, kinds) for pair in [("city", "country"), ("city", "place"), ("thing", "person"), ("city", "gnu")])
    several = {name: kind for name, kind in kinds.items() if name != "thing"} | {"person": Kind("person"), "place": Kind("place")}
    assert cards.disjoint("person", "city", several)
    assert not cards.disjoint("city", "country", several)
