"""The demo's world, and how facts are judged by it."""

from __future__ import annotations

import pytest

from harvest import shipped
from kgplatform.literals import canonical
from kgplatform.names import fact_key, normalise
from kgplatform.types import Entity, EntityId, Fact, Literal
from ui.demo import world
from ui.demo.world import Tally, Triple, tally

GOLD = world.gold()
CARDS = shipped.relations()


def fact(head: str, relation: str, tail: str | Literal) -> Fact:
    end = tail if isinstance(tail, Literal) else Entity(EntityId(tail), tail)
    return Fact(fact_key(relation, head, tail), Entity(EntityId(head), head), relation, end, 0.9, 0.9)


def test_the_world_is_large_enough_to_judge_by() -> None:
    values = {name for name, card in CARDS.items() if set(card.range) & {"date", "year", "integer"}}
    heads = {head for head, _, _ in GOLD.stated}
    tails = {tail for _, relation, tail in GOLD.stated if relation not in values}
    assert len(GOLD.stated) >= 60
    assert len(heads | tails) >= 80
    assert len({relation for _, relation, _ in GOLD.stated}) >= 6
    assert len(list(world.TEXTS.glob("*.txt"))) >= 10
    assert GOLD.stated < GOLD.true


def test_every_listed_fact_is_of_a_shipped_card_and_names_its_text() -> None:
    texts = {path.name for path in world.TEXTS.glob("*.txt")}
    for head, relation, tail, where in world._rows("gold.tsv"):
        assert relation in CARDS, relation
        assert where == "world" or where in texts, where
        assert head != tail


@pytest.mark.parametrize("relation", [name for name, card in CARDS.items() if set(card.range) & {"date", "year", "integer"}])
def test_listed_values_are_in_canonical_form(relation: str) -> None:
    (wanted,) = CARDS[relation].range
    listed = [tail for _, name, tail in GOLD.true if name == relation]
    assert [canonical(tail, wanted) for tail in listed] == listed


def test_what_a_text_is_listed_to_state_stands_in_it() -> None:
    """Both names, or the last word of a name, are in the text; values are written in many ways."""
    texts = {path.name: normalise(path.read_text("utf-8")) for path in world.TEXTS.glob("*.txt")}
    for head, relation, tail, where in world._rows("gold.tsv"):
        ends = [head] if set(CARDS[relation].range) & {"date", "year", "integer"} else [head, tail]
        for end in ends:
            assert where == "world" or normalise(end).split()[-1] in texts[where], (end, where)


def test_every_question_has_answers_among_the_facts() -> None:
    ends = {end for head, _, tail in GOLD.true for end in (head, tail)}
    assert len(world.questions()) >= world.QUESTIONS_SHOWN
    for question, answers in world.questions():
        assert question.endswith("?")
        assert answers
        assert answers <= ends, answers - ends


def test_what_memory_is_asked_for_has_cards_and_listed_answers() -> None:
    for name in world.FROM_MEMORY:
        assert not set(CARDS[name].range) & {"date", "year", "integer"}
        assert [one for one in GOLD.true if one[1] == name]


MARRIED: Triple = ("ada", "married to", "bea")
BORN: Triple = ("ada", "born in", "ulm")
SYMMETRIC = frozenset({"married to"})


@pytest.mark.parametrize(
    ("facts", "expected", "true", "result"),
    [
        ([], set(), set(), Tally(0, 0, 0, 0)),
        ([], {BORN}, {BORN}, Tally(0, 0, 1, 0)),
        ([fact("Ada", "born in", "Ulm")], {BORN}, {BORN}, Tally(1, 1, 1, 1)),
        ([fact("Ada", "born in", "Ulm"), fact(" ADA ", "born in", "ulm")], {BORN}, {BORN}, Tally(1, 1, 1, 1)),
        ([fact("Ada", "born in", "Ulm")], set(), {BORN}, Tally(1, 1, 0, 0)),
        ([fact("Ulm", "born in", "Ada")], {BORN}, {BORN}, Tally(1, 0, 1, 0)),
        ([fact("Bea", "married to", "Ada")], {MARRIED, BORN}, {MARRIED, BORN}, Tally(1, 1, 2, 1)),
        ([fact("Ada", "born on", Literal("1867", "date"))], {("ada", "born on", "1867")}, {("ada", "born on", "1867")}, Tally(1, 1, 1, 1)),
    ],
)
def test_tally(facts: list[Fact], expected: set[Triple], true: set[Triple], result: Tally) -> None:
    assert tally(facts, frozenset(expected), frozenset(true), SYMMETRIC) == result


def test_nothing_found_and_nothing_expected_divide_by_nothing() -> None:
    assert (Tally(0, 0, 0, 0).precision, Tally(0, 0, 0, 0).recall) == (0.0, 0.0)
    assert (Tally(4, 3, 8, 2).precision, Tally(4, 3, 8, 2).recall) == (0.75, 0.25)
