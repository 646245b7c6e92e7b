"""How evidence is told: escaped, marked, and in words."""

from __future__ import annotations

import re

import pytest

from kgplatform.opening import connect
from kgplatform.types import Claim
from tests.ui import world
from ui import evidence, graph_view, rows
from ui.graph_view import Picture, percent
from ui.markdown import plain


def test_the_words_of_head_and_tail_are_marked_in_any_case() -> None:
    marked = evidence.highlighted("MARIE CURIE came from Warsaw.", "Marie Curie", "Warsaw")
    assert marked == '<mark class="head">MARIE CURIE</mark> came from <mark class="tail">Warsaw</mark>.'


def test_of_two_that_overlap_the_longer_is_marked() -> None:
    marked = evidence.highlighted("New York City", "York", "New York City")
    assert marked == '<mark class="tail">New York City</mark>'


@pytest.mark.parametrize("words", ["", "<b>", "script", "&", "a|b(", '"'])
def test_nothing_of_a_quote_is_markup(words: str) -> None:
    quote = f'{world.HOSTILE} & <b>a|b(</b> "'
    marked = evidence.highlighted(quote, words, "alert")
    without_marks = re.sub(r'<mark class="(head|tail)">|</mark>', "", marked)
    assert "<" not in without_marks
    assert '"' not in without_marks


def test_a_page_about_hostile_facts_has_none_of_their_markup() -> None:
    with connect("memory") as kg:
        world.fill(kg)
        explanation = kg.explain("born in|person:mallory|city:warsaw")
        html = evidence.statement(explanation.fact) + evidence.why(explanation) + evidence.portrait(world.MALLORY)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;") >= 4


@pytest.mark.parametrize(
    ("confidence", "shown"),
    [(1.0, "> 99.9 %"), (0.9996, "> 99.9 %"), (0.998, "99.8 %"), (0.65, "65 %"), (0.004, "0.4 %"), (1e-9, "< 0.1 %")],
)
def test_percentages_never_claim_certainty(confidence: float, shown: str) -> None:
    assert percent(confidence) == shown


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (0.01, "hardly matters"),
        (0.7, "speaks slightly for it (odds × 2.0)"),
        (-3.0, "speaks strongly against it (odds ÷ 20.1)"),
        (16.0, "settles it, for the fact"),
    ],
)
def test_weights_are_told_strength(weight: float, words: str) -> None:
    assert evidence.strength(weight) == words


def test_markdown_signs_are_escaped() -> None:
    assert plain("*a* [b](c) <d>") == r"\*a\* \[b\]\(c\) \<d\>"


def test_a_picture_holds_every_fact_once_and_bends_twins_apart() -> None:
    with connect("memory") as kg:
        world.fill(kg)
        kg.put([Claim(world.MARIE, "worked with", world.PIERRE, (world.imported(),))])
        facts = kg.neighbours(world.MARIE.id)
    net = graph_view.network(Picture(facts, world.MARIE.id, [world.MARIE.id]))
    assert sorted(edge["id"] for edge in net.edges) == sorted(fact.key for fact in facts)
    twins = [edge["smooth"]["roundness"] for edge in net.edges if "e:person:pierre_curie" in (edge["from"], edge["to"])]
    assert len(set(twins)) == 2


def test_predicted_and_rejected_facts_are_dashed() -> None:
    with connect("memory") as kg:
        world.fill(kg)
        predicted = kg.fact("worked at|person:pierre_curie|university:sorbonne")
        imported = kg.fact("received|person:pierre_curie|award:nobel_prize_in_physics")
        rejected = kg.reject(imported)
    assert graph_view.line(predicted).dashes
    assert not graph_view.line(imported).dashes
    assert graph_view.line(rejected).dashes
    assert graph_view.standing(rejected) == "rejected"


@pytest.mark.parametrize("state", [{}, {"pick": None}, {"pick": "node"}, {"pick": {"what": "node"}}, {"pick": {"what": "node", "id": 7}}])
def test_a_malformed_click_is_no_click(state: dict[str, object]) -> None:
    assert graph_view.picked(state) == ("", "")


def test_a_row_reads_from_the_side_of_its_entity() -> None:
    with connect("memory") as kg:
        world.fill(kg)
        fact = kg.fact("discovered by|element:polonium|person:marie_curie")
    assert (rows.of_fact(fact, world.POLONIUM.id).lead, rows.of_fact(fact, world.POLONIUM.id).main) == ("discovered by", "Marie Curie")
    assert (rows.of_fact(fact, world.MARIE.id).lead, rows.of_fact(fact, world.MARIE.id).main) == ("← discovered by", "Polonium")
