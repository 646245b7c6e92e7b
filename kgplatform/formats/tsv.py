"""Facts as tab-separated lines: what link-prediction data sets have, and dumps with ids (see ``columns``).

In a dump a tab, a line end and a backslash within a cell are written ``\\t``, ``\\n``, ``\\r`` and ``\\\\``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import IO

from kgplatform.formats import columns
from kgplatform.formats.rows import Rows, Stated, batches
from kgplatform.formats.text import lines
from kgplatform.types import Source

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_TABLE = str.maketrans(_ESCAPES)
_BACK = {escaped: plain for plain, escaped in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\[\\tnr]")


def _unescaped(cells: list[str]) -> list[str]:
    if "\\" not in "".join(cells):
        return cells
    return [_ESCAPED.sub(lambda found: _BACK[found.group()], cell) for cell in cells]


def _cells(file: IO[bytes]) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines(file):
        if line and not line.isspace():
            yield number, line.rstrip("\r").split("\t")


def read(file: IO[bytes], source: Source) -> Rows:
    return columns.read(_cells(file), source, _unescaped)


def _line(stated: Stated) -> str:
    cells = columns.cells(stated)
    if not (joined := "".join(cells)).isprintable() or "\\" in joined:
        cells = [cell.translate(_TABLE) for cell in cells]
    return "\t".join(cells) + "\n"


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    file.write(("\t".join(columns.COLUMNS) + "\n").encode())
    for some in batches(map(_line, stated), 1_000):
        file.write("".join(some).encode())
