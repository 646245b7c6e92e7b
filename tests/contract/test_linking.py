"""What every store keeps of its promises to a linker: names that may mean one thing meet, and what is merged can be parted."""

from __future__ import annotations

import pytest

from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking import blocks, forms
from kgplatform.linking.linker import Linker
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.ports import Store
from kgplatform.types import Candidate, Claim, Entity, Literal, Mention, in_words
from tests.contract.test_store import state, thing, told
from tests.contract.test_vectors import filled

ENCODER = HashingEncoder()


def embedded(store: Store, *entities: Entity) -> list[Entity]:
    listed = filled(store, list(entities))
    KnowledgeGraph(store).embed(ENCODER)
    return listed


def meeting(store: Store, *names: str, limit: int = 20) -> list[list[str]]:
    return [[one.name for one in found] for found in store.meeting([forms.keys(name) for name in names], limit)]


def test_names_meet_by_initials_first_letters_order_and_sound(store: Store) -> None:
    assert meeting(store, "Ada", "Bea") == [[], []]
    embedded(
        store,
        thing("Marie Curie"),
        thing("World Health Organization"),
        thing("Chaikovsky"),
        thing("stress field"),
        thing("Ada", "person", "Augusta King"),
    )
    names = ["M. Curie", "WHO", "Чайковский", "StressFields", "A. King", "nobody", "…"]
    expected = [["Marie Curie"], ["World Health Organization"], ["Chaikovsky"], ["stress field"], ["Ada"], [], []]
    assert meeting(store, *names) == expected


def test_those_that_share_more_come_first_and_no_more_than_asked_for(store: Store) -> None:
    embedded(store, *(thing(f"Marie Curi{ending}") for ending in ("e", "us", "ano", "lla")), thing("Max Curie"))
    assert meeting(store, "Marie Curie", limit=1) == [["Marie Curie"]]
    assert {"Marie Curie", "Max Curie"} <= set(meeting(store, "M. Curie")[0])


def test_what_was_merged_meets_as_what_it_is_now_and_what_is_gone_does_not(store: Store) -> None:
    marie, maria = embedded(store, thing("Marie Curie"), thing("Maria Skłodowska"))
    made = store.merge(marie.id, maria.id)
    assert meeting(store, "M. Skłodowska", "M. Curie") == [["Marie Curie"], ["Marie Curie"]]
    store.undo(made.id)
    assert meeting(store, "M. Skłodowska") == [["Maria Skłodowska"]]
    embedded(store, thing("Marie Curie", "person", "Manya Sorbonne"))
    assert meeting(store, "M. Sorbonne") == [["Marie Curie"]]
    store.drop_vectors()
    assert meeting(store, "M. Curie") == [[]]


def test_the_nearest_to_many_are_those_to_each(store: Store) -> None:
    listed = embedded(
        store, *(thing(f"{a} {b}", "thing") for a in ("hot", "cold", "warm", "cool") for b in ("water", "air", "sand", "rock"))
    )
    vectors = ENCODER.encode([one.name for one in listed])
    for one, hits in zip(listed, store.nearest_each(ENCODER.name, vectors, 3), strict=True):
        assert hits[0].entity == one
        assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert store.nearest_each(ENCODER.name, vectors[:0], 3) == []


@pytest.mark.parametrize("at_once", [1, 20_000])
def test_the_two_ends_of_a_fact_that_is_believed_are_no_pair(store: Store, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "AROUND", at_once)
    kg = KnowledgeGraph(store)
    ends = thing("Marie Curie"), thing("M. Curie")
    kg.put([Claim(ends[1], "cites", ends[0], (told(),))])
    assert kg.duplicates() == []
    with pytest.raises(BadRequest, match=r"two ends of a fact,  M\. Curie \| cites \| Marie Curie"):
        kg.merge("Marie Curie", "M. Curie")
    kg.reject("M. Curie | cites | Marie Curie")
    assert [{pair.entity.id, pair.other.id} for pair in kg.duplicates()] == [{one.id for one in ends}]


def test_two_that_were_said_to_be_two_by_mistake_are_a_pair_again_and_nothing_is_left_of_it(store: Store) -> None:
    kg = KnowledgeGraph(store)
    ends = thing("Marie Curie"), thing("M. Curie")
    kg.put([Claim(end, "is", Literal(end.name), (told(),)) for end in ends])
    before, pairs = state(store), kg.duplicates()
    fact = kg.part("Marie Curie", "M. Curie")
    assert kg.duplicates() == []
    kg.retract(fact)
    assert kg.duplicates() == pairs != []
    assert state(store) == before


def test_what_is_only_proposed_or_is_rejected_makes_no_name_ambiguous(store: Store) -> None:
    kg = KnowledgeGraph(store)
    marie, city = thing("Marie Curie"), thing("Marie Curie", "city")
    kg.put([Claim(marie, "born in", thing("Warsaw", "city"), (told(),))])
    proposal = Claim(marie, "born in", city, (told("program:mcp", 0.0, "memory"),))
    kg.put([proposal])
    assert kg.entity("Marie Curie").id == marie.id
    kg.forget("program:mcp")
    assert [hit.entity.id for hit in kg.search("Marie Curie") if hit.entity.name == "Marie Curie"] == [marie.id]
    kg.put([proposal])
    (proposed,) = kg.facts(status="proposed")
    kg.reject(proposed)
    assert [in_words(fact.tail) for fact in kg.facts(head="Marie Curie")] == ["Warsaw"]
    kg.forget("program:mcp")
    assert kg.entity("Marie Curie").id == marie.id


def test_what_was_merged_at_once_is_parted_at_once(store: Store) -> None:
    kg = KnowledgeGraph(store)
    names = {"thing": ("free volume", "FreeVolume", "free volumes"), "person": ("Marie Curie", "M. Curie"), "city": ("Ulm", "Bonn")}
    kg.put([Claim(thing(name, kind), "is", Literal(name), (told(),)) for kind, listed in names.items() for name in listed])
    before = state(store)
    store.merge(thing("Ulm", "city").id, thing("Bonn", "city").id, "me")
    made = list(kg.merge_all(kg.duplicates(least=0.9), run="all at once").values())
    assert len(made) == 3
    kg.undo(made[0])
    done = kg.undo_run("all at once")
    assert ({one.id for one in done.now}, [one.id for one in done.before]) == ({one.id for one in made[1:]}, [made[0].id])
    assert all(one.undone for one in done.now)
    assert [one.keep for one in kg.merges() if not one.undone] == [thing("Ulm", "city").id], "a person's own merge stands"
    kg.undo(next(one for one in kg.merges() if not one.undone))
    assert state(store) == before
    with pytest.raises(BadRequest, match="of the run 'all at once' were all undone already"):
        kg.undo_run("all at once")
    for name in ("at once", ""):
        with pytest.raises(NotFound, match=f"no merge is of a run '{name}'"):
            kg.undo_run(name)


def test_a_run_that_only_merged_is_undone_and_not_forgotten(store: Store) -> None:
    kg = KnowledgeGraph(store)
    kg.put([Claim(thing(name), "is", Literal(name), (told(),)) for name in ("Marie Curie", "M. Curie")])
    kg.merge_all(kg.duplicates(), run="all at once")
    for ask in (kg.would_forget_run, lambda name: kg.forget(run=name)):
        with pytest.raises(NotFound, match="only merged what others speak of:  kg review undo run:all at once  parts it"):
            ask("all at once")


def test_what_a_linker_merged_is_parted_as_if_it_never_had(store: Store) -> None:
    kg = KnowledgeGraph(store)

    def said(name: str, tail: str, source: str) -> Candidate:
        return Candidate(Mention(name, "person"), "is", Literal(tail), told(source))

    batches = [[said("Marie Curie", "chemist", "doc:1")], [said("M. Curie", "physicist", "doc:2"), said("M. Curie", "chemist", "doc:2")]]
    batches.append([said("M. Curie", "chemist", "doc:3")])
    for batch in batches:
        kg.add(batch, Linker(store, ENCODER))
    assert {fact.head.name for fact in kg.facts(status="all")} == {"Marie Curie"}
    assert [one.evidence.source.id for one in kg.explain("Marie Curie | is | physicist").reasons] == ["doc:2"]
    kg.undo(kg.merges()[0])
    parted = state(store)
    kg.forget("doc:1")
    kg.forget("doc:2")
    kg.forget("doc:3")
    for batch in batches:
        kg.add(batch)
    assert {key: {piece.source.id for piece in pieces} for key, (_, pieces) in state(store).items()} == {
        key: {piece.source.id for piece in pieces} for key, (_, pieces) in parted.items()
    }
