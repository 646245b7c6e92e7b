"""What an explanation tells beside the weights: history, what a prediction rests on, what was derived."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform import derivation
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id, fact_key
from kgplatform.opening import connect
from kgplatform.types import Claim, Entity, Evidence, Fact, FactKey, FactQuery, Literal, Merge, Pairs, Relation, Source, SourceId
from ui import history

SYMMETRIC = Relation("colleague of", symmetric=True)


def person(name: str) -> Entity:
    return Entity(entity_id("person", name), name, ("person",))


ANN, ANNA, BOB, CAT = map(person, ("Ann", "Anna", "Bob", "Cat"))


def told(run: str = "", time: int = 0) -> Evidence:
    return Evidence("text", Source(SourceId("doc:1"), "document", "Letters"), 3.0, run=run, time=time)


def predicted(*support: str, snapshot: str = "5f2c") -> Evidence:
    detail = derivation.detail(snapshot, map(FactKey, support))
    return Evidence("graph", Source(SourceId(f"graph:complex@{snapshot}"), "graph", "ComplEx"), 2.0, detail=detail)


@pytest.fixture
def kg() -> Iterator[KnowledgeGraph]:
    with connect("memory") as made:
        made.learn([SYMMETRIC])
        yield made


def keys(facts: tuple[Fact, ...]) -> list[str]:
    return [fact.key for fact in facts]


def test_history_is_told_from_the_oldest_on(kg: KnowledgeGraph) -> None:
    kg.put([Claim(ANN, "knows", BOB, (told("second", 2_000_000_000_000), Evidence("memory", Source(SourceId("m"), "model"), time=1_000)))])
    kg.reject("Ann | knows | Bob", by="eve", why="They never met.")
    kg.put([Claim(ANNA, "knows", CAT, (told(),))])
    merge = kg.merge("Ann", "Anna", by="eve")
    kg.retract("Ann | knows | Bob", by="eve")
    events = kg.explain("Ann | knows | Bob").history
    assert [event.time for event in events] == sorted(event.time for event in events)
    said = [(history.what(event), history.who(event)) for event in events]
    assert said == [
        ("recalled by a language model", "m"),
        ("person:anna was merged into person:ann", "by eve"),
        ("verdict taken back", "by eve"),
        ("read in a document", "Letters, run second"),
    ]
    assert history.when(events[0].time) == "1970-01-01 00:00 UTC"
    kg.undo(merge)
    assert "person:anna was merged into person:ann (undone since)" in [history.what(e) for e in kg.explain("Ann | knows | Bob").history]


def test_a_rejection_is_told_with_its_reason(kg: KnowledgeGraph) -> None:
    kg.put([Claim(ANN, "knows", BOB, (told(),))])
    kg.reject("Ann | knows | Bob", by="eve", why="They never met.")
    last = kg.explain("Ann | knows | Bob").history[-1]
    assert (history.what(last), history.who(last)) == ("rejected", "by eve: They never met.")


def test_the_merges_of_what_was_merged_belong_to_the_history(kg: KnowledgeGraph) -> None:
    kg.put([Claim(one, "knows", BOB, (told(),)) for one in (ANN, ANNA, CAT)])
    kg.merge("Anna", "Cat")
    kg.merge("Ann", "Anna")
    merged = [event.cause for event in kg.explain("Ann | knows | Bob").history if isinstance(event.cause, Merge)]
    assert [(merge.keep, merge.other) for merge in merged] == [(ANNA.id, CAT.id), (ANN.id, ANNA.id)]


@pytest.mark.parametrize("time", [0, -5, 10**18])
def test_any_time_can_be_told(time: int) -> None:
    assert history.when(time)


def test_a_prediction_and_what_it_rests_on_lead_to_one_another(kg: KnowledgeGraph) -> None:
    kg.put([Claim(ANN, "knows", BOB, (told(),)), Claim(BOB, "knows", CAT, (told(),)), Claim(CAT, "knows", ANNA, (told(),))])
    ann_bob, bob_cat = "knows|person:ann|person:bob", "knows|person:bob|person:cat"
    kg.put([Claim(ANN, "knows", CAT, (predicted(ann_bob, bob_cat, "knows|person:gone|person:bob", "no key"),))])
    prediction = kg.explain("Ann | knows | Cat")
    assert keys(prediction.support) == [ann_bob, bob_cat]
    assert prediction.derived == ()
    assert keys(kg.explain(ann_bob).derived) == keys(kg.explain(bob_cat).derived) == [prediction.fact.key]
    assert kg.explain("Cat | knows | Anna").derived == ()
    kg.accept(prediction.fact)
    assert kg.explain(ann_bob).derived == (), "a person vouches for it now"


def test_support_is_found_after_a_merge_under_its_new_key(kg: KnowledgeGraph) -> None:
    kg.put([Claim(ANNA, "colleague of", BOB, (told(),)), Claim(ANN, "knows", CAT, (told(),))])
    kg.put([Claim(BOB, "colleague of", CAT, (predicted("colleague of|person:anna|person:bob"),))])
    kg.merge("Ann", "Anna")
    assert keys(kg.explain("Ann | colleague of | Bob").derived) == ["colleague of|person:bob|person:cat"]
    assert keys(kg.explain("Bob | colleague of | Cat").support) == ["colleague of|person:ann|person:bob"]


def test_a_value_supports_nothing_and_costs_no_reading(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    kg.put([Claim(ANN, "age", Literal("44", "integer"), (told(),))])
    monkeypatch.setattr(kg.store, "claims", None)
    assert kg.explain("Ann | age | 44").derived == ()


def test_only_predicted_facts_are_read(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    kg.put([Claim(ANN, "knows", BOB, (told(),)), Claim(BOB, "knows", CAT, (told(),))])
    asked: list[FactQuery] = []
    claims = kg.store.claims

    def noted(query: FactQuery) -> Iterator[Claim]:
        asked.append(query)
        return claims(query)

    monkeypatch.setattr(kg.store, "claims", noted)
    kg.explain("Ann | knows | Bob")
    assert {query.status for query in asked} == {"predicted"}
    assert all(query.head or query.tail for query in asked)


ids = st.text(min_size=1).filter(lambda text: not text.startswith("="))
pairs: st.SearchStrategy[Pairs] = st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=2).map(tuple)


@given(st.lists(st.builds(fact_key, ids, ids, ids, pairs), max_size=4))
def test_support_comes_back_as_it_was_written(written: list[FactKey]) -> None:
    piece = Evidence("graph", Source(SourceId("graph:x"), "graph"), detail=derivation.detail("rev", written))
    assert derivation.support(piece) == tuple(written)
    assert derivation.apart(piece) == (("snapshot", "rev"),)
