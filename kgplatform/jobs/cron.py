"""When a cron line comes, in a time zone: pure functions of their arguments.

Daylight saving goes as in Debian's cron. A fixed time that the clock skips comes right after the gap; one that the clock shows twice
comes the first time only. A line whose minute or hour begins with ``*`` comes whenever the clock shows it: in a gap never, in a
repeated hour both times.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from kgplatform.errors import BadSchedule

_ASIDE = timedelta(hours=4)
"""Ticks are counted from so long before: counting that began within a repeated hour would see its fixed times again."""
_BACK = tuple(timedelta(days=days) for days in (2, 100, 3_700, 37_000))


def check(cron: str, zone: str) -> None:
    """Raises ``BadSchedule`` for what is no cron line of five fields, or never comes, or for an unknown zone."""
    following(cron, zone, datetime.now(UTC))


def following(cron: str, zone: str, after: datetime) -> datetime:
    """The first tick after that moment, in UTC. Raises ``BadSchedule``."""
    for tick in ticks(cron, zone, after):
        return tick
    raise BadSchedule(f"the cron line {cron!r} never comes: no such day is in any of the next 50 years")


def latest(cron: str, zone: str, after: datetime, until: datetime) -> datetime | None:
    """The last tick after one moment and not after another, however many lie between."""
    for back in _BACK:
        start = max(after, until - back)
        found = list(takewhile(lambda tick: tick <= until, ticks(cron, zone, start)))
        if found or start == after:
            return found[-1] if found else None
    return None


def ticks(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """All ticks after that moment in order, in UTC. Raises ``BadSchedule``."""
    place = named(zone)
    if len(cron.split()) != 5:
        raise BadSchedule(f"{cron!r} is not a cron line: it has five fields, minute hour day month weekday, like  '0 3 * * *'")
    try:
        counted = _counted(cron, (after - _ASIDE).astimezone(place))
    except CronSimError as error:
        raise BadSchedule(_unfit(cron, str(error))) from None
    return dropwhile(lambda tick: tick <= after, (tick.astimezone(UTC) for tick in counted))


def _counted(cron: str, start: datetime) -> Iterator[datetime]:
    """cronsim's ticks; where it would leap along the clock by hours, it looks at every hour: half an hour's change misleads it."""
    whole = CronSim(cron, start)
    minute, hour, *days = cron.split()
    if hour == "*" or not (minute.startswith("*") or hour.startswith("*")):
        return whole
    return (tick for tick in CronSim(" ".join((minute, "*", *days)), start) if tick.hour in whole.hours)


def _unfit(cron: str, why: str) -> str:
    """cronsim names the field alone, also for a day that no month of the line has."""
    if why == "Bad day-of-month":
        try:
            CronSim(" ".join("*" if place == 3 else field for place, field in enumerate(cron.split())), datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError:
            pass
        else:
            return f"the cron line {cron!r} never comes: no such day is in any of the next 50 years"
    field = why.removeprefix("Bad ")
    return f"{cron!r} is not a cron line ({field}): it has five fields, minute hour day month weekday, like  '0 3 * * *'"


def named(zone: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises ``BadSchedule`` with the nearest name."""
    try:
        return ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = {name.casefold(): name for name in zoneinfo.available_timezones()}
        near = difflib.get_close_matches(zone.casefold(), known, n=1)
        hint = f" (did you mean {known[near[0]]}?)" if near else ""
        raise BadSchedule(f"there is no time zone {zone!r}{hint}: name one like Europe/Berlin or UTC") from None


def local_zone(told: Path = Path("/etc/localtime")) -> str:
    """The zone that this machine's clock is set to, else UTC."""
    _, found, name = str(told.resolve()).partition("zoneinfo/")
    try:
        return named(name).key if found else "UTC"
    except BadSchedule:
        return "UTC"
