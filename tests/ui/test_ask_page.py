"""A question on the page: the answer, its walk with the evidence, what may be meant, and what the graph does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

pytest.importorskip("sentence_transformers")

from kgplatform.graph import KnowledgeGraph
from kgplatform.store import local
from kgplatform.types import Claim
from reasoning.agent.marks import Marks
from tests.conftest import weights_home
from tests.ui import world
from tests.ui.conftest import Server, Visit, start
from ui.wire import marks

GRAPH = "asked"
ENCODER = "minilm"
Open = Callable[..., Visit]
pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def asked(home: Path) -> Iterator[KnowledgeGraph]:
    (home / "models").mkdir(exist_ok=True)
    (home / "models" / ENCODER).symlink_to(weights_home() / ENCODER, target_is_directory=True)
    with KnowledgeGraph(local.open_store(home, GRAPH)) as kg:
        world.fill(kg)
        yield kg
    (home / "models" / ENCODER).unlink()


@pytest.fixture(scope="module")
def answering(home: Path, asked: KnowledgeGraph) -> Iterator[Server]:
    server = start(home, GRAPH).wait_until_open()
    yield server
    server.end()


@pytest.fixture
def page(visit: Callable[[str], Visit], answering: Server) -> Open:
    def go(question: str = "", after: str = "") -> Visit:
        tab = visit(f"{answering.address}/ask" + (f"?q={quote(question)}{after}" if question else ""))
        expect(tab.page.get_by_role("textbox", name="Question")).to_be_visible()
        return tab

    return go


def ask(tab: Visit, question: str) -> None:
    box = tab.page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")


def test_a_question_is_answered_with_its_walk_and_the_evidence(page: Open) -> None:
    tab = page()
    expect(tab.page.get_by_role("heading", name="Ask this graph something")).to_be_visible()
    ask(tab, "Which country is polonium named after?")
    expect(tab.page.locator(".answer")).to_contain_text("Poland")
    expect(tab.page.locator(".way blockquote")).to_contain_text("Polonium is named after Poland.")
    expect(tab.page.locator(".way")).to_contain_text("The Radium Institute")
    assert "q=Which+country" in tab.page.url or "q=Which%20country" in tab.page.url
    fact = next(iter(tab.places()["edges"]))
    tab.click("edges", fact)
    expect(tab.page.locator(".st-key-walk .reason").first).to_be_visible()
    assert (tab.errors, tab.dialogs) == ([], [])


def test_an_address_asks_its_question(page: Open) -> None:
    tab = page("Which country is polonium named after?")
    expect(tab.page.locator(".answer")).to_contain_text("Poland")
    expect(tab.page.get_by_role("textbox", name="Question")).to_have_value("Which country is polonium named after?")
    tab.page.locator(".st-key-answers").get_by_role("link", name="Poland").click()
    tab.page.wait_for_url("**/explore?q=*")


def test_an_example_is_one_that_the_graph_answers(page: Open) -> None:
    tab = page()
    tab.page.locator(".st-key-examples").get_by_role("button").first.click()
    expect(tab.page.locator(".answer .big")).to_be_visible()


def test_a_name_of_two_who_answer_otherwise_is_chosen(page: Open, asked: KnowledgeGraph) -> None:
    asked.put([Claim(world.PIERRE, "born in", world.entity("city", "Lyon"), (world.imported(0.97),))])
    tab = page("Where was Curie born?")
    expect(tab.page.locator(".answer")).to_contain_text("Say which")
    tab.page.locator(".st-key-choices button.row").filter(has_text="Pierre Curie").click()
    expect(tab.page.locator(".answer")).to_contain_text("Lyon")
    assert "means=" in tab.page.url


def test_what_the_graph_lacks_is_said_and_near_names_are_offered(page: Open) -> None:
    tab = page("Where was Henry Bekerel born?")
    expect(tab.page.locator(".answer")).to_be_visible()
    ask(tab, "Where was Barack Obama born?")
    expect(tab.page.locator(".answer")).to_contain_text("nothing called Barack Obama")
    expect(tab.page.locator(".answer .big")).to_have_count(0)


def test_both_sides_of_a_conflict_are_shown(page: Open) -> None:
    tab = page("Where was Marie Curie born?")
    expect(tab.page.get_by_role("heading", name="Not all of this can be true")).to_be_visible()
    expect(tab.page.locator(".st-key-conflicting button.row")).to_have_count(2)


def test_predicted_facts_are_walked_only_when_somebody_says_so(page: Open) -> None:
    tab = page("Where did Henri Becquerel work?")
    expect(tab.page.locator(".answer")).not_to_contain_text("Sorbonne")
    tab.page.get_by_text("Walk over predicted facts too").click()
    expect(tab.page.locator(".answer")).to_contain_text("Sorbonne")
    assert "predicted=1" in tab.page.url


def test_a_person_says_what_is_right_and_it_is_kept_for_the_command_too(page: Open, home: Path) -> None:
    kept = Marks(marks(home, GRAPH))
    before = len(kept.read())
    tab = page("Which country is polonium named after?")
    tab.page.get_by_role("button", name="Wrong").click()
    name = tab.page.get_by_role("textbox", name="Another name")
    name.fill("Atlantis")
    name.press("Enter")
    expect(tab.page.get_by_text("no walk of at most three facts leads from Polonium to just Atlantis")).to_be_visible()
    name.fill("France; Poland")
    name.press("Enter")
    expect(tab.page.get_by_text(f"Kept: {before + 1} answer")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Right")).to_have_count(0)  # it is said once
    assert len(kept.read()) == before + 1 and (tab.errors, tab.dialogs) == ([], [])


def test_a_person_says_that_an_answer_is_right(page: Open, home: Path) -> None:
    kept = Marks(marks(home, GRAPH))
    before = len(kept.read())
    tab = page("What is polonium named after?")
    tab.page.get_by_role("button", name="Right").click()
    expect(tab.page.get_by_text(f"Kept: {before + 1} answer")).to_be_visible()
    last = kept.read()[-1]
    assert ("named after",) in [last.routes[one] for one in last.right]
    tab.wait_until_drawn()
    tab.page.get_by_role("button", name="Undo").click()
    expect(tab.page.get_by_role("button", name="Right")).to_be_visible()  # it can be said anew
    assert len(kept.read()) == before


def test_what_was_taken_back_elsewhere_is_taken_back_here_too(page: Open, home: Path) -> None:
    tab = page("Who discovered polonium?")
    tab.page.get_by_role("button", name="Right").click()
    expect(tab.page.get_by_text("Kept:")).to_be_visible()
    tab.wait_until_drawn()
    Marks(marks(home, GRAPH)).drop("Who discovered polonium?")
    tab.page.get_by_role("button", name="Undo").click()
    expect(tab.page.get_by_role("button", name="Right")).to_be_visible()
    expect(tab.page.get_by_text("nothing was said to be right")).to_have_count(0)
    assert (tab.errors, tab.dialogs) == ([], [])


def test_hostile_words_are_only_words(page: Open) -> None:
    tab = page(f"Where was {world.HOSTILE} born?")
    expect(tab.page.locator(".answer")).to_be_visible()
    ask(tab, "Who was born in Warsaw?")
    expect(tab.page.locator(".answer")).to_contain_text(world.HOSTILE)
    expect(tab.page.locator("main img, main script")).to_have_count(0)
    assert (tab.errors, tab.dialogs) == ([], [])


def test_what_is_written_meanwhile_is_walked(page: Open, asked: KnowledgeGraph) -> None:
    tab = page("Which award did Irène Joliot-Curie receive?")
    expect(tab.page.locator(".answer")).not_to_contain_text("Chemistry")
    asked.put([Claim(world.IRENE, "received", world.entity("award", "Nobel Prize in Chemistry"), (world.imported(0.97),))])
    ask(tab, "Which award did Irène Joliot-Curie receive??")
    expect(tab.page.locator(".answer")).to_contain_text("Nobel Prize in Chemistry")
