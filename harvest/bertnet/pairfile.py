"""Tuples of one relation from a file of tab-separated lines, one column a slot; it may be gzip-compressed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kgplatform.errors import BadFile, BadRequest
from kgplatform.formats.rows import Broken
from kgplatform.formats.text import lines
from kgplatform.packed import opened
from kgplatform.types import Words


def read(path: Path, slots: Sequence[str], columns: Sequence[str] = ()) -> list[Words]:
    """Its tuples, each once, in their order; ``columns`` names the slots in the order of the file, where that is another.

    Raises ``BadRequest`` for columns that are not the slots, ``BadFile`` with the line that is no tuple, and when there is none at all.
    """
    if columns and sorted(columns) != sorted(slots):
        raise BadRequest(
            f"--columns {','.join(columns)}: the slots of this card are {', '.join(slots)}, each once, in the order of the file"
        )
    place = [list(columns).index(slot) for slot in slots] if columns else list(range(len(slots)))
    try:
        with opened(path) as file:
            rows = [_row(line, number, path, columns or slots) for number, line in lines(file) if line.strip()]
    except Broken as error:
        raise BadFile(f"{path}: {error}") from None
    if not rows:
        raise BadFile(f"{path}: holds no lines of {' and '.join(slots)}, separated by tabs")
    return list(dict.fromkeys(tuple(row[at] for at in place) for row in rows))


def _row(line: str, number: int, path: Path, slots: Sequence[str]) -> Words:
    cells = tuple(cell.strip() for cell in line.rstrip("\r").split("\t"))
    if len(cells) != len(slots) or not all(cells):
        raise BadFile(
            f"{path}, line {number}: has {len(cells)} columns where {' and '.join(slots)} are wanted, separated by tabs: {line[:80]!r}"
        )
    return cells
