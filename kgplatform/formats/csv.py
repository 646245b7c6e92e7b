"""Facts as comma-separated lines with quotes where they are needed (RFC 4180), in the columns of ``columns``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import IO

from kgplatform.formats import columns
from kgplatform.formats.rows import Broken, Rows, Stated
from kgplatform.formats.text import LONGEST, lines
from kgplatform.types import Source

csv.field_size_limit(LONGEST)  # it holds for the process, and is 131,072 otherwise: a text may be longer


class _Lines:
    """The lines of a file, and the number of the one that was read last."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = lines(file)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.number = number
            yield line + "\n"


def _cells(file: IO[bytes]) -> Iterator[tuple[int, list[str] | str]]:
    feed = _Lines(file)
    reader = csv.reader(feed, strict=True)
    while True:
        first = feed.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, _why(str(error), first, feed.number)
            continue
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield first, cells


def _why(error: str, first: int, last: int) -> str:
    """The sentence for a line that is no CSV. Raises ``Broken`` when a quote swallows the rest of the file."""
    if "unexpected end" in error or "field limit" in error:
        raise Broken("a quote opens here and is never closed", first)
    until = f", up to line {last}" if last > first else ""
    return f"its quotes are not those of CSV{until} ({error})"


def read(file: IO[bytes], source: Source) -> Rows:
    return columns.read(_cells(file), source)


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(columns.COLUMNS)
    writer.writerows(map(columns.cells, stated))
    text.detach()
