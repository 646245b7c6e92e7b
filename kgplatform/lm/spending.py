"""What models cost, and the budgets that hold it: one table, shared by all threads and processes of a data folder.

Before a call the most that it may cost is *reserved*: it counts as spent from then on. After the call it is *settled* with what it
took, or given back when nothing was asked of the provider. Looking whether there is room and reserving are one transaction,
so no budget is ever passed, however many ask at once. Whoever dies in between leaves the reservation as spent: that is the
rule for a crash, and nothing needs to be cleaned up. A row holds the sums of one run, day (UTC) and model; money is whole picodollars.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kgplatform.errors import BudgetExceeded, ModelError
from kgplatform.lm.prices import PICO
from kgplatform.lm.sharedfile import SharedFile
from kgplatform.lm.talk import Usage

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spending (
    run TEXT, day TEXT, model TEXT, calls INTEGER, answered INTEGER, unpriced INTEGER, prompt INTEGER, completion INTEGER,
    money INTEGER, seconds REAL, PRIMARY KEY (run, day, model)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spending_day ON spending (day);"""
_COLUMNS = ("calls", "answered", "unpriced", "prompt", "completion", "money", "seconds")
_ADD = f"""INSERT INTO spending VALUES (:run, :day, :model, {", ".join(f":{name}" for name in _COLUMNS)})
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = {name} + :{name}" for name in _COLUMNS)}"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Limit:
    """A hard limit: the setting it comes from, what it bounds, and how much; money is in picodollars."""

    setting: str
    scope: str
    of: str
    amount: int

    def shown(self, amount: int) -> str:
        return f"{amount:,} tokens" if self.of == "tokens" else f"{amount / PICO:,.6f} USD"


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call may cost at most, and where it is booked; ``money`` is None when the price is not known."""

    run: str
    day: str
    model: str
    prompt: int
    completion: int
    money: int | None


@dataclass(frozen=True, slots=True)
class Spent:
    """Sums. ``calls`` not ``answered`` are those under way or broken off, at the most they may cost; ``unpriced`` ones have no known price.

    ``seconds`` is the time that the answered ones took, added up.
    """

    calls: int = 0
    answered: int = 0
    unpriced: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


class Spending:
    """The table in the file at ``path``. Raises ``ModelError`` when it cannot be used: what cannot be counted is not spent."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._file = SharedFile(path, _SCHEMA)
        self._clock = clock

    def reserve(self, run: str, model: str, most: Usage, money: int | None, limits: tuple[Limit, ...] = ()) -> Reservation:
        """Count the most that a call may take as spent. Raises ``BudgetExceeded``, and counts nothing, when a limit has less left."""
        made = Reservation(run, self._clock().date().isoformat(), model, most.prompt, most.completion, money)
        with usable(self._file.path), self._file.writing() as file:
            for limit in limits:
                _hold(file, limit, made)
            _add(file, made, calls=1, unpriced=money is None, prompt=most.prompt, completion=most.completion, money=money or 0)
        return made

    def settle(self, made: Reservation, took: Usage, money: int | None, seconds: float) -> None:
        """Put what the call took in the place of what was reserved."""
        prompt, completion = took.prompt - made.prompt, took.completion - made.completion
        self._change(made, answered=1, prompt=prompt, completion=completion, money=(money or 0) - (made.money or 0), seconds=seconds)

    def give_back(self, made: Reservation) -> None:
        """The call cost nothing, and is not counted."""
        unpriced = -(made.money is None)
        self._change(made, calls=-1, unpriced=unpriced, prompt=-made.prompt, completion=-made.completion, money=-(made.money or 0))

    def _change(self, made: Reservation, **amounts: float) -> None:
        with usable(self._file.path), self._file.writing() as file:
            _add(file, made, **amounts)


def spent(path: Path, *, run: str | None = None, day: str | None = None, model: str | None = None) -> Spent:
    """The sums of a run, a day (``2026-11-25``, UTC), a model, of those that are all three, or of everything."""
    if not path.exists():
        return Spent()
    wanted = {name: value for name, value in (("run", run), ("day", day), ("model", model)) if value is not None}
    where = " AND ".join(["1", *(f"{name} = :{name}" for name in wanted)])
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _COLUMNS)
    with usable(path), closing(SharedFile(path, _SCHEMA)) as file:
        row = file.connection.execute(f"SELECT {sums} FROM spending WHERE {where}", wanted).fetchone()  # noqa: S608
    return _sums(row)


def by_model(path: Path, since: str) -> dict[str, Spent]:
    """The sums of each model from a day (``2026-11-01``, UTC) on, the dearest first."""
    if not path.exists():
        return {}
    sums = ", ".join(f"sum({name})" for name in _COLUMNS)
    wanted = (
        f"SELECT model, {sums} FROM spending WHERE day >= ? GROUP BY model ORDER BY sum(money) DESC, sum(prompt + completion) DESC, model"  # noqa: S608
    )
    with usable(path), closing(SharedFile(path, _SCHEMA)) as file:
        return {row[0]: _sums(row[1:]) for row in file.connection.execute(wanted, (since,))}


def _sums(row: Sequence[Any]) -> Spent:
    calls, answered, unpriced, prompt, completion, money, seconds = row
    return Spent(calls, answered, unpriced, Usage(prompt, completion, money / PICO), seconds)


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """Say in a sentence that the file cannot be used."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ModelError(
            f"{path}: the record of what models cost cannot be used ({error}), and without it no model is asked: "
            "make room, or move the file away to begin a new one"
        ) from None


def _add(file: sqlite3.Connection, made: Reservation, **amounts: float) -> None:
    place = {"run": made.run, "day": made.day, "model": made.model}
    file.execute(_ADD, {**dict.fromkeys(_COLUMNS, 0), **amounts, **place})


def _hold(file: sqlite3.Connection, limit: Limit, made: Reservation) -> None:
    """Raise ``BudgetExceeded`` if the limit has no room for this."""
    sums = "prompt + completion" if limit.of == "tokens" else "money"
    place = made.run if limit.scope == "run" else made.day
    (gone,) = file.execute(f"SELECT coalesce(sum({sums}), 0) FROM spending WHERE {limit.scope} = ?", (place,)).fetchone()  # noqa: S608
    wanted = made.prompt + made.completion if limit.of == "tokens" else made.money or 0
    if gone + wanted > limit.amount:
        which = f"the run {made.run!r}" if limit.scope == "run" else f"the day {made.day} (UTC)"
        raise BudgetExceeded(
            f"{limit.setting}: {which} has {limit.shown(max(0, limit.amount - gone))} of {limit.shown(limit.amount)} left, "
            f"and the next request to {made.model} may take {limit.shown(wanted)}: raise the limit to go on"
        )
