"""Values in canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import BadRequest
from kgplatform.literals import DATATYPES, canonical, literal, native
from kgplatform.types import Literal


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


@pytest.mark.parametrize(
    ("value", "datatype", "expected"),
    [
        ("66", "integer", 66),
        ("-3", "integer", -3),
        ("9" * 18, "integer", 10**18 - 1),
        ("9" * 30, "integer", "9" * 30),
        ("many", "integer", "many"),
        ("12.50", "decimal", 12.5),
        ("9" * 310, "decimal", "9" * 310),
        ("nan", "decimal", "nan"),
        ("true", "boolean", True),
        ("yes", "boolean", "yes"),
        ("1867", "year", "1867"),
        ("1867-11", "date", "1867-11"),
        ("66", "string", "66"),
        ("x", "unheard of", "x"),
    ],
)
def test_a_value_is_a_number_only_where_it_is_one(value: str, datatype: str, expected: object) -> None:
    found = native(Literal(value, datatype))
    assert (found, type(found)) == (expected, type(expected))


@given(st.text(max_size=30), st.sampled_from(sorted(DATATYPES)))
def test_every_canonical_value_has_a_native_form(text: str, datatype: str) -> None:
    if (once := canonical(text, datatype)) is not None:
        assert native(Literal(once, datatype)) is not None
