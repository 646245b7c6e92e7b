"""What graph models say goes with the facts that it rests on, whatever else speaks for the fact."""

from __future__ import annotations

import pytest

from kgplatform import derivation
from kgplatform.graph import KnowledgeGraph
from kgplatform.ports import Store
from kgplatform.types import Claim, Evidence, FactKey, FactQuery, Qualifiers, Relation, Source, SourceId
from tests.contract.test_store import ALL, claim, key_of, thing, told

SINCE: Qualifiers = (("valid_from", "1990"),)
AT: Qualifiers = (("place", thing("Ulm", "city")),)


def predicted(*support: FactKey) -> Evidence:
    return Evidence("graph", Source(SourceId("graph:complex@1"), "graph"), 2.0, detail=derivation.detail("1", support), time=1_000)


@pytest.mark.parametrize("qualifiers", [(), SINCE, AT])
@pytest.mark.parametrize("told_too", [True, False])
def test_a_graph_models_word_goes_with_what_it_rests_on(store: Store, qualifiers: Qualifiers, told_too: bool) -> None:
    kg = KnowledgeGraph(store)
    kg.learn([Relation("lives in", key_qualifiers=("valid_from", "place"))])
    ground, other = claim("Ann", "works in", "Bonn", told("doc:ground", 3.0)), claim("Bea", "works in", "Rome", told("doc:other", 3.0))
    weak = (told("doc:weak", -0.5),) if told_too else ()
    resting = claim("Ann", "lives in", "Bonn", *weak, predicted(key_of(ground)), qualifiers=qualifiers)
    standing = claim("Bea", "lives in", "Rome", *weak, predicted(key_of(other)), qualifiers=qualifiers)
    kg.put([ground, other, resting, standing])
    before = {fact.head.name: fact for fact in kg.facts(relation="lives in", status="all")}
    done = kg.forget("doc:ground")
    assert (done.facts_removed, done.predictions) == (1, 1)
    after = {fact.head.name: fact for fact in kg.facts(relation="lives in", status="all")}
    assert after.pop("Bea") == before["Bea"]
    if told_too:
        kg.put([claim("Cat", "lives in", "Bonn", *weak, qualifiers=qualifiers)])
        assert [after["Ann"].confidence] == [fact.confidence for fact in kg.facts(head="Cat", status="all")]
        assert after["Ann"].methods == ("text",)
    else:
        assert after == {}


def test_facts_are_selected_by_a_method_that_speaks_for_them(store: Store) -> None:
    given = [
        claim("Ann", "knows", "Bob"),
        claim("Bob", "knows", "Cat", told(), predicted()),
        Claim(thing("Cat"), "knows", thing("Dan"), (predicted(),)),
    ]
    store.put(given)
    for query, expected in [
        (FactQuery(status="all", method="graph"), {1, 2}),
        (FactQuery(status="predicted", method="graph"), {2}),
        (FactQuery(status="all", method="text"), {0, 1}),
        (FactQuery(status="all", method="review"), set()),
        (ALL, {0, 1, 2}),
    ]:
        assert {fact.key for fact in store.facts(query)} == {key_of(given[n]) for n in expected}, query
        assert {(one.head, one.relation, one.tail) for one in store.claims(query)} == {
            (given[n].head, given[n].relation, given[n].tail) for n in expected
        }
        assert store.count(query) == len(expected)
