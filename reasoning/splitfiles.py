"""Splits as benchmarks bring them: ``train``, ``valid`` and ``test``, a line a fact, in names or in ids.

In names (``train.txt``) a line is head, relation, tail between tabs. In ids (``train2id.txt``, with ``entity2id.txt`` and
``relation2id.txt``) it is head, tail, relation between blanks, and a first line may count the others. Other orders are named as
``columns``. Every file may be compressed (``.gz``). The whole of a file is taken apart at once; a line is looked at only
to say what is wrong with it.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from operator import methodcaller
from pathlib import Path

import numpy as np

from kgplatform.errors import BadFile, BadRequest
from kgplatform.texts import Ints, Numbering

PARTS = ("train", "valid", "test")
COLUMNS = ("head", "relation", "tail")
USUAL_OF_IDS = ("head", "tail", "relation")

_OF_IDS = dict.fromkeys(map(ord, "0123456789 \t"))

Names = tuple[list[str], list[str], list[Ints]]
"""Entities, relations, and the facts of each part ``(n, 3)`` as head, relation, tail by places in the two."""


def read(folder: Path, columns: Sequence[str] | None = None) -> Names:
    """Whichever of the two kinds of files there are. Raises ``BadFile`` with the file and the line, ``BadRequest`` for ``columns``."""
    if columns is not None and sorted(columns) != sorted(COLUMNS):
        raise BadRequest(f"{', '.join(columns)!r} are no columns of facts: name {', '.join(COLUMNS)} in the order of the files")
    if not folder.is_dir():
        raise BadFile(f"{folder}: there is no such folder")
    named, by_id = (_found(folder, f"train{ending}") for ending in (".txt", "2id.txt"))
    if not named and not by_id:
        raise BadFile(f"{folder}: has neither train.txt nor train2id.txt (nor one of them with .gz)")
    if not named:
        return _by_id(folder, columns or USUAL_OF_IDS)
    found = _named(folder, columns or COLUMNS)
    if columns is None and found[1] and set(found[1]) <= set(found[0]):
        raise BadFile(
            f"{named}: its columns cannot be {_order(COLUMNS)}, since each relation would be an entity too: "
            "name the order of the files as  columns"
        )
    return found


def _named(folder: Path, columns: Sequence[str]) -> Names:
    entities, relations = Numbering[str](), Numbering[str]()
    at = [list(columns).index(name) for name in COLUMNS]
    parts = []
    for name in PARTS:
        cells = _cells(_path(folder, f"{name}.txt"), columns)
        heads, of_relation, tails = (cells[place::3] for place in at)
        parts.append(np.stack([entities.of(heads), relations.of(of_relation), entities.of(tails)], axis=1))
    return list(entities), list(relations), parts


def _cells(path: Path, columns: Sequence[str]) -> list[str]:
    """All cells, three a line, one after the other."""
    lines = _lines(path)
    told = list(filter(str.strip, lines))
    cells = list(map(str.strip, "\t".join(told).split("\t"))) if told else []
    if set(map(methodcaller("count", "\t"), told)) - {2} or not all(cells):
        for number, line in enumerate(lines, start=1):
            parts = list(map(str.strip, line.split("\t")))
            if line.strip() and (len(parts) != 3 or not all(parts)):
                raise BadFile(f"{path}, line {number}: expected {_order(columns)} separated by tabs, not {line[:80]!r}")
    return cells


def _by_id(folder: Path, columns: Sequence[str]) -> Names:
    entities, relations = (_table(_path(folder, f"{name}2id.txt")) for name in ("entity", "relation"))
    limits = [len(relations) if name == "relation" else len(entities) for name in columns]
    at = [list(columns).index(name) for name in COLUMNS]
    return entities, relations, [_ids(_path(folder, f"{name}2id.txt"), columns, limits)[:, at] for name in PARTS]


def _table(path: Path) -> list[str]:
    """The names of ids 0, 1, 2, …, of lines with a name and its id."""
    lines = _lines(path)
    split = [line.rsplit(None, 1) for line in lines]
    counted = bool(split) and len(split[0]) == 1 and split[0][0].isdecimal()
    names: dict[int, str] = {}
    for number, parts in enumerate(split[counted:], start=1 + counted):
        if not parts:
            continue
        if len(parts) != 2 or not parts[1].isdecimal():
            raise BadFile(f"{path}, line {number}: expected a name and its id, not {lines[number - 1][:80]!r}")
        if (one := int(parts[1])) in names:
            raise BadFile(f"{path}, line {number}: the id {one} is {names[one]!r} already")
        names[one] = parts[0].strip()
    if sorted(names) != list(range(len(names))):
        raise BadFile(f"{path}: its ids are not 0 to {len(names) - 1}, each once")
    if len(set(names.values())) < len(names):
        twice = next(name for name in names.values() if list(names.values()).count(name) > 1)
        raise BadFile(f"{path}: {twice[:80]!r} has two ids")
    return [names[one] for one in range(len(names))]


def _ids(path: Path, columns: Sequence[str], limits: Sequence[int]) -> Ints:
    """Three ids a line ``(n, 3)``, each below the limit of its column."""
    lines = _lines(path)
    first = 1 if lines and len(lines[0].split()) == 1 else 0
    told = list(filter(str.strip, lines[first:]))
    whole = " ".join(told)
    if whole.translate(_OF_IDS) or set(map(len, map(str.split, told))) - {3}:
        for number, line in enumerate(lines[first:], start=1 + first):
            if line.strip() and (len(line.split()) != 3 or line.translate(_OF_IDS)):
                raise BadFile(f"{path}, line {number}: expected the ids of {_order(columns)}, not {line[:80]!r}")
    rows = np.fromstring(whole, dtype=np.int64, sep=" ").reshape(-1, 3)
    if first and lines[0].strip() != str(len(rows)):
        raise BadFile(f"{path}, line 1: counts {lines[0].strip()[:20]!r} facts, and {len(rows)} follow")
    if (beyond := ((rows < 0) | (rows >= np.array(limits))).any(axis=1)).any():  # below 0 is what 64 bits do not hold
        row = int(np.argmax(beyond))
        number = [place for place, line in enumerate(lines[first:], start=1 + first) if line.strip()][row]
        what = next(name for name, one, limit in zip(columns, rows[row].tolist(), limits, strict=True) if not 0 <= one < limit)
        raise BadFile(
            f"{path}, line {number}: {told[row][:80]!r} cannot be {_order(columns)}: "
            f"no {'relation' if what == 'relation' else 'entity'} has the id of its {what}; name the order of the files as  columns"
        )
    return rows


def _order(columns: Sequence[str]) -> str:
    return f"{columns[0]}, {columns[1]} and {columns[2]}"


def _found(folder: Path, name: str) -> Path | None:
    """The file or its compressed twin."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)


def _path(folder: Path, name: str) -> Path:
    if (path := _found(folder, name)) is None:
        raise BadFile(f"{folder / name}: cannot be read (there is no such file, nor one with .gz)")
    return path


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8 text") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadFile(f"{path}: is no whole gzip file") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
