"""Filtered ranks against a count by hand, and splits that leave nobody unknown."""

from __future__ import annotations

import numpy as np
import pytest

from kgplatform.errors import ModelError
from kgplatform.names import fact_key
from kgplatform.types import Entity, EntityId, Fact
from kgplatform.view import GraphView, Ints
from reasoning.evaluate import evaluate
from reasoning.split import Split, split

pytest.importorskip("torch")

import torch


def view_of(triples: list[tuple[str, str, str]]) -> GraphView:
    def entity(name: str) -> Entity:
        return Entity(EntityId(name), name)

    return GraphView.of(Fact(fact_key(r, h, t), entity(h), r, entity(t), 1.0, 1.0) for h, r, t in triples)


def random_view(entities: int, relations: int, facts: int, seed: int) -> GraphView:
    rng = np.random.default_rng(seed)
    rows = {(int(h), int(r), int(t)) for h, r, t in rng.integers((entities, relations, entities), size=(facts, 3))}
    return view_of([(f"e{h:03}", f"r{r}", f"e{t:03}") for h, r, t in sorted(rows)])


class Table:
    """Fixed scores ``(2 · relations, entities, entities)``, few distinct ones, so that ties are common."""

    def __init__(self, relations: int, entities: int, seed: int) -> None:
        self.scores = np.random.default_rng(seed).integers(0, 4, size=(2 * relations, entities, entities)).astype(np.float32)

    def score(self, heads: torch.Tensor, relations: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.scores)[relations, heads].clone()


def by_hand(table: Table, known: Ints, test: Ints, relations: int) -> list[float]:
    ranks = []
    true = {tuple(row) for row in known.tolist()}
    for head, relation, tail in test.tolist():
        for asked, start, end, place in ((relation, head, tail, 2), (relation + relations, tail, head, 0)):
            row = table.scores[asked, start]
            better = equal = 0
            for other in range(len(row)):
                triple = [head, relation, tail]
                triple[place] = other
                if other != end and tuple(triple) not in true:
                    better += row[other] > row[end]
                    equal += row[other] == row[end]
            optimistic, pessimistic = 1 + better, 1 + better + equal
            ranks.append((optimistic + pessimistic) / 2)
    return ranks


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_a_count_by_hand(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split(random_view(12, 3, 90, seed), valid=0.1, test=0.3, seed=seed)
    relations, entities = len(parts.train.relations), len(parts.train.entities)
    table = Table(relations, entities, seed)
    ranks = np.array(by_hand(table, parts.known, parts.test, relations))
    for cells in (1, 40, 1 << 20):  # any chunking gives the same
        monkeypatch.setattr("reasoning.evaluate.CELLS", cells)
        found = evaluate(table, parts)
        assert found.mrr == pytest.approx((1 / ranks).mean())
        assert found.hits == pytest.approx({k: (ranks <= k).mean() for k in (1, 3, 10)})
        assert found.ranks == 2 * len(parts.test)


def test_a_model_that_says_the_same_of_all_ranks_in_the_middle() -> None:
    parts = split(random_view(20, 2, 60, 1), valid=0.0, test=0.2)
    table = Table(2, len(parts.train.entities), 0)
    table.scores[:] = 1.0
    assert evaluate(table, parts).hits[1] == 0.0


def test_unseen_entities_are_ranked_and_counted() -> None:
    view = view_of([("a", "r", "b"), ("b", "r", "c"), ("a", "r", "new")])
    new = view.entity_ids.index(EntityId("new"))
    unseen = (view.triples[:, [0, 2]] == new).any(axis=1)
    parts = Split(view.only(~unseen), np.zeros((0, 3), dtype=np.int64), view.triples[unseen])
    found = evaluate(Table(1, len(view.entities), 3), parts)
    assert (found.unseen_test_triples, found.ranks) == (1, 2)


def test_scores_that_are_not_numbers_are_refused() -> None:
    parts = split(random_view(10, 1, 40, 2), valid=0.0, test=0.2)
    table = Table(1, len(parts.train.entities), 0)
    table.scores[0, :, 1] = np.nan
    with pytest.raises(ModelError, match="not numbers"):
        evaluate(table, parts)


@pytest.mark.parametrize("seed", range(3))
def test_a_split_keeps_every_entity_and_relation_in_train(seed: int) -> None:
    view = random_view(30, 4, 80, seed)
    parts = split(view, valid=0.2, test=0.2, seed=seed)
    assert set(parts.train.triples[:, [0, 2]].ravel()) == set(view.triples[:, [0, 2]].ravel())
    assert set(parts.train.triples[:, 1]) == set(view.triples[:, 1])
    assert sorted(map(tuple, parts.known.tolist())) == sorted(map(tuple, view.triples.tolist()))
    assert len(parts.test)


def test_a_split_takes_nothing_that_cannot_be_spared() -> None:
    parts = split(view_of([("a", "r", "b"), ("c", "r", "d")]), valid=0.5, test=0.5)
    assert len(parts.train) == 2
