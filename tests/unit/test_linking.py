"""From words to entities: the same, a new one, or a question."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kgplatform.errors import Ambiguous, BadName
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking import link, resolve
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Candidate, Claim, Entity, Evidence, Kind, Literal, Mention, Relation, Source, SourceId

PARENTS = {"thing": "", "person": "thing", "place": "thing", "city": "place", "ship": "thing"}
KINDS = {name: Kind(name, parent) for name, parent in PARENTS.items()}
SAYS = Evidence("text", Source(SourceId("doc:1"), "document"), 3.0)


def entity(kind: str, name: str, *aliases: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,), aliases)


def candidate(head: Mention, tail: Mention | Literal, relation: str = "knows") -> Candidate:
    return Candidate(head, relation, tail, SAYS)


def graph(*entities: Entity) -> KnowledgeGraph:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(kinds=KINDS.values())
    kg.put([Claim(one, "is", one, (SAYS,)) for one in entities])
    return kg


def ids(kg: KnowledgeGraph, *candidates: Candidate) -> list[tuple[str, str]]:
    claims = link(candidates, kg.store, kg.kinds()).claims
    return [(claim.head.id, claim.tail.id if isinstance(claim.tail, Entity) else claim.tail.value) for claim in claims]


@pytest.mark.parametrize("name", ["Paris", "paris", "  PARIS ", "Pa\u00adris".replace("\u00ad", ""), "Par\x00is", "Ｐａｒｉｓ"])
def test_spellings_of_one_name_are_one_entity(name: str) -> None:
    kg = graph(entity("city", "Paris"))
    assert ids(kg, candidate(Mention(name, "place"), Literal("1"))) == [("city:paris", "1")]


def test_a_kind_that_does_not_fit_is_another_entity() -> None:
    kg = graph(entity("city", "Paris"))
    assert ids(kg, candidate(Mention("Paris", "person"), Mention("Paris", "city"))) == [("person:paris", "city:paris")]


def test_an_own_name_goes_before_an_alias() -> None:
    kg = graph(entity("person", "Pierre Curie", "Curie"), entity("person", "Curie"))
    assert ids(kg, candidate(Mention("Curie", "person"), Literal("1"))) == [("person:curie", "1")]


def test_two_that_fit_are_a_question() -> None:
    twins = [entity("city", "Springfield"), Entity(entity_id("city", "Springfield", "Ohio"), "Springfield", ("city",))]
    with pytest.raises(Ambiguous, match="city:springfield, city:springfield:ohio"):
        resolve(Mention("Springfield", "city"), twins, KINDS)
    linked = link([candidate(Mention("Springfield", "city"), Literal("1"))], graph(*twins).store, KINDS)
    assert linked.claims == ()
    assert "name the one that is meant by its id" in linked.unlinked[0].why


def test_words_that_are_no_name_come_back_with_the_reason() -> None:
    with pytest.raises(BadName):
        resolve(Mention("\x00"), [], KINDS)
    linked = link([candidate(Mention("Ada"), Mention(" \x07 ")), candidate(Mention("Ada"), Mention("Bea"))], graph().store, KINDS)
    assert [claim.tail.name for claim in linked.claims if isinstance(claim.tail, Entity)] == ["Bea"]
    assert "no visible character" in linked.unlinked[0].why


def test_mentions_of_one_batch_meet_whatever_their_order() -> None:
    mentions = [Mention("Ada", "thing"), Mention("ada", "person"), Mention("ADA", "thing")]
    for order in itertools.permutations(mentions):
        found = ids(graph(), *(candidate(mention, Literal("1")) for mention in order))
        assert {head for head, _ in found} == {"person:ada"}


def test_a_thing_that_may_be_two_is_asked_even_when_both_are_new() -> None:
    candidates = [candidate(Mention("Mercury", kind), Literal("1")) for kind in ("person", "ship", "thing")]
    linked = link(candidates, graph().store, KINDS)
    assert {claim.head.id for claim in linked.claims} == {"person:mercury", "ship:mercury"}
    assert [one.candidate.head.kind for one in linked.unlinked] == ["thing"]


def test_qualifiers_that_are_mentions_are_linked_and_words_stay_words() -> None:
    kg = graph(entity("city", "Ulm"))
    said = (("year", "1879"), ("place", Mention("ulm", "place")))
    (claim,) = link([Candidate(Mention("Ada"), "met", Mention("Bea"), SAYS, said)], kg.store, kg.kinds()).claims
    assert claim.qualifiers == (("place", Entity(entity_id("city", "Ulm"), "Ulm", ("city",))), ("year", "1879"))


def test_a_mention_in_a_qualifier_meets_the_other_ends_of_the_batch() -> None:
    ada = Candidate(Mention("Ada", "person"), "knows", Mention("Bea", "person"), SAYS, (("through", Mention("Cid", "thing")),))
    claims = link([ada, candidate(Mention("Cid", "person"), Literal("1"))], graph().store, KINDS).claims
    assert dict(claims[0].qualifiers)["through"] == claims[1].head


def test_a_candidate_whose_qualifier_is_no_name_comes_back_with_the_reason() -> None:
    bad = Candidate(Mention("Ada"), "met", Mention("Bea"), SAYS, (("place", Mention("\x00")),))
    linked = link([bad], graph().store, KINDS)
    assert (linked.claims, linked.unlinked[0].candidate) == ((), bad)
    assert "no visible character" in linked.unlinked[0].why


def test_a_ternary_candidate_becomes_a_fact_of_its_own_for_each_key_qualifier() -> None:
    kg = graph()
    kg.learn([Relation("won", key_qualifiers=("year",), qualifier_kinds=(("place", "city"),), prompts=("{head} won {tail} in {year}",))])
    place = ("place", Mention("Ulm", "city"))
    kg.add([Candidate(Mention("Ada"), "won", Mention("Cup"), SAYS, (("year", year), place)) for year in ("1988", "1993")])
    ulm = kg.entity("Ulm")
    assert {fact.qualifiers for fact in kg.facts(relation="won", status="all")} == {(("place", ulm), ("year", y)) for y in ("1988", "1993")}
    refused = kg.add([Candidate(Mention("Ada"), "won", Mention("Cup"), SAYS, (("place", "Ulm"),))]).receipt.refused
    assert "must be an entity (city)" in refused[0].why


UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MENTIONS = st.builds(Mention, st.sampled_from(["Ada", "ada", "Paris", "Mercury", "x\x00"]), st.sampled_from([*KINDS, "unheard of"]))


@UNTIMED
@given(st.lists(st.builds(candidate, MENTIONS, MENTIONS), max_size=8))
def test_the_same_batch_again_is_linked_alike_and_adds_nothing(candidates: list[Candidate]) -> None:
    kg = graph()
    first = kg.add(candidates)
    again = kg.add(candidates)
    assert (again.receipt.new, again.receipt.merged) == (0, 0)
    assert again.unlinked == first.unlinked
