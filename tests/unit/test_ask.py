"""Asking a small graph in words, without a language model, with an encoder that knows only letters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from kgplatform.errors import BadRequest
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Kind, Literal, Relation, Status
from reasoning.agent.answer import Answer
from reasoning.agent.ask import ask

KINDS = {"place": Kind("place"), "city": Kind("city", "place"), "country": Kind("country", "place"), "person": Kind("person")}
CARDS = {
    card.name: card
    for card in (
        Relation("born in", "The town where the person was born.", ("person",), ("city",), inverse="birthplace of", functional=True),
        Relation("born on", "The day of birth.", ("person",), ("date",), functional=True, prompts=("{head} was born on {tail}",)),
        Relation(
            "located in",
            "The place lies inside the other.",
            ("place",),
            ("place",),
            transitive=True,
            prompts=("{head} is located in {tail}",),
        ),
        Relation("married to", "Spouses.", ("person",), ("person",), symmetric=True, prompts=("{head} was married to {tail}",)),
        Relation("discovered", "Found first.", ("person",), (), inverse="discovered by", prompts=("{head} discovered {tail}",)),
    )
}


def entity(kind: str, name: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


MARIE, PIERRE, PIOTR = (entity("person", name) for name in ("Marie Curie", "Pierre Curie", "Piotr Nowak"))
WARSAW, PARIS = entity("city", "Warsaw"), entity("city", "Paris")
POLAND, FRANCE = entity("country", "Poland"), entity("country", "France")
RADIUM, POLONIUM = entity("element", "radium"), entity("element", "polonium")


def fact(head: Entity, relation: str, tail: Entity | Literal, confidence: float = 0.9) -> Fact:
    key = fact_key(relation, head.id, tail if isinstance(tail, Literal) else tail.id)
    return Fact(key, head, relation, tail, confidence, confidence, methods=("text",))


FACTS = (
    fact(MARIE, "born in", WARSAW),
    fact(PIOTR, "born in", WARSAW),
    fact(PIERRE, "born in", PARIS),
    fact(WARSAW, "located in", POLAND),
    fact(PARIS, "located in", FRANCE),
    fact(MARIE, "married to", PIERRE),
    fact(MARIE, "discovered", RADIUM, 0.8),
    fact(MARIE, "discovered", POLONIUM, 0.95),
    fact(MARIE, "born on", Literal("1867-11-07", "date")),
)


class World:
    def __init__(self, current: Iterable[Fact] = FACTS, predicted: Iterable[Fact] = (), rejected: Iterable[Fact] = ()) -> None:
        self.held: dict[Status, tuple[Fact, ...]] = {
            "current": tuple(current),
            "predicted": tuple(predicted),
            "rejected": tuple(rejected),
        }

    def facts(self, *, status: Status = "current") -> tuple[Fact, ...]:
        return self.held.get(status, ())

    def relations(self) -> dict[str, Relation]:
        return CARDS

    def kinds(self) -> dict[str, Kind]:
        return KINDS


def said(answer: Answer) -> set[str]:
    return {end.name if isinstance(end, Entity) else end.value for end in answer.answers}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("In which city was Marie Curie born?", {"Warsaw"}),
        ("Where was Marie Curie born?", {"Warsaw"}),
        ("When was Marie Curie born?", {"1867-11-07"}),
        ("What did Marie Curie discover?", {"radium", "polonium"}),
        ("Who discovered radium?", {"Marie Curie"}),
        ("Who was Pierre Curie married to?", {"Marie Curie"}),
        ("Who was born in Warsaw?", {"Marie Curie", "Piotr Nowak"}),
        ("Where was the discoverer of radium born?", {"Warsaw"}),
        ("In which country is the city located in which Marie Curie was born?", {"Poland"}),
        ("What did the person married to Pierre Curie discover?", {"radium", "polonium"}),
    ],
)
def test_answers(question: str, expected: set[str]) -> None:
    answer = ask(World(), question, HashingEncoder())
    assert answer.supported
    assert said(answer) == expected
    assert all(name in answer.text for name in expected)


def test_every_answer_comes_with_a_walk_of_facts_from_the_topic() -> None:
    answer = ask(World(), "Where was the discoverer of radium born?", HashingEncoder())
    assert answer.topic == RADIUM
    assert answer.route == ("discovered by", "born in")
    (path,) = answer.paths
    assert [step.fact.key for step in path.steps] == [fact(MARIE, "discovered", RADIUM).key, fact(MARIE, "born in", WARSAW).key]
    assert [step.forward for step in path.steps] == [False, True]
    assert (path.steps[0].start, path.steps[-1].end) == (RADIUM, WARSAW)
    assert 0.0 < answer.confidence <= 0.8 * 0.9


def test_answers_are_ordered_by_belief_with_their_walks() -> None:
    answer = ask(World(), "What did Marie Curie discover?", HashingEncoder())
    assert answer.answers == (POLONIUM, RADIUM)
    assert [path.steps[-1].end for path in answer.paths] == [POLONIUM, RADIUM]


def test_facts_arriving_in_another_order_change_nothing() -> None:
    question = "Where was the discoverer of radium born?"
    assert ask(World(FACTS[::-1]), question, HashingEncoder()) == ask(World(), question, HashingEncoder())


def test_a_name_that_the_graph_lacks_is_said_with_near_ones() -> None:
    answer = ask(World(), "Where was Mario Carey born?", HashingEncoder())
    assert not answer.supported
    assert "Marie Curie" in answer.near
    assert "Marie Curie" in answer.text
    assert (answer.answers, answer.paths) == ((), ())


def test_what_the_graph_does_not_know_is_not_answered() -> None:
    answer = ask(World(), "Which zebra bit Marie Curie?", HashingEncoder())
    assert not answer.supported
    assert answer.topic == MARIE
    assert "born in" in answer.text
    assert answer.answers == ()


def test_an_empty_graph_says_so() -> None:
    answer = ask(World(()), "Who discovered radium?", HashingEncoder())
    assert not answer.supported
    assert "no facts" in answer.text


def test_predicted_facts_are_walked_only_when_asked_and_marked() -> None:
    guess = dataclasses.replace(fact(PIOTR, "married to", MARIE, 0.4), methods=("graph",))
    kg = World(predicted=[guess])
    question = "Who was Marie Curie married to?"
    assert said(ask(kg, question, HashingEncoder())) == {"Pierre Curie"}
    answer = ask(kg, question, HashingEncoder(), predicted=True)
    assert said(answer) == {"Pierre Curie", "Piotr Nowak"}
    assert "Piotr Nowak (predicted)" in answer.text
    assert "Pierre Curie (predicted)" not in answer.text


def test_a_symmetric_relation_is_walked_both_ways_at_once() -> None:
    kg = World((*FACTS, fact(PIERRE, "married to", PIOTR)))
    answer = ask(kg, "Who was Pierre Curie married to?", HashingEncoder())
    assert said(answer) == {"Marie Curie", "Piotr Nowak"}
    assert {(path.steps[0].start, path.steps[0].forward) for path in answer.paths} == {(PIERRE, True), (PIERRE, False)}


def test_rejected_facts_are_never_walked() -> None:
    kg = World(rejected=[fact(PIERRE, "discovered", RADIUM)])
    assert said(ask(kg, "Who discovered radium?", HashingEncoder(), predicted=True)) == {"Marie Curie"}


def test_a_conflict_is_shown_with_both_sides() -> None:
    kg = World((*FACTS, fact(MARIE, "born in", PARIS, 0.5)))
    answer = ask(kg, "In which city was Marie Curie born?", HashingEncoder())
    assert said(answer) == {"Warsaw", "Paris"}
    ((first, second),) = answer.conflicts
    assert {first.tail, second.tail} == {WARSAW, PARIS}
    assert "disagree" in answer.text


def test_a_less_precise_date_is_no_conflict() -> None:
    kg = World((*FACTS, fact(MARIE, "born on", Literal("1867", "date"))))
    answer = ask(kg, "When was Marie Curie born?", HashingEncoder())
    assert said(answer) == {"1867-11-07", "1867"}
    assert answer.conflicts == ()


def test_one_name_of_two_things_is_told() -> None:
    other = Entity(entity_id("city", "Warsaw", "Indiana"), "Warsaw", ("city",))
    kg = World((*FACTS, fact(other, "located in", entity("country", "United States"))))
    answer = ask(kg, "Who was born in Warsaw?", HashingEncoder())
    assert said(answer) == {"Marie Curie", "Piotr Nowak"}
    assert answer.topic == WARSAW
    assert "2 things bear that name" in answer.text


@pytest.mark.parametrize("question", ["", "?", "who", "Marie Curie", "[]", "born " * 400, "Marie Curie \ud800 \x00 born {head}"])
def test_any_text_is_safe(question: str) -> None:
    assert ask(World(), question, HashingEncoder()).text


# --- more than a walk ---

NEON = entity("element", "neon")
WORLD = World(
    (
        *FACTS,
        fact(PIERRE, "discovered", POLONIUM, 0.7),
        fact(PIOTR, "discovered", NEON),
        fact(PIERRE, "born on", Literal("1859-05-15", "date")),
        fact(entity("person", "Wanda Zych"), "born on", Literal("1901", "year")),
        fact(entity("museum", "Museum of Radium"), "located in", POLAND),
        fact(entity("cluster", "NGC"), "number of stars", Literal("3100", "integer")),
        fact(NEON, "class", entity("group", "gas")),
    )
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many elements did Marie Curie discover?", {"2"}),
        ("Who discovered both radium and polonium?", {"Marie Curie"}),
        ("Who discovered radium or neon?", {"Marie Curie", "Piotr Nowak"}),
        ("Who discovered polonium but not radium?", {"Pierre Curie"}),
        ("Who was born in Warsaw and discovered neon?", {"Piotr Nowak"}),
        ("Who was born before 1860?", {"Pierre Curie"}),
        ("Who was born between 1860 and 1870?", {"Marie Curie"}),
        ("Who was born in 1867?", {"Marie Curie"}),
        ("Who is older, Marie Curie or Pierre Curie?", {"Pierre Curie"}),
        ("Who was born first?", {"Pierre Curie"}),
        ("Who discovered the most elements?", {"Marie Curie"}),
        ("Who discovered more than 1 elements?", {"Marie Curie"}),
        ("Which person born in Warsaw discovered radium?", {"Marie Curie"}),
        ("In which year was Marie Curie born?", {"1867"}),
        ("Who was born in Poland?", {"Marie Curie", "Piotr Nowak"}),
        ("Was Marie Curie born in Warsaw?", {"true"}),
        ("Was Marie Curie born in Poland?", {"true"}),
        ("Was Marie Curie born in Paris?", {"false"}),
        ("Was Marie Curie not born in Paris?", {"true"}),
        ("Was Marie Curie born after 1900?", {"false"}),
        ("Is Pierre Curie older than Marie Curie?", {"true"}),
        ("Did Marie Curie discover both radium and polonium?", {"true"}),
        ("Was neither radium nor polonium discovered by Marie Curie?", {"false"}),
        ("Was either neon or radium discovered by Marie Curie?", {"true"}),
        ("Who was born on 7 November 1867?", {"Marie Curie"}),
        ("Who are the two oldest people?", {"Marie Curie", "Pierre Curie"}),
        ("Who are the 2 oldest people?", {"Marie Curie", "Pierre Curie"}),
        ("Which 2 people were born first?", {"Marie Curie", "Pierre Curie"}),
        ("Who is the second oldest person?", {"Marie Curie"}),
        ("Which two people were born first?", {"Marie Curie", "Pierre Curie"}),
        ("Is Warsaw in Poland?", {"true"}),
        ("Which country is Paris in?", {"France"}),
        ("Which cities are in Poland?", {"Warsaw"}),
        ("How many stars does NGC have?", {"3100"}),
        ("What kind of thing is neon?", {"gas"}),
        ("What sorts were discovered by Piotr Nowak?", {"gas"}),
    ],
)
def test_sets_are_put_together(question: str, expected: set[str]) -> None:
    answer = ask(WORLD, question, HashingEncoder())
    assert said(answer) == expected
    assert answer.paths
    assert 0.0 < answer.confidence <= 1.0


@pytest.mark.parametrize(
    "question",
    [
        "Did Marie Curie discover neon?",
        "Was Piotr Nowak married to Marie Curie?",
        "Who discovered both radium and neon?",
        "Is Pierre Curie older than Piotr Nowak?",
        "Who was born after 1950?",
        "How many elements did Warsaw discover?",
        "Which element is the cheapest?",
        "Was Marie Curie taller than Albert Einstein?",
        "Which sickness was discovered by Marie Curie?",
        "Where was radium discovered?",
        "In which month was Wanda Zych born?",
        "Why did Marie Curie discover radium?",
        "When was the discoverer of neon born?",
        "Who discovered the second most elements?",
        "Which element has the oldest discoverer?",
        "Who is the oldest plumber?",
        "Which women were born in Warsaw?",
        "Who is older, Pierre Curie or Piotr Nowak?",
        "When was the dog of Marie Curie born?",
        "Where was Marie Curie's daughter born?",
    ],
)
def test_absence_is_no_answer(question: str) -> None:
    answer = ask(WORLD, question, HashingEncoder())
    assert not answer.supported, answer.text
    assert (answer.answers, answer.paths, answer.confidence) == ((), (), 0.0)
    assert "graph" in answer.text


def test_a_set_rests_on_the_walks_of_all_its_conditions() -> None:
    answer = ask(WORLD, "Who discovered both radium and polonium?", HashingEncoder())
    assert {step.fact.tail for path in answer.paths for step in path.steps} == {RADIUM, POLONIUM}
    assert answer.confidence <= 0.8


def test_a_count_names_what_it_counts() -> None:
    answer = ask(WORLD, "How many elements did Marie Curie discover?", HashingEncoder())
    assert set(answer.members) == {RADIUM, POLONIUM}
    assert "radium" in answer.text
    assert len(answer.paths) == 2


def test_a_relation_may_be_called_by_no_word() -> None:
    arrow = fact(MARIE, "->", WARSAW)
    assert said(ask(World((*FACTS, arrow)), "Who discovered radium?", HashingEncoder())) == {"Marie Curie"}


def test_an_id_that_a_name_cannot_mean_is_told() -> None:
    with pytest.raises(BadRequest, match="person:nobody"):
        ask(WORLD, "Where was Curie born?", HashingEncoder(), means=["person:nobody"])


def test_what_is_second_is_no_surer_than_what_is_first() -> None:
    doubted = World((*FACTS, fact(PIERRE, "born on", Literal("1859-05-15", "date"), 0.6)))
    answer = ask(doubted, "Who is the second oldest person?", HashingEncoder())
    assert said(answer) == {"Marie Curie"}
    assert answer.confidence <= 0.6
    assert {step.fact.head for path in answer.paths for step in path.steps} == {MARIE, PIERRE}


def test_the_first_of_several_are_told_in_their_order() -> None:
    answer = ask(WORLD, "Who are the two oldest people?", HashingEncoder())
    assert answer.answers == (PIERRE, MARIE)
    assert "1859-05-15, 1867-11-07" in answer.text


def test_all_of_a_kind_are_counted() -> None:
    assert said(ask(WORLD, "How many elements are there?", HashingEncoder())) == {"3"}


def test_all_of_a_kind_but_some_rests_on_no_walk_and_is_not_sure() -> None:
    answer = ask(WORLD, "Which elements were not discovered by Marie Curie?", HashingEncoder())
    assert (answer.answers, answer.paths) == ((NEON,), ())
    assert answer.confidence <= 0.5


def test_an_answer_is_as_sure_as_what_is_least_sure_of_it() -> None:
    answer = ask(World(), "What did Marie Curie discover?", HashingEncoder())
    assert answer.answers == (POLONIUM, RADIUM)
    assert answer.confidence <= 0.8


def test_yes_is_as_sure_as_its_fact_where_no_other_walk_can_be_meant() -> None:
    answer = ask(World(), "Was Pierre Curie born in Paris?", HashingEncoder())
    assert answer.confidence > 0.8


def test_what_is_left_out_is_said_to_be_what_the_graph_says() -> None:
    assert "as far as the graph says" in ask(WORLD, "Who discovered polonium but not radium?", HashingEncoder()).text


def test_a_name_of_two_that_answer_otherwise_is_not_guessed() -> None:
    answer = ask(WORLD, "Where was Curie born?", HashingEncoder())
    assert not answer.supported
    assert [one.name for one in answer.choices] == ["Marie Curie", "Pierre Curie"]


@pytest.mark.parametrize(
    "name", ["marie curie", "Marie Curei", "Mariee Curie", "marie curi", "MARIE CURIE", "Nowak", "nowak", "Novak", "P. Nowak"]
)
def test_names_are_found_however_they_are_written(name: str) -> None:
    assert said(ask(WORLD, f"where was {name} born?" if name.islower() else f"Where was {name} born?", HashingEncoder())) == {"Warsaw"}


@pytest.mark.parametrize("question", ["Who discovered raduim, the element?", "the element rdaium was discovered by who"])
def test_a_misspelt_name_goes_before_a_common_word_that_is_a_name_too(question: str) -> None:
    common = fact(entity("thing", "element"), "located in", entity("thing", "the element"))
    assert said(ask(World((*FACTS, common)), question, HashingEncoder())) == {"Marie Curie"}


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("When did Albert Einstein discover radium?", "Albert Einstein"),
        ("Wo wurde Marie Curie geboren", "English"),
        ("born " * 2_000, "10,000 characters"),
        ("Who discovered Marie Curie'}) DETACH DELETE (n) //", "DETACH DELETE"),
        ("Who discovered <script>alert(1)</script>?", "names nothing"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(question: str, told: str) -> None:
    answer = ask(WORLD, question, HashingEncoder())
    assert not answer.supported
    assert told in answer.text
    assert "\n" not in answer.text
