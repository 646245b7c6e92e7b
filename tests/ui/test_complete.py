"""What is missing and what does not fit, as a person asks for it, reads why, and judges it; a real worker does it."""

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
pytest.importorskip("sklearn")

from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Runner, Task, Work
from kgplatform.names import entity_id
from kgplatform.store import local
from kgplatform.types import Claim, Entity, Evidence, Source, SourceId
from tests.ui import world
from tests.ui.conftest import Server, Visit, start
from tests.unit.test_complex import CARDS, COUNTRIES, KINDS
from tests.unit.test_complex import world as countries

GRAPH = "completion"
ODD = Entity(entity_id("person", world.HOSTILE), world.HOSTILE, ("person",))
"""A person whose name is hostile, and who is a citizen of a country that nobody of that city is."""
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def citizens(home: Path) -> Iterator[KnowledgeGraph]:
    said = (Evidence("import", Source(SourceId("import:1"), "import"), score=0.9),)
    with KnowledgeGraph(local.open_store(home, GRAPH)) as kg:
        kg.learn(CARDS.values(), KINDS.values())
        kg.put([Claim(one.head, one.relation, one.tail, said) for one in countries().facts()])
        kg.put([Claim(ODD, "citizen of", COUNTRIES[1], said), Claim(ODD, "born in", next(iter(kg.facts(relation="born in"))).tail, said)])
        yield kg


@pytest.fixture(scope="module")
def completing(home: Path, citizens: KnowledgeGraph) -> Iterator[Server]:
    server = start(home, GRAPH).wait_until_open()
    yield server
    server.end()


@pytest.fixture
def page(visit: Callable[[str], Visit], completing: Server, ledger: Ledger) -> Open:
    def go(after: str = "") -> Visit:
        tab = visit(f"{completing.address}/complete{after}")
        expect(tab.page.get_by_role("button", name="Predict", exact=True)).to_be_visible()
        return tab

    return go


def work(home: Path) -> None:
    """``kg worker`` until nothing waits."""
    env = {**os.environ, "KG_HOME": str(home), "KG_GRAPH": GRAPH, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-m", "ui.cli.main", "worker", "--until-idle", "--quiet"], env=env, check=True, timeout=600)


def tag(tab: Visit) -> Locator:
    return tab.page.locator(".st-key-completed .job .tag").first


def test_nothing_yet_says_what_to_do(page: Open) -> None:
    tab = page()
    expect(tab.page.get_by_role("heading", name="Nothing has been predicted yet")).to_be_visible()
    expect(tab.page.locator(".st-key-completed")).to_contain_text("kg worker")
    assert tab.errors == []


def test_predictions_come_with_reasons_and_are_judged(page: Open, ledger: Ledger, citizens: KnowledgeGraph, home: Path) -> None:
    tab = page()
    tab.page.get_by_role("combobox", name="Relation").click()
    tab.page.get_by_role("option", name="citizen of").click()
    tab.page.get_by_role("button", name="Predict", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"/complete\?job=\w+"))
    expect(tag(tab)).to_have_text("queued")
    expect(tab.page.get_by_text("no worker is running: kg worker starts one")).to_be_visible()
    work(home)
    expect(tag(tab)).to_have_text("done")
    (job,) = ledger.jobs()
    first, second = job.result["predictions"][:2]
    rows = tab.page.locator("[class*='st-key-candidate-']")
    expect(rows).to_have_count(len(job.result["predictions"]))
    expect(rows.first).to_contain_text(first["head"]["name"])
    expect(rows.first).to_contain_text("born in, then located in: ")
    expect(tab.page.locator(".knows")).to_contain_text("held-out facts from others with an AUC of")
    rows.nth(0).get_by_role("button", name="Accept").click()
    expect(rows.nth(0).locator(".tag")).to_have_text("accepted")
    rows.nth(1).get_by_role("button", name="Reject").click()
    expect(rows.nth(1).locator(".tag")).to_have_text("rejected")
    assert [citizens.fact(one["key"]).verdict for one in (first, second)] == ["accepted", "rejected"]
    assert tab.errors == []


def test_what_does_not_fit_is_shown_with_reasons_and_lowered(page: Open, ledger: Ledger, citizens: KnowledgeGraph, home: Path) -> None:
    tab = page()
    tab.page.get_by_text("Lower belief in them").click()
    tab.page.get_by_role("button", name="Look", exact=True).click()
    expect(tab.page).to_have_url(re.compile(r"/complete\?job=\w+"))
    work(home)
    expect(tag(tab)).to_have_text("done")
    (job,) = ledger.jobs()
    expect(tab.page.locator(".knows")).to_contain_text("do not fit the others")
    shown = tab.page.locator("[class*='st-key-candidate-']")
    expect(shown).to_have_count(len(job.result["suspects"]))
    assert all(fact.confidence < fact.trust for fact in citizens.facts_at([one["key"] for one in job.result["suspects"]]).values())
    citizens.forget(job.result["source"] or "graph:denoise@none") if job.result["suspects"] else None
    assert tab.dialogs == []
    assert tab.errors == []


def test_how_well_the_watched_facts_are_ranked_is_drawn(page: Open, ledger: Ledger) -> None:
    """Regression: the line was in the page that was made, and Streamlit took it out."""

    def learning(work: Work, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del arguments
        for epoch, mrr in enumerate((0.2, 0.4, 0.5), 1):
            work.log(f"epoch {epoch} of 3: MRR {mrr}")
        return {}

    job = ledger.submit(Task("complete", {}, "completes"))
    Runner(ledger, {"complete": learning}).work(until_idle=True)
    tab = page(f"?job={job.id}")
    curve = tab.page.get_by_alt_text("MRR while learning")
    expect(curve).to_be_visible()
    assert curve.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    expect(tab.page.locator(".curve")).to_contain_text("MRR of watched facts: 0.500 at look 3, best 0.500")


def test_an_address_of_another_job_says_so(page: Open, ledger: Ledger) -> None:
    other = ledger.submit(Task("import", {}, GRAPH))
    expect(page(f"?job={other.id}").page.get_by_text("neither completes nor denoises")).to_be_visible()
    expect(page("?job=nosuchjob").page.get_by_text("there is no job 'nosuchjob'")).to_be_visible()
