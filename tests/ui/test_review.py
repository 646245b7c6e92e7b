"""Review, as a person uses it: mostly without the mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from kgplatform import derivation
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Claim, Evidence, FactKey
from tests.ui import world
from tests.ui.conftest import Server, Visit, start

Open = Callable[[], Visit]
MARIE_PARIS = "born in|person:marie_curie|city:paris"
QUOTE = "Marie Curie lived in Paris, where many thought her born."
SUPPORT = FactKey("worked at|person:marie_curie|university:sorbonne")
WAITING = [
    "Paris — capital of → Poland",
    "Marie Curie — born in → Paris",
    f"{world.HOSTILE} — knows → Paris",
    "Pierre Curie — worked at → Sorbonne",
]


@pytest.fixture(scope="session")
def waiting(home: Path) -> Iterator[KnowledgeGraph]:
    """Four facts wait, in this order: WAITING; and two things may be others."""
    from kgplatform.store import local

    predicted = Evidence("graph", world.PREDICTOR, 2.9, model="complex@1", detail=derivation.detail("5f2c", [SUPPORT]))
    with KnowledgeGraph(local.open_store(home, "waiting")) as graph:
        world.learn(graph)
        graph.put([claim for claim in world.claims() if claim.head == world.MARIE and claim.tail in (world.WARSAW, world.SORBONNE)])
        graph.put(
            [
                Claim(world.PARIS, "capital of", world.POLAND, (Evidence("memory", world.MEMORY, 0.95),)),
                Claim(world.MARIE, "born in", world.PARIS, (world.read(QUOTE, "Marie Curie", "Paris", 0.5),)),
                Claim(world.MALLORY, "knows", world.PARIS, (world.read(world.HOSTILE, "alert", "script", 0.1, world.HOSTILE_DOCUMENT),)),
                Claim(world.PIERRE, "worked at", world.SORBONNE, (predicted,)),
                *(
                    Claim(world.entity("person", name), "received", world.NOBEL, (world.imported(),))
                    for name in ("M. Curie", world.HOSTILE)
                ),
            ]
        )
        yield graph


@pytest.fixture(scope="session")
def review_server(home: Path, waiting: KnowledgeGraph) -> Iterator[Server]:
    server = start(home, "waiting").wait_until_open()
    yield server
    server.end()


@pytest.fixture
def review(visit: Callable[[str], Visit], review_server: Server, waiting: KnowledgeGraph) -> Iterator[Open]:
    """Opens the page; what was judged is as before after the test."""

    def go() -> Visit:
        tab = visit(f"{review_server.address}/review")
        shows(tab, 0)
        return tab

    yield go
    for made in waiting.merges():
        if not made.undone:
            waiting.undo(made)
    for person in {fact.judge for fact in waiting.facts(status="all") if fact.judge}:
        waiting.forget(person)


def statement(tab: Visit) -> Locator:
    return tab.page.locator(".st-key-fact .statement")


def shows(tab: Visit, place: int) -> None:
    expect(statement(tab)).to_have_text(WAITING[place])
    expect(tab.page.locator(".progress")).to_contain_text(f"{place + 1} of 4")


def button(tab: Visit, name: str) -> Locator:
    return tab.page.locator(".keys").get_by_role("button", name=name)


def ready(tab: Visit) -> None:
    """Until the page takes keys."""
    expect(tab.page.locator(".keys:not(.sent) button").first).to_be_visible()


def press(tab: Visit, key: str) -> None:
    ready(tab)
    tab.page.keyboard.press(key)


def test_the_keys_lead_through_what_waits_the_least_certain_first(review: Open) -> None:
    tab = review()
    expect(button(tab, "Back")).to_be_disabled()
    for key, place in (("j", 1), ("n", 2), ("j", 3), ("k", 2), ("k", 1)):
        press(tab, key)
        shows(tab, place)
    for hint in "ARJKUW":
        expect(tab.page.locator("kbd", has_text=hint)).to_be_visible()


def test_a_fact_is_shown_with_its_words_and_what_contradicts_it(review: Open) -> None:
    tab = review()
    press(tab, "j")
    shows(tab, 1)
    fact = tab.page.locator(".st-key-fact")
    expect(fact.locator("blockquote")).to_have_text(QUOTE)
    expect(fact.locator("mark.tail")).to_have_text("Paris")
    expect(fact.get_by_text("only proposed")).to_be_visible()
    beside = tab.page.locator(".st-key-beside")
    expect(beside.locator("button.row", has_text="Marie Curie → Warsaw")).to_contain_text("“born in” holds once for Marie Curie")
    expect(beside.locator(".history li")).to_have_count(1)
    expect(beside.locator(".history li")).to_contain_text("2023-11-14 22:13 UTC")


def test_a_related_fact_can_be_looked_at_first(review: Open) -> None:
    tab = review()
    press(tab, "j")
    shows(tab, 1)
    tab.page.locator(".st-key-beside button.row", has_text="Marie Curie → Warsaw").click()
    expect(statement(tab)).to_have_text("Marie Curie — born in → Warsaw")
    press(tab, "j")
    expect(statement(tab)).to_have_text(WAITING[1])
    expect(tab.page.locator(".progress")).to_contain_text("3 of 5")


def test_a_prediction_shows_what_it_rests_on(review: Open) -> None:
    tab = review()
    for place in (1, 2, 3):
        press(tab, "j")
        shows(tab, place)
    expect(tab.page.locator(".st-key-beside button.row", has_text="Marie Curie → Sorbonne")).to_be_visible()
    expect(tab.page.get_by_text("Rests on")).to_be_visible()


def test_a_key_accepts_and_goes_on(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    press(tab, "a")
    shows(tab, 1)
    expect(tab.page.locator(".progress .last")).to_have_text(f"accepted{WAITING[0]}")
    fact = waiting.fact("Paris | capital of | Poland")
    assert (fact.verdict, fact.judge) == ("accepted", "person:me")


def test_a_key_rejects_with_a_reason(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    press(tab, "j")
    shows(tab, 1)
    press(tab, "w")
    reason = tab.page.get_by_role("textbox", name="Reason")
    expect(reason).to_be_focused()
    tab.page.keyboard.type("She was a teacher there: rare jargon.")
    shows(tab, 1)
    tab.page.keyboard.press("Enter")
    shows(tab, 2)
    expect(reason).to_have_value("")
    assert waiting.fact(MARIE_PARIS).verdict == "rejected"
    assert dict(waiting.review(MARIE_PARIS).detail) == {"why": "She was a teacher there: rare jargon."}
    press(tab, "r")
    shows(tab, 3)
    press(tab, "k")
    shows(tab, 2)
    press(tab, "k")
    expect(tab.page.locator(".history li.rejected")).to_contain_text("by me: She was a teacher there")
    expect(button(tab, "Reject")).to_be_disabled()


def test_a_key_takes_the_last_verdict_back(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    expect(button(tab, "Undo")).to_be_disabled()
    press(tab, "r")
    shows(tab, 1)
    press(tab, "a")
    shows(tab, 2)
    press(tab, "u")
    shows(tab, 1)
    assert (waiting.fact(MARIE_PARIS).verdict, waiting.fact("Paris | capital of | Poland").verdict) == ("none", "rejected")
    expect(tab.page.locator(".progress .last")).to_contain_text("rejected")
    press(tab, "u")
    shows(tab, 0)
    assert waiting.fact("Paris | capital of | Poland").verdict == "none"
    expect(button(tab, "Undo")).to_be_disabled()


def test_the_mouse_does_it_too(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    button(tab, "Next").click()
    shows(tab, 1)
    tab.page.get_by_role("textbox", name="Reason").fill("No.")
    button(tab, "Reject").click()
    shows(tab, 2)
    assert dict(waiting.review(MARIE_PARIS).detail) == {"why": "No."}
    button(tab, "Undo").click()
    shows(tab, 1)


def test_a_quick_second_press_judges_nothing_unseen(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    twice = "() => { for (let n = 0; n < 2; n++) window.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true})) }"
    ready(tab)
    tab.page.evaluate(twice)
    shows(tab, 1)
    assert [fact.verdict for fact in waiting.facts(relation="capital of", status="all")] == ["accepted"]
    assert waiting.fact(MARIE_PARIS).verdict == "none"


def test_the_reviewers_name_is_no_verdict_and_stays_on_the_other_page(review: Open, waiting: KnowledgeGraph) -> None:
    tab = review()
    name = tab.page.get_by_test_id("stSidebar").get_by_role("textbox", name="You review as")
    name.fill("")
    name.press_sequentially("ajar")
    name.press("Enter")
    shows(tab, 0)
    navigation = tab.page.get_by_test_id("stSidebarNav")
    navigation.get_by_role("link", name="Explore").click()
    tab.canvas.wait_for()
    expect(name).to_have_value("ajar")
    navigation.get_by_role("link", name="Review").click()
    shows(tab, 0)
    press(tab, "a")
    shows(tab, 1)
    assert waiting.fact("Paris | capital of | Poland").judge == "person:ajar"


def test_an_end_of_a_fact_opens_in_the_graph_and_the_place_is_kept(review: Open, review_server: Server) -> None:
    tab = review()
    press(tab, "j")
    shows(tab, 1)
    tab.page.locator(".st-key-links").get_by_role("link", name="Marie Curie").click()
    expect(tab.panel.get_by_role("heading", name="Marie Curie")).to_be_visible()
    expect(tab.page).to_have_url(f"{review_server.address}/explore?q=Marie+Curie")
    tab.page.go_back()
    shows(tab, 1)


def test_filters_leave_what_fits(review: Open) -> None:
    tab = review()
    sidebar = tab.page.get_by_test_id("stSidebar")
    sidebar.get_by_role("button", name="predicted").click()
    expect(statement(tab)).to_have_text(WAITING[3])
    expect(tab.page.locator(".progress")).to_contain_text("1 of 1")
    sidebar.get_by_role("combobox").click()
    tab.page.get_by_role("option", name="born in").click()
    expect(tab.page.get_by_text("Nothing like that waits")).to_be_visible()
    sidebar.get_by_role("button", name="predicted").click()
    expect(statement(tab)).to_have_text(WAITING[1])


def test_the_end_of_the_queue_says_so(review: Open) -> None:
    tab = review()
    press(tab, "a")
    for place in (1, 2, 3):
        shows(tab, place)
        press(tab, "j")
    expect(tab.page.get_by_text("You have been through all")).to_be_visible()
    expect(tab.page.get_by_text("1 verdict given")).to_be_visible()
    press(tab, "l")
    expect(statement(tab)).to_have_text(WAITING[1])
    expect(tab.page.locator(".progress")).to_contain_text("1 of 3")


def test_hostile_words_are_only_words(review: Open) -> None:
    tab = review()
    press(tab, "j")
    shows(tab, 1)
    press(tab, "j")
    shows(tab, 2)
    expect(tab.page.locator("blockquote")).to_have_text(world.HOSTILE)
    expect(tab.page.locator(".st-key-links").get_by_role("link", name=world.HOSTILE)).to_be_visible()
    press(tab, "a")
    expect(tab.page.locator(".progress .last")).to_contain_text(world.HOSTILE)
    expect(tab.page.locator("img[src=x]")).to_have_count(0)
    assert (tab.dialogs, tab.errors) == ([], [])
    assert len(tab.hosts - {""}) == 1


def test_things_that_may_be_one_are_said_to_be_or_not_and_that_is_taken_back(review: Open, waiting: KnowledgeGraph) -> None:
    def shows_pair(words: str, progress: str) -> None:
        expect(statement(tab)).to_have_text(words)
        expect(tab.page.locator(".progress")).to_contain_text(progress)

    def merged() -> int:
        return sum(not one.undone for one in waiting.merges())

    tab = review()
    hostile, curie = f"{world.HOSTILE} may be {world.HOSTILE}", "Marie Curie may be M. Curie"
    tab.page.get_by_test_id("stSidebar").get_by_text("Things that may be one").click()
    shows_pair(hostile, "1 of 2")
    press(tab, "j")
    shows_pair(curie, "2 of 2")
    expect(tab.page.locator(".st-key-fact")).to_contain_text("initials")
    expect(tab.page.locator("button.row", has_text="Warsaw")).to_be_visible()
    press(tab, "s")
    expect(tab.page.get_by_text("You have been through all")).to_be_visible()
    expect(tab.page.locator(".progress .last")).to_have_text("sameMarie Curie – M. Curie")
    assert waiting.entity("M. Curie").id == "person:marie_curie"
    press(tab, "u")
    shows_pair(curie, "2 of 2")
    assert merged() == 0
    button(tab, "Apart").click()
    press(tab, "k")
    shows_pair(hostile, "1 of 1")
    (told,) = waiting.facts(relation="different from")
    assert {told.head.id, getattr(told.tail, "id", "")} == {"person:m._curie", "person:marie_curie"}
    press(tab, "u")
    shows_pair(curie, "1 of 2")
    assert (merged(), len(waiting.facts(relation="different from"))) == (0, 0)
    assert (tab.dialogs, tab.errors) == ([], [])


def test_where_nothing_waits_the_page_says_so(visit: Callable[[str], Visit], home: Path, served: Callable[..., Server]) -> None:
    from kgplatform.store import local

    with KnowledgeGraph(local.open_store(home, "settled")) as graph:
        graph.put([Claim(world.PARIS, "capital of", world.FRANCE, (world.imported(),))])
    tab = visit(f"{served(home, 'settled').wait_until_open().address}/review")
    expect(tab.page.get_by_text("Nothing waits for review")).to_be_visible()
    expect(tab.page.get_by_text("kg harvest documents PATH")).to_be_visible()


def test_an_empty_graph_tells_how_to_fill_it(visit: Callable[[str], Visit], bare_server: Server) -> None:
    tab = visit(f"{bare_server.address}/review")
    expect(tab.page.get_by_text("kg import FILE")).to_be_visible()
