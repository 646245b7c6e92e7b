"""A view is the same for the same facts, whatever order they come in."""

from __future__ import annotations

import dataclasses
import random
import sys

import numpy as np
import pytest

from kgplatform.errors import MissingExtra
from kgplatform.names import entity_id, fact_key
from kgplatform.types import Entity, Fact, Literal
from kgplatform.view import GraphView
from tests.servers import MISSING


def entity(name: str, kind: str = "thing") -> Entity:
    return Entity(entity_id(kind, name), name, (kind,))


def fact(head: str, relation: str, tail: str | Literal, trust: float = 0.9, **more: str) -> Fact:
    end = tail if isinstance(tail, Literal) else entity(tail)
    start = entity(head)
    key = fact_key(relation, start.id, end if isinstance(end, Literal) else end.id, tuple(more.items()))
    return Fact(key, start, relation, end, confidence=0.99, trust=trust, qualifiers=tuple(more.items()))


FACTS = [
    fact("Warsaw", "located in", "Poland"),
    fact("Marie Curie", "born in", "Warsaw", 0.7),
    fact("Marie Curie", "born on", Literal("1867-11-07", "date")),
    fact("Paris", "located in", "France", 0.8),
]


def test_triples_name_what_the_facts_say() -> None:
    view = GraphView.of(FACTS)
    said = {(view.entities[h].name, view.relations[r], view.entities[t].name) for h, r, t in view.triples}
    assert said == {("Warsaw", "located in", "Poland"), ("Marie Curie", "born in", "Warsaw"), ("Paris", "located in", "France")}
    assert len(view) == 3
    assert list(view.entity_ids) == sorted(view.entity_ids)


def test_order_of_arrival_does_not_matter() -> None:
    first = GraphView.of(FACTS)
    for seed in range(5):
        shuffled = random.Random(seed).sample(FACTS, len(FACTS))
        again = GraphView.of(iter(shuffled))
        assert np.array_equal(again.triples, first.triples)
        assert (again.entities, again.keys, again.revision) == (first.entities, first.keys, first.revision)


def test_revision_follows_content() -> None:
    first = GraphView.of(FACTS)
    assert GraphView.of(FACTS[:2]).revision != first.revision
    assert GraphView.of([*FACTS[1:], dataclasses.replace(FACTS[0], trust=0.2)]).revision != first.revision
    # What graph models add to confidence is not part of it: a model must not see its own opinion.
    assert GraphView.of([dataclasses.replace(f, confidence=0.5) for f in FACTS]).revision == first.revision


def test_confidence_is_trust_of_the_most_trusted_of_equal_triples() -> None:
    twice = [fact("Ann", "chairs", "Board", 0.4, since="2001"), fact("Ann", "chairs", "Board", 0.6, since="2011")]
    view = GraphView.of(twice)
    assert view.confidence.tolist() == [np.float32(0.6)]
    assert view.keys == (twice[1].key,)


def test_an_empty_graph_has_an_empty_view() -> None:
    view = GraphView.of([])
    assert view.triples.shape == (0, 3)
    assert view.entities == ()


def test_only_keeps_the_numbering() -> None:
    view = GraphView.of(FACTS)
    part = view.only(np.array([2, 0]))
    assert part.triples.tolist() == [view.triples[0].tolist(), view.triples[2].tolist()]
    assert part.entities == view.entities
    assert part.keys == (view.keys[0], view.keys[2])


def test_a_view_becomes_a_graph_of_pyg() -> None:
    pytest.importorskip("torch_geometric", reason=f"{MISSING}torch_geometric (the extra reasoning)")
    view = GraphView.of(FACTS)
    data = view.to_pyg()
    assert data.validate()
    assert data.num_nodes == len(view.entities)
    assert data.edge_index.tolist() == view.triples[:, [0, 2]].T.tolist()
    assert data.edge_type.tolist() == view.triples[:, 1].tolist()
    assert data.edge_weight.tolist() == view.confidence.tolist()
    assert GraphView.of([]).to_pyg().num_edges == 0


def test_without_pyg_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_geometric", None)
    monkeypatch.setitem(sys.modules, "torch_geometric.data", None)
    with pytest.raises(MissingExtra, match=r"torch_geometric.*pip install 'kgplatform\[reasoning\]'"):
        GraphView.of(FACTS).to_pyg()


def test_what_is_told_of_an_entity_in_two_ways_is_the_same_in_any_order() -> None:
    other = dataclasses.replace(FACTS[0], head=Entity(entity_id("thing", "Warsaw"), "Warszawa", ("city",)))
    assert GraphView.of([*FACTS, other]).entities == GraphView.of([other, *FACTS]).entities
    assert GraphView.of(FACTS).kinds == [("thing",)] * 5


def test_nobody_writes_into_a_view() -> None:
    view = GraphView.of(FACTS)
    for array in (view.triples, view.confidence):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
