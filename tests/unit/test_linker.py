"""Linking by more than equal names: what comes together, what stays apart, what a person is asked, and that all can be taken back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kgplatform.errors import BadRequest
from kgplatform.graph import Added, KnowledgeGraph
from kgplatform.linking.blocks import joining
from kgplatform.linking.linker import SAME, Linker
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Candidate, Claim, Entity, EntityId, Evidence, Kind, Literal, Mention, Relation, Source, SourceId

KINDS = {"thing": "", "person": "thing", "place": "thing", "city": "place", "organisation": "thing"}
ENCODER = HashingEncoder()


def told(source: str = "doc:1") -> Evidence:
    return Evidence("text", Source(SourceId(source), "document"), 3.0, time=1)


def said(head: str, kind: str, tail: str = "x", source: str = "doc:1") -> Candidate:
    return Candidate(Mention(head, kind), "is", Literal(tail), told(source))


def graph() -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(kinds=[Kind(name, parent) for name, parent in KINDS.items()])
    return kg


def add(kg: KnowledgeGraph, *candidates: Candidate, context: dict[str, str] | None = None) -> Added:
    return kg.add(candidates, Linker(kg.store, ENCODER), context)


def facts(kg: KnowledgeGraph) -> dict[str, list[str]]:
    return {fact.key: sorted(piece.source.id for piece in kg.store.evidence(fact.key)) for fact in kg.facts(status="all")}


@pytest.mark.parametrize(
    ("kind", "name", "again"),
    [
        ("person", "Marie Curie", "M. Curie"),
        ("person", "Marie Curie", "Curie, Marie"),
        ("person", "Пётр Чайковский", "Pyotr Tchaikovsky"),
        ("person", "Martin Luther King Jr.", "Martin Luther King, Jr."),
        ("organisation", "World Health Organization", "WHO"),
        ("organisation", "Department of Energy", "Dept. of Energy"),
        ("city", "Zürich", "Zuerich"),
        ("city", "Zurich", "Zürich"),
        ("city", "Portland, Oregon", "Portland, OR"),
        ("thing", "stress concentration", "StressConcentrations"),
        ("thing", "glass transition temperature", "glass transition temp."),
        ("thing", "World War II", "Second World War"),
        ("thing", "5 km run", "5000 m run"),
        ("thing", "colour", "Color"),
        ("person", "Marie Curie", "Curie Marie"),
        ("thing", "Pathogen", "pathogens"),
        ("thing", "Antibodies", "Antibody"),
        ("thing", "The Beatles", "Beatles"),
        ("thing", "the Wright brothers", "Wright Brothers"),
        ("thing", "SequenceStatistics", "SequenceStats"),
    ],
)
def test_two_ways_of_writing_a_name_come_together(kind: str, name: str, again: str) -> None:
    kg = graph()
    add(kg, said(name, kind))
    (merge,) = add(kg, said(again, kind, "y")).merges
    assert kg.entity(again) == kg.entity(name)
    assert merge.by.startswith("linker@1 0.9")
    assert len(kg.facts(head=name)) == 2


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("person", "Marie Curie", "Pierre Curie"),
        ("person", "Marie Curie", "P. Curie"),
        ("person", "Johann Strauss I", "Johann Strauss II"),
        ("person", "George Bush Sr.", "George Bush Jr."),
        ("person", "Alan M. Turing", "Alan P. Turing"),
        ("person", "John Petersen", "John Peterson"),
        ("person", "Müller", "Möller"),
        ("city", "Lyon", "Lyons"),
        ("city", "Paris, Texas", "Paris, France"),
        ("place", "Manhattan", "Lower Manhattan"),
        ("thing", "hot", "cold"),
        ("thing", "saturated fat", "unsaturated fat"),
        ("thing", "Python 3.1", "Python 3.10"),
        ("thing", "100 °C", "100 °F"),
        ("thing", "10 mW laser", "10 MW laser"),
        ("thing", "T", "t"),
        ("thing", "G'", "G"),
        ("thing", "C", "C++"),
        ("thing", "10^-3", "10^3"),
        ("thing", "man bites dog", "dog bites man"),
        ("thing", "University of York", "York University"),
        ("thing", "The Who", "WHO"),
        ("thing", "Apple Inc.", "Apple"),
        ("thing", "Nigeria", "Niger"),
        ("thing", "St. Petersburg", "Saint Peter"),
        ("thing", "news", "new"),
        ("thing", "10⁻³", "10³"),
        ("thing", "1e-3", "1e3"),
        ("thing", "10^3", "103"),
        ("thing", "-5", "5"),
        ("thing", "1.5", "15"),
        ("thing", ".5", "5"),
        ("thing", "1/2", "12"),
        ("thing", "1/2", "2/1"),
        ("thing", "race horse", "horse race"),
        ("thing", "water tank", "tank water"),
        ("thing", "University of Washington", "Washington University"),
        ("organisation", "University of Miami", "Miami University"),
        ("thing", "man of war", "war man"),
        ("thing", "top 10 films of 2001", "films of 2001 top 10"),
        ("thing", "The Who", "who"),
        ("thing", "El Niño", "niño"),
        ("thing", "Shell plc", "shell"),
        ("place", "Nigeria", "Niger"),
        ("thing", "Chad", "Chadwick"),
        ("thing", "car battery", "carbon battery"),
        ("thing", "arms", "arm"),
        ("thing", "goods", "good"),
        ("thing", "glasses", "glass"),
        ("person", "George Bush", "George W. Bush"),
        ("person", "John A. Smith", "John Smith"),
    ],
)
def test_namesakes_and_opposites_stay_apart(kind: str, name: str, other: str) -> None:
    kg = graph()
    add(kg, said(name, kind))
    assert add(kg, said(other, kind, "y")).merges == ()
    assert add(kg, said(name, kind), said(other, kind, "y")).receipt.new == 0
    assert len({fact.head.id for fact in kg.facts(status="all")}) == 2


def test_what_was_merged_at_writing_is_parted_with_all_its_evidence_also_later_one() -> None:
    kg, apart = graph(), graph()
    batches = [[said("Marie Curie", "person", "a")], [said("M. Curie", "person", "b")], [said("M. Curie", "person", "a", "doc:2")]]
    for batch in batches:
        add(kg, *batch)
        apart.add(batch)
    assert {key.split("|")[1] for key in facts(kg)} == {"person:marie_curie"}
    kg.undo(kg.merges()[0])
    assert facts(kg) == facts(apart)
    add(kg, said("M. Curie", "person", "c"))
    assert len(kg.merges()) == 1, "what a person has parted is not merged again"


def test_the_outcome_does_not_depend_on_the_order() -> None:
    names = [("Marie Curie", "person"), ("M. Curie", "person"), ("StressConcentration", "thing"), ("stress concentrations", "thing")]
    outcomes = []
    for order in itertools.permutations(said(name, kind, source=f"doc:{name}") for name, kind in names):
        kg = graph()
        add(kg, *order)
        outcomes.append((facts(kg), {(one.keep, one.other) for one in kg.merges()}))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert outcomes[0][1] == {("person:marie_curie", "person:m._curie"), ("thing:stress_concentrations", "thing:stressconcentration")}


def test_two_that_fit_alike_are_asked_and_not_merged() -> None:
    kg = graph()
    add(kg, said("Marie Curie", "person"), said("Max Curie", "person"))
    added = add(kg, said("M. Curie", "person"))
    assert added.merges == ()
    ((entity, other, why),) = [(one.pair.entity.name, one.pair.other.name, one.pair.why) for one in added.asked]
    assert (entity, {other} <= {"Marie Curie", "Max Curie"}) == ("M. Curie", True)
    assert "as likely person:ma" in why
    assert {pair.entity.name for pair in kg.duplicates()} == {"M. Curie"}


def beside(name: str, kind: str) -> list[Candidate]:
    """A thing with three neighbours, which are others'."""
    return [Candidate(Mention(name, kind), "knows", Mention(other, "person"), told()) for other in ("Ada", "Grace", "Lise")]


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("person", "John Petersen", "John Peterson"),
        ("person", "George Bush", "George W. Bush"),
        ("person", "Müller", "Möller"),
        ("thing", "Apple Inc.", "Apple"),
        ("thing", "race horse", "horse race"),
        ("thing", "The Who", "WHO"),
        ("thing", "arms", "arm"),
        ("city", "Paris, Texas", "Paris"),
    ],
)
def test_names_that_only_a_person_can_judge_stay_a_question_whoever_is_around(kind: str, name: str, other: str) -> None:
    kg = graph()
    add(kg, *beside(name, kind))
    added = add(kg, *beside(other, kind))
    assert added.merges == ()
    ((asked, why),) = [({one.pair.entity.name, one.pair.other.name}, one.pair.why) for one in added.asked]
    assert asked == {name, other}
    assert "neighbours in common" in why


def test_neighbours_confirm_what_names_nearly_carry() -> None:
    kg = graph()
    name, other = "Johann Ambrosius Bernhard Carl Bach", "J. A. B. C. Bach"
    add(kg, said(name, "person"))
    assert add(kg, said(other, "person")).merges == ()
    kg = graph()
    add(kg, *beside(name, "person"))
    (made,) = add(kg, *beside(other, "person")).merges
    assert "initials, neighbours in common" in made.by


def test_of_one_name_another_is_meant_when_what_is_said_of_it_does_not_fit() -> None:
    kg = graph()
    politician = Entity(
        EntityId("person:john_smith"), "John Smith", ("person",), description="British politician, leader of the Labour Party"
    )
    kg.put([Claim(politician, "is", politician, (told(),))])
    miner = add(kg, said("John Smith", "person"), context={"John Smith": "zinc and tin were dug up here by him"})
    assert "name the one that is meant by its id" in miner.unlinked[0].why
    assert add(kg, said("John Smith", "person"), context={"John Smith": "leader of the Labour Party, a British politician"}).unlinked == ()
    assert add(kg, said("John Smith", "person", "y")).receipt.new == 1, "where nothing is said of it, one name is one thing"


def test_settings_that_contradict_and_vectors_of_another_encoder_are_refused() -> None:
    kg = graph()
    with pytest.raises(BadRequest, match=r"cannot ask from 0\.9 and merge from 0\.5"):
        Linker(kg.store, ENCODER, same=0.5, ask=0.9)
    wrong: Any = "0.5"
    for numbers in ({"same": wrong}, {"ask": None}, {"ask": 0}, {"same": float("nan")}):
        with pytest.raises(BadRequest, match=r"a linker cannot ask from .* give two numbers up to 1, the first no larger"):
            Linker(kg.store, ENCODER, **numbers)
    with pytest.raises(BadRequest, match=r"'0\.5' is no sentence encoder"):
        Linker(kg.store, wrong)
    for store in (kg, None):
        wrong = store
        with pytest.raises(BadRequest, match=r"a linker links in the store of a graph, such as  kg\.store,  not in "):
            Linker(wrong, ENCODER)
    for context in ("x", ["Marie"], {"Marie": None}):
        wrong = context
        with pytest.raises(BadRequest, match="context must say by each name, in text, what it means"):
            add(kg, said("Marie Curie", "person"), context=wrong)
    wrong = "minilm"
    with pytest.raises(BadRequest, match="'minilm' is no linker"):
        kg.add([said("Marie Curie", "person")], wrong)
    add(kg, said("Marie Curie", "person"))
    with pytest.raises(BadRequest, match="vectors of the encoder 'hashing@1'"):
        Linker(kg.store, HashingEncoder(name="hashing@2"))


def whole() -> KnowledgeGraph:
    kg = graph()
    names = {"person": ["Marie Curie", "M. Curie", "Pierre Curie", "Ada Lovelace"], "thing": ["free volume", "FreeVolume", "volume"]}
    kg.add([said(name, kind) for kind, listed in names.items() for name in listed])
    return kg


def test_duplicates_of_a_whole_graph_are_found_with_score_and_reason() -> None:
    found = [(pair.other.name, pair.entity.name, pair.why) for pair in whole().duplicates()]
    assert sorted(found) == [("Marie Curie", "M. Curie", "initials"), ("free volume", "FreeVolume", "the same words")]


def test_two_whose_facts_contradict_are_told_apart_or_asked_about() -> None:
    kg = graph()
    kg.learn(relations=[Relation("discovered in", functional=True)])
    years = {"thallium": "1861", "thulium": "1879", "free volume": "1861", "FreeVolume": "1862"}
    kg.add([said(name, "thing") for name in years])
    assert {pair.entity.name for pair in kg.duplicates()} == {"thulium", "FreeVolume"}
    kg.add([Candidate(Mention(name), "discovered in", Literal(year, "date"), told()) for name, year in years.items()])
    assert [(pair.entity.name, pair.why) for pair in kg.duplicates()] == [("FreeVolume", "but their facts contradict")]
    assert kg.duplicates()[0].score < SAME
    kg.add([Candidate(Mention("FreeVolume"), "discovered in", Literal("1861-05", "date"), told())])
    assert kg.duplicates()[0].score >= SAME


def test_nothing_below_the_score_that_was_asked_for_is_merged() -> None:
    kg = graph()
    kg.add([said(name, "organisation") for name in ("IBM", "I.B.M.", "International Business Machines")])
    found = kg.duplicates(least=0.8)
    assert all(pair.score >= 0.8 for pair in found)
    assert len(kg.merge_all(found)) == joining(found)
    assert len(kg.duplicates(least=0.45)) >= len(found)


def test_merges_that_others_have_made_one_are_counted_once() -> None:
    pairs = kg_of_three().duplicates(least=0.45)
    assert (len(pairs), joining(pairs), len(kg_of_three().merge_all(pairs))) == (3, 2, 2)


def kg_of_three() -> KnowledgeGraph:
    kg = graph()
    kg.add([said(name, "thing") for name in ("free volume", "FreeVolume", "free volumes")])
    return kg


def test_two_ends_of_what_is_believed_are_not_merged_by_a_slip() -> None:
    kg = graph()
    kg.add([Candidate(Mention("Ada", "person"), "born in", Mention("London", "city"), told())])
    (fact,) = kg.facts()
    with pytest.raises(BadRequest, match="two ends of a fact"):
        kg.merge("Ada", "London")
    kg.reject(fact.key)
    assert kg.merge("Ada", "London").keep == fact.head.id


def test_what_is_only_proposed_makes_no_name_ambiguous() -> None:
    kg = graph()
    kg.add([Candidate(Mention("Ada", "person"), "born in", Mention("London", "city"), told())])
    guess = Evidence("memory", Source(SourceId("program:x"), "model"), 0.0, time=1)
    kg.put([Claim(Entity(EntityId("city:ada"), "Ada", ("city",)), "is", Literal("x"), (guess,))])
    assert kg.entity("Ada").id == "person:ada"


def test_what_a_person_said_of_two_is_not_asked_again() -> None:
    kg = whole()
    kg.part("Marie Curie", "M. Curie", by="ada")
    made = kg.merge_all(kg.duplicates())
    assert list(made) == ["thing:freevolume"]
    assert kg.duplicates() == []
    kg.undo(made[EntityId("thing:freevolume")])
    assert kg.duplicates() == []
    kg.retract("Marie Curie | different from | M. Curie", by="ada")
    assert [pair.entity.name for pair in kg.duplicates()] == ["M. Curie"]
    with pytest.raises(BadRequest, match="are one entity"):
        kg.part("volume", "Volume")


def test_names_of_any_shape_are_taken() -> None:
    kg = graph()
    odd = [
        "",
        "\x00",
        "…",
        "(",
        "()",
        ",",
        "a" * 5_000,
        "a" * 4_999 + "b",
        "🙂",
        "🙂🙂",
        "1",
        "１",
        "II",
        "..",
        "St.",
        "the",
        "no. no. no",
        "٣",
    ]
    added = add(kg, *(said(name, kind, str(at)) for kind in ("thing", "person") for at, name in enumerate(odd)))
    assert added.receipt.new + len(added.unlinked) + len(added.receipt.refused) >= len(odd)
    assert not {merge.other for merge in added.merges} & {"thing:1", "thing:🙂"}
