"""A second model is heard where it tells held-out facts better, and there alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from kgplatform.view import GraphView, Ints
from reasoning import calibrate, predict
from reasoning.blend import Judged, Second, blended
from reasoning.candidates import Cards
from reasoning.curves import Sample
from tests.unit.test_before import facts

torch = pytest.importorskip("torch")

NO_CARDS = Cards({}, {})


@dataclass
class Said:
    """Parameters that say of every pair what a function says of head, relation and tail."""

    says: Callable[[int, int, int], float]

    def on(self, triples: Ints, entities: int, relations: int) -> Any:
        del triples
        return On(self.says, entities, relations)


@dataclass
class On:
    says: Callable[[int, int, int], float]
    entities: int
    relations: int
    device: str = "cpu"

    def to(self, device: str) -> On:
        del device
        return self

    def among(self, heads: Any, relations: Any, tails: Any) -> Any:
        rows = [
            [self.says(h, r, t) if r < self.relations else self.says(t, r - self.relations, h) for t in tails.tolist()]
            for h, r in zip(heads.tolist(), relations.tolist(), strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)


def graph() -> tuple[GraphView, set[tuple[int, int, int]]]:
    """Half of the people in each circle know each other, no one can tell which; a graph without a sixth of that, and all that is true."""
    whole = GraphView.of(facts(160, people=48))
    hidden = np.arange(len(whole)) % 6 == 3
    return whole.only(~hidden), {(h, r, t) for h, r, t in whole.triples.tolist()}


def proposed(second: Callable[[int, int, int], float] | None, view: GraphView) -> predict.Prediction:
    heard = Second(cast(Any, Said(second)), "said", "cpu") if second else None
    return predict.predict(view, NO_CARDS, top=20, relation="knows", min_confidence=0.0, second=heard)


@pytest.fixture(autouse=True)
def one_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "LARGE", 50)


def right(found: predict.Prediction, view: GraphView, true: set[tuple[int, int, int]]) -> float:
    rows = [(view.entity_ids.find(p.head.id), view.relations.index(p.relation), view.entity_ids.find(p.tail.id)) for p in found.proposals]
    return float(np.mean([row in true for row in rows]))


def test_who_knows_is_heard() -> None:
    view, true = graph()
    alone = proposed(None, view)
    found = proposed(lambda h, r, t: 3.0 * ((h, r, t) in true), view)
    assert found.blend
    assert found.blend.wins
    assert found.blend.auc > found.blend.alone
    assert right(found, view, true) > right(alone, view, true)
    assert found.model.startswith("complex+ultra@")
    assert found.model != alone.model


def test_who_guesses_is_not_heard() -> None:
    view, _ = graph()
    alone = proposed(None, view)
    found = proposed(lambda h, r, t: float((h * 7919 + r * 31 + t * 104729) % 97), view)
    assert found.blend
    assert not found.blend.wins
    assert (found.proposals, found.model) == (alone.proposals, alone.model)


def test_where_no_pair_stands_for_itself_nobody_is_heard() -> None:
    view, _ = graph()
    nothing = Sample.joined([], 4)
    second = Second(cast(Any, Said(lambda *_: 0.0)), "said", "cpu")
    found = blended(second, [Judged(nothing, view, view.triples)], lambda one: one.counts, NO_CARDS, 1.0)
    assert not found.wins
