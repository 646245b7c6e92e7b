"""Which facts come into the picture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kgplatform.graph import KnowledgeGraph
from kgplatform.opening import connect
from kgplatform.types import Claim, Entity, EntityId
from tests.ui import world
from ui.neighbourhood import Filters, around, liveliest, short_name


@pytest.fixture
def graph() -> Iterator[KnowledgeGraph]:
    with connect("memory") as kg:
        world.fill(kg)
        yield kg


def relations(graph: KnowledgeGraph, filters: Filters) -> set[str]:
    return {fact.relation for fact in around(graph, [world.BECQUEREL.id], filters).facts}


def test_proposed_and_rejected_facts_are_shown_on_request_only(graph: KnowledgeGraph) -> None:
    graph.reject(f"received|{world.BECQUEREL.id}|{world.NOBEL.id}")
    assert relations(graph, Filters()) == {"worked at"}
    assert relations(graph, Filters(statuses=("proposed",))) == {"born in"}
    assert relations(graph, Filters(statuses=("rejected",))) == {"received"}
    assert relations(graph, Filters(statuses=())) == set()


def test_relation_origin_and_confidence_narrow(graph: KnowledgeGraph) -> None:
    assert relations(graph, Filters(relations=("received", "born in"))) == {"received"}
    assert relations(graph, Filters(origins=("predicted",))) == {"worked at"}
    assert relations(graph, Filters(min_confidence=0.9)) == {"received"}


def test_a_hub_is_cut_and_says_so_but_does_not_crowd_out_the_rest(graph: KnowledgeGraph) -> None:
    people = [world.entity("person", f"Visitor {number}") for number in range(60)]
    graph.put([Claim(one, "visited", world.PARIS, (world.imported(0.99),)) for one in people])
    alone = around(graph, [world.PARIS.id], Filters(), limit=50)
    assert (len(alone.facts), alone.cut) == (50, True)
    both = around(graph, [world.PARIS.id, world.POLONIUM.id], Filters(), limit=50)
    of_polonium = {fact.key for fact in around(graph, [world.POLONIUM.id], Filters()).facts}
    assert of_polonium
    assert of_polonium <= both.keys
    assert (len(both.facts), both.cut) == (50, True)


def test_what_fits_is_not_cut(graph: KnowledgeGraph) -> None:
    count = len(graph.neighbours(world.MARIE.id))
    found = around(graph, [world.MARIE.id], Filters(), limit=count)
    assert (len(found.facts), found.cut) == (count, False)


def test_the_page_begins_where_most_is_happening(graph: KnowledgeGraph) -> None:
    assert liveliest(graph.facts()) == world.MARIE.id
    assert liveliest([]) is None


def test_a_link_uses_the_name_unless_it_means_several(graph: KnowledgeGraph) -> None:
    assert short_name(graph, world.WARSAW) == "Warsaw"
    other = Entity(EntityId("city:warsaw:indiana"), "Warsaw", ("city",))
    graph.put([Claim(other, "located in", world.FRANCE, (world.imported(),))])
    assert short_name(graph, other) == "city:warsaw:indiana"


def test_an_entity_that_is_gone_has_no_facts(graph: KnowledgeGraph) -> None:
    assert around(graph, [EntityId("person:nobody")], Filters()).facts == ()
