"""What is done with sets of answers, and how far the result is believed."""

from __future__ import annotations

import pytest

from kgplatform.types import Entity, EntityId, Fact, FactKey, Literal, Path, Step
from reasoning.agent.sets import Member, both, either, foremost, whole, without


def walk(confidence: float, tail: Literal | None = None) -> Path:
    end = Entity(EntityId("a"), "a")
    return Path((Step(Fact(FactKey(f"{confidence}"), end, "r", tail or end, confidence, confidence)),))


ONE = {1: Member(0.9, (walk(0.9),)), 2: Member(0.5, (walk(0.5),))}
OTHER = {2: Member(0.8, (walk(0.8),)), 3: Member(0.7, (walk(0.7),))}


def test_both_is_no_surer_than_either_and_keeps_both_walks() -> None:
    ((node, member),) = both(ONE, OTHER).items()
    assert node == 2
    assert member.belief == pytest.approx(0.4)
    assert len(member.walks) == 2


def test_either_combines_what_speaks_for_a_member() -> None:
    joined = either(ONE, OTHER)
    assert set(joined) == {1, 2, 3}
    assert joined[2].belief == pytest.approx(0.9)


def test_without_leaves_what_the_other_lacks() -> None:
    assert set(without(ONE, OTHER)) == {1}


def test_a_set_is_as_sure_as_its_least_sure_member() -> None:
    assert whole(ONE).belief == 0.5
    assert whole({}).belief == 0.0


def test_the_first_of_a_set_are_all_that_share_the_value() -> None:
    early, late = Literal("1800", "year"), Literal("1900", "year")
    values = {1: (early, walk(0.5, early)), 2: (late, walk(1.0, late))}
    first = foremost(ONE, values, highest=False)
    assert first is not None
    assert set(first) == {1}
    assert first[1].belief == pytest.approx(0.45)
    assert set(foremost(ONE, {1: values[1], 2: values[1]}, highest=True) or ()) == {1, 2}


def test_dates_of_unlike_precision_have_no_first() -> None:
    values = {1: (Literal("1898", "date"), walk(1.0)), 2: (Literal("1898-05-01", "date"), walk(1.0))}
    assert foremost(ONE, values, highest=False) is None
