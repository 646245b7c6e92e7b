"""What somebody might like, as a person asks for it in a browser; a real recommender says so, learned by a real worker."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("pyarrow")

from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Runner, Task, Work
from kgplatform.store import local
from reasoning.recommend.beside import Beside
from tests.ui import films, world
from tests.ui.conftest import Server, Visit, start
from ui.wire import interactions

GRAPH = "films"
"""The graph with interactions beside it."""
Open = Callable[..., Visit]


def kg(home: Path, *words: str) -> None:
    """One command, as a person types it."""
    env = {**os.environ, "KG_HOME": str(home), "KG_GRAPH": GRAPH, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-m", "ui.cli.main", *words, "--quiet"], env=env, check=True, timeout=600)


@pytest.fixture(scope="module")
def seen(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Beside:
    """Who saw what, and what was learned from it."""
    with KnowledgeGraph(local.open_store(home, GRAPH)) as graph:
        films.fill(graph)
    kg(home, "interactions", "add", str(films.write(tmp_path_factory.mktemp("films") / "seen")))
    kg(home, "interactions", "learn", "--model", "itemknn")
    return Beside(interactions(home, GRAPH))


@pytest.fixture(scope="module")
def recommending(home: Path, seen: Beside) -> Iterator[Server]:
    server = start(home, GRAPH).wait_until_open()
    yield server
    server.end()


@pytest.fixture
def page(visit: Callable[[str], Visit], recommending: Server, ledger: Ledger) -> Open:
    def go(after: str = "") -> Visit:
        tab = visit(f"{recommending.address}/recommend{after}")
        expect(tab.page.get_by_role("textbox", name="User")).to_be_visible()
        return tab

    return go


def shown(tab: Visit) -> Locator:
    """The items that are recommended."""
    return tab.page.locator(".st-key-recommended button.row")


def names(tab: Visit) -> list[str]:
    return tab.page.locator(".st-key-recommended button.row .main").all_text_contents()


def test_without_interactions_it_says_how_to_add_some(visit: Callable[[str], Visit], page_server: Server) -> None:
    tab = visit(f"{page_server.address}/recommend")
    expect(tab.page.get_by_role("heading", name="Nobody has taken anything yet")).to_be_visible()
    expect(tab.page.get_by_text("kg interactions add FILE")).to_be_visible()
    assert tab.errors == []


def test_a_user_is_found_by_the_beginning_of_the_id_and_gets_what_those_alike_have(page: Open) -> None:
    tab = page()
    expect(tab.page.get_by_role("heading", name="What might they like?")).to_be_visible()
    field = tab.page.get_by_role("textbox", name="User")
    field.fill("t")
    field.press("Enter")
    users = tab.page.locator(".st-key-users button")
    expect(users).to_have_text([f"t{number}" for number in range(films.LIKERS)])
    users.get_by_text("t0", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"/recommend\?user=t0$"))
    expect(tab.page.get_by_role("heading", name="For t0")).to_be_visible()
    expect(shown(tab).first).to_contain_text(re.compile("Spirited Away|Porco Rosso"))
    expect(shown(tab).first).to_contain_text(re.compile(r"taken by \d"))
    assert "Psycho" not in names(tab), "t0 has seen it"
    assert tab.errors == []


def test_a_user_who_is_not_there_is_said_to_be_none(page: Open) -> None:
    tab = page("?user=nobody")
    expect(tab.page.get_by_role("alert").filter(has_text="no interaction is of a user called 'nobody'")).to_be_visible()
    expect(tab.page.get_by_text("No user has an id that begins like that.")).to_have_count(0)
    field = tab.page.get_by_role("textbox", name="User")
    field.fill("zz")
    field.press("Enter")
    expect(tab.page.get_by_text("No user has an id that begins like that.")).to_be_visible()
    expect(tab.page.get_by_role("heading", name="What might they like?")).to_be_visible()


def test_a_basket_is_filled_by_names_and_emptied(page: Open) -> None:
    tab = page()
    search = tab.page.get_by_role("textbox", name="Items that they have")
    for words, name in (("ponyo", "Ponyo"), ("princess", "Princess Mononoke")):
        search.fill(words)
        search.press("Enter")
        tab.page.locator(".st-key-asking button.row", has_text=name).click()
        expect(tab.page.locator(".st-key-basket").get_by_role("button", name=name)).to_be_visible()
        expect(search).to_have_value("")
    expect(tab.page).to_have_url(re.compile(r"/recommend\?item=f08&item=f07$"))
    expect(tab.page.get_by_role("heading", name="For somebody")).to_be_visible()
    expect(shown(tab)).to_have_count(17)  # of 19, without these two; an empty list is one that is being drawn
    for name in ("Ponyo", "Princess Mononoke"):
        expect(shown(tab).filter(has_text=name)).to_have_count(0)
    assert {*names(tab)[:5]} == {*films.MADE["Hayao Miyazaki"], "Psycho"} - {"Ponyo", "Princess Mononoke"}, "all users have seen Psycho"
    tab.page.locator(".st-key-basket").get_by_role("button", name="Ponyo").click()
    expect(shown(tab).filter(has_text="Ponyo")).to_have_count(1)
    expect(tab.page).to_have_url(re.compile(r"/recommend\?item=f07$"))


def test_sliders_and_a_condition_change_what_is_recommended(page: Open) -> None:
    tab = page("?item=f08&item=f07")
    expect(tab.page.get_by_role("heading", name="For somebody")).to_be_visible()
    expect(shown(tab)).to_have_count(17)
    before = names(tab)
    tab.page.get_by_role("slider", name="Unlike each other").press("End")
    expect(tab.page.locator(".st-key-recommended button.row .main").nth(1)).not_to_have_text(before[1])
    tab.page.get_by_role("slider", name="Unlike each other").press("Home")
    expect(tab.page.locator(".st-key-recommended button.row .main")).to_have_text(before)
    condition = tab.page.get_by_role("textbox", name="Condition")
    condition.fill("item.name STARTS WITH 'R'")
    condition.press("Enter")
    expect(shown(tab)).to_have_count(4)
    assert set(names(tab)) == {"Rear Window", "Rope", "Rashomon", "Ran"}
    condition.fill("item.name = ")
    condition.press("Enter")
    expect(tab.page.locator(".st-key-recommended").get_by_role("alert")).to_be_visible()
    expect(tab.page.get_by_text("Traceback")).to_have_count(0)
    condition.fill("false")
    condition.press("Enter")
    expect(tab.page.get_by_text("There is nothing to recommend")).to_be_visible()
    assert tab.errors == []


def test_an_item_leads_to_its_entity_in_explore(page: Open) -> None:
    tab = page("?user=h0")
    tab.page.get_by_role("link", name="Vertigo in the graph").click()
    expect(tab.page).to_have_url(re.compile(r"/explore\?q="))
    expect(tab.panel.get_by_role("heading", name="Vertigo")).to_be_visible()


def test_what_speaks_for_an_item_is_drawn_and_told_with_what_it_is_worth(page: Open) -> None:
    tab = page("?user=h0")
    expect(tab.page.get_by_text("Choose an item to see what in the graph speaks for it.")).to_be_visible()
    shown(tab).filter(has_text="Vertigo").click()
    expect(tab.page).to_have_url(re.compile(r"user=h0&why=f00$"))
    expect(tab.page.get_by_role("heading", name="Why Vertigo")).to_be_visible()
    ways = tab.page.locator(".way")
    expect(ways).to_have_count(2)
    first, second = ways.nth(0), ways.nth(1)
    expect(first).to_contain_text("1. Through San Francisco")
    expect(first).to_contain_text("The Birds filmed in San Francisco")
    expect(first.locator("blockquote").first).to_have_text("He shot Vertigo and The Birds around San Francisco.")
    expect(first).to_contain_text(re.compile(r"Without The Birds it would (still )?be number \d"))
    expect(second).to_contain_text("Through Alfred Hitchcock")
    places = tab.places()
    assert {"e:work:vertigo", "e:work:the_birds", "e:city:san_francisco"} <= places["nodes"].keys()
    tab.click("edges", "filmed in|work:vertigo|city:san_francisco")
    expect(tab.page.get_by_text("Before any evidence")).to_be_visible()
    first.get_by_role("link").first.click()
    expect(tab.page).to_have_url(re.compile(r"/explore\?q="))
    expect(tab.panel.get_by_text("The Birds — filmed in → San Francisco")).to_be_visible()
    assert tab.errors == []


def test_an_item_that_the_graph_does_not_link_says_so(page: Open) -> None:
    expect(page("?user=h0&why=f18").page.get_by_text("Nothing in the graph links it to what they have")).to_be_visible()
    tab = page("?user=h0&why=nosuch")
    expect(tab.page.locator(".st-key-why").get_by_role("alert")).to_contain_text("no item has the id 'nosuch'")
    expect(shown(tab).first).to_be_visible()


def test_hostile_names_are_shown_as_they_are(page: Open) -> None:
    for asked in ("%3Cb%3E", "h0&item=%3Cimg%20src=x%20onerror=alert(5)%3E"):
        tab = page(f"?user={asked}")
        expect(tab.page.locator(".st-key-recommended").get_by_role("alert")).to_contain_text("<")
        assert tab.dialogs == []
    tab = page("?user=h0")
    expect(shown(tab).filter(has_text=world.HOSTILE)).to_be_visible()
    expect(shown(tab).filter(has_text=films.MARKS)).to_be_visible()
    shown(tab).filter(has_text=world.HOSTILE).click()
    expect(tab.page.get_by_role("heading", name=f"Why {world.HOSTILE}")).to_be_visible()
    tab = page("?item=f16&why=f17")
    expect(tab.page.locator(".way")).to_contain_text(f"{world.HOSTILE} directed by Akira Kurosawa")
    assert tab.places()["nodes"]
    tab = page("?item=f17&item=f18")
    for name in (world.HOSTILE, films.MARKS.partition(" :")[0]):
        expect(tab.page.locator(".st-key-basket").get_by_role("button", name=name)).to_be_visible()
    expect(tab.page.locator("main img, main script, main b")).to_have_count(0)
    assert tab.dialogs == []
    assert tab.errors == []


def test_the_data_are_looked_at_when_somebody_opens_them(page: Open) -> None:
    tab = page()
    expect(tab.page.locator(".st-key-asking .knows")).to_contain_text("itemknn, learned ")
    expect(tab.page.locator(".st-key-asking")).to_contain_text("of 24 by which it was chosen")
    expect(tab.page.get_by_text("items a user")).to_have_count(0)
    tab.page.get_by_text("The data", exact=True).click()
    expect(tab.page.get_by_text("items a user")).to_be_visible()
    expect(tab.page.locator(".st-key-asking .doubt")).to_contain_text("1 of 25 users took one item only")


def test_a_recommender_is_learned_by_a_worker_and_asked_at_once(page: Open, home: Path, seen: Beside) -> None:
    seen.recommender.unlink()
    tab = page("?user=h0")
    expect(tab.page.get_by_role("heading", name="Nothing has been learned yet")).to_be_visible()
    tab.page.get_by_role("combobox", name="Recommender").click()
    tab.page.get_by_role("option", name="itemknn").click()
    tab.page.get_by_role("button", name="Learn", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"job=\w+"))
    expect(tab.page.locator(".st-key-recommended .job .tag").first).to_have_text("queued")
    kg(home, "worker", "--until-idle")
    expect(tab.page.locator(".st-key-recommended .job .tag").first).to_have_text("done")
    expect(tab.page.get_by_text("It is learned")).to_be_visible()
    tab.page.get_by_role("button", name="Close").click()
    expect(shown(tab).first).to_contain_text("Vertigo")
    expect(tab.page).to_have_url(re.compile(r"/recommend\?user=h0$"))
    assert tab.errors == []


def test_how_well_the_model_at_hand_learns_is_drawn(page: Open, ledger: Ledger) -> None:
    def learning(work: Work, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del arguments
        for name, epoch, ndcg in (("bpr", 1, 0.6), ("lightgcn", 1, 0.2), ("lightgcn", 2, 0.4)):
            work.log(f"{name}, epoch {epoch} of 2: NDCG {ndcg} of the watched interactions")
        return {}

    job = ledger.submit(Task("interactions learn", {}, GRAPH))
    Runner(ledger, {"interactions learn": learning}).work(until_idle=True)
    tab = page(f"?job={job.id}")
    expect(tab.page.get_by_alt_text("NDCG while learning")).to_be_visible()
    expect(tab.page.locator(".curve")).to_contain_text("NDCG of watched interactions by lightgcn: 0.400 at look 2, best 0.400")


def test_an_address_of_another_job_says_so(page: Open, ledger: Ledger) -> None:
    other = ledger.submit(Task("import", {}, GRAPH))
    expect(page(f"?job={other.id}").page.get_by_text("learns no recommender")).to_be_visible()
    expect(page("?job=nosuchjob").page.get_by_text("there is no job 'nosuchjob'")).to_be_visible()
