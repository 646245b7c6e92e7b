"""When cron lines come, over both changes of daylight saving in several zones, against a count of every minute of the year."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kgplatform.errors import BadSchedule
from kgplatform.jobs import cron

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Fits = Callable[[datetime], bool]

SHOWN: dict[str, Fits] = {
    "*/20 * * * *": lambda t: t.minute % 20 == 0,
    "15 * * * *": lambda t: t.minute == 15,
    "*/10 2 * * *": lambda t: t.minute % 10 == 0 and t.hour == 2,
    "0 */2 * * 0": lambda t: t.minute == 0 and t.hour % 2 == 0 and t.weekday() == 6,
    "* 1 * 3,4,10,11 *": lambda t: t.hour == 1 and t.month in (3, 4, 10, 11),
}
"""Lines that come whenever the clock shows their times."""
FIXED: dict[str, Fits] = {
    "30 2 * * *": lambda t: (t.hour, t.minute) == (2, 30),
    "10,40 1,2 * * *": lambda t: t.hour in (1, 2) and t.minute in (10, 40),
    "0 0 * * *": lambda t: (t.hour, t.minute) == (0, 0),
    "15 2 29 * *": lambda t: (t.day, t.hour, t.minute) == (29, 2, 15),
    "5 3 * * 1-5": lambda t: (t.hour, t.minute) == (3, 5) and t.weekday() < 5,
}
"""Lines of fixed times: each once, also where the clock skips or repeats it."""


@cache
def minutes(zone: str) -> list[tuple[datetime, datetime]]:
    """Every minute of the year as UTC and as the clock of the zone shows it, without its zone."""
    place, count = ZoneInfo(zone), int((END - BEGIN) / MINUTE)
    times = (BEGIN + n * MINUTE for n in range(1, count + 1))
    return [(moment, moment.astimezone(place).replace(tzinfo=None)) for moment in times]


def shown(zone: str, fits: Fits) -> list[datetime]:
    return [moment for moment, clock in minutes(zone) if fits(clock)]


def fixed(zone: str, fits: Fits) -> list[datetime]:
    """Walks along the clock: a time is due when the clock first comes to it, or first passes it."""
    due, furthest = [], minutes(zone)[0][1] - MINUTE
    for moment, clock in minutes(zone):
        if clock > furthest:
            skipped = range(1, (clock - furthest) // MINUTE)
            if fits(clock) or any(fits(furthest + n * MINUTE) for n in skipped):
                due.append(moment)
            furthest = clock
    return due


def year(line: str, zone: str) -> Iterator[datetime]:
    return takewhile(lambda tick: tick <= END, cron.ticks(line, zone, BEGIN))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", [*SHOWN, *FIXED])
def test_a_year_of_ticks_is_exact(zone: str, line: str) -> None:
    expected = shown(zone, SHOWN[line]) if line in SHOWN else fixed(zone, FIXED[line])
    assert list(year(line, zone)) == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("line", ["*/20 * * * *", "30 2 * * *", "10,40 1,2 * * *"])
def test_ticks_are_the_same_wherever_one_begins_to_count(zone: str, line: str) -> None:
    expected, place = list(year(line, zone)), ZoneInfo(zone)
    for day in (BEGIN + timedelta(days=n) for n in range(1, 363)):
        changes = day.astimezone(place).utcoffset() != (day + timedelta(days=1)).astimezone(place).utcoffset()
        for after in (day + n * timedelta(minutes=7) for n in range(400 if changes else 1)):
            assert cron.following(line, zone, after) == expected[bisect_right(expected, after)], after


def test_the_latest_tick_is_found_over_any_gap() -> None:
    now = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    for line, last in (
        ("* * * * *", now),
        ("30 2 * * *", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("0 0 1 1 *", datetime(2025, 12, 31, 23, 0, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2024, 2, 28, 23, 0, tzinfo=UTC)),
    ):
        assert cron.latest(line, "Europe/Berlin", datetime(1990, 1, 1, tzinfo=UTC), now) == last
        assert cron.latest(line, "Europe/Berlin", last, now) is None


@pytest.mark.parametrize(
    ("line", "zone", "said"),
    [
        ("61 * * * *", "UTC", "'61 * * * *' is not a cron line (minute)"),
        ("0 3 * *", "UTC", "five fields"),
        ("0 0 3 * * *", "UTC", "five fields"),
        ("every day", "UTC", "five fields"),
        ("0 0 30 2 *", "UTC", "never comes"),
        ("0 0 31 2,4,6 *", "Europe/Berlin", "never comes"),
        ("0 0 32 1 *", "UTC", "(day-of-month)"),
        ("0 3 * * *", "Europe/Berln", "did you mean Europe/Berlin?"),
        ("0 3 * * *", "../../etc/passwd", "no time zone"),
        ("0 3 * * *", "Europe", "no time zone"),
        ("0 3 * * *", "", "no time zone"),
    ],
)
def test_what_is_no_time_is_refused_in_a_sentence(line: str, zone: str, said: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        cron.check(line, zone)
    assert said in str(refused.value)


def test_the_zone_of_a_machine_is_what_its_clock_is_set_to(tmp_path: Path) -> None:
    for to, zone in (("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"), ("/usr/share/zoneinfo/Atlantis", "UTC"), ("/nothing", "UTC")):
        (tmp_path / "localtime").unlink(missing_ok=True)
        (tmp_path / "localtime").symlink_to(to)
        assert cron.local_zone(tmp_path / "localtime") == zone
