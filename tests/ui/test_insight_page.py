"""The shape of the graph as a person sees it, what is worth asking, and how an expansion made it grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import networkx as nx
import pytest
from playwright.sync_api import expect

pytest.importorskip("networkit")

from kgplatform.analysis.dynamics import Recorder
from kgplatform.graph import KnowledgeGraph
from kgplatform.names import digest
from kgplatform.store import local
from kgplatform.types import Claim, Entity, EntityId, Evidence, Source, SourceId
from tests.ui import world
from tests.ui.conftest import Server, Visit, start
from ui.expansions import DYNAMICS

GRAPH = "circles"
SAID = (Evidence("import", Source(SourceId("import:1"), "import"), score=0.95),)
BROKER = Entity(EntityId("person:broker"), world.HOSTILE, ("person",))
Open = Callable[[], Visit]


def member(place: int) -> Entity:
    return Entity(EntityId(f"person:n{place}"), f"Person {place}", ("person",))


@pytest.fixture(scope="module")
def circles(home: Path) -> Iterator[KnowledgeGraph]:
    with KnowledgeGraph(local.open_store(home, GRAPH)) as kg:
        pairs = nx.disjoint_union(nx.complete_graph(6), nx.complete_graph(7)).edges
        kg.put([Claim(member(a), "knows", member(b), SAID) for a, b in pairs])
        kg.put([Claim(BROKER, "knows", member(0), SAID), Claim(BROKER, "knows", member(6), SAID)])
        recorder = Recorder(home / "expansions" / digest(GRAPH) / "night one" / DYNAMICS)
        for iteration in range(3):
            recorder.add(iteration, kg.view())
        yield kg


@pytest.fixture(scope="module")
def serving(home: Path, circles: KnowledgeGraph) -> Iterator[Server]:
    server = start(home, GRAPH).wait_until_open()
    yield server
    server.end()


@pytest.fixture
def page(visit: Callable[[str], Visit], serving: Server) -> Open:
    def go() -> Visit:
        return visit(f"{serving.address}/insight")

    return go


def test_the_shape_the_hubs_and_who_holds_it_together(page: Open) -> None:
    tab = page()
    expect(tab.page.locator(".pairs")).to_contain_text("14, of them 14 in the largest of 1 parts")
    expect(tab.page.locator(".st-key-cuts")).to_contain_text(world.HOSTILE)
    expect(tab.page.locator(".st-key-hubs")).to_contain_text("Person 6")
    expect(tab.page.locator(".st-key-communities")).to_contain_text("of their links within")
    expect(tab.page.locator("main img, main script")).to_have_count(0)
    assert (tab.dialogs, tab.errors) == ([], [])


def test_facts_that_are_proposed_are_looked_at_where_somebody_says_so(page: Open, circles: KnowledgeGraph) -> None:
    doubted = (Evidence("import", Source(SourceId("import:1"), "import"), score=-2),)
    circles.put([Claim(member(30), "likes", member(31), doubted)])
    tab = page()
    expect(tab.page.locator(".pairs")).to_contain_text("14, of them 14 in")
    tab.page.get_by_text("1 proposed").click()
    expect(tab.page.locator(".pairs")).to_contain_text("2, of them 2 in the largest of 1 parts")


def test_a_name_leads_to_the_graph_around_it(page: Open) -> None:
    tab = page()
    tab.page.locator(".st-key-hubs").locator("button.row", has_text="Person 6").click()
    tab.page.wait_for_url("**/explore?q=person*n6")
    tab.wait_for_node("e:person:n6")


def test_how_an_expansion_grew_is_drawn(page: Open) -> None:
    tab = page()
    expect(tab.page.get_by_text("How expansions made it grow")).to_be_visible()
    expect(tab.page.get_by_role("combobox", name="Expansion")).to_have_value("night one")
    drawn = tab.page.get_by_test_id("stVegaLiteChart")
    expect(drawn).to_have_count(6)
    expect(drawn.filter(has_text="modularity")).to_be_visible()


def test_what_is_written_meanwhile_is_seen(page: Open, circles: KnowledgeGraph) -> None:
    tab = page()
    expect(tab.page.locator(".pairs")).to_contain_text("14, of them")
    circles.put([Claim(member(20), "knows", member(21), SAID)])
    tab.page.reload()
    expect(tab.page.locator(".pairs")).to_contain_text("16, of them 14 in the largest of 2 parts")
