"""Leads within a group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvest.rivals import leads

SCORES = st.integers(-50, 50).map(float)
SCORED = st.lists(st.tuples(SCORES, st.sampled_from("abc")), max_size=12)


def led(scored: list[tuple[float, str]]) -> list[float]:
    return [float(lead) for lead in leads(np.array([score for score, _ in scored], dtype=np.float64), [group for _, group in scored])]


def test_the_best_leads_the_second_and_the_others_trail_the_best() -> None:
    assert led([(1.0, "a"), (5.0, "a"), (4.0, "a"), (9.0, "b")]) == [-4.0, 1.0, -1.0, 0.0]


@given(SCORED)
def test_each_is_compared_with_the_best_of_the_others(scored: list[tuple[float, str]]) -> None:
    for place, (lead, (score, group)) in enumerate(zip(led(scored), scored, strict=True)):
        others = [other for at, (other, name) in enumerate(scored) if name == group and at != place]
        assert lead == (score - max(others) if others else 0.0)


@given(SCORED, st.randoms(use_true_random=False))
def test_order_does_not_matter(scored: list[tuple[float, str]], random: object) -> None:
    order = list(range(len(scored)))
    random.shuffle(order)  # type: ignore[attr-defined]
    before = led(scored)
    assert led([scored[at] for at in order]) == [before[at] for at in order]


@given(SCORED, SCORES)
def test_a_common_term_does_not_matter(scored: list[tuple[float, str]], term: float) -> None:
    assert led([(score + term, group) for score, group in scored]) == led(scored)


@given(SCORED)
def test_at_most_one_of_a_group_leads(scored: list[tuple[float, str]]) -> None:
    ahead = [group for lead, (_, group) in zip(led(scored), scored, strict=True) if lead > 0]
    assert len(ahead) == len(set(ahead))


def test_scores_and_groups_go_together() -> None:
    with pytest.raises(IndexError):
        leads(np.zeros(1), ["a", "a"])
