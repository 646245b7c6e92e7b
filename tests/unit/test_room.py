"""Which pairs a relation allows, and that of a large one the likely pairs are weighed as if all were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact, Relation
from kgplatform.view import GraphView
from reasoning import candidates
from reasoning.candidates import Cards, Room, Weigher

if TYPE_CHECKING:
    from torch import Tensor

PEOPLE = 40
CARDS = Cards({"spouse": Relation("spouse", symmetric=True), "mother": Relation("mother", functional=True)}, {})


def view(count: int = 200, seed: int = 0) -> GraphView:
    """Facts of ``spouse``, ``mother`` and ``knows`` among forty people."""
    rng = np.random.default_rng(seed)
    people = [Entity(EntityId(f"person:p{n:02}"), f"P {n}") for n in range(PEOPLE)]
    rows = {tuple(row) for row in rng.integers((PEOPLE, 3, PEOPLE), size=(count, 3)).tolist()}
    told = [(people[h], ("knows", "mother", "spouse")[r], people[t]) for h, r, t in rows if h < t]
    return GraphView.of(Fact(fact_key(r, h.id, t.id), h, r, t, 0.9, 0.9, methods=("import",)) for h, r, t in told)


@dataclass(frozen=True)
class Tables:
    """A model that is a table of scores, ``(2 · relations, heads, tails)``."""

    table: Tensor
    device: str = "cpu"

    @classmethod
    def of(cls, view: GraphView, seed: int = 1) -> Tables:
        torch = pytest.importorskip("torch")
        size = len(view.entities)
        return cls(torch.randn(2 * len(view.relations), size, size, generator=torch.Generator().manual_seed(seed)))

    def among(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        return self.table[relations, heads][:, tails]


def room(graph: GraphView, relation: str, taken: list[tuple[int, int]] | None = None) -> Room:
    number = graph.relations.index(relation)
    more = np.array([(h, number, t) for h, t in taken or []], dtype=np.int64).reshape(-1, 3)
    return Room.of(graph, number, CARDS, np.concatenate([graph.triples, more]))


def pairs(found: Room, places: tuple[np.ndarray, np.ndarray]) -> set[tuple[int, int]]:
    return set(zip(found.heads[places[0]].tolist(), found.tails[places[1]].tolist(), strict=True))


@pytest.mark.parametrize("relation", ["knows", "mother", "spouse"])
def test_what_may_be_proposed(relation: str) -> None:
    graph = view()
    number = graph.relations.index(relation)
    facts = {(h, t) for h, r, t in graph.triples.tolist() if r == number}
    heads, tails = {h for h, _ in facts}, {t for _, t in facts}
    if relation == "spouse":
        heads = tails = heads | tails
    rejected = next((h, t) for h in sorted(heads) for t in sorted(tails) if h < t and (h, t) not in facts)
    expected = {(h, t) for h in heads for t in tails if h != t} - facts - {rejected}
    if relation == "spouse":
        expected = {(h, t) for h, t in expected if h < t and (t, h) not in facts}
    if relation == "mother":
        expected = {(h, t) for h, t in expected if h not in {head for head, _ in facts}}
    found = room(graph, relation, [rejected])
    assert pairs(found, found.all()) == expected
    assert pairs(found, found.some(100_000, seed=0)) <= expected
    assert abs(found.openings - len(expected)) <= len(heads)
    held = np.array([(h, number, t) for h, t in [*sorted(expected)[:3], *facts]], dtype=np.int64)
    assert pairs(found, found.among(held)) == set(sorted(expected)[:3])


@pytest.mark.parametrize("relation", ["knows", "mother", "spouse"])
def test_a_grid_of_pairs_says_the_same_as_each_pair(relation: str) -> None:
    found = room(view(), relation, [(3, 30), (30, 3)])
    heads, tails = np.arange(len(found.heads)), np.arange(len(found.tails))
    each = found.open(np.repeat(heads, len(tails)), np.tile(tails, len(heads))).reshape(len(heads), len(tails))
    np.testing.assert_array_equal(found.grid(heads), each)
    np.testing.assert_array_equal(found.grid(tails, turned=True), each.T)
    np.testing.assert_array_equal(found.grid(heads[5:9]), each[5:9])
    np.testing.assert_array_equal(found.grid(tails[[2, 7]], turned=True), each.T[[2, 7]])


def test_features_do_not_depend_on_how_many_pairs_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = view()
    weigher, asked = Weigher.of(Tables.of(graph), graph), room(graph, "knows")
    places = asked.all()
    whole = weigher.features(asked, *places)
    monkeypatch.setattr(candidates, "CELLS", 50)
    np.testing.assert_allclose(weigher.features(asked, *places), whole, atol=1e-9)
    turned = np.random.default_rng(0).permutation(len(places[0]))
    np.testing.assert_allclose(weigher.features(asked, places[0][turned], places[1][turned]), whole[turned], atol=1e-9)


def test_of_a_large_relation_the_best_partners_of_each_end_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = view()
    model = Tables.of(graph)
    asked = room(graph, "knows")
    number, every = asked.relation, pairs(asked, asked.all())
    assert pairs(asked, Weigher.of(model, graph).likely(asked)) == every
    monkeypatch.setattr(candidates, "CELLS", 50)
    monkeypatch.setattr(candidates, "PARTNERS", 2)
    found = pairs(asked, Weigher.of(model, graph).likely(asked))
    assert found < every
    turned = number + len(graph.relations)
    for head in asked.heads.tolist():
        best = sorted((t for h, t in every if h == head), key=lambda t: -float(model.table[number, head, t]))
        assert {(head, tail) for tail in best[:2]} <= found
    for tail in asked.tails.tolist():
        best = sorted((h for h, t in every if t == tail), key=lambda h: -float(model.table[turned, tail, h]))
        assert {(head, tail) for head in best[:2]} <= found


def test_of_a_large_relation_those_that_rules_connect_are_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    """``a`` and then ``b`` is ``c``: the one such pair that is no fact is found although the model puts it last."""
    ends = [Entity(EntityId(f"thing:{letter}{n:02}"), f"{letter}{n}") for letter in "xyz" for n in range(20)]
    told = [(ends[n], "a", ends[20 + n]) for n in range(20)] + [(ends[20 + n], "b", ends[40 + n]) for n in range(20)]
    told += [(ends[n], "c", ends[40 + n]) for n in range(19)] + [(ends[19], "c", ends[40]), (ends[0], "c", ends[59])]
    graph = GraphView.of(Fact(fact_key(r, h.id, t.id), h, r, t, 0.9, 0.9, methods=("import",)) for h, r, t in told)
    model = Tables.of(graph)
    wanted = graph.entity_ids[:].index("thing:x19"), graph.entity_ids[:].index("thing:z19")
    number = graph.relations.index("c")
    model.table[number, wanted[0], wanted[1]] = model.table[number + 3, wanted[1], wanted[0]] = -100.0
    asked = Room.of(graph, number, Cards({}, {}), graph.triples)
    monkeypatch.setattr(candidates, "CELLS", 50)
    monkeypatch.setattr(candidates, "PARTNERS", 2)
    assert wanted in pairs(asked, Weigher.of(model, graph).likely(asked))


def test_of_too_many_ends_the_most_used_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = view()
    monkeypatch.setattr(candidates, "LOOKED", 100)
    asked = room(graph, "knows")
    used = np.bincount(graph.triples[graph.triples[:, 1] == asked.relation][:, 0], minlength=PEOPLE)
    assert len(asked.heads) == len(asked.tails) == 10
    assert used[asked.heads].min() >= np.sort(used)[-10]
