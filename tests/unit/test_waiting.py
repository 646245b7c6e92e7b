"""The queue of facts that wait for a person: its order, its pages, and the ways through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.graph import KnowledgeGraph
from kgplatform.names import entity_id
from kgplatform.opening import connect
from kgplatform.types import Claim, Entity, Evidence, FactKey, Method, Source, SourceId, Status
from ui import keys
from ui.waiting import Queue, Wanted, waiting


def thing(name: str) -> Entity:
    return Entity(entity_id("thing", name), name)


def told(head: str, score: float, relation: str = "likes", method: Method = "text") -> Claim:
    return Claim(thing(head), relation, thing("tea"), (Evidence(method, Source(SourceId("doc:1"), "document"), score),))


@pytest.fixture
def kg() -> Iterator[KnowledgeGraph]:
    with connect("memory") as made:
        made.put([told("sure", 3.0), told("a", -3.0), told("b", 0.9), told("c", 0.2, "knows"), told("d", 1.1, "knows", "graph")])
        yield made


def names(kg: KnowledgeGraph, listed: list[FactKey]) -> str:
    return "".join(kg.fact(key).head.name for key in listed)


def opened(kg: KnowledgeGraph, wanted: Wanted | None = None, page: int = 500) -> Queue:
    queue = Queue(wanted or Wanted())
    queue.read(kg, page)
    return queue


def test_the_least_certain_come_first(kg: KnowledgeGraph) -> None:
    queue = opened(kg)
    assert names(kg, queue.keys) == "bdca"
    assert (queue.total, queue.relations) == (4, {"likes": 2, "knows": 2})


@pytest.mark.parametrize(
    ("wanted", "left"),
    [(Wanted("knows"), "dc"), (Wanted(origins=("predicted",)), "d"), (Wanted("likes", ("predicted",)), ""), (Wanted("hates"), "")],
)
def test_only_what_is_wanted_comes(kg: KnowledgeGraph, wanted: Wanted, left: str) -> None:
    assert names(kg, opened(kg, wanted).keys) == left


def test_what_was_judged_no_longer_waits(kg: KnowledgeGraph) -> None:
    for fact in waiting(kg):
        kg.accept(fact) if fact.head.name == "a" else kg.reject(fact)
    assert opened(kg).total == 0
    statuses: tuple[Status, ...] = get_args(Status)
    assert {status for status in statuses if len(kg.facts(status=status))} == {"current", "rejected", "all"}


def test_the_queue_is_read_a_page_at_a_time(kg: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = opened(kg, page=2)
    assert (names(kg, queue.keys), queue.total) == ("bd", 4)
    monkeypatch.setattr("ui.waiting.PAGE", 1)
    queue.forward(kg)
    kg.reject("c | knows | tea")
    queue.forward(kg)
    assert (names(kg, queue.keys), queue.total, queue.at) == ("bda", 3, 2)
    queue.forward(kg)
    queue.forward(kg)
    assert (queue.current, queue.at) == (None, 3)
    queue.back()
    assert queue.current == queue.keys[-1]


def test_another_fact_comes_in_between(kg: KnowledgeGraph) -> None:
    queue = opened(kg)
    queue.forward(kg)
    queue.turn_to(kg.fact("sure | likes | tea").key)
    assert (names(kg, queue.keys), queue.at, queue.total) == ("bsuredca", 1, 5)
    queue.turn_to(queue.keys[0])
    assert queue.at == 0
    queue.drop(queue.keys[0])
    assert (names(kg, queue.keys), queue.at, queue.total) == ("suredca", 0, 4)


moves = st.lists(st.sampled_from(["forward", "back", "turn", "drop"]), max_size=30)


@given(moves)
def test_no_way_leads_out_of_the_queue(ways: list[str]) -> None:
    with connect("memory") as kg:
        kg.put([told(name, 0.1) for name in "abcde"])
        queue = opened(kg, page=2)
        for way in ways:
            match way:
                case "forward":
                    queue.forward(kg)
                case "back":
                    queue.back()
                case "turn":
                    queue.turn_to(kg.fact("c | likes | tea").key)
                case "drop" if queue.current:
                    queue.drop(queue.current)
            assert 0 <= queue.at <= queue.total
            assert len(queue.keys) == len(set(queue.keys)) <= queue.total


@pytest.mark.parametrize("state", [{}, {"press": None}, {"press": "accept"}, {"press": {"do": 7}}, {"press": {"do": "accept", "why": []}}])
def test_a_malformed_press_is_no_press(state: dict[str, object]) -> None:
    assert keys.pressed(state) == ("", "", "")
