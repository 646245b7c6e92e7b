"""Cards made from what a graph holds: seeds that people accepted, kinds, and a first prompt from the name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvest.bertnet.firstprompt import first_prompt
from harvest.bertnet.fromgraph import card_from_graph
from kgplatform.cardform import SLOT, check
from kgplatform.errors import BadRequest, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, Evidence, Kind, Literal, Relation, Source, SourceId

CITIES = [(f"City {letter}", f"Land {letter}") for letter in "ABCDEFGHIJKL"]


def told(score: float = 3.0) -> Evidence:
    return Evidence("text", Source(SourceId("doc:1"), "document"), score)


def end(kind: str, name: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


def graph(pairs: Iterable[tuple[str, str]] = CITIES, relation: str = "capital of") -> KnowledgeGraph:
    """A graph with these facts, the later ones believed more."""
    kg = KnowledgeGraph(MemoryStore())
    kg.learn(kinds=[Kind("thing"), Kind("place", "thing"), Kind("city", "place"), Kind("country", "place")])
    kg.put([Claim(end("city", head), relation, end("country", tail), (told(1 + n / 10),)) for n, (head, tail) in enumerate(pairs)])
    return kg


def test_a_relation_of_the_graph_becomes_a_card() -> None:
    made = card_from_graph(graph(), "capital of")
    assert (made.card.domain, made.card.range, made.card.functional) == (("city",), ("country",), False)
    assert made.card.prompts == ("{head} is the capital of {tail}",)
    assert made.card.seeds == tuple(reversed(CITIES[4:]))
    assert (made.facts, made.accepted) == (12, 0)


def test_what_people_accepted_goes_before_what_is_believed() -> None:
    kg = graph()
    kg.accept("City A | capital of | Land A")
    one = card_from_graph(kg, "capital of")
    assert (one.card.seeds[0], len(one.card.seeds), one.accepted) == (CITIES[0], 8, 1)
    kg.accept("City B | capital of | Land B")
    two = card_from_graph(kg, "capital of")
    assert (set(two.card.seeds), two.accepted) == (set(CITIES[:2]), 2)


def test_seeds_have_distinct_ends_and_rejected_facts_are_none() -> None:
    kg = graph([("a", "x"), ("a", "y"), ("b", "y"), ("c", "z"), ("d", "d")])
    kg.reject("c | capital of | z")
    made = card_from_graph(kg, "capital of")
    assert made.card.seeds == (("b", "y"), ("a", "x"))
    assert made.card.prompts == ("{head} is a capital of {tail}",)
    assert not made.card.functional


def test_that_there_is_one_tail_only_is_suggested_and_not_written() -> None:
    made = card_from_graph(graph(CITIES[:10]), "capital of")
    assert made.hint == "looks functional: 10 heads, each with one tail; add functional: true if that is a rule"
    assert not made.card.functional


@pytest.mark.parametrize("pairs", [CITIES[:9], [*CITIES, ("City A", "Land B")]])
def test_few_facts_or_a_second_tail_suggest_nothing(pairs: list[tuple[str, str]]) -> None:
    assert card_from_graph(graph(pairs), "capital of").hint == ""


def test_what_the_graphs_card_says_is_a_rule_is_not_suggested() -> None:
    kg = graph()
    kg.learn([Relation("capital of", functional=True)])
    made = card_from_graph(kg, "capital of")
    assert (made.card.functional, made.hint) == (True, "")


def test_kinds_are_the_narrowest_that_most_facts_have() -> None:
    kg = graph(CITIES[:3])
    kg.put([Claim(end("place", "Somewhere"), "capital of", end("thing", name), (told(),)) for name in ("X", "Y", "Z", "Q")])
    card = card_from_graph(kg, "capital of").card
    assert (card.domain, card.range) == (("place",), ())


def test_values_make_a_datatype() -> None:
    kg = KnowledgeGraph(MemoryStore())
    kg.put([Claim(end("person", name), "born on", Literal(f"18{name}0-01-01", "date"), (told(),)) for name in "123"])
    card = card_from_graph(kg, "born on").card
    assert (card.range, card.prompts) == (("date",), ("{head} was born on {tail}",))
    assert ("1", "1810-01-01") in card.seeds
    kg.learn([card])


def test_what_the_graphs_card_says_stays_and_wider_seeds_have_their_qualifiers() -> None:
    kg = KnowledgeGraph(MemoryStore())
    known = Relation("won", "Got a prize.", ("human",), key_qualifiers=("year",), prompts=("{head} won {tail} in {year}",))
    kg.learn([known])
    kg.put([Claim(end("person", name), "won", end("prize", f"Cup {name}"), (told(),), (("year", f"190{name}"),)) for name in "12"])
    kg.put([Claim(end("person", "Nameless"), "won", end("prize", "Cup"), (told(9.0),))])
    card = card_from_graph(kg, "won").card
    assert set(card.seeds) == {("1", "Cup 1", "1901"), ("2", "Cup 2", "1902")}
    assert (card.definition, card.domain, card.range, card.prompts) == (known.definition, ("human",), ("prize",), known.prompts)
    kg.learn([card])


def test_seeds_of_a_symmetric_relation_are_not_given_twice() -> None:
    kg = KnowledgeGraph(MemoryStore())
    kg.learn([Relation("married to", symmetric=True, functional=True, prompts=("{head} is married to {tail}",))])
    pairs = [("a", "b"), ("b", "c"), ("c", "d"), ("e", "f")]
    kg.put([Claim(end("person", one), "married to", end("person", other), (told(),)) for one, other in pairs])
    check(card_from_graph(kg, "married to").card)


def test_what_cannot_be_a_card_is_said() -> None:
    with pytest.raises(NotFound, match="no relation 'capitol of'; near it: capital of"):
        card_from_graph(graph(), "capitol of")
    with pytest.raises(NotFound, match="near it: capital of"):
        card_from_graph(graph(), "CAPITAL_OF")
    with pytest.raises(BadRequest, match="1 fact, of which 1 can be a seed, of 'capital of': a card needs at least 2"):
        card_from_graph(graph(CITIES[:1]), "capital of")
    with pytest.raises(BadRequest, match="2 facts, of which 1 can be a seed"):
        card_from_graph(graph([("a", "x"), ("a", "y")]), "capital of")


PAIRS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=16)


@given(PAIRS, st.booleans(), st.booleans())
def test_a_card_from_a_graph_always_passes_the_checks_of_one_from_a_file(pairs: list[tuple[str, str]], one: bool, turned: bool) -> None:
    kg = graph(())
    kg.learn([Relation("near", functional=one, inverse_functional=one, symmetric=turned)])
    kg.put([Claim(end("city", head), "near", end("city", tail), (told(),)) for head, tail in pairs])
    try:
        card = card_from_graph(kg, "near").card
    except BadRequest as error:
        assert "a card needs at least 2" in str(error)
        return
    check(card)
    assert all(count == 1 for place in range(2) for count in Counter(seed[place] for seed in card.seeds).values())


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("capital of", "{head} is a capital of {tail}"),
        ("side effect of", "{head} is a side effect of {tail}"),
        ("author of", "{head} is an author of {tail}"),
        ("part of", "{head} is part of {tail}"),
        ("born in", "{head} was born in {tail}"),
        ("located in", "{head} is located in {tail}"),
        ("located in the administrative unit", "{head} is located in the administrative unit {tail}"),
        ("directed_by", "{head} was directed by {tail}"),
        ("died in", "{head} died in {tail}"),
        ("worked at", "{head} worked at {tail}"),
        ("received", "{head} received {tail}"),
        ("composed of", "{head} is composed of {tail}"),
        ("consists of", "{head} consists of {tail}"),
        ("has part", "{head} has part {tail}"),
        ("IS_A", "{head} is a {tail}"),
        ("USED_FOR", "{head} is used for {tail}"),
        ("Caused By", "{head} is caused by {tail}"),
        ("birthPlace", "The birth place of {head} is {tail}"),
        ("/people/person/place_of_birth", "The place of birth of {head} is {tail}"),
        ("official language", "The official language of {head} is {tail}"),
        ("treats", "{head} treats {tail}"),
        ("P19", "{head} P19 {tail}"),
        ("{tail}", "{head} tail {tail}"),
        ("{}", "{head} goes with {tail}"),
    ],
)
def test_a_first_prompt_reads_as_a_sentence(name: str, prompt: str) -> None:
    assert first_prompt(name) == prompt


def test_where_each_tail_has_one_head_it_is_the_one() -> None:
    assert first_prompt("capital of", one=True) == "{head} is the capital of {tail}"


@given(st.text(max_size=30))
def test_any_name_gives_a_prompt_with_both_slots(name: str) -> None:
    assert sorted(SLOT.findall(first_prompt(name))) == ["head", "tail"]
