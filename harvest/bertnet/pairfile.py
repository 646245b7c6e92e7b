"""Tuples of one relation from a file of tab-separated lines, one column a slot; it may be gzip-compressed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from kgplatform.errors import BadFile
from kgplatform.formats.rows import Broken
from kgplatform.formats.text import lines
from kgplatform.types import Words

_GZIP = b"\x1f\x8b"


def read(path: Path, slots: Sequence[str]) -> list[Words]:
    """Its tuples, each once, in their order. Raises ``BadFile`` with the line that is no tuple, and when there is none at all."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        with _opened(path, zipped) as file:
            found = {_row(line, number, path, slots): None for number, line in lines(file) if line.strip()}
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror or error})") from None
    except (EOFError, zlib.error) as error:
        raise BadFile(f"{path}: its compressed content is damaged ({error})") from None
    except Broken as error:
        raise BadFile(f"{path}: {error}") from None
    if not found:
        raise BadFile(f"{path}: holds no lines of {' and '.join(slots)}, separated by tabs")
    return list(found)


def _opened(path: Path, zipped: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def _row(line: str, number: int, path: Path, slots: Sequence[str]) -> Words:
    cells = tuple(cell.strip() for cell in line.rstrip("\r").split("\t"))
    if len(cells) != len(slots) or not all(cells):
        raise BadFile(
            f"{path}, line {number}: has {len(cells)} columns where {' and '.join(slots)} are wanted, separated by tabs: {line[:80]!r}"
        )
    return cells
