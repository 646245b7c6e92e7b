"""Dates and numbers in questions, and which values of a graph stand before, after or within them."""

from __future__ import annotations

import pytest

from kgplatform.types import Literal
from reasoning.paths.values import Compare, Scale, Value, order, values

DATES = [Literal(value, "date") for value in ("1898", "1898-05-01", "1898-12-31", "1899-01-01", "1897-12")]
NODES = [*DATES, Literal("98", "integer"), Literal("1900", "integer"), Literal("2.5", "decimal"), Literal("words")]
SCALE = Scale(NODES)


def within(low: str, compare: Compare, high: str = "") -> set[str]:
    return {NODES[node].value for node in SCALE.within(Value(0, 0, low, high or low), compare)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("before 1900", [("1900", "1900")]),
        ("on 7 November 1867 or 1885-10-07", [("1867-11-07", "1867-11-07"), ("1885-10-07", "1885-10-07")]),
        ("in the 1890s", [("1890", "1899")]),
        ("in the 19th century", [("1801", "1900")]),
        ("more than 1,000.5 things", [("1000.5", "1000.5")]),
        ("the 3rd of U235", []),
    ],
)
def test_values_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(value.low, value.high) for value in values(text)] == expected


def test_a_date_is_before_another_only_as_a_whole() -> None:
    assert within("1899-01", "<") == {"1898", "1898-05-01", "1898-12-31", "1897-12"}
    assert within("1898-05-01", "<") == {"1897-12"}
    assert within("1898", ">") == {"1899-01-01", "1900"}


def test_a_year_holds_its_days() -> None:
    assert within("1898", "=") == {"1898", "1898-05-01", "1898-12-31"}
    assert within("1898", "=", "1899") == {"1898", "1898-05-01", "1898-12-31", "1899-01-01"}


def test_numbers_are_compared_as_numbers() -> None:
    assert within("97", ">") == {"98", "1900"}
    assert within("98", "<=") == {"98", "2.5"}


def test_order_is_not_told_where_it_cannot_be() -> None:
    assert order(DATES[0], DATES[3]) == -1
    assert order(DATES[0], DATES[1]) is None
    assert order(Literal("160", "integer", "cm"), Literal("2", "integer", "m")) is None
    assert order(Literal("10", "integer"), Literal("9", "integer")) == 1
