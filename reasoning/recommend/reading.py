"""Interactions as files bring them, with a graph about the items where one lies beside them.

Three kinds of folders or files are told apart by their names: RecBole's atomic files (``NAME.inter``, with ``.kg`` and ``.link``), the
layout of the public DiffKG code (``train.txt`` or ``train_split.txt`` with a user and the user's items a line, ``test…``, ``kg.txt``), and
one table (``.csv``, ``.tsv``, ``.parquet``) with the columns user and item and, where it has them, rating and time. Text files
may be compressed (``.gz``).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from kgplatform.errors import BadFile, BadRequest
from reasoning.recommend.interactions import Interactions, Ints, Reals, seconds
from reasoning.recommend.splitting import Parts, Way, held_out, parted

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "user_id", "userid"),
    "item": ("item", "item_id", "itemid"),
    "rating": ("rating", "score", "stars"),
    "time": ("time", "timestamp", "date"),
}
"""What the columns of a table may be called."""
ENTITY, TITLES = ("entity", "entity_id", "entityid"), ("title", "name")
"""What a column of entities may be called, and how that of items' names ends."""
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
    if path.is_dir() and (train := _beside(path, "train")):
        if way is not None:
            raise BadRequest(f"{train.parent} is split already: leave out the way to split it")
        return _split_already(path, train, seed)
    found, facts, texts = _recbole(path) if path.is_dir() else (_table(path)[0], None, None)
    if rating is not None:
        found = found.at_least(rating)
    return Data(parted(found, way or "random", valid, test, seed), facts, texts)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Interactions that are not split, with what files call items (``names``) and their entities (``links``), by item."""

    interactions: Interactions
    names: Mapping[str, str]
    links: Mapping[str, str]


def whole(path: Path, link: Path | None = None) -> Whole:
    """Read to be kept beside a graph; ``link`` names a file of item and entity. Raises ``BadFile`` with the file and the line."""
    links = _links(link) if link else {}
    if not path.is_dir():
        return Whole(*_table(path), links)
    if train := _beside(path, "train"):
        parts = _split_already(path, train, 0).parts
        pairs = np.unique(np.concatenate([part.pairs for part in (parts.train, parts.valid, parts.test)]), axis=0)
        return Whole(Interactions(parts.train.users, parts.train.items, pairs), {}, links)
    interactions, named = _interactions_in(path)
    of_items, beside = (_near(path, f"{named}.{suffix}") for suffix in ("item", "link"))
    names = _titles(_untyped(of_items)) if of_items else {}
    return Whole(interactions, names, links or (_links(beside) if beside else {}))


def _titles(columns: Mapping[str, list[str]]) -> dict[str, str]:
    """What items are called, by the first column that says so."""
    found = next((values for name, values in columns.items() if name.strip().lower().endswith(TITLES)), None)
    item = next((values for name, values in columns.items() if name.strip().lower() in COLUMNS["item"]), None)
    return {} if found is None or item is None else {one: name for one, name in zip(item, found, strict=True) if name}


def _links(path: Path) -> dict[str, str]:
    """Which entity each item is: RecBole's ``.link``, or a table with the columns item and entity."""
    columns = {name.partition(":")[0].strip().lower(): values for name, values in _columns(path).items()}
    item, entity = (next((columns[one] for one in columns if one in words), None) for words in (COLUMNS["item"], ENTITY))
    if item is None or entity is None:
        raise BadFile(f"{path}: has no columns item and entity, only {', '.join(columns) or 'none'}: name them so in its first line")
    return {one: meant for one, meant in zip(item, entity, strict=True) if one and meant}


# -- a table -----------------------------------------------------------------------------------------


def _table(path: Path) -> tuple[Interactions, dict[str, str]]:
    """One table of interactions, and what it calls items."""
    if not path.is_file():
        raise BadFile(f"{path}: there is no such file or folder")
    columns = _columns(path)
    found = {name: next((columns[one] for one in columns if one.strip().lower() in words), None) for name, words in COLUMNS.items()}
    if found["user"] is None or found["item"] is None:
        raise BadFile(f"{path}: has no columns user and item, only {', '.join(columns) or 'none'}: name them so in its first line")
    return _interactions(path, found), _titles(columns)


def _columns(path: Path) -> dict[str, list[str]]:
    """The columns of a table by their names, all as text."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    name = path.name.removesuffix(".gz")
    try:
        if name.endswith(".parquet"):
            table = parquet.read_table(path)
        else:
            delimiter = "\t" if name.endswith((".tsv", ".inter", ".link", ".kg", ".item", ".user", ".txt")) else ","
            names = _first_line(path).rstrip("\r\n").split(delimiter)
            text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
            table = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=delimiter, quote_char='"'), convert_options=text)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadFile(f"{path}: cannot be read as a table: {' '.join(str(error).split())[:160]}") from None
    return {told: table[told].cast(pa.string()).to_pylist() for told in table.column_names}


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
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        for row, value in enumerate(values):
            try:
                float(value)
            except (TypeError, ValueError):
                raise BadFile(f"{path}, line {row + 2}: the {name} {str(value)[:40]!r} is no number") from None
        raise


# -- RecBole -----------------------------------------------------------------------------------------


def _recbole(folder: Path) -> tuple[Interactions, Facts | None, Sequence[str] | None]:
    """``NAME.inter`` and what lies beside it: the graph, and a text for each item."""
    interactions, named = _interactions_in(folder)
    of_items, kg, link = (_near(folder, f"{named}.{suffix}") for suffix in ("item", "kg", "link"))
    texts = _texts(interactions.items, _untyped(of_items)) if of_items else None
    return interactions, _facts(interactions, kg, link) if kg and link else None, texts


def _interactions_in(folder: Path) -> tuple[Interactions, str]:
    """``NAME.inter``, and the name."""
    found = sorted([*folder.glob("*.inter"), *folder.glob("*.inter.gz")])
    if len(found) != 1:
        raise BadFile(f"{folder}: has {len(found) or 'no'} files *.inter, and no train.txt: name a folder with one, or a table")
    file = found[0]
    told = _untyped(file)
    columns = {name: next((told[one] for one in told if one in words), None) for name, words in COLUMNS.items()}
    if columns["user"] is None or columns["item"] is None:
        raise BadFile(f"{file}: has no columns user_id and item_id, only {', '.join(told)}")
    named = file.name.partition(".inter")[0]
    of_items = _near(folder, f"{named}.item")
    known = _untyped(of_items).get("item_id", []) if of_items else []
    return _interactions(file, columns, known), named


def _texts(items: Sequence[str], about: Mapping[str, list[str]]) -> Sequence[str] | None:
    """What the columns of a file ``.item`` say of each item, in their order; nothing of one that it leaves out."""
    told = [values for name, values in about.items() if name != "item_id"]
    if not told or "item_id" not in about:
        return None
    texts = dict(zip(about["item_id"], (", ".join(filter(None, row)) for row in zip(*told, strict=True)), strict=True))
    return [texts.get(item, "") for item in items]


def _untyped(path: Path) -> dict[str, list[str]]:
    """The columns without RecBole's types (``user_id:token``)."""
    return {name.partition(":")[0]: values for name, values in _columns(path).items()}


def _facts(interactions: Interactions, kg: Path, link: Path) -> Facts:
    told, links = _untyped(kg), _untyped(link)
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


def _split_already(folder: Path, train: Path, seed: int) -> Data:
    test = _beside(folder, "test")
    if test is None:
        raise BadFile(f"{folder}: has {train.name} and no test.txt: add it, or give one table to be split")
    learned, asked = _listed(train), _listed(test)
    users, items = (int(max(part[:, side].max(initial=-1) for part in (learned, asked))) + 1 for side in (0, 1))
    kg = _near(folder, "kg.txt")
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
    rows = [line.split() for line in _text(path).splitlines()]
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
    rows = [line.split() for line in _text(path).splitlines() if line.strip()]
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


# -- files -------------------------------------------------------------------------------------------


def _beside(folder: Path, name: str) -> Path | None:
    return _near(folder, f"{name}.txt") or _near(folder, f"{name}_split.txt")


def _near(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8") from None


def _first_line(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        return file.readline()
