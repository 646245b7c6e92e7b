"""Of a relation too large to be looked at whole, some heads stand for all: at a cost that follows the facts, and for as many pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from kgplatform.texts import Texts
from kgplatform.view import Entities, GraphView, Ints, Kinds
from reasoning import calibrate, candidates
from reasoning.calibrate import _sample
from reasoning.candidates import Cards, Room, Weigher

if TYPE_CHECKING:
    from torch import Tensor

NO_CARDS = Cards({}, {})


class Near:
    """A model by which a tail is the likelier the nearer its number; it counts the pairs that it is asked about."""

    device = "cpu"

    def __init__(self) -> None:
        self.asked = 0

    def among(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        self.asked += len(heads) * len(tails)
        return -(heads[:, None] - tails[None, :]).abs().float()


def graph(entities: int) -> tuple[GraphView, Ints]:
    """Everyone knows the ten that follow, but for a few facts that are held out."""
    heads = np.repeat(np.arange(entities), 10)
    tails = (heads + np.tile(np.arange(1, 11), entities)) % entities
    triples = np.unique(np.stack([heads, np.zeros_like(heads), tails], axis=1), axis=0)
    held = np.zeros(len(triples), dtype=bool)
    held[np.random.default_rng(0).permutation(len(triples))[:40]] = True
    ids = Texts.of([f"e{number:06}" for number in range(entities)])
    kinds = Kinds(((),), np.zeros(entities, np.int64))
    shown = triples[~held]
    keys = Texts.of([str(number) for number in range(len(shown))])
    return GraphView(Entities(ids, ids, kinds), ("knows",), shown, np.ones(len(shown), np.float32), keys), triples[held]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(calibrate, "LOOKED", 20_000)
    monkeypatch.setattr(calibrate, "LEAST_LOOKED", 20_000)
    monkeypatch.setattr(calibrate, "LEAST_SAMPLE", 50)
    monkeypatch.setattr(candidates, "CELLS", 10_000)


def test_what_is_asked_grows_no_faster_than_the_facts() -> None:
    asked = []
    for entities in (400, 1_600):
        view, held = graph(entities)
        model = Near()
        _sample(Weigher.of(model, view), held, view.triples, NO_CARDS)
        asked.append(model.asked)
    assert asked[1] < 4.4 * asked[0]


def test_some_heads_stand_for_all_pairs() -> None:
    view, held = graph(1_000)
    found = _sample(Weigher.of(Near(), view), held, view.triples, NO_CARDS)
    room = Room.of(view, 0, NO_CARDS, view.triples)
    assert found.true.sum() == len(held)
    assert len(found.true) < 1_000
    assert found.counts.sum() == pytest.approx(room.openings)
    pairs = {tuple(pair) for pair in found.triples.tolist()}
    assert len(pairs) == len(found.true)
    assert not pairs & {tuple(fact) for fact in view.triples.tolist()}


def test_where_nothing_else_may_be_proposed_the_held_out_facts_are_judged_alone() -> None:
    view, held = graph(1_000)
    every = np.stack(np.meshgrid(np.arange(1_000), [0], np.arange(1_000)), axis=-1).reshape(-1, 3)
    rest = every[(every[:, 0] == held[0, 0]) & (every[:, 2] == held[0, 2])]
    taken = every[(every[:, None] != rest).any(axis=2)[:, 0]]
    found = _sample(Weigher.of(Near(), view), held[:1], taken, NO_CARDS)
    assert found.triples.tolist() == held[:1].tolist()


def test_likely_pairs_are_as_many_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pairs next to each other that are no facts, counted by some heads and by all."""
    view, held = graph(1_000)
    near = []
    for looked in (20_000, 10_000_000):
        monkeypatch.setattr(calibrate, "LEAST_LOOKED", looked)
        found = _sample(Weigher.of(Near(), view), held, view.triples, NO_CARDS)
        close = np.abs(found.triples[:, 0] - found.triples[:, 2]) == 1
        near.append(float(found.counts[close & ~found.true].sum()))
    assert near[0] == pytest.approx(near[1], rel=0.3)
