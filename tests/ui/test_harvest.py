"""A relation harvested out of a model, as a person asks for it, looks at what came and sends it; a scripted model knows capitals."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from harvest.bertnet import Limits, Models, harvest
from kgplatform.cardfiles import read_cards
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Job, Ledger, Runner, Task, Work
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.names import entity_id
from kgplatform.store import local
from kgplatform.types import Claim, Entity, Evidence, Literal, Source, SourceId
from tests.ui import world
from tests.ui.conftest import Server, Visit, fetched, start, worker
from tests.unit.test_bertnet import IGNORANT, PAIRS
from tests.unit.test_bertnet import SEEDS as FIVE

HOSTILE = f"{world.HOSTILE} :red[x]"
SEEDS = (*FIVE, ("Amman", "Jordan"), ("Havana", "Cuba"))
FEW = PAIRS[:7]
"""So few that every city is tried with every country."""
TRUE = (*FEW, (HOSTILE, "Nauru"))
KNOWING = ScriptedScorer(
    sentences=[
        sentence
        for head, tail in (*SEEDS, *PAIRS, *TRUE)
        for sentence in (f"{head} is the capital of {tail}", f"The capital of {tail} is {head}")
    ]
    * 8,
    name="knowing@1",
)
PROMPTS = ("{head} is the capital of {tail}", "The capital of {tail} is {head}")
MODELS = ("smollm2-135m", "minilm")
"""Those of the settings; the page asks only whether they are there."""
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def capitals(home: Path) -> Iterator[KnowledgeGraph]:
    """A graph that has cities and countries, and does not say which belongs to which."""
    told = Evidence("import", Source(SourceId("import:x"), "import"))
    ends = [(kind, name) for pair in TRUE for kind, name in zip(("city", "country"), pair, strict=True)]
    with KnowledgeGraph(local.open_store(home, "harvests")) as kg:
        entities = [Entity(entity_id(kind, name), name, (kind,)) for kind, name in ends]
        kg.put([Claim(one, "has name", Literal(one.name), (told,)) for one in entities])
        yield kg


@pytest.fixture(scope="module")
def harvest_server(home: Path, capitals: KnowledgeGraph) -> Iterator[Server]:
    with fetched(home, MODELS[0]), fetched(home, MODELS[1]):
        server = start(home, "harvests").wait_until_open()
        yield server
        server.end()


@pytest.fixture
def page(visit: Callable[[str], Visit], harvest_server: Server, ledger: Ledger) -> Open:
    """Opens the page."""

    def go(after: str = "") -> Visit:
        tab = visit(f"{harvest_server.address}/harvest{after}")
        expect(tab.page.get_by_role("button", name="Harvest", exact=True)).to_be_visible()
        return tab

    return go


@dataclass
class Harvesting:
    """The kind of job, as a worker does it, by a scripted model; its end comes only as the test lets it."""

    kg: KnowledgeGraph
    scorer: ScriptedScorer = KNOWING
    gate: threading.Event = field(default_factory=threading.Event)

    def __call__(self, work: Work, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        cards = [card for file in arguments["cards"] for card in read_cards(Path(file))]
        limits = Limits(arguments["size"], None, arguments["confidence"], arguments["hold"])
        report = harvest(self.kg, cards, Models(self.scorer, HashingEncoder()), limits=limits, steps=work)
        while not self.gate.wait(0.05):
            work.beat()
            work.check()
        return {"judged": sum(len(outcome.found) for outcome in report.outcomes)}


def write(tab: Visit, name: str, *, prompts: tuple[str, ...] = PROMPTS, seeds: tuple[tuple[str, ...], ...] = SEEDS) -> None:
    """Write a card into the form and submit it."""
    for label, text in (
        ("Name of the relation", name),
        ("Kinds of heads", "city"),
        ("Kinds of tails", "country"),
        ("Prompts, one a line", "\n".join(prompts)),
        ("Seeds, one a line", "\n".join(" | ".join(seed) for seed in seeds)),
    ):
        tab.page.get_by_role("textbox", name=label, exact=True).fill(text)
    tab.page.get_by_role("button", name="Harvest", exact=True).click()


def asked(tab: Visit, ledger: Ledger) -> Job:
    """The job that the page has made, and opened."""
    expect(tab.page).to_have_url(re.compile(r"/harvest\?job=\w+"))
    (job,) = ledger.jobs()
    assert tab.page.url.endswith(job.id)
    return job


def harvested(page: Open, ledger: Ledger, kg: KnowledgeGraph, name: str, scorer: ScriptedScorer = KNOWING) -> Visit:
    """A page with what came of a card that was written on it."""
    tab, harvesting = page(), Harvesting(kg, scorer)
    write(tab, name)
    asked(tab, ledger)
    harvesting.gate.set()
    Runner(ledger, {"harvest relation": harvesting}).work(until_idle=True)
    expect(tab.page.locator(".st-key-harvested .job .tag").first).to_have_text("done")
    return tab


def row(tab: Visit, *words: str) -> Locator:
    """The candidate of these words."""
    return tab.page.locator("[class*='st-key-candidate-']").filter(has=tab.page.locator(".words", has_text="|".join(words)))


def facts(kg: KnowledgeGraph, name: str) -> dict[tuple[str, str], str]:
    """The facts of a relation with their verdicts."""
    return {(f.head.name, f.tail.name): f.verdict for f in kg.facts(status="all") if f.relation == name and isinstance(f.tail, Entity)}


def test_an_empty_ledger_says_what_to_do(page: Open) -> None:
    tab = page()
    expect(tab.page.get_by_role("heading", name="Nothing has been harvested yet")).to_be_visible()
    expect(tab.page.locator(".st-key-harvested")).to_contain_text("kg worker")


def test_a_card_is_written_and_its_candidates_are_seen_while_the_job_runs(
    page: Open, ledger: Ledger, capitals: KnowledgeGraph, home: Path
) -> None:
    tab = page()
    write(tab, "seat of")
    job = asked(tab, ledger)
    expect(tab.page.locator(".st-key-harvested .job .tag").first).to_have_text("queued")
    expect(tab.page.get_by_text("no worker is running: kg worker starts one")).to_be_visible()
    assert job.task.arguments["hold"]
    (file,) = job.task.arguments["cards"]
    assert Path(file).parent == home / "cards"
    (card,) = read_cards(Path(file))
    assert (card.name, card.domain, card.range, card.prompts, card.seeds) == ("seat of", ("city",), ("country",), PROMPTS, SEEDS)
    harvesting = Harvesting(capitals)
    with worker(Runner(ledger, {"harvest relation": harvesting}), harvesting.gate):
        expect(tab.page.locator(".st-key-harvested .job .tag").first).to_have_text("running")
        expect(row(tab, "Warsaw", "Poland")).to_be_visible()
        expect(tab.page.locator(".knows")).to_contain_text("The model knows it: AUC")
        expect(tab.page.locator(".prompt .template").filter(has_text=PROMPTS[0])).to_be_visible()
        expect(tab.page.locator(".prompt .weight").first).to_contain_text("%")
        harvesting.gate.set()
        expect(tab.page.locator(".st-key-harvested .job .tag").first).to_have_text("done")
    assert facts(capitals, "seat of") == {}
    assert tab.errors == []


def test_what_a_person_judges_and_sends_is_in_the_graph(page: Open, ledger: Ledger, capitals: KnowledgeGraph) -> None:
    tab = harvested(page, ledger, capitals, "governed from")
    expect(row(tab, "Warsaw", "Poland")).to_contain_text("The capital of Poland is Warsaw")
    expect(row(tab, "Warsaw", "Poland")).to_contain_text("proposed by nearest")
    row(tab, "Warsaw", "Poland").get_by_role("button", name="Accept").click()
    expect(row(tab, "Warsaw", "Poland").locator(".tag")).to_have_text("accepted")
    row(tab, "Paris", "France").get_by_role("button", name="Reject").click()
    expect(row(tab, "Paris", "France").locator(".tag")).to_have_text("rejected")
    assert facts(capitals, "governed from") == {("Warsaw", "Poland"): "accepted", ("Paris", "France"): "rejected"}
    tab.page.get_by_role("button", name="Send to the graph").click()
    expect(tab.page.get_by_text("there already")).to_be_visible()
    expect(row(tab, "Riga", "Latvia").locator(".tag")).to_have_text("in the graph")
    sent = facts(capitals, "governed from")
    assert set(FEW) <= set(sent)
    assert {pair: verdict for pair, verdict in sent.items() if verdict != "none"} == {
        ("Warsaw", "Poland"): "accepted",
        ("Paris", "France"): "rejected",
    }
    tab.page.get_by_role("button", name="Send to the graph").click()
    expect(tab.page.get_by_text("0 new, 0 strengthened")).to_be_visible()
    assert facts(capitals, "governed from") == sent
    assert tab.errors == []


def test_a_hostile_name_is_only_words(page: Open, ledger: Ledger, capitals: KnowledgeGraph) -> None:
    tab = harvested(page, ledger, capitals, f"rules {world.HOSTILE}")
    expect(tab.page.locator(".candidate .words b", has_text="<script>").first).to_have_text(HOSTILE)
    assert tab.page.locator("script:text('alert(1)'), img[src=x]").count() == 0
    assert tab.dialogs == []
    assert tab.errors == []


def test_a_model_that_does_not_know_it_says_so(page: Open, ledger: Ledger, capitals: KnowledgeGraph) -> None:
    tab = harvested(page, ledger, capitals, "reigned in", IGNORANT)
    expect(tab.page.locator(".doubt")).to_contain_text("The model does not know 'reigned in'")
    expect(tab.page.locator(".candidate")).to_have_count(0)


def test_a_wrong_card_gets_its_sentence(page: Open, ledger: Ledger) -> None:
    tab = page()
    write(tab, "<b>lies</b> in", prompts=("{head} lies in {tial}",))
    said = tab.page.get_by_role("alert").filter(has_text="has the unknown slot {tial}")
    expect(said).to_contain_text("'<b>lies</b> in': the prompt")
    write(tab, "lies in", prompts=("{head} lies in {tail}",), seeds=(("Rome",),))
    expect(tab.page.get_by_role("alert")).to_contain_text("the seed [Rome] has 1 of the 2 words that are wanted: [head, tail]")
    assert ledger.jobs() == []


def test_models_that_are_not_fetched_are_told_before_there_is_a_job(page: Open, ledger: Ledger, home: Path) -> None:
    tab = page()
    (home / "models").rename(home / "elsewhere")
    try:
        write(tab, "lies in", prompts=("{head} lies in {tail}",))
        expect(tab.page.get_by_role("alert")).to_contain_text("the model smollm2-135m is not on this machine")
    finally:
        (home / "elsewhere").rename(home / "models")
    assert ledger.jobs() == []


def test_a_card_that_ships_is_shown_and_harvested_as_it_is(page: Open, ledger: Ledger) -> None:
    from harvest import shipped

    tab = page()
    tab.page.get_by_role("combobox", name="Card").click()
    tab.page.get_by_role("option", name="located in").click()
    expect(tab.page.get_by_role("textbox", name="Name of the relation")).to_have_value("located in")
    tab.wait_until_drawn()
    tab.page.get_by_role("button", name="Harvest", exact=True).click()
    (file,) = asked(tab, ledger).task.arguments["cards"]
    assert read_cards(Path(file)) == [shipped.relations()["located in"]]


def test_a_harvest_of_another_graph_is_shown_and_not_sent(page: Open, ledger: Ledger, capitals: KnowledgeGraph) -> None:
    tab = harvested(page, ledger, capitals, "seated in")
    (job,) = ledger.jobs()
    elsewhere = ledger.submit(Task(job.task.kind, job.task.arguments, "other"))
    Runner(ledger, {"harvest relation": Harvesting(capitals, gate=_open())}).work(until_idle=True)
    tab = page(f"?job={elsewhere.id}")
    expect(row(tab, "Warsaw", "Poland")).to_be_visible()
    expect(tab.page.get_by_text("this harvest is of the graph other")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Send to the graph")).to_be_disabled()
    expect(row(tab, "Warsaw", "Poland").get_by_role("button", name="Accept")).to_be_disabled()


def _open() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_harvest_is_opened_from_the_list(page: Open, ledger: Ledger, capitals: KnowledgeGraph) -> None:
    tab = harvested(page, ledger, capitals, "led from")
    close = tab.page.get_by_role("button", name="Close")
    expect(close).to_have_count(1)  # while the finished job takes the place of the running one there are two
    close.click()
    tab.page.locator("[class*='st-key-job-']").get_by_role("button", name="Open").click()
    expect(row(tab, "Warsaw", "Poland")).to_be_visible()
    expect(tab.page.locator(".candidate")).to_have_count(25)
    tab.page.get_by_role("button", name="More", exact=True).click()
    expect(tab.page.locator(".candidate")).to_have_count(50)


def test_an_address_of_no_harvest_says_so(page: Open, ledger: Ledger) -> None:
    other = ledger.submit(Task("complete", {}, "harvests"))
    tab = page(f"?job={other.id}")
    expect(tab.page.get_by_text(f"job {other.id} (complete) is no harvest of a relation")).to_be_visible()
    tab = page("?job=nosuchjob")
    expect(tab.page.get_by_text("there is no job 'nosuchjob'")).to_be_visible()
