"""Values in canonical form: numbers and dates as people write them, to text that compares and sorts.

Dates keep their precision: ``1867``, ``1867-11`` and ``1867-11-07`` are three dates. Pure functions.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from kgplatform.errors import BadRequest
from kgplatform.types import Literal

DATATYPES = frozenset({"string", "integer", "decimal", "date", "year", "boolean"})

_MONTHS = {
    name[:3]: number
    for number, name in enumerate("january february march april may june july august september october november december".split(), start=1)
}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE_FORMS = [
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        r"(?P<year>\d{4})-(?P<m>\d{2})-(?P<day>\d{2})",
        r"(?P<year>\d{4})-(?P<m>\d{2})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s+(?P<year>\d{{4}})",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
        rf"{_MONTH},?\s+(?P<year>\d{{4}})",
        r"(?P<year>\d{4})",
    )
]


def _date(text: str) -> str | None:
    for form in _DATE_FORMS:
        if not (found := form.fullmatch(text)):
            continue
        parts = found.groupdict()
        month = int(parts["m"]) if parts.get("m") else _MONTHS.get((parts.get("month") or "")[:3].lower())
        day = parts.get("day")
        try:
            date(int(parts["year"]), month or 1, int(day or 1))
        except ValueError:
            return None
        return "-".join(part for part in (parts["year"], f"{month:02d}" if month else "", f"{int(day):02d}" if day else "") if part)
    return None


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(re.sub(r"(?<=\d)[,_ \u00a0](?=\d{3}\b)", "", text))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 400 else None


def canonical(text: str, datatype: str) -> str | None:
    """The canonical form of a value, or ``None`` when the text is no value of that type."""
    text = text.strip()
    match datatype:
        case "string":
            return text or None
        case "integer":
            number = _number(text)
            return str(int(number)) if number is not None and number == int(number) else None
        case "decimal":
            number = _number(text)
            return f"{number.normalize():f}" if number is not None else None
        case "year":
            return text if re.fullmatch(r"[12][0-9]{3}", text) else None
        case "date":
            return _date(text)
        case "boolean":
            return text.lower() if text.lower() in ("true", "false") else None
    raise BadRequest(f"{datatype!r} is not a datatype: use one of {', '.join(sorted(DATATYPES))}")


def native(value: Literal) -> str | int | float | bool:
    """The value as a number or truth value where its type is one and 64 bits hold it, else as text.

    Dates are text, since their precision varies.
    """
    match value.datatype:
        case "integer" if re.fullmatch(r"-?[0-9]{1,18}", value.value):
            return int(value.value)
        case "decimal" if re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]+)?", value.value):
            return float(value.value)
        case "boolean" if value.value in ("true", "false"):
            return value.value == "true"
    return value.value


def literal(text: str, datatype: str, unit: str = "", language: str = "") -> Literal:
    """A literal of the given type. Raises ``BadRequest`` when the text is no such value."""
    if (value := canonical(text, datatype)) is None:
        raise BadRequest(f"{text[:80]!r} is not a value of type {datatype}")
    return Literal(value, datatype, unit, language)
