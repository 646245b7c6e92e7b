"""Qualifiers that are entities, on every store: told, held, found, merged and given back like the ends of facts."""

from __future__ import annotations

import dataclasses

import pytest

from kgplatform import belief, names
from kgplatform.belief import Calibration
from kgplatform.ports import Store
from kgplatform.store import statements, telling
from kgplatform.store.bolt import BoltStore
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, EntityId, Evidence, FactKey, FactQuery, Literal, Relation, SourceId
from tests.contract.test_merging import qualified, qualifier_nodes
from tests.contract.test_store import ALL, claim, only, review, state, thing, told

PLAYED = Relation("played", key_qualifiers=("valid_in",))
ULM, BONN, ROME = (thing(name, "city") for name in ("Ulm", "Bonn", "Rome"))
ANN = thing("Ann").id


def played(place: Entity | str, *evidence: Evidence, head: str = "Ann", **more: str | Entity) -> Claim:
    """A ternary fact: somebody played a piece at a place."""
    return Claim(thing(head), "played", thing("Faust", "piece"), evidence or (told(),), tuple({"valid_in": place, **more}.items()))


def lived(*evidence: Evidence, head: str = "Ann", **qualifiers: str | Entity) -> Claim:
    return Claim(thing(head), "lived in", thing("Oslo", "city"), evidence or (told(),), tuple(qualifiers.items()))


def right(store: Store) -> bool:
    return not isinstance(store, BoltStore) or qualifier_nodes(store) == qualified(store)


def test_the_third_slot_of_a_relation_is_an_entity(store: Store) -> None:
    store.learn(relations=[PLAYED])
    assert store.put([played(ULM), played(BONN), played("@home"), played(ULM, told("doc:2"))]).new == 3
    facts = {fact.key: dict(fact.qualifiers)["valid_in"] for fact in store.facts(ALL)}
    assert facts == {
        "played|person:ann|piece:faust|valid%255Fin=@city:ulm": ULM,
        "played|person:ann|piece:faust|valid%255Fin=@city:bonn": BONN,
        "played|person:ann|piece:faust|valid%255Fin=\\@home": "@home",
    }
    assert store.entities([ULM.id]) == {ULM.id: ULM}
    assert [hit.entity for hit in store.search("ulm")] == [ULM]
    assert store.fact(next(key for key, place in facts.items() if place == ULM)).sources == ("doc:1", "doc:2")  # type: ignore[union-attr]
    assert {fact.key for fact in store.neighbours([ANN], ALL)} == set(facts)
    assert right(store)
    assert store.put([played(ULM)]).unchanged == 1
    assert right(store)


def test_of_several_the_strongest_counts_and_the_others_are_kept(store: Store) -> None:
    store.put([lived(told("doc:1", 3.0), near=ULM), lived(told("doc:2", 2.0), near=BONN, by="sea"), lived(told("doc:3", 1.0), near="Rome")])
    assert only(store).qualifiers == (("by", "sea"), ("near", ULM))
    assert right(store)
    store.forget(SourceId("doc:1"))
    assert only(store).qualifiers == (("by", "sea"), ("near", BONN))
    assert store.entities([ULM.id, BONN.id]) == {BONN.id: BONN}
    assert right(store)
    store.put([lived(told("doc:3", 3.0, time=9_000), near="Rome")])
    assert only(store).qualifiers == (("by", "sea"), ("near", "Rome"))
    assert store.entities([BONN.id]) == {BONN.id: BONN}
    assert right(store)
    store.forget(SourceId("doc:3"))
    assert only(store).qualifiers == (("by", "sea"), ("near", BONN))
    assert right(store)
    store.forget(SourceId("doc:2"))
    assert store.entities([BONN.id]) == {}
    assert right(store)


def test_an_entity_stays_while_a_qualifier_needs_it(store: Store) -> None:
    store.put([lived(near=ULM), claim("Bea", "born in", "Ulm", told("doc:2"))])
    store.forget(SourceId("doc:2"))
    assert store.entities([ULM.id]) == {ULM.id: ULM}
    store.put([claim("Bea", "born in", "Ulm", told("doc:2"))])
    store.forget(SourceId("doc:1"))
    assert store.entities([ULM.id]) == {ULM.id: ULM}
    store.forget(SourceId("doc:2"))
    assert store.entities([ULM.id]) == {}
    assert right(store)


def test_an_observation_that_does_not_count_keeps_its_entity(store: Store) -> None:
    """Of two runs the later counts, until it is forgotten; also where pieces lie on shelves."""
    many = [told(f"doc:{n}", 0.5, time=1) for n in range(100, 200)]
    for more in ((), many):
        store.put([lived(told(run="a", time=1), near=ULM), lived(told(run="b", time=2), near=BONN), lived(*more or (review(1.0),))])
        assert only(store).qualifiers == (("near", BONN),)
        store.put([claim("Bea", "born in", "Ulm", told("doc:9"))])
        store.forget(SourceId("doc:9"))
        assert right(store)
        store.forget_run("b")
        assert only(store).qualifiers == (("near", ULM),)
        assert right(store)
        assert store.entities([ULM.id, BONN.id]) == {ULM.id: ULM}
        store.forget_run("a")
        assert only(store).qualifiers == ()
        assert store.entities([ULM.id]) == {}


def test_values_too_are_qualified_by_entities(store: Store) -> None:
    paid = Claim(thing("Ann"), "paid", Literal("7", "integer"), (told(),), (("to", ULM),))
    store.put([paid])
    assert only(store).qualifiers == (("to", ULM),)
    assert right(store)
    store.forget(SourceId("doc:1"))
    assert right(store)


def test_one_qualifier_cannot_mean_two_entities(store: Store) -> None:
    good = lived(near=ULM)
    bad = [
        dataclasses.replace(good, qualifiers=(("near", ULM), ("near", BONN))),
        dataclasses.replace(good, qualifiers=(("near", ULM), ("near", "x"))),
        dataclasses.replace(good, qualifiers=(("near", Entity(EntityId("=x"), "x")),)),
        dataclasses.replace(good, qualifiers=(("near", Entity(EntityId("x"), " ")),)),
    ]
    receipt = store.put([*bad, good])
    assert [refusal.claim for refusal in receipt.refused] == bad
    assert receipt.new == 1
    assert only(store).qualifiers == (("near", ULM),)


def fill(store: Store) -> None:
    store.learn(relations=[PLAYED])
    store.put(
        [
            played(ULM, told("doc:1"), with_="Bea"),
            played(BONN, told("doc:2")),
            played(ROME, told("doc:3")),
            lived(told("doc:1", 3.0), near=BONN),
            lived(told("doc:2", 2.0), near=ULM),
            lived(told("doc:4"), head="Bea", near=ROME, of=thing("Ann")),
            played(BONN, told("doc:4"), head="Bea", of=thing("Ann")),
        ]
    )


def test_facts_that_a_merge_makes_one_meet_and_undoing_parts_them(store: Store) -> None:
    fill(store)
    before = state(store)
    made = store.merge(ULM.id, BONN.id)
    both = dataclasses.replace(ULM, aliases=("Bonn",))
    facts = {(fact.head.name, fact.relation, dict(fact.qualifiers).get("valid_in")): fact for fact in store.facts(ALL)}
    assert set(facts) == {
        ("Ann", "played", both),
        ("Ann", "played", ROME),
        ("Bea", "played", both),
        ("Ann", "lived in", None),
        ("Bea", "lived in", None),
    }
    assert facts["Ann", "played", both].sources == ("doc:1", "doc:2")
    assert dict(facts["Ann", "lived in", None].qualifiers) == {"near": both}
    old = store.fact(FactKey("played|person:ann|piece:faust|valid%255Fin=@city:bonn"))
    assert old and old.key == "played|person:ann|piece:faust|valid%255Fin=@city:ulm"
    assert right(store)
    store.put([played(BONN, told("doc:7"))])
    assert len(store.evidence(old.key)) == 3
    assert right(store)
    store.undo(made.id)
    apart = MemoryStore()
    fill(apart)
    assert before.items() <= {**state(apart), **before}.items()
    apart.put([played(BONN, told("doc:7"))])
    assert state(store) == state(apart)
    assert right(store)


def test_chains_and_forgetting_find_what_was_moved(store: Store) -> None:
    fill(store)
    made = [store.merge(ULM.id, BONN.id), store.merge(ROME.id, ULM.id), store.merge(thing("Bea").id, ANN)]
    assert right(store)
    store.forget(SourceId("doc:2"))
    assert right(store)
    for one in made:
        store.undo(one.id)
        assert right(store)
    apart = MemoryStore()
    fill(apart)
    apart.forget(SourceId("doc:2"))
    assert state(store) == state(apart)


def test_another_calibration_changes_who_qualifies(store: Store) -> None:
    store.put([lived(told("doc:1", 1.0, "memory"), near=ULM), lived(told("doc:2", 1.1), near=BONN)])
    assert only(store).qualifiers == (("near", BONN),)
    store.publish(Calibration("other-1", curves={**belief.PRIORS, "memory": belief.Curve(2.0, 0.0, -4.0, 4.0)}))
    assert only(store).qualifiers == (("near", ULM),)
    assert right(store)


def test_claims_make_the_same_graph_again(store: Store) -> None:
    fill(store)
    store.merge(ULM.id, BONN.id)
    copy = MemoryStore()
    copy.learn(relations=[PLAYED])
    copy.put(list(store.claims(ALL)))
    assert {key: (fact.confidence, names_of(fact.qualifiers)) for key, (fact, _) in state(copy).items()} == {
        key: (fact.confidence, names_of(fact.qualifiers)) for key, (fact, _) in state(store).items()
    }


def names_of(qualifiers: object) -> object:
    assert isinstance(qualifiers, tuple)
    return {name: value.id if isinstance(value, Entity) else value for name, value in qualifiers}


def test_people_find_by_cypher_what_an_entity_qualifies(served: BoltStore) -> None:
    fill(served)
    served.merge(ULM.id, BONN.id)
    found = served._connection.rows("MATCH (q:KgQualifier)-[:VALUE]->(:Entity {name: 'Ulm'}) RETURN q.fact AS key, q.name AS name")
    told_of = [(str(row["key"]).partition("|")[0], row["name"]) for row in found]
    assert sorted(told_of) == [("lived in", "near"), ("played", "valid_in"), ("played", "valid_in")]


def test_a_put_without_such_qualifiers_runs_no_statement_for_them(served: BoltStore, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []

    def noted(name: str, **splices: str) -> str:
        named.append(name)
        return statements.statement(name, **splices)

    monkeypatch.setattr(telling, "statement", noted)
    served.put([lived(near="Ulm"), claim("Ann", "born in", "Ulm")])
    served.put([lived(told("doc:2"), near="Bonn")])
    served.forget(SourceId("doc:1"))
    assert not [name for name in named if name.startswith(("qualifiers", "entities_redirects"))]
    served.put([lived(told("doc:3"), near=ULM)])
    assert [name for name in named if name.startswith("qualifiers")]


def test_a_name_of_an_entity_that_only_qualifies_is_told_as_any(store: Store) -> None:
    store.put([lived(near=dataclasses.replace(ULM, aliases=("Ulma",), description="on the Danube"))])
    ((_, near),) = only(store).qualifiers
    assert near == dataclasses.replace(ULM, aliases=("Ulma",), description="on the Danube")
    assert [one.id for one in store.named(["ulma"])["ulma"]] == [ULM.id]
    assert store.count(FactQuery(tail=ULM.id, status="all")) == 0
    assert names.referred(names.qualifier(ULM)) == ULM.id
