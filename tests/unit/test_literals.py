"""Values in canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadRequest
from kgplatform.literals import DATATYPES, canonical, literal


@given(st.text(max_size=30), st.sampled_from(sorted(DATATYPES)))
def test_a_canonical_value_is_its_own_canonical_form(text: str, datatype: str) -> None:
    once = canonical(text, datatype)
    assert once is None or canonical(once, datatype) == once


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b. %d %Y"]))
def test_one_day_in_any_wording_is_one_date(day: object, form: str) -> None:
    from datetime import date

    assert isinstance(day, date)
    if day.year >= 1000:
        assert canonical(day.strftime(form), "date") == day.isoformat()


@pytest.mark.parametrize(
    ("text", "datatype", "expected"),
    [
        ("1867", "date", "1867"),
        ("November 1867", "date", "1867-11"),
        ("7th of November, 1867", "date", "1867-11-07"),
        ("1867-02-30", "date", None),
        ("yesterday", "date", None),
        ("١٨٦٧", "date", None),
        ("1٨٦٧", "year", None),
        ("1,234,567", "integer", "1234567"),
        ("12.0", "integer", "12"),
        ("12.5", "integer", None),
        ("1 000", "decimal", "1000"),
        ("0.50", "decimal", "0.5"),
        ("1e3", "decimal", "1000"),
        ("nan", "decimal", None),
        ("inf", "integer", None),
        ("1e999999", "integer", None),
        (" TRUE ", "boolean", "true"),
        ("yes", "boolean", None),
        ("1867", "year", "1867"),
        ("867", "year", None),
        ("  words  ", "string", "words"),
        ("  ", "string", None),
    ],
)
def test_values_as_people_write_them(text: str, datatype: str, expected: str | None) -> None:
    assert canonical(text, datatype) == expected


def test_what_is_no_such_value_is_said() -> None:
    with pytest.raises(BadRequest, match="'soon' is not a value of type date"):
        literal("soon", "date")
    with pytest.raises(BadRequest, match="'colour' is not a datatype"):
        literal("x", "colour")
    assert literal("1,000", "integer", "m").value == "1000"
