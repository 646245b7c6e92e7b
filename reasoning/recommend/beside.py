"""Interactions beside a graph: one Parquet file of who took what, and one of the items, with the entities of the graph that they are.

They are no facts: no one claims them, nothing is believed for them, and what is forgotten here is gone. Each file is replaced whole or not
at all.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from kgplatform.errors import BadFile, BadRequest, NotFound
from kgplatform.numbered import inverse
from kgplatform.texts import Texts, places
from kgplatform.wholefile import whole
from reasoning.recommend.interactions import Interactions, Ints, Reals

if TYPE_CHECKING:
    import pyarrow as pa

TAKEN, ITEMS = "interactions.parquet", "items.parquet"
RECOMMENDER, GROUND = "recommender.safetensors", "graph.safetensors"
COLUMNS = {TAKEN: {"user", "item", "time", "rating"}, ITEMS: {"item", "name", "entity", "text"}}
_SHOWN = 3
_ANEW = "forget all by  kg interactions forget --all,  and add them anew"


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """All items by ascending ``ids``: what people call each, the id of the entity that it is, what is told of it; any may be empty."""

    ids: Texts
    names: Texts
    entities: Texts
    texts: Texts

    def told(self) -> dict[str, Item]:
        """What is known of each."""
        return {one: Item(*told) for one, *told in zip(self.ids, self.names, self.entities, self.texts, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Interactions, and their items, which both number alike."""

    interactions: Interactions
    items: Items

    @property
    def revision(self) -> str:
        """A hash of who took what when, and of what the items are."""
        hashed = hashlib.blake2b(digest_size=8)
        one = self.interactions
        for texts in (one.users, self.items.ids, self.items.names, self.items.entities, self.items.texts):
            hashed.update(len(texts).to_bytes(8, "little"))
            hashed.update(np.ascontiguousarray(texts.lengths).tobytes())
            for piece in texts.pieces():
                hashed.update(piece)
        for values in (one.pairs, one.times, one.ratings):
            hashed.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
        return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of an item: what people call it, which entity of the graph it is, and what is told of it."""

    name: str = ""
    entity: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """How many pairs are new, how many were there (those have the later time and rating now), and how many there are in all."""

    new: int
    again: int
    total: int


class Beside:
    """The interactions of one graph, in a ``folder`` of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def recommender(self) -> Path:
        """The file of the recommender that was learned from them; where none was, nothing is there."""
        return self.folder / RECOMMENDER

    @property
    def ground(self) -> Path:
        """The file of the graph that the recommender explains by."""
        return self.folder / GROUND

    @property
    def written(self) -> tuple[int, ...]:
        """When each file was written, the recommender last, in nanoseconds or 0: what was read holds as long as this is the same."""
        paths = (self.folder / name for name in (TAKEN, ITEMS, GROUND, RECOMMENDER))
        return tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside, nobody else writes here: who reads, changes and writes would else lose what another wrote meanwhile."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.folder}.lock"):
            yield

    def __bool__(self) -> bool:
        return (self.folder / TAKEN).is_file()

    def read(self) -> Kept:
        """Everything. Raises ``NotFound`` where nothing was added yet, ``BadFile`` for files that are damaged."""
        items = self.items()
        taken = _table(self.folder / TAKEN)
        users, user = _numbered(taken["user"])
        named, item = _numbered(taken["item"])
        place_of = places(items.ids, named)
        if (place_of < 0).any():
            raise BadFile(f"{self.folder / ITEMS}: lacks items that have interactions: {_ANEW}")
        pairs = np.stack([user, place_of[item]], axis=1)
        return Kept(Interactions(users, items.ids, pairs, *(_numbers(taken[name]) for name in ("time", "rating"))), items)

    def items(self) -> Items:
        """All items. Raises as ``read`` does."""
        self._there()
        known = _table(self.folder / ITEMS)
        return Items(*(Texts.of(known[name].to_pylist()) for name in ("item", "name", "entity", "text")))

    def _there(self) -> None:
        if not self:
            raise NotFound("this graph has no interactions beside it: add some by  kg interactions add FILE")

    def taken_by(self, user: str) -> list[str]:
        """The items of one user, in order; of nobody else anything is read. Raises ``NotFound`` for a user without any."""
        self._there()
        found = _table(self.folder / TAKEN, [("user", "=", user)])["item"].to_pylist()
        if not found:
            raise NotFound(f"no interaction is of a user called {user[:80]!r}: name one who has some, or items by  --basket")
        return list(found)

    def users(self, beginning: str, most: int) -> list[str]:
        """The first ``most`` users, in order, whose ids begin so; no more is read than they take. Raises as ``read`` does."""
        self._there()
        from pyarrow import dataset

        path, found = self.folder / TAKEN, dict[str, None]()
        with _reading(path):
            batches = dataset.dataset(path).to_batches(columns=["user"], filter=dataset.field("user") >= beginning, batch_readahead=1)
            for user in (one for batch in batches for one in batch["user"].unique().to_pylist()):
                if len(found) == most or not user.startswith(beginning):
                    break
                found[user] = None
        return list(found)

    def __len__(self) -> int:
        """How many interactions there are; none of them is read."""
        if not self:
            return 0
        from pyarrow import parquet

        path = self.folder / TAKEN
        with _reading(path):
            return int(parquet.read_metadata(path).num_rows)

    def add(self, new: Interactions, items: Mapping[str, Item]) -> Added:
        """Add interactions, and what is known of ``items``; of a pair that is there the later stays, without times the new one.

        Raises ``BadRequest`` where some have times and the others none.
        """
        with self.alone():
            return self._added(new, items)

    def _added(self, new: Interactions, items: Mapping[str, Item]) -> Added:
        if not self:
            self._write(new, {name: items.get(name, Item()) for name in new.items})
            return Added(len(new), 0, len(new))
        before = self.read()
        old = before.interactions
        if (old.times is None) != (new.times is None) and len(old) and len(new):
            which = ("have no times, and these have", "have times, and these have none")[old.times is not None]
            raise BadRequest(f"the {len(old):,} interactions beside this graph {which}: add all with times, or all without")
        told = before.items.told()
        for name in new.items:
            had, has = told.get(name, Item()), items.get(name, Item())
            told[name] = Item(has.name or had.name, has.entity or had.entity, has.text or had.text)
        joined = old.joined(new)
        self._write(joined, told)
        fresh = len(joined) - len(old)
        return Added(fresh, len(new) - fresh, len(joined))

    def forget(self, users: Iterable[str]) -> int:
        """Take out what these users took, and the recommender, which knows it; how many. Raises ``NotFound`` for a user who has none."""
        with self.alone():
            return self._forgotten(list(users))

    def _forgotten(self, wanted: list[str]) -> int:
        kept = self.read()
        users = places(kept.interactions.users, wanted)
        if (users < 0).any():
            lost = [user for user, place in zip(wanted, users, strict=True) if place < 0]
            raise NotFound(f"no interaction is of a user called {', '.join(lost[:_SHOWN])}")
        for learned in (self.recommender, self.ground):
            learned.unlink(missing_ok=True)
        left = kept.interactions.without(users)
        if len(left):
            self._write(left, kept.items.told())
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        return len(kept.interactions) - len(left)

    def clear(self) -> int:
        """Forget all interactions, and what was learned from them; how many, 0 of files that cannot be read. Raises ``NotFound``."""
        with self.alone():
            self._there()
            gone = 0
            with suppress(BadFile):
                gone = len(self)
            shutil.rmtree(self.folder, ignore_errors=True)
        return gone

    def _write(self, taken: Interactions, items: Mapping[str, Item]) -> None:
        import pyarrow as pa

        self.folder.mkdir(parents=True, exist_ok=True)
        names = sorted(items)
        known = {"item": names, **{field: [getattr(items[one], field) for one in names] for field in ("name", "entity", "text")}}
        sides = zip(("user", "item"), (taken.users, taken.items), taken.pairs.T, strict=True)
        columns = {name: pa.array(list(texts), pa.string()).take(pa.array(numbers)) for name, texts, numbers in sides}
        for name, values in (("time", taken.times), ("rating", taken.ratings)):
            columns[name] = pa.nulls(len(taken), pa.float64()) if values is None else pa.array(values, from_pandas=True)
        _put(self.folder / ITEMS, pa.table(known))  # first: items without interactions are no harm, the other way round they are
        _put(self.folder / TAKEN, pa.table(columns))


def _numbered(column: pa.ChunkedArray) -> tuple[Texts, Ints]:
    """The different texts of a column in order, and which of them each row has."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    return Texts.of([texts[place] for place in order.tolist()]), inverse(order)[encoded.indices.to_numpy()]


def _numbers(column: Any) -> Reals | None:
    """A column as numbers; ``None`` where it holds none."""
    return None if column.null_count == len(column) else column.to_numpy().astype(np.float64)


def _table(path: Path, filters: list[tuple[str, str, str]] | None = None) -> pa.Table:
    from pyarrow import parquet

    with _reading(path):
        found = parquet.read_table(path, filters=filters)
    if lacking := COLUMNS[path.name] - set(found.column_names):
        raise BadFile(f"{path}: has no column {min(lacking)}, it is of another version: {_ANEW}")
    return found


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"{path}: cannot be read ({' '.join(str(error).split())[:120]}): {_ANEW}") from None


def _put(path: Path, table: pa.Table) -> None:
    from pyarrow import parquet

    with whole(path) as file:
        parquet.write_table(table, file)
