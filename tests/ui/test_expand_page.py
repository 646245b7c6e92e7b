"""A graph that asks its own questions, as a person starts it, watches it grow, ends it and takes it back; a scripted model answers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytest.importorskip("networkit")

from kgplatform import settings
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Job, Ledger, Task
from kgplatform.lm.scripted import HashingEncoder
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Request
from kgplatform.names import entity_id
from tests.ui.conftest import Server, Visit, fetched, worker
from tests.unit.test_expand import TOPIC, growing, local_graph
from ui.expansions import KIND
from ui.tasks import harvest_expand
from ui.wire import Wire

HOSTILE = "<img src=y onerror=alert(4)> __silk__"
Open = Callable[..., Visit]


@dataclass
class Answering:
    """What the scripted model says; all but the first question waits at the gate."""

    gate: threading.Event = field(default_factory=threading.Event)
    chat: ScriptedChat = field(init=False)

    def __post_init__(self) -> None:
        self.chat = ScriptedChat(self._answer)

    def _answer(self, request: Request) -> str:
        if request.messages[-1].text == TOPIC:
            return local_graph(("silk", "has part", HOSTILE), (HOSTILE, "holds", "water"))
        assert self.gate.wait(60)
        return growing(request)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    made = Answering()
    monkeypatch.setattr("kgplatform.opening.encoder", lambda _: HashingEncoder())
    monkeypatch.setattr("kgplatform.opening.chat", lambda *_: made.chat)
    return made


@pytest.fixture
def wire(home: Path, kg: KnowledgeGraph, ledger: Ledger, answering: Answering) -> Iterator[Wire]:
    """Does jobs as ``kg worker`` does; what they put is taken back after the test."""
    chosen = settings.load({"KG_HOME": str(home), "KG_GRAPH": "page", "NEO4J_URI": ""}, environment={}, folder=home)
    with Wire(chosen) as made:
        yield made
        for job in ledger.jobs():
            kg.store.forget_run(job.run)


@pytest.fixture
def page(visit: Callable[[str], Visit], page_server: Server, home: Path, wire: Wire) -> Iterator[Open]:
    """Opens the page."""
    (home / "scripted.gguf").write_bytes(b"GGUF")

    def go(job: Job | None = None) -> Visit:
        tab = visit(f"{page_server.address}/expand{f'?job={job.id}' if job else ''}")
        expect(tab.page.get_by_role("button", name="Expand", exact=True)).to_be_visible()
        return tab

    with fetched(home, "minilm"):
        yield go


def asked(wire: Wire, **limits: Any) -> Job:
    """A run that somebody has asked for."""
    arguments: Mapping[str, Any] = harvest_expand.arguments(TOPIC, limits={"iterations": 2, **limits})
    return wire.runner().submit(wire.task(KIND, arguments), run="spun")


def stands(tab: Visit, state: str) -> None:
    expect(tab.page.locator(".st-key-expanded .job .tag").first).to_have_text(state)


def said(kg: KnowledgeGraph) -> set[str]:
    return {fact.relation for fact in kg.facts(status="proposed")} & {"has part", "holds", "leads to"}


def test_a_question_is_asked_and_its_graph_is_seen_to_grow(page: Open, wire: Wire, answering: Answering, home: Path) -> None:
    tab = page()
    expect(tab.page.get_by_text("Nothing has been expanded yet")).to_be_visible()
    expect(tab.page.get_by_text("Pairs whose names are least alike.")).to_be_visible()
    tab.page.get_by_role("textbox", name="First question").fill(TOPIC)
    tab.page.get_by_role("combobox", name="Chat model").fill(f"local:{home / 'scripted.gguf'}")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_test_id("stRadio").get_by_text("node", exact=True).click()
    tab.page.get_by_label("Rounds").fill("2")
    tab.page.get_by_role("button", name="Expand", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"/expand\?job=\w+"))
    stands(tab, "queued")
    (job,) = wire.ledger.jobs()
    told = job.task.arguments
    assert (told["question"], told["strategy"], told["iterations"], told["calls"]) == (TOPIC, "node", 2, None)
    assert told["chat"] == f"local:{home / 'scripted.gguf'}"
    with worker(wire.runner(), answering.gate):
        expect(tab.page.locator(".came")).to_have_text("1 question · 3 things · 2 links")
        tab.wait_for_node(f"e:{entity_id('thing', 'silk')}")
        expect(tab.page.locator(".asked", has_text=TOPIC)).to_contain_text("3 things, 2 links")
        expect(tab.page.locator(".far")).to_contain_text("round 2 (3 things, 2 links): By what mechanism does")
        answering.gate.set()
        stands(tab, "done")
    expect(tab.page.get_by_text("It ended: after round 2, as asked")).to_be_visible()
    expect(tab.page.locator(".asked", has_text=HOSTILE)).to_contain_text("2 things, 2 links")
    expect(tab.page.get_by_test_id("stVegaLiteChart")).to_have_count(6)
    expect(tab.page.locator("main img, main script")).to_have_count(0)
    assert (tab.dialogs, tab.errors) == ([], [])


def test_that_a_provider_lacks_its_key_is_a_sentence(page: Open) -> None:
    tab = page()
    tab.page.get_by_role("textbox", name="First question").fill(TOPIC)
    tab.page.get_by_role("combobox", name="Chat model").fill("openai:gpt-4o-mini")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name="Expand", exact=True).click()
    expect(tab.page.get_by_text("there is no key: set OPENAI_API_KEY to one")).to_be_visible()


def test_a_run_is_stopped_and_goes_on_where_it_was(page: Open, wire: Wire, answering: Answering) -> None:
    job = asked(wire)
    tab = page(job)
    with worker(wire.runner(), answering.gate):
        expect(tab.page.locator(".came")).to_have_text("1 question · 3 things · 2 links")
        cancel = tab.page.get_by_role("button", name="Cancel")
        expect(cancel).to_have_count(1)
        cancel.click()
        stands(tab, "stopping")
        answering.gate.set()
        stands(tab, "cancelled")
        tab.page.get_by_role("button", name="Retry").click()
        stands(tab, "done")
    expect(tab.page.locator(".round")).to_have_count(2)
    assert [call.messages[-1].text for call in answering.chat.calls].count(TOPIC) == 1


def test_what_a_limit_ended_goes_on_within_another(page: Open, wire: Wire, answering: Answering) -> None:
    job = asked(wire, iterations=1)
    answering.gate.set()
    wire.runner().work(until_idle=True)
    tab = page()
    row = tab.page.locator("[class*='st-key-job-']", has_text=TOPIC)
    expect(row).to_contain_text("run spun · 1 round, 3 things, 2 links; it ended: after round 1, as asked")
    tab.wait_until_drawn()
    row.get_by_role("button", name="Open").click()
    expect(tab.page).to_have_url(re.compile(job.id))
    expect(tab.page.locator(".round")).to_have_count(1)
    tab.page.get_by_text("Go on within other limits").click()
    more = tab.page.get_by_test_id("stPopoverBody")
    expect(more.get_by_label("Rounds")).to_have_value("2")
    more.get_by_role("button", name="Go on", exact=True).click()
    stands(tab, "queued")
    wire.runner().work(until_idle=True)
    expect(tab.page.locator(".round")).to_have_count(2)
    assert wire.ledger.job(job.id).task.arguments["iterations"] == 2


def test_runs_are_compared(page: Open, wire: Wire, answering: Answering) -> None:
    answering.gate.set()
    for run, rounds in (("spun", 2), ("woven <b>", 1)):
        wire.runner().submit(wire.task(KIND, harvest_expand.arguments(TOPIC, limits={"iterations": rounds})), run=run)
        wire.runner().work(until_idle=True)
    tab = page()
    for run in ("spun", "woven <b>"):
        tab.page.get_by_role("combobox", name="Compare runs").click()
        tab.page.get_by_role("option", name=run, exact=True).click()
    told = tab.page.locator(".costs tr")
    expect(told.first).to_have_text("spunwoven <b>")
    expect(told.filter(has_text="questions")).to_have_text("questions4, 4 with a usable answer1, 1 with a usable answer")
    expect(told.filter(has_text="links as spun")).to_have_text(re.compile(r"^links as spun\d+2$"))


def test_a_run_is_taken_back_after_a_question(page: Open, wire: Wire, kg: KnowledgeGraph, answering: Answering) -> None:
    job = asked(wire)
    answering.gate.set()
    wire.runner().work(until_idle=True)
    tab = page(job)
    tab.page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(tab.page.get_by_text("what others say as well stays")).to_be_visible()
    tab.page.get_by_role("button", name="Keep it").click()
    expect(tab.page.get_by_text("what others say as well stays")).to_have_count(0)
    assert said(kg) == {"has part", "holds", "leads to"}
    tab.page.get_by_role("button", name="Withdraw", exact=True).click()
    tab.page.get_by_role("button", name="Withdraw it").click()
    expect(tab.page.locator(".st-key-expanded .why")).to_have_text("the run was forgotten")
    assert said(kg) == set()


def test_what_cannot_be_asked_gets_its_sentence(page: Open, ledger: Ledger) -> None:
    tab = page()
    tab.page.get_by_role("button", name="Expand", exact=True).click()
    expect(tab.page.get_by_role("alert")).to_have_text("a question has from 1 to 1,000 characters")
    tab.page.get_by_role("textbox", name="First question").fill(TOPIC)
    tab.page.get_by_role("combobox", name="Chat model").fill("local:<b>none</b>.gguf")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name="Expand", exact=True).click()
    expect(tab.page.get_by_role("alert")).to_contain_text("<b>none</b>.gguf: the model cannot be read")
    assert ledger.jobs() == []
    other = ledger.submit(Task("complete", {}, "page"))
    tab = page(other)
    expect(tab.page.get_by_text(f"job {other.id} (complete) is no expansion")).to_be_visible()
