"""Questions cut into clauses with one topic each, and what is said to be done with them."""

from __future__ import annotations

import re

import pytest

from reasoning.agent.phrases import Slot
from reasoning.agent.plan import Plan, plan

KINDS = frozenset(("elements", "element", "people", "prizes", "city"))


def planned(marked: str) -> Plan:
    """The plan of a question whose names and values stand in brackets."""
    slots, text = [], ""
    for piece in re.split(r"(\[[^\]]+\])", marked):
        if piece.startswith("["):
            slots.append(Slot(len(text), len(text) + len(piece) - 2, piece[1].isdigit()))
        text += piece.strip("[]")
    return plan(text, slots, lambda words: words == "named after", lambda noun: noun in KINDS)


def clauses(marked: str) -> list[str]:
    """Each clause with its slot's number for its topic; ``-`` stands before a denied one, ``|`` before one that "or" joins."""
    found = planned(marked).clauses
    signs = [("-" if one.negative else "") + ("|" if one.union else "") for one in found]
    return [f"{sign}{one.text.replace('…', str(one.slot))}" for sign, one in zip(signs, found, strict=True)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who discovered both [polonium] and [radium]?", ["Who discovered 0", "Who discovered 1"]),
        ("Which elements did both [Ann] and [Bob] discover?", ["Which elements did 0 discover", "Which elements did 1 discover"]),
        (
            "Which elements were discovered by [Ann] and named after [Bob]?",
            ["Which elements were discovered by 0", "which elements named after 1"],
        ),
        (
            "Which elements named after [Bob] were discovered by [Ann]?",
            ["Which elements named after 0", "which elements were discovered by 1"],
        ),
        (
            "Which elements were discovered in [1898] by [Ann]?",
            ["Which elements were discovered in 0", "which elements were discovered by 1"],
        ),
        ("Which students of [Ann] were students of [Bob]?", ["Which students of 0", "which were students of 1"]),
        ("Which of [Ann]'s students did not discover [radium]?", ["Which of 0's students", "-which discover 1"]),
        ("Who discovered [radium] but not [polonium]?", ["Who discovered 0", "-Who discovered 1"]),
        ("Which elements were not discovered by [Ann]?", ["-Which elements were discovered by 0"]),
        ("Which elements did neither [Ann] nor [Bob] discover?", ["-Which elements did 0 discover", "-|Which elements did 1 discover"]),
        ("Which prizes did [Ann] receive that [Bob] didn't receive?", ["Which prizes did 0 receive", "-which prizes 1 did receive"]),
        ("Who was born in [Rome] or discovered [radium]?", ["Who was born in 0", "|who discovered 1"]),
        ("Who taught [Ann] or [Bob]?", ["Who taught 0", "|Who taught 1"]),
        ("Which teachers do [Ann] and [Bob] share?", ["Which teachers do 0", "Which teachers do 1"]),
        ("Which [Roman] people were not taught by [Ann]?", ["Which people of 0", "-which people were taught by 1"]),
    ],
)
def test_a_question_is_cut_into_walks(question: str, expected: list[str]) -> None:
    assert clauses(question) == expected


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("How many elements did [Ann] discover?", "which elements did 0 discover"),
        ("What is the number of elements discovered by [Ann]?", "which elements discovered by 0"),
        ("Count the elements discovered by [Ann].", "which elements discovered by 0"),
        ("In how many cities did [Ann] work?", "In which cities did 0 work"),
    ],
)
def test_counting_is_seen(question: str, clause: str) -> None:
    assert planned(question).form == "count"
    assert clauses(question) == [clause]


@pytest.mark.parametrize(
    ("question", "compare", "about"),
    [
        ("Which elements were discovered before [1900]?", "<", ""),
        ("Which elements were discovered since [1900]?", ">=", ""),
        ("Which people are older than [Ann]?", "<", "born"),
        ("Which elements have an atomic number greater than [98]?", ">", ""),
        ("Which elements have an atomic number of at least [98]?", ">=", ""),
        ("Which elements were discovered in [1900]?", "=", ""),
        ("Which elements are named after [Ann]?", "=", ""),
        ("Which elements have more isotopes than [Ann]?", ">", "isotopes"),
    ],
)
def test_comparisons_are_seen(question: str, compare: str, about: str) -> None:
    (clause,) = planned(question).clauses
    assert (clause.compare, clause.about) == (compare, about)


def test_between_two_values_is_one_condition() -> None:
    (clause,) = planned("Which elements were discovered between [1860] and [1863]?").clauses
    assert (clause.slot, clause.until, clause.compare) == (0, 1, "=")


@pytest.mark.parametrize(
    ("question", "highest", "scale", "noun", "attribute"),
    [
        ("Which element was discovered first?", False, "date", "", "… was discovered"),
        ("Which element has the largest atomic number?", True, "number", "", "… has the atomic number"),
        ("Who is the oldest student of [Ann]?", False, "date", "", "… is the student of"),
        ("Who discovered the most elements?", True, "count", "elements", "which elements … discovered the"),
        ("Who had the fewest students?", False, "count", "students", "which students of …"),
    ],
)
def test_superlatives_are_seen(question: str, highest: bool, scale: str, noun: str, attribute: str) -> None:
    found = planned(question)
    assert found.extreme is not None
    assert (found.extreme.highest, found.extreme.scale, found.extreme.noun) == (highest, scale, noun)
    assert found.attribute == attribute


def test_more_than_a_number_of_things_is_counted() -> None:
    found = planned("Who discovered more than [5] elements?")
    assert found.extreme is not None
    assert (found.extreme.scale, found.extreme.noun, found.extreme.compare, found.extreme.slot) == ("count", "elements", ">", 0)
    assert found.clauses == ()


@pytest.mark.parametrize("question", ["Who is older, [Ann] or [Bob]?", "Which was discovered first, [krypton] or [gallium]?"])
def test_a_choice_is_seen(question: str) -> None:
    assert planned(question).form == "choice"


@pytest.mark.parametrize(
    ("question", "clause", "targets", "compare"),
    [
        ("Was [Ann] born in [Rome]?", "Was 0 born in", (1,), "="),
        ("Did [Ann] discover both [radium] and [polonium]?", "Did 0 discover", (1, 2), "="),
        ("Is [Ann] older than [Bob]?", "Is 0", (1,), "<"),
        ("Was [Ann] born after [1900]?", "Was 0 born", (1,), ">"),
        ("Wasn't [Ann] born in [Rome]?", "Was 0 born in", (1,), "="),
    ],
)
def test_yes_or_no_is_seen(question: str, clause: str, targets: tuple[int, ...], compare: str) -> None:
    found = planned(question)
    assert (found.form, clauses(question)[0].lstrip("-"), found.targets, found.compare) == ("truth", clause, targets, compare)


@pytest.mark.parametrize(
    "question", ["Who discovered [radium]?", "Can you name an element discovered by [Ann]?", "List the elements discovered by [Ann]"]
)
def test_a_walk_stays_a_walk(question: str) -> None:
    assert planned(question).simple


@pytest.mark.parametrize(
    "question", ["", "?", "and or not", "[Ann]", "[1900]", "[Ann] [Bob] [Carl]", "between [1] and", "than [Ann] most", "how many"]
)
def test_any_words_are_safe(question: str) -> None:
    assert planned(question).form
