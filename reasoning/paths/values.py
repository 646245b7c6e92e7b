"""Dates and numbers: where a question names them, and which values of a graph lie before, after or between them.

A date counts as before another only when all of it lies before: the year 1898 is neither before nor after a day in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

import numpy as np
import numpy.typing as npt

from kgplatform.literals import canonical
from kgplatform.types import Entity, Literal

Ints = npt.NDArray[np.int64]
Compare = OneOf["=", "<", "<=", ">", ">="]

DATES = ("date", "year")
NUMBERS = ("integer", "decimal")
YEAR = 4
_LATEST = "~"
"""Sorts after all that can follow in a date."""
_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december)"
_DATE = rf"\d{{4}}-\d\d(?:-\d\d)?|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}|{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?,?)? \d{{4}}"
_WRITTEN = re.compile(
    rf"(?<![\w.-])(?<!\w\()(?:(?P<date>{_DATE})|(?P<decade>\d{{3}}0)s|(?P<century>\d{{1,2}})th[ -]century|"
    r"(?P<number>-?\d+(?:[.,]\d+)*))(?!\w|-\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A date, a number or a span of years in a question, from ``start`` to ``end`` there; ``low`` and ``high`` belong to it."""

    start: int
    end: int
    low: str
    high: str


def values(text: str) -> list[Value]:
    """The dates and numbers of a text, in order."""
    found = []
    for match in _WRITTEN.finditer(text):
        low, high = _bounds(match)
        if low:
            found.append(Value(*match.span(), low, high))
    return found


def _bounds(match: re.Match[str]) -> tuple[str, str]:
    if decade := match["decade"]:
        return decade, f"{decade[:3]}9"
    if century := match["century"]:
        return (f"{int(century) - 1:02d}01", f"{int(century):02d}00") if int(century) else ("", "")
    value = canonical(match["date"], "date") if match["date"] else canonical(match["number"], "decimal")
    return value or "", value or ""


class Scale:
    """The nodes that are dates or numbers, ready to be compared."""

    def __init__(self, nodes: Sequence[Entity | Literal]) -> None:
        held = [(number, node) for number, node in enumerate(nodes) if isinstance(node, Literal)]
        dates = [(number, node.value) for number, node in held if node.datatype in DATES]
        numbers = [(number, float(node.value)) for number, node in held if node.datatype in NUMBERS and _is_number(node.value)]
        self.dated = np.array([number for number, _ in dates], dtype=np.int64)
        self.first = np.array([value for _, value in dates], dtype=np.str_)
        self.last = np.array([value + _LATEST for _, value in dates], dtype=np.str_)
        self.numbered = np.array([number for number, _ in numbers], dtype=np.int64)
        self.size = np.array([value for _, value in numbers], dtype=np.float64)

    def within(self, value: Value, compare: Compare) -> Ints:
        """The nodes that stand to the value as ``compare`` says; a plain number of four digits may be a year too."""
        return np.concatenate([self._dates(value, compare), self._numbers(value, compare)])

    def _dates(self, value: Value, compare: Compare) -> Ints:
        if not re.fullmatch(r"\d{4}(-\d\d){0,2}", value.low):
            return self.dated[:0]
        latest = value.high + _LATEST
        kept = {
            "=": (self.first >= value.low) & (self.first <= latest),
            "<": self.last < value.low,
            "<=": self.first <= latest,
            ">": self.first > latest,
            ">=": self.first >= value.low,
        }[compare]
        return self.dated[kept]

    def _numbers(self, value: Value, compare: Compare) -> Ints:
        if not (_is_number(value.low) and _is_number(value.high)):
            return self.numbered[:0]
        low, high = float(value.low), float(value.high)
        kept = {
            "=": (self.size >= low) & (self.size <= high),
            "<": self.size < low,
            "<=": self.size <= high,
            ">": self.size > high,
            ">=": self.size >= low,
        }[compare]
        return self.numbered[kept]


def comparable(value: Literal) -> bool:
    return value.datatype in DATES or (value.datatype in NUMBERS and _is_number(value.value))


def order(one: Literal, other: Literal) -> int | None:
    """-1 when the first comes before, 1 when after, 0 when they are equal; ``None`` when it cannot be told."""
    if one.datatype in DATES and other.datatype in DATES:
        if one.value == other.value:
            return 0
        if one.value.startswith(other.value) or other.value.startswith(one.value):
            return None
        return -1 if one.value < other.value else 1
    if one.datatype in NUMBERS and other.datatype in NUMBERS and one.unit == other.unit:
        first, second = float(one.value), float(other.value)
        return (first > second) - (first < second)
    return None


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,300}(\.\d+)?", text))
