"""What a graph model says of pairs becomes a probability that was counted, not assumed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.view import Ints
from reasoning.curves import Sample, auc, curves, line

Reals = npt.NDArray[np.float64]


def sample(values: Reals, true: npt.NDArray[np.bool_], counts: Reals | float = 1.0, relations: int | Reals = 0) -> Sample:
    ones = np.ones(len(true))
    return Sample(values.reshape(len(true), -1), true, counts * ones, of((relations * ones).astype(np.int64)))


def of(relations: Ints) -> Ints:
    """Pairs of these relations."""
    return np.stack([np.arange(len(relations)), relations, np.arange(len(relations))], axis=1)


def test_area_under_the_curve() -> None:
    ones = np.ones(3)
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0, 1.5]), ones) == 1.0
    assert auc(np.array([1.0]), np.array([0.0, 1.0, 2.0]), ones) == 0.5
    assert auc(np.array([1.0]), np.array([0.0, 2.0, 2.0]), np.array([8.0, 1.0, 1.0])) == pytest.approx(0.8)


def test_a_line_gives_the_share_of_true_pairs() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4_000, 3))
    truth = rng.random(4_000) < 1 / (1 + np.exp(-(2 * values[:, 0] - values[:, 2] - 1)))
    found = line(sample(values, truth))
    np.testing.assert_allclose([*found.weights, found.offset], [2, 0, -1, -1], atol=0.25)


def made(seed: int, hidden: float, bent: float = 0.0) -> tuple[Sample, Reals]:
    """40,000 pairs of two relations, and how likely each is a fact, which bends where a line would not; of the facts a share is held out.

    The odds of the second relation are higher by ``bent``.
    """
    rng = np.random.default_rng(seed)
    relations = rng.integers(2, size=40_000)
    along = rng.normal(size=40_000)
    chance = 1 / (1 + np.exp(-(np.where(along > 1, 3.0, 2 * along - 4) + bent * relations)))
    facts = rng.random(40_000) < chance
    held = facts & (rng.random(40_000) < hidden)
    return Sample(along[:, None], held, np.ones(40_000), of(relations)), chance


@pytest.mark.parametrize("hidden", [0.3, 0.6])
def test_what_is_missing_unseen_is_not_taken_for_false(hidden: float) -> None:
    """Of the pairs that are not held out the missing ones are true: the curve says with which chance, at both ends of the line."""
    found, chance = made(0, hidden)
    curve = curves(found, found.values[:, 0], (1 - hidden) / hidden)
    open_ = ~found.true
    said = 1 / (1 + np.exp(-curve(found.values[open_, 0], 0)))
    really = (chance * (1 - hidden) / (1 - chance * hidden))[open_]
    assert abs(said.mean() - really.mean()) < 0.02
    top = found.values[open_, 0] > 1.1
    assert abs(said[top].mean() - really[top].mean()) < 0.05


def test_relations_have_curves_of_their_own_as_far_as_they_have_facts() -> None:
    found, _ = made(1, 0.5, bent=1.5)
    curve = curves(found, found.values[:, 0], 1.0)
    low, high = curve(np.array([0.5]), 0)[0], curve(np.array([0.5]), 1)[0]
    assert 0.8 < high - low < 2.2
    whole = curve(np.array([0.5]), 2)[0]
    assert low < whole < high  # of which nothing is known
    few = found.of((found.relations == 0) | (np.arange(40_000) % 2_000 == 0))
    assert abs(curves(few, few.values[:, 0], 1.0)(np.array([0.5]), 1)[0] - low) < 0.8


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans(), st.integers(0, 2)), max_size=80), st.floats(0.01, 10))
def test_a_curve_rises_and_is_a_probability(pairs: list[tuple[float, bool, int]], missing: float) -> None:
    odds, true = np.array([one[0] for one in pairs]), np.array([one[1] for one in pairs], bool)
    found = Sample(odds[:, None], true, np.ones(len(odds)), of(np.array([one[2] for one in pairs], np.int64)))
    curve, places = curves(found, odds, missing), np.linspace(-6, 6, 50)
    for relation in range(4):
        said = curve(places, relation)
        assert np.isfinite(said).all()
        assert (np.diff(said) > 0).all()
