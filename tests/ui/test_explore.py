"""Explore, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, expect

from kgplatform.graph import KnowledgeGraph
from tests.ui import world
from tests.ui.conftest import Server, Visit

Open = Callable[[str], Visit]
BORN = "born in|person:marie_curie|city:warsaw"


@pytest.fixture
def explore(visit: Open, page_server: Server) -> Open:
    """Opens the page at an entity."""
    return lambda name: visit(f"{page_server.address}/explore?q={quote(name)}")


def test_search_finds_an_entity_and_draws_its_graph(visit: Open, page_server: Server) -> None:
    tab = visit(page_server.address)
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill("becq")
    search.press("Enter")
    tab.page.locator("button.row", has_text="Henri Becquerel").click()
    expect(tab.panel.get_by_role("heading", name="Henri Becquerel")).to_be_visible()
    expect(tab.page).to_have_url(f"{page_server.address}/explore?q=Henri+Becquerel")
    places = tab.places()
    assert "e:award:nobel_prize_in_physics" in places["nodes"]
    assert "received|person:henri_becquerel|award:nobel_prize_in_physics" in places["edges"]


def test_a_search_without_result_says_so(explore: Open) -> None:
    tab = explore("Paris")
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill("zzzzqqqq")
    search.press("Enter")
    expect(tab.page.get_by_text("Nothing in this graph has a name like that.")).to_be_visible()


def test_a_link_opens_its_entity_by_name_alias_or_id(explore: Open) -> None:
    for name in ("Sorbonne", "University of Paris", "university:sorbonne"):
        tab = explore(name)
        expect(tab.panel.get_by_role("heading", name="Sorbonne")).to_be_visible()
        assert "e:university:sorbonne" in tab.places()["nodes"]


def test_a_link_to_nothing_is_answered_in_a_sentence(explore: Open) -> None:
    tab = explore("Nobody *Known*")
    expect(tab.page.get_by_role("alert").filter(has_text="Nobody *Known*")).to_be_visible()
    expect(tab.page.get_by_text("Traceback")).to_have_count(0)


def test_the_page_tells_which_graph_it_shows(explore: Open, kg: KnowledgeGraph) -> None:
    tab = explore("Paris")
    sidebar = tab.page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text(kg.store.address)).to_be_visible()
    expect(sidebar.get_by_text(f"{len(kg.facts(status='all'))} facts")).to_be_visible()


def test_a_click_on_a_node_changes_the_panel_and_moves_nothing(explore: Open) -> None:
    tab = explore("Marie Curie")
    before = tab.places()
    tab.click("nodes", "e:person:pierre_curie")
    expect(tab.panel.get_by_role("heading", name="Pierre Curie")).to_be_visible()
    expect(tab.row("Nobel Prize in Physics")).to_be_visible()
    assert tab.places() == before


def test_a_click_on_an_edge_shows_its_evidence(explore: Open) -> None:
    tab = explore("Marie Curie")
    tab.click("edges", BORN)
    expect(tab.panel.get_by_text("Marie Curie — born in → Warsaw")).to_be_visible()
    expect(tab.panel.get_by_text(world.QUOTE)).to_be_visible()
    expect(tab.panel.locator("mark.head")).to_have_text("Marie Curie")
    expect(tab.panel.locator("mark.tail")).to_have_text("Warsaw")
    for words in ("imported, harvested", "Radium and polonium", "smollm2-135m@1", "characters 120–", "Before any evidence", "99.8 %"):
        expect(tab.panel.get_by_text(words).first).to_be_visible()
    expect(tab.row("Marie Curie → Paris")).to_be_visible()


def test_a_double_click_adds_the_neighbours_and_leaves_the_rest_in_place(explore: Open) -> None:
    tab = explore("Marie Curie")
    before = tab.places()
    assert "e:country:poland" not in before["nodes"]
    tab.page.mouse.dblclick(*before["nodes"]["e:city:warsaw"])
    expect(tab.panel.get_by_role("heading", name="Warsaw")).to_be_visible()
    tab.wait_for_node("e:country:poland")
    places = tab.places()
    assert before["nodes"].keys() < places["nodes"].keys()


def test_a_value_leads_to_its_fact(explore: Open) -> None:
    tab = explore("Polonium")
    tab.click("nodes", "v:atomic number|element:polonium|=integer:::84")
    expect(tab.panel.get_by_text("Polonium — atomic number → 84")).to_be_visible()


def test_a_row_of_the_panel_leads_to_its_fact_and_back(explore: Open) -> None:
    tab = explore("Marie Curie")
    tab.row("1867-11-07").click()
    expect(tab.panel.get_by_text("Marie Curie — born on → 1867-11-07")).to_be_visible()
    tab.panel.get_by_role("button", name="Back to Marie Curie").click()
    expect(tab.panel.get_by_role("heading", name="Marie Curie")).to_be_visible()


def test_reject_and_accept_change_the_store(explore: Open, kg: KnowledgeGraph) -> None:
    key = "founded by|organisation:radium_institute|person:marie_curie"
    tab = explore("Radium Institute")
    tab.row("founded by").click()
    tab.panel.get_by_role("textbox", name="Reason").fill("It was the university and Pasteur's.")
    tab.panel.get_by_role("button", name="Reject").click()
    expect(tab.panel.locator(".tag").get_by_text("rejected by me")).to_be_visible()
    expect(tab.panel.locator(".reason").get_by_text("It was the university and Pasteur's.")).to_be_visible()
    expect(tab.panel.locator(".history li.rejected")).to_contain_text("by me: It was the university and Pasteur's.")
    assert kg.fact(key).verdict == "rejected"
    assert key not in tab.places()["edges"]
    tab.panel.get_by_role("button", name="Accept").click()
    expect(tab.panel.locator(".tag").get_by_text("accepted by me")).to_be_visible()
    assert kg.fact(key).verdict == "accepted"
    assert kg.fact(key).confidence > 0.99


def test_filters_hide_and_show(explore: Open) -> None:
    tab = explore("Henri Becquerel")
    assert {key.split("|")[0] for key in tab.places()["edges"]} == {"received", "worked at"}
    tab.page.get_by_test_id("stSidebar").get_by_role("button", name="proposed").click()
    expect(tab.row("born in")).to_be_visible()
    assert {key.split("|")[0] for key in tab.places()["edges"]} == {"received", "worked at", "born in"}
    tab.page.get_by_test_id("stButtonGroup").first.get_by_role("button", name="predicted").click()
    expect(tab.row("received")).to_have_count(0)
    assert {key.split("|")[0] for key in tab.places()["edges"]} == {"worked at"}


def _lower(slider: Locator, to: str) -> None:
    """By one; what is pressed while the page is drawn anew may be lost."""
    slider.press("ArrowLeft")
    try:
        expect(slider).to_have_value(to, timeout=5_000)
    except AssertionError:
        slider.press("ArrowLeft")
        expect(slider).to_have_value(to)


def test_the_relation_and_confidence_filters(explore: Open) -> None:
    tab = explore("Pierre Curie")
    sidebar = tab.page.get_by_test_id("stSidebar")
    expect(tab.row("worked at")).to_be_visible()
    slider = sidebar.get_by_role("slider")
    slider.press("End")
    for percent in ("99", "98", "97", "96"):
        _lower(slider, percent)
    expect(tab.row("worked at")).to_have_count(0)
    expect(tab.row("received")).to_be_visible()
    slider.press("Home")
    expect(tab.row("worked at")).to_be_visible()
    sidebar.get_by_role("combobox").click()
    tab.page.get_by_role("option", name="married to").click()
    expect(tab.row("worked at")).to_have_count(0)
    assert {key.split("|")[0] for key in tab.places()["edges"]} == {"married to"}


def test_the_table_holds_the_same_facts(explore: Open) -> None:
    tab = explore("Irène Joliot-Curie")
    edges = tab.places()["edges"]
    tab.page.get_by_role("tab", name="Table").click()
    table = tab.page.get_by_test_id("stDataFrameResizable")
    expect(table.locator("[role=grid]")).to_have_attribute("aria-rowcount", str(len(edges) + 1))
    cells = table.locator("[role=gridcell]").all_text_contents()
    assert {"child of", "born in", "Marie Curie", "Pierre Curie", "Paris"} <= set(cells)
    table.click(position={"x": 17, "y": 35 + 17})
    expect(tab.panel.get_by_text("Irène Joliot-Curie — child of → Marie Curie")).to_be_visible()


def test_hostile_words_are_only_words(explore: Open) -> None:
    tab = explore("person:mallory")
    expect(tab.panel.get_by_role("heading", name=world.HOSTILE)).to_be_visible()
    node = tab.places()["nodes"]["e:person:mallory"]
    tab.page.mouse.move(*node)
    expect(tab.page.locator(".vis-tooltip")).to_contain_text(world.HOSTILE)
    tab.row("Warsaw").click()
    expect(tab.panel.locator("blockquote")).to_have_text(world.HOSTILE)
    expect(tab.panel.locator(".source").filter(has_text=world.HOSTILE)).to_be_visible()
    search = tab.page.get_by_role("textbox", name="Search")
    search.fill(world.HOSTILE)
    search.press("Enter")
    expect(tab.page.locator("button.row .main", has_text=world.HOSTILE)).to_be_visible()
    expect(tab.page.locator("img[src=x]")).to_have_count(0)
    assert tab.dialogs == []
    assert tab.errors == []


def test_nothing_is_fetched_from_elsewhere(explore: Open, page_server: Server) -> None:
    tab = explore("Marie Curie")
    tab.click("edges", BORN)
    expect(tab.panel.get_by_text("Before any evidence")).to_be_visible()
    assert tab.hosts - {""} == {f"127.0.0.1:{page_server.port}"}


def test_an_empty_graph_tells_how_to_fill_it(visit: Open, bare_server: Server) -> None:
    tab = visit(bare_server.address)
    for command in ("kg demo", "kg import FILE", "kg harvest documents PATH"):
        expect(tab.page.get_by_text(command)).to_be_visible()


def test_a_server_that_is_away_is_told_in_a_sentence(visit: Open, served: Callable[..., Server], tmp_path: Path) -> None:
    server = served(tmp_path, uri="bolt://127.0.0.1:1").wait_until_open()
    tab = visit(server.address)
    expect(tab.page.get_by_role("alert").filter(has_text="127.0.0.1:1")).to_be_visible()
    expect(tab.page.get_by_text("Traceback")).to_have_count(0)


def test_the_page_outlives_its_graph_server(explore: Open, home: Path) -> None:
    from kgplatform.store import server

    tab = explore("Paris")
    expect(tab.row("France")).to_be_visible()
    assert server.stop(home)
    tab.row("France").click()
    expect(tab.panel.get_by_text("Paris — capital of → France")).to_be_visible()
