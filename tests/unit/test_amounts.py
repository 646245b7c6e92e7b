"""Asking about numbers and ages in a world whose things are of one kind and lead to each other."""

from __future__ import annotations

import pytest

from kgplatform.lm.scripted import HashingEncoder
from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Literal, Relation, in_words
from reasoning.agent.ask import Guide

CARDS = {
    card.name: card
    for card in (
        Relation("stars", "Stars given.", ("package",), ("integer",), functional=True, prompts=("{head} has {tail} stars",)),
        Relation("released in", "The year.", ("package",), ("year",), functional=True, prompts=("{head} was released in {tail}",)),
        Relation("written in", "The language.", ("package",), ("language",), prompts=("{head} is written in {tail}",)),
        Relation("depends on", "A package that another needs.", ("package",), ("package",), prompts=("{head} depends on {tail}",)),
        Relation("made by", "The author.", ("package",), ("person",), inverse="maker of", prompts=("{head} was made by {tail}",)),
    )
}
# "Rust" and "moon" are ordinary words, too.
ROWS = (
    ("Tarnwick", "30000", "2014", "Rust", "", "Ann Lee"),
    ("Quillbase", "9000", "2016", "Rust", "Tarnwick", "Bob Ray"),
    ("Driftnet", "2000", "2021", "moon", "Quillbase", "Ann Lee"),
)


def facts() -> list[Fact]:
    def fact(head: str, relation: str, tail: Entity | Literal) -> Fact:
        own = entity("package", head)
        return Fact(fact_key(relation, own.id, tail if isinstance(tail, Literal) else tail.id), own, relation, tail, 0.9, 0.9)

    found = []
    for name, stars, year, language, needs, maker in ROWS:
        found += [fact(name, "stars", Literal(stars, "integer")), fact(name, "released in", Literal(year, "year"))]
        found += [fact(name, "written in", entity("language", language)), fact(name, "made by", entity("person", maker))]
        found += [fact(name, "depends on", entity("package", needs))] if needs else []
    return found


def entity(kind: str, name: str) -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


@pytest.fixture(scope="module")
def guide() -> Guide:
    return Guide(facts(), CARDS, {}, HashingEncoder())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Which package has the most stars?", "Tarnwick"),
        ("Which packages have more than 5000 stars?", "Quillbase|Tarnwick"),
        ("Which packages have fewer stars than Quillbase?", "Driftnet"),
        ("Does Driftnet have more stars than Tarnwick?", "false"),
        ("Which is older, Quillbase or Tarnwick?", "Tarnwick"),
        ("Which packages were released after 2015?", "Driftnet|Quillbase"),
        ("Which packages does Driftnet depend on?", "Quillbase"),
        ("Which packages were made by Ann Lee and are written in Rust?", "Tarnwick"),
        ("Which Rust packages were not made by Ann Lee?", "Quillbase"),
    ],
)
def test_a_kind_is_no_relation_and_an_amount_no_set(guide: Guide, question: str, expected: str) -> None:
    answer = guide.answer(question)
    assert "|".join(sorted(map(in_words, answer.answers))) == expected, answer.text


@pytest.mark.parametrize("question", ["Which packages were released before 1990?", "Which package has more than 90000 stars?"])
def test_a_number_of_another_relation_is_no_answer(guide: Guide, question: str) -> None:
    assert not guide.answer(question).supported
