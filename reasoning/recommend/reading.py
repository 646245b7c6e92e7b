"""Interactions as files bring them, with a graph about the items where one lies beside them.

Three kinds of folders or files are told apart by their names: RecBole's atomic files (``NAME.inter``, with ``.kg`` and ``.link``), the
layout of the public DiffKG code (``train.txt`` or ``train_split.txt`` with a user and the user's items a line, ``test…``, ``kg.txt``), and
one table (``.csv``, ``.tsv``, ``.parquet``) with the columns user and item and, where it has them, rating and time. Text files
may be compressed (``.gz``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np

from kgplatform.errors import BadFile, BadRequest
from reasoning.recommend import tables
from reasoning.recommend.interactions import Interactions, Ints, Reals, seconds
from reasoning.recommend.splitting import Parts, Way, held_out, parted
from reasoning.recommend.tables import COLUMNS, near, text, untyped

LEAST_TIMES = 2
"""Different times that a column of times has at least; one alone orders nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """A graph about the items: ``triples`` ``(n, 3)`` of head, relation, tail, and which entity each item is, ``(items,)``, or -1.

    ``confidence`` ``(n,)`` says how sure each fact is, above 0, where that is known.
    """

    triples: Ints
    entities: int
    relations: tuple[str, ...]
    of_item: Ints
    confidence: Reals | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What a folder holds: interactions in parts, and beside them, where they are told, a graph and a text for each item."""

    parts: Parts
    facts: Facts | None = None
    texts: Sequence[str] | None = None


def read(path: Path, *, way: Way | None = None, valid: float = 0.1, test: float = 0.2, rating: float | None = None, seed: int = 0) -> Data:
    """Read and split. A folder that is split already is left so, but for one interaction of each user that is watched while learning.

    ``rating`` leaves out what is rated lower. Raises ``BadFile`` with the file and the line, ``BadRequest`` for what cannot be split.
    """
    if path.is_dir() and (train := split_file(path, "train")):
        if way is not None:
            raise BadRequest(f"{train.parent} is split already: leave out the way to split it")
        return split_already(path, train, seed)
    found, facts, texts = _recbole(path) if path.is_dir() else (table(path), None, None)
    if rating is not None:
        found = found.at_least(rating)
    return Data(parted(found, way or "random", valid, test, seed), facts, texts)


# -- a table -----------------------------------------------------------------------------------------


def table(path: Path) -> Interactions:
    """One table of interactions."""
    told = tables.columns(path)
    found = {name: tables.meant(told, words) for name, words in COLUMNS.items()}
    if found["user"] is None or found["item"] is None:
        raise BadFile(f"{path}: has no columns user and item, only {', '.join(told) or 'none'}: name them so in its first line")
    return _interactions(path, found)


def _interactions(path: Path, columns: Mapping[str, list[str] | None], known: Sequence[str] = ()) -> Interactions:
    users, items = columns["user"] or [], columns["item"] or []
    for name, values in (("user", users), ("item", items)):
        if (bad := next((row for row, value in enumerate(values) if not value), None)) is not None:
            raise BadFile(f"{path}, line {bad + 2}: has no {name}")
    times, ratings = (_numbers(path, name, columns[name]) for name in ("time", "rating"))
    if times is not None:
        try:
            times = seconds(times)
        except BadRequest as error:
            raise BadFile(f"{path}: {error}") from None
        times = times if len(np.unique(times)) >= LEAST_TIMES else None
    if not users:
        raise BadFile(f"{path}: holds no interaction")
    return Interactions.of(users, items, times, ratings, known)


def _numbers(path: Path, name: str, values: list[str] | None) -> Reals | None:
    if values is None:
        return None
    missing = np.array([not value for value in values], dtype=np.bool_) if name == "rating" else np.zeros(len(values), np.bool_)
    try:
        found = np.array([value or "nan" for value in values], dtype=np.float64)
    except ValueError:
        found = np.array([_number(value) for value in values])
    if (wrong := np.flatnonzero(~np.isfinite(found) & ~missing)).size:
        row = int(wrong[0])
        raise BadFile(f"{path}, line {row + 2}: the {name} {str(values[row])[:40]!r} is no number")
    return found


def _number(value: str | None) -> float:
    """A number, or a date or time of ISO 8601 as seconds since 1970, in UTC unless it says otherwise."""
    for read in (float, _instant):
        try:
            return read(value or "")
        except ValueError:
            continue
    return float("nan")


def _instant(value: str) -> float:
    told = datetime.fromisoformat(value)
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


# -- RecBole -----------------------------------------------------------------------------------------


def _recbole(folder: Path) -> tuple[Interactions, Facts | None, Sequence[str] | None]:
    """``NAME.inter`` and what lies beside it: the graph, and a text for each item."""
    interactions, named = interactions_in(folder)
    of_items, kg, link = (near(folder, f"{named}.{suffix}") for suffix in ("item", "kg", "link"))
    texts = texts_of(interactions.items, untyped(of_items)) if of_items else None
    return interactions, _facts(interactions, kg, link) if kg and link else None, texts


def interactions_in(folder: Path) -> tuple[Interactions, str]:
    """``NAME.inter``, and the name."""
    found = sorted([*folder.glob("*.inter"), *folder.glob("*.inter.gz")])
    if len(found) != 1:
        raise BadFile(f"{folder}: has {len(found) or 'no'} files *.inter, and no train.txt: name a folder with one, or a table")
    file = found[0]
    told = untyped(file)
    columns = {name: tables.meant(told, words) for name, words in COLUMNS.items()}
    if columns["user"] is None or columns["item"] is None:
        raise BadFile(f"{file}: has no columns user_id and item_id, only {', '.join(told)}")
    named = file.name.partition(".inter")[0]
    of_items = near(folder, f"{named}.item")
    known = untyped(of_items).get("item_id", []) if of_items else []
    return _interactions(file, columns, known), named


def texts_of(items: Sequence[str], about: Mapping[str, list[str]]) -> Sequence[str] | None:
    """What the columns of a file about items say of each, in their order; nothing of one that it leaves out."""
    item = tables.meant(about, COLUMNS["item"])
    told = [values for values in about.values() if values is not item]
    if not told or item is None:
        return None
    texts = dict(zip(item, (", ".join(filter(None, row)) for row in zip(*told, strict=True)), strict=True))
    return [texts.get(one, "") for one in items]


def _facts(interactions: Interactions, kg: Path, link: Path) -> Facts:
    told, links = untyped(kg), untyped(link)
    for path, columns, wanted in ((kg, told, ("head_id", "relation_id", "tail_id")), (link, links, ("item_id", "entity_id"))):
        if missing := [name for name in wanted if name not in columns]:
            raise BadFile(f"{path}: has no column {missing[0]}, only {', '.join(columns)}")
    names, place = np.unique(np.array([*told["head_id"], *told["tail_id"], *links["entity_id"]], dtype=object), return_inverse=True)
    relations, link_of = np.unique(np.array(told["relation_id"], dtype=object), return_inverse=True)
    head, tail, entity = np.split(place, [len(link_of), 2 * len(link_of)])
    items = {name: number for number, name in enumerate(interactions.items)}
    of_item = np.full(len(items), -1)
    there = np.array([items.get(name, -1) for name in links["item_id"]], dtype=np.int64)
    of_item[there[there >= 0]] = entity[there >= 0]
    triples = np.unique(np.stack([head, link_of, tail], axis=1).astype(np.int64), axis=0)
    return Facts(triples, len(names), tuple(relations.tolist()), of_item)


# -- the layout of DiffKG ----------------------------------------------------------------------------


def split_already(folder: Path, train: Path, seed: int) -> Data:
    test = split_file(folder, "test")
    if test is None:
        raise BadFile(f"{folder}: has {train.name} and no test.txt: add it, or give one table to be split")
    learned, asked = _listed(train), _listed(test)
    users, items = (int(max(part[:, side].max(initial=-1) for part in (learned, asked))) + 1 for side in (0, 1))
    kg = near(folder, "kg.txt")
    triples = _triples(kg) if kg else None
    names = [f"{number:0{len(str(max(users, items)))}d}" for number in range(max(users, items))]
    whole, later = (Interactions.of([], [], known=names[:items]) for _ in range(2))
    whole, later = (_numbered(part, names[:users], whole) for part in (learned, asked))
    fit, watched = held_out(whole, seed)
    facts = None
    if triples is not None:
        entities = int(max(triples[:, [0, 2]].max(initial=-1) + 1, items))
        facts = Facts(triples, entities, tuple(map(str, range(int(triples[:, 1].max(initial=-1)) + 1))), np.arange(items))
    if not len(later):
        raise BadFile(f"{test}: holds no interaction to test by")
    return Data(Parts(fit, watched, later), facts)


def _numbered(pairs: Ints, users: Sequence[str], like: Interactions) -> Interactions:
    from kgplatform.texts import Texts

    return Interactions(Texts.of(users), like.items, np.unique(pairs, axis=0))


def _listed(path: Path) -> Ints:
    """Lines of a user and the user's items, as pairs ``(n, 2)``."""
    rows = [line.split() for line in text(path).splitlines()]
    try:
        counts = np.array([max(0, len(row) - 1) for row in rows], dtype=np.int64)
        flat = np.array(list(chain.from_iterable(row[1:] for row in rows)), dtype=np.int64)
        users = np.array([row[0] if row else -1 for row in rows], dtype=np.int64)
    except (ValueError, OverflowError):
        raise BadFile(f"{path}, line {_wrong(rows)}: expected the number of a user and of items, separated by blanks") from None
    pairs = np.stack([np.repeat(users, counts), flat], axis=1)
    if (pairs < 0).any():
        raise BadFile(f"{path}: the number {int(pairs.min())} is negative")
    return pairs


def _triples(path: Path) -> Ints:
    rows = [line.split() for line in text(path).splitlines() if line.strip()]
    try:
        found = np.array(rows, dtype=np.int64).reshape(-1, 3)
    except (ValueError, OverflowError):
        raise BadFile(f"{path}, line {_wrong(rows, 3)}: expected the numbers of head, relation and tail, separated by blanks") from None
    if (found < 0).any():
        raise BadFile(f"{path}: the number {int(found.min())} is negative")
    return np.unique(found, axis=0)


def _wrong(rows: list[list[str]], width: int | None = None) -> int:
    """The first line that is not all numbers, or not as many."""
    bad = (n for n, row in enumerate(rows, 1) if not all(one.isdecimal() for one in row) or (width and len(row) != width))
    return next(bad, len(rows))


def split_file(folder: Path, name: str) -> Path | None:
    return near(folder, f"{name}.txt") or near(folder, f"{name}_split.txt")
