"""What a command shows: answers on standard output, for people or as JSON; notes and progress on standard error.

Everything that comes from a graph, a file or a model passes through ``plain`` before a terminal sees it:
no control sequence, no markup.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from threading import Timer
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

MOMENT = 1.0
"""Seconds that a person waits without being told why."""
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, so that a line reads as what it is not."""
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: object) -> str:
    """Words as a terminal may see them: in one line, without control characters."""
    return "".join(_shown(c) for c in str(text))


def _shown(c: str) -> str:
    if c.isprintable():
        return c
    if c.isspace():
        return " "
    category = unicodedata.category(c)
    return "\ufffd" if category == "Cs" else "" if category == "Cc" or c in _TURNING else c


def as_json(value: object) -> str:
    """One line of JSON that is safe to show on a terminal too."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _UNSAFE_IN_JSON.sub(lambda m: f"\\u{ord(m.group()):04x}", text)


def _write(stream: TextIO, line: str) -> None:
    try:
        stream.write(line + "\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever read (``kg … | head``) has what they wanted; the work goes on, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def complain(sentence: str) -> None:
    """The one line that says why a command did not do its work."""
    _write(sys.stderr, f"kg: {plain(sentence)}")


class Shown(Protocol):
    """Progress as a person sees it, in words that may change on the way."""

    def __call__(self, done: int, total: int) -> None: ...

    def words(self, what: str) -> None: ...


class _Warnings(logging.Handler):
    """What the program warns of, told at once."""

    def __init__(self, told: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told(f"kg: {record.getMessage()}")


_SILENT = logging.NullHandler()
"""Without any handler Python itself would write a warning, on a line without our name."""


class Screen:
    """Where one command writes. With ``json`` standard output holds JSON only; ``quiet`` leaves out notes and progress."""

    def __init__(self, *, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    def console(self) -> Console:
        """A rich console for what people read; on standard error when standard output is for JSON."""
        from rich.console import Console

        return Console(stderr=self.json, quiet=self.quiet and self.json, markup=False, highlight=False, emoji=False, soft_wrap=False)

    def say(self, line: str = "") -> None:
        """A line for people; not part of a JSON answer."""
        if not self.json:
            _write(sys.stdout, plain(line))

    def emit(self, value: object) -> None:
        """An object of a JSON answer; people see ``say`` and ``table``."""
        if self.json:
            _write(sys.stdout, as_json(value))

    def note(self, line: str) -> None:
        """A line beside the answer: a warning, a count, what was left out."""
        if not self.quiet:
            _write(sys.stderr, plain(line))

    @contextmanager
    def warnings(self, loggers: Iterable[str]) -> Iterator[None]:
        """Inside, warnings of these loggers are notes, as they come. After that nothing is told of what was no longer waited for."""
        handler = _Warnings(self.note)
        with ExitStack() as stack:
            for logger in map(logging.getLogger, loggers):
                logger.addHandler(handler)
                stack.callback(logger.addHandler, _SILENT)
                stack.callback(logger.removeHandler, handler)
            yield

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows for people. On a terminal a table that folds, elsewhere tab-separated lines."""
        if self.json:
            return
        if not sys.stdout.isatty():
            for row in (columns, *rows):
                _write(sys.stdout, "\t".join(plain(cell) for cell in row))
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(Text(plain(column)), overflow="fold")
        for row in rows:
            table.add_row(*(Text(plain(cell)) for cell in row))
        self.console().print(table)

    def csv(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Rows for other programs; exact, unless a terminal would see them."""
        shown: Callable[[object], object] = plain if sys.stdout.isatty() else lambda cell: cell
        for row in (columns, *rows):
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow([shown(cell) for cell in row])
            _write(sys.stdout, line.getvalue())

    @contextmanager
    def progress(self, what: str) -> Iterator[Shown | None]:
        """What is done, how fast, and how long it will take, on standard error: a bar on a terminal, else a line now and then."""
        if self.quiet:
            yield None
        elif sys.stderr.isatty():
            with _bar(what) as advance:
                yield advance
        else:
            yield _Lines(what)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say what a person waits for, where that takes longer than a moment; on a terminal the line goes when it is done."""
        if not self.quiet and sys.stderr.isatty():
            with _bar(what):
                yield
            return
        soon = Timer(MOMENT, self.note, [f"kg: {what} …"])
        soon.daemon = True
        soon.start()
        try:
            yield
        finally:
            soon.cancel()


class _Lines:
    """Progress for a log: a line every ``SECONDS``, and none for what is sooner done. Getting ready is not counted as work."""

    SECONDS = 10.0

    def __init__(self, what: str) -> None:
        self._what = what
        self._began: tuple[float, int] | None = None
        self._told = 0.0

    def words(self, what: str) -> None:
        self._what = what

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began, self._told = (now, done), now
        elif self._began[1] < done < total and now - self._told >= self.SECONDS:
            self._told = now
            rate = (done - self._began[1]) / (now - self._began[0])
            left = timedelta(seconds=round((total - done) / rate))
            pace = f"{rate:,.1f} a second" if rate >= 1 else f"{1 / rate:,.1f} s each"
            _write(sys.stderr, f"   {self._what}: {done:,} of {total:,}, {pace}, {left} left")


class _Drawn:
    """Progress as a bar."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def words(self, what: str) -> None:
        self._bar.update(self._task, description=what)

    def __call__(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)


@contextmanager
def _bar(what: str) -> Iterator[Shown]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Pace(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.1f}/s" if task.speed else "")

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Pace(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Drawn(bar, bar.add_task(what, total=None))


def percent(probability: float) -> str:
    """A probability as people read it: ``98 %``, and never a certainty that it is not."""
    if 0.995 <= probability < 1:
        return "> 99 %"
    if 0 < probability < 0.005:
        return "< 1 %"
    return f"{probability * 100:.0f} %"
