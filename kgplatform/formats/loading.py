"""From a file of facts into a graph, whatever its format.

A file is read twice: once to check it, so that nothing is written of one that breaks off or is of another format,
and once to put its facts, batch by batch. An import that was killed is repeated: what is there already is found by
its evidence, and the end is the same. Memory does not grow with the file.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from kgplatform.errors import BadFile
from kgplatform.formats import registry
from kgplatform.formats.registry import Place
from kgplatform.formats.rows import Broken, Header, Rows, batches
from kgplatform.linking import Unlinked, link
from kgplatform.types import Candidate, Claim, Kind, Receipt, Refusal, Relation, Source, SourceId

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph
    from kgplatform.ports import Progress

BATCH = 20_000
"""Rows that are put at once."""
KEPT = 1_000
"""Reasons that are kept of each sort; beyond, rows are only counted."""


@dataclass(slots=True)
class Reasons:
    """Why rows were left out: how many, and the first reasons, each with the file and the line."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(reason)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that can be read to its end: how many facts it states, the rows that cannot be read, and what was taken as its header.

    ``header`` is empty where there is none, and where it is the usual one. ``kinds`` and ``relations`` are what the file says of its words.
    """

    place: Place
    source: Source
    state: tuple[int, int]
    good: int
    unread: Reasons
    header: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    relations: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file's rows. ``receipt`` holds only counts.

    ``left_out`` counts the rows that did not go in: those that cannot be read, those whose names mean several
    things, and those that the graph refuses. Of each sort the first ``KEPT`` reasons are there, with file and line.
    ``header`` are the words of a first row that was taken as a header, when they are not the usual ones. ``kinds`` and
    ``relations`` count what the graph did not know and learned from the file.
    """

    receipt: Receipt
    left_out: int = 0
    unread: tuple[str, ...] = ()
    unlinked: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    kinds: int = 0
    relations: int = 0


# -- reading -----------------------------------------------------------------------------------------


def _state(path: Path) -> tuple[int, int]:
    """Size and time of the last change. Raises ``BadFile`` for what cannot be read twice."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(found.st_mode):
        raise BadFile(f"{path}: is no regular file, and a file of facts is read twice: save it to one first")
    return found.st_size, found.st_mtime_ns


def _open(place: Place, stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """The file as it lies on the disk, and its content."""
    raw = stack.enter_context(place.path.open("rb"))
    return raw, cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw))) if place.packed else raw


def _unreadable(place: Place, error: Exception) -> BadFile:
    if isinstance(error, Broken):
        where = f", {place.format.unit} {error.place}" if error.place else ""
        return BadFile(f"{place.path}{where}: {error}")
    return BadFile(f"{place.path}: cannot be read ({getattr(error, 'strerror', None) or error})")


def _source(place: Place) -> Source:
    """A source of the name of the content, be it compressed or not: the same facts again are no more evidence."""
    try:
        with ExitStack() as stack:
            _, content = _open(place, stack)
            digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(place, error) from None
    return Source(SourceId(f"import:{digest[:16]}"), "import", title=place.path.name)


def _rows(place: Place, source: Source, progress: Progress | None = None) -> Rows:
    """All rows; ``progress`` is told of bytes of the file. Raises ``BadFile``."""
    try:
        with ExitStack() as stack:
            raw, content = _open(place, stack)
            size = _state(place.path)[0]
            for count, row in enumerate(place.format.translator.read(content, source)):
                if progress and count % BATCH == 0:
                    progress(min(raw.tell(), size), size)
                yield row
    except (Broken, OSError, EOFError, zlib.error, sqlite3.OperationalError) as error:
        raise _unreadable(place, error) from None


def _where(place: Place, number: int, why: str) -> str:
    return f"{place.path}, {place.format.unit} {number}: {why}" if number else f"{place.path}: {why}"


def check(path: Path, *, format: str | None = None, strict: bool = False, progress: Progress | None = None) -> Checked:
    """Read a whole file and put nothing.

    Raises ``BadFile`` for a file that breaks off, one with no readable row and, when ``strict``, for the first bad row.
    """
    place = registry.place(path, format)
    state = _state(path)
    source = _source(place)
    good, bad = 0, Reasons()
    header: tuple[str, ...] = ()
    kinds: dict[str, Kind] = {}
    relations: dict[str, Relation] = {}
    for number, row in _rows(place, source, progress):
        if isinstance(row, Header):
            header = row.words
            continue
        if isinstance(row, Kind):
            kinds.setdefault(row.name, row)
            continue
        if isinstance(row, Relation):
            relations.setdefault(row.name, row)
            continue
        if not isinstance(row, str):
            good += 1
            continue
        bad.add(_where(place, number, row))
        if strict:
            break
    found = good or kinds or relations
    if bad.count and (strict or not found):
        raise BadFile(bad.first[0])
    if not found:
        raise BadFile(f"{path}: holds no facts: expected {place.format.expected}")
    return Checked(place, source, state, good, bad, header, tuple(kinds.values()), tuple(relations.values()))


# -- putting -----------------------------------------------------------------------------------------

Batch = list[tuple[int, Candidate | Claim]]


def load(kg: KnowledgeGraph, path: Path, *, format: str | None = None, strict: bool = False, progress: Progress | None = None) -> Loaded:
    """Check a file and put its facts; ``progress`` is told of rows put."""
    return put(kg, check(path, format=format, strict=strict), strict=strict, progress=progress)


def put(kg: KnowledgeGraph, checked: Checked, *, strict: bool = False, progress: Progress | None = None) -> Loaded:
    """Put all good rows of a file. Raises ``BadFile`` before anything is written when ``strict`` and the graph would refuse one."""
    known, taxonomy = kg.relations(), kg.kinds()
    relations = [card for card in checked.relations if card.name not in known]
    kinds = [kind for kind in checked.kinds if kind.name not in taxonomy]
    if strict:
        for batch in _batches(checked):
            _fit(kg, checked.place, batch, relations)
    if relations or kinds:
        kg.learn(relations, kinds)
    receipt, unlinked, refused = Receipt(), Reasons(), Reasons()
    done = 0
    if progress:
        progress(done, checked.good)
    for batch in _batches(checked):
        put, left = _put(kg, batch)
        receipt += Receipt(put.new, put.merged, put.unchanged)
        for number, why in _placed(batch, left):
            unlinked.add(_where(checked.place, number, why))
        for number, why in _placed(batch, put.refused):
            refused.add(_where(checked.place, number, why))
        done += len(batch)
        if progress:
            progress(done, checked.good)
    count = checked.unread.count + unlinked.count + refused.count
    unread, unsure, not_kept = (tuple(one.first) for one in (checked.unread, unlinked, refused))
    return Loaded(receipt, count, unread, unsure, not_kept, checked.header, len(kinds), len(relations))


def _batches(checked: Checked) -> Iterator[Batch]:
    if _state(checked.place.path) != checked.state:
        raise BadFile(f"{checked.place.path}: changed since it was checked: import it again")
    rows = _rows(checked.place, checked.source)
    return batches(((number, row) for number, row in rows if isinstance(row, Candidate | Claim)), BATCH)


def _parted(batch: Batch) -> tuple[list[Candidate], list[Claim]]:
    return [row for _, row in batch if isinstance(row, Candidate)], [row for _, row in batch if isinstance(row, Claim)]


def _put(kg: KnowledgeGraph, batch: Batch) -> tuple[Receipt, Sequence[Unlinked]]:
    candidates, claims = _parted(batch)
    put = kg.put(claims)
    if not candidates:
        return put, ()
    added = kg.add(candidates)
    return put + added.receipt, added.unlinked


def _fit(kg: KnowledgeGraph, place: Place, batch: Batch, cards: Iterable[Relation]) -> None:
    """Raise ``BadFile`` for a row that the graph would refuse when it knew these cards as well."""
    candidates, claims = _parted(batch)
    linked = link(candidates, kg.store, kg.kinds())
    for number, why in _placed(batch, [*linked.unlinked, *kg.refusals([*linked.claims, *claims], cards)]):
        raise BadFile(_where(place, number, why))


def _placed(batch: Batch, left: Sequence[Unlinked | Refusal]) -> Iterator[tuple[int, str]]:
    """Line and reason of what was left out, in the order of the lines: a row is known by its piece of evidence, which linking keeps."""
    if left:
        whys = {id(one.candidate.evidence if isinstance(one, Unlinked) else one.claim.evidence[0]): one.why for one in left}
        for number, row in batch:
            if why := whys.get(id(row.evidence if isinstance(row, Candidate) else row.evidence[0])):
                yield number, why
