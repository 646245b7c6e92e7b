"""Filtered ranks against a count by hand, and splits that leave nobody unknown."""

from __future__ import annotations

import json

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
def test_metrics_equal_a_count_by_hand(seed: int) -> None:
    parts = split(random_view(12, 3, 90, seed), valid=0.1, test=0.3, seed=seed)
    relations, entities = len(parts.train.relations), len(parts.train.entities)
    table = Table(relations, entities, seed)
    ranks = np.array(by_hand(table, parts.known, parts.test, relations))
    for memory in (1, 160, 1 << 20):  # any chunking gives the same
        found = evaluate(table, parts, memory=memory)
        assert found.mrr == pytest.approx((1 / ranks).mean())
        assert found.hits == pytest.approx({k: (ranks <= k).mean() for k in (1, 3, 10)})
        assert found.ranks == 2 * len(parts.test)


def test_a_model_that_says_the_same_of_all_ranks_in_the_middle() -> None:
    parts = split(random_view(20, 2, 60, 1), valid=0.0, test=0.2)
    table = Table(2, len(parts.train.entities), 0)
    table.scores[:] = 1.0
    assert evaluate(table, parts).hits[1] == 0.0


def test_sides_relations_and_kinds_are_told_apart() -> None:
    """``in`` is n-1, ``of`` is 1-n, ``same`` 1-1, ``near`` n-n: by known facts, counted by hand."""
    rows = [(f"p{n}", "in", f"c{n // 4}") for n in range(8)] + [(f"c{n // 4}", "of", f"q{n}") for n in range(8)]
    rows += [(f"p{n}", "same", f"q{n}") for n in range(8)] + [(f"p{n}", "near", f"p{m}") for n in range(4) for m in range(4)]
    parts = split(view_of(rows), valid=0.1, test=0.4, seed=1)
    relations = len(parts.train.relations)
    table = Table(relations, len(parts.train.entities), 0)
    found = evaluate(table, parts)
    ranks = np.array(by_hand(table, parts.known, parts.test, relations)).reshape(-1, 2)  # tail asked, head asked
    assert found.tail.mrr == pytest.approx((1 / ranks[:, 0]).mean())
    assert found.head.mrr == pytest.approx((1 / ranks[:, 1]).mean())
    kinds = {"in": "n-1", "of": "1-n", "same": "1-1", "near": "n-n"}
    for number, name in enumerate(parts.train.relations):
        mine = ranks[parts.test[:, 1] == number]
        if not len(mine):
            assert name not in found.per_relation
            continue
        assert found.kinds[name] == kinds[name]
        assert found.per_relation[name].mrr == pytest.approx((1 / mine).mean())
        sides = found.per_kind[kinds[name]]  # type: ignore[index]
        assert (sides["tail"].mrr, sides["head"].mrr) == pytest.approx(((1 / mine[:, 0]).mean(), (1 / mine[:, 1]).mean()))


def test_the_row_is_what_the_command_promises() -> None:
    parts = split(random_view(12, 3, 90, 0), valid=0.1, test=0.3)
    row = json.loads(json.dumps(evaluate(Table(3, len(parts.train.entities), 0), parts, epoch_seconds=0.5).row()))
    assert {"mrr", "hits@1", "hits@3", "hits@10", "per_relation", "epoch_seconds", "test_seconds", "unseen_test_triples"} <= set(row)
    assert set(row["per_relation"]) == {"r0", "r1", "r2"}
    assert sum(one["ranks"] for one in row["per_relation"].values()) == row["ranks"] == row["head"]["ranks"] + row["tail"]["ranks"]


def test_too_little_memory_takes_fewer_questions_at_once_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    parts = split(random_view(12, 3, 90, 3), valid=0.1, test=0.3, seed=3)
    table = Table(3, len(parts.train.entities), 3)
    whole = evaluate(table, parts)

    class Narrow:
        def score(self, heads: torch.Tensor, relations: torch.Tensor) -> torch.Tensor:
            if len(heads) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
            return table.score(heads, relations)

    found = evaluate(Narrow(), parts)
    assert (found.mrr, found.hits) == (whole.mrr, whole.hits)
    assert "ranking does not fit into memory: it goes on with 2 questions at a time" in caplog.text

    class Full:
        def score(self, heads: torch.Tensor, relations: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    with pytest.raises(ModelError, match="not even one of its questions at a time"):
        evaluate(Full(), parts)


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
