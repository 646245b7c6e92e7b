"""Asking graphs that are shaped oddly: hubs, loops, cycles, islands, and names that are no words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kgplatform.errors import BadRequest
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.types import Entity, EntityId, Fact, FactKey, in_words
from reasoning.agent.ask import SUPPORT, Guide

HUB = 100_000


def thing(name: str) -> Entity:
    return Entity(EntityId(name), name)


def facts(*rows: tuple[str, str, str]) -> list[Fact]:
    return [Fact(FactKey("|".join(row)), thing(row[0]), row[1], thing(row[2]), 0.9, 0.9) for row in rows]


@pytest.fixture(scope="module")
def odd() -> Guide:
    rows = [
        ("Ann", "taught", "Ann"),
        ("Ann", "taught", "Bob"),
        ("Bob", "taught", "Carl"),
        ("Carl", "taught", "Ann"),
        ("Island", "near", "Islet"),
        ("Ann", "`}) DETACH DELETE (n) //", "Dora"),
        ("Ann", "{head} % \\ 🙂", "Eve"),
    ]
    return Guide(facts(*rows), {}, {}, HashingEncoder())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Whom did Ann teach?", {"Ann", "Bob"}),
        ("Who taught Ann?", {"Carl"}),
        ("What is near Island?", {"Islet"}),
    ],
)
def test_loops_and_cycles_end(odd: Guide, question: str, expected: set[str]) -> None:
    assert set(map(in_words, odd.answer(question).answers)) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Does Ann know Island?",
        "Who knows both Ann and Islet?",
        "Wer, qui, 谁 knows whom près de Tokio?",
        "Who is `}) DETACH DELETE (n) // of Ann?",
        "What {head} % \\ 🙂 has Ann?",
        "knows",
    ],
)
def test_what_is_apart_or_no_language_is_told_in_a_sentence(odd: Guide, question: str) -> None:
    answer = odd.answer(question)
    assert answer.text
    assert "\n" not in answer.text
    assert {in_words(end) for end in answer.answers} <= {"Dora", "Eve"}


@pytest.mark.exhaustive
def test_a_hub_with_a_hundred_thousand_neighbours_is_counted_and_told_shortly() -> None:
    rows = [(f"Person {number}", "born in", "Hub City") for number in range(HUB)]
    guide = Guide(facts(*rows), {}, {}, HashingEncoder())
    count = guide.answer("How many people were born in Hub City?")
    assert [in_words(end) for end in count.answers] == [str(HUB)]
    assert len(count.paths) == SUPPORT
    listed = guide.answer("Who was born in Hub City?")
    assert len(listed.answers) == HUB
    assert len(listed.text) < 1_000


@pytest.mark.parametrize("turned", [str.lower, str.title])
def test_kinds_are_words_however_they_are_written(turned: Callable[[str], str]) -> None:
    marie, warsaw, poland, france = (
        Entity(EntityId(name), name, (turned(kind),))
        for name, kind in (("Marie", "person"), ("Warsaw", "city"), ("Poland", "country"), ("France", "country"))
    )
    rows = [(marie, "born in", warsaw), (poland, "borders", france)]
    guide = Guide([Fact(FactKey(relation), head, relation, tail, 0.9, 0.9) for head, relation, tail in rows], {}, {}, HashingEncoder())
    assert not guide.answer("In which country was Marie born?").answers
    assert [in_words(end) for end in guide.answer("In which city was Marie born?").answers] == ["Warsaw"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What type of film is Heat?", {"thriller"}),
        ("What topics is Heat about?", {"robbery", "Los Angeles"}),
        ("Which films are about robbery?", {"Heat", "Rififi"}),
        ("Who directed Heat?", {"Michael Mann"}),
    ],
)
def test_classes_and_topics_are_asked_for_whatever_their_relation_is_called(question: str, expected: set[str]) -> None:
    rows = [
        ("Heat", "has_genre", "thriller"),
        ("Heat", "has_tags", "robbery"),
        ("Heat", "has_tags", "Los Angeles"),
        ("Rififi", "has_tags", "robbery"),
        ("Rififi", "has_genre", "drama"),
        ("Heat", "directed_by", "Michael Mann"),
    ]
    assert set(map(in_words, Guide(facts(*rows), {}, {}, HashingEncoder()).answer(question).answers)) == expected


@pytest.fixture(scope="module")
def awarded() -> Guide:
    prizes = [
        Entity(EntityId(name), name, ("award",)) for name in ("Ghent Prize in Physics", "Ghent Prize for Peace", "Lund Prize in Music")
    ]
    ann, bob, eve = (Entity(EntityId(name), name, ("person",)) for name in ("Ann", "Bob", "Eve"))
    rows = [(ann, prizes[0]), (bob, prizes[1]), (eve, prizes[2])]
    return Guide([Fact(FactKey(head.id), head, "received", tail, 0.9, 0.9) for head, tail in rows], {}, {}, HashingEncoder())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who received a Ghent Prize?", {"Ann", "Bob"}),
        ("How many people received a Ghent Prize?", {"2"}),
        ("Has Bob received a Ghent Prize?", {"true"}),
        ("Who received a Ghent Prize in Physics?", {"Ann"}),
        ("Who received a Lund Prize?", set()),
        ("Who received the Ghent Prize?", set()),
    ],
)
def test_any_of_several_that_are_called_alike_may_be_asked_for(awarded: Guide, question: str, expected: set[str]) -> None:
    answer = awarded.answer(question)
    assert set(map(in_words, answer.answers)) == expected
    assert ("any of Ghent Prize for Peace, Ghent Prize in Physics" in answer.text) == ("a Ghent Prize?" in question)


def test_what_asks_for_any_of_several_is_no_mark(awarded: Guide) -> None:
    with pytest.raises(BadRequest, match="any of several"):
        awarded.mark("Who received a Ghent Prize?")


@pytest.mark.parametrize(
    ("relation", "question", "expected"),
    [
        ("likes", "Who likes Carl?", "Bob"),
        ("likes", "Whom does Carl like?", "Anna"),
        ("supervises", "Who supervises Carl?", "Bob"),
        ("supervises", "Who is supervised by Carl?", "Anna"),
        ("influenced", "Who influenced Carl?", "Bob"),
        ("influenced", "Who was influenced by Carl?", "Anna"),
    ],
)
def test_the_words_alone_tell_who_does_it_to_whom(relation: str, question: str, expected: str) -> None:
    rows = [("Bob", relation, "Carl"), ("Carl", relation, "Anna"), ("Anna", relation, "Dora"), ("Dora", relation, "Bob")]
    assert [in_words(end) for end in Guide(facts(*rows), {}, {}, HashingEncoder()).answer(question).answers] == [expected]
