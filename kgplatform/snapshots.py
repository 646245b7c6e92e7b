"""Copies of a graph that never change: to cite, to compare, and to ask like the graph itself.

A snapshot is a folder: the facts of any status with all their evidence (``facts.parquet``), the vocabulary and the calibration
(``vocabulary.json``), and what is there (``manifest.json``). It appears whole or not at all. Its *digest* is that of its content, whatever
the order or the server: two graphs that say the same on the same grounds have the same one. Texts, merges and vectors are not in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import orjson

from kgplatform.belief import Calibration
from kgplatform.errors import BadFile, BadRequest, NotFound, WriteRefused
from kgplatform.formats import dumping, parquet
from kgplatform.formats.rows import Stated
from kgplatform.graph import KnowledgeGraph
from kgplatform.ports import Progress
from kgplatform.store.memory import MemoryStore
from kgplatform.types import Claim, Entity, FactQuery, Kind, Literal, Relation
from kgplatform.wholefile import whole

PREFIX = "snapshot:"
FORMAT = 1
FACTS, VOCABULARY, MANIFEST = "facts.parquet", "vocabulary.json", "manifest.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST = 1 << 256


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds: ``digest`` is of its content, ``sha256`` of its files by name, ``time`` in ISO 8601, UTC."""

    name: str
    graph: str
    time: str
    facts: int
    entities: int
    sources: tuple[str, ...]
    digest: str
    sha256: dict[str, str]
    calibration: str
    format: int = FORMAT

    @property
    def citation(self) -> str:
        """One line that says which state of which graph is meant."""
        return f"{self.graph}, snapshot {self.name!r} of {self.time[:10]}: {self.facts:,} facts, content {self.digest[:16]}"


def take(kg: KnowledgeGraph, folder: Path, name: str, graph: str, progress: Progress | None = None) -> Manifest:
    """Copy a graph as it is now. ``folder`` holds all snapshots, ``graph`` is what people call this one.

    Raises ``BadRequest`` for a name that is none, or that another snapshot has.
    """
    place = _place(folder, name)
    if place.exists():
        raise BadRequest(f"there is a snapshot {name!r} already: name it otherwise, or  kg snapshots drop {name}")
    draft = folder / f".{name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        tally = _Tally()
        with whole(draft / FACTS) as file:
            parquet.write(tally.counted(kg, progress), file)
        told = {"relations": _listed(kg.relations()), "kinds": _listed(kg.kinds()), "calibration": kg.store.calibration.written()}
        (draft / VOCABULARY).write_text(json.dumps(told, ensure_ascii=False, sort_keys=True, indent=1) + "\n", encoding="utf-8")
        tally.add((draft / VOCABULARY).read_bytes())
        files = {file: _sha256(draft / file) for file in (FACTS, VOCABULARY)}
        time, revision = datetime.now(UTC).isoformat(timespec="seconds"), kg.store.calibration.revision
        sources = tuple(sorted(tally.sources))
        made = Manifest(name, graph, time, tally.facts, len(tally.entities), sources, f"{tally.content:064x}", files, revision)
        (draft / MANIFEST).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draft.rename(place)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return made


class _Tally:
    """What passes by: how many facts, whose, and a digest of all that is said in whatever order (a sum of hashes)."""

    def __init__(self) -> None:
        self.facts, self.content = 0, 0
        self.entities: set[str] = set()
        self.sources: set[str] = set()

    def counted(self, kg: KnowledgeGraph, progress: Progress | None) -> Iterator[Stated]:
        total = len(kg.facts(status="all")) if progress else 0
        for claims, confidence in dumping.told(kg, FactQuery(status="all")):
            self.facts += 1
            if progress and self.facts % dumping.EVERY == 0:
                progress(self.facts, total)
            for claim in claims:
                self._claim(claim)
                yield claim, confidence

    def _claim(self, claim: Claim) -> None:
        ends = [end for end in (claim.head, claim.tail, *(value for _, value in claim.qualifiers)) if isinstance(end, Entity)]
        self.entities |= {end.id for end in ends}
        said = [_told(claim.head), claim.relation, _told(claim.tail), sorted([name, _told(value)] for name, value in claim.qualifiers)]
        for piece in claim.evidence:
            self.sources.add(piece.source.id)
            # Not when it was said, nor by which run: who repeats a work from its sources says the same.
            grounds = asdict(replace(piece, run="", time=0))
            self.add(orjson.dumps([said, grounds], option=orjson.OPT_SORT_KEYS))

    def add(self, said: bytes) -> None:
        self.content = (self.content + int.from_bytes(hashlib.sha256(said).digest(), "big")) % _DIGEST


def _told(value: Entity | Literal | str) -> Any:
    if isinstance(value, Entity):
        return [value.id, value.name, sorted(value.kinds), sorted(value.aliases), value.description]
    return asdict(value) if isinstance(value, Literal) else value


def manifest(folder: Path, name: str) -> Manifest:
    """Raises ``NotFound``, or ``BadFile`` for a folder that is no snapshot of this version."""
    file = _place(folder, name) / MANIFEST
    if not file.is_file():
        there = ", ".join(one.name for one in manifests(folder)) or "none yet:  kg snapshot NAME"
        raise NotFound(f"there is no snapshot {name!r}: there are {there}")
    try:
        told = json.loads(file.read_text("utf-8"))
        found = Manifest(**{**told, "sources": tuple(told["sources"])})
    except (OSError, ValueError, TypeError, KeyError):
        raise BadFile(f"{file}: is no manifest of a snapshot") from None
    if found.format != FORMAT:
        raise BadFile(f"{file}: is of format {found.format}, and this version reads {FORMAT}")
    return found


def manifests(folder: Path) -> list[Manifest]:
    """All snapshots, the latest first; a folder that is none is passed over."""
    places = [file.parent.name for file in folder.glob(f"*/{MANIFEST}") if _NAME.fullmatch(file.parent.name)]
    return sorted((manifest(folder, name) for name in places), key=lambda one: (one.time, one.name), reverse=True)


def opened(folder: Path, name: str) -> KnowledgeGraph:
    """A snapshot as a graph that is only read, in memory. Raises ``NotFound``, or ``BadFile`` where it is not as it was made."""
    told, place = manifest(folder, name), _place(folder, name)
    for file, expected in told.sha256.items():
        if _sha256(place / file) != expected:
            raise BadFile(f"{place / file}: is not what it was when the snapshot was taken: its hash is another")
    return KnowledgeGraph(Frozen(_filled(place), f"{PREFIX}{name}"))


def drop(folder: Path, name: str) -> Manifest:
    """Delete a snapshot. Raises ``NotFound``."""
    told, place = manifest(folder, name), _place(folder, name)
    gone = place.with_name(f".{name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    place.rename(gone)
    shutil.rmtree(gone)
    return told


def holding(folder: Path, source: str) -> list[str]:
    """The snapshots that still hold a source: what is forgotten in the graph stays in them until they are dropped."""
    return [one.name for one in manifests(folder) if source in one.sources]


class Frozen(MemoryStore):
    """A graph in memory that refuses whatever would change it."""

    def __init__(self, held: MemoryStore, address: str) -> None:
        self.__dict__.update(held.__dict__)
        self._address = address

    @property
    def address(self) -> str:
        return self._address

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        raise WriteRefused(f"{self._address} is a snapshot, which never changes: write to the graph itself")

    put = forget = forget_run = withdraw = merge = undo = publish = learn = embed = drop_vectors = _refused
    add_document = mirror_interactions = drop_interactions = _refused


def _filled(place: Path) -> MemoryStore:
    """What a folder holds. Raises ``BadFile``."""
    store = MemoryStore()
    copy = KnowledgeGraph(store)
    try:
        told = json.loads((place / VOCABULARY).read_text("utf-8"))
        copy.learn([_value(Relation, raw) for raw in told["relations"]], [_value(Kind, raw) for raw in told["kinds"]])
        calibration = Calibration.read(told["calibration"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BadFile(f"{place / VOCABULARY}: is no vocabulary of a snapshot") from None
    if calibration.revision != store.calibration.revision:
        copy.publish(calibration)
    if parquet.rows_of(place / FACTS):
        copy.load(place / FACTS, strict=True)
    return store


def check(name: str) -> None:
    """Raises ``BadRequest`` for what is no name of a snapshot."""
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name[:80]!r} is no name of a snapshot: use letters, digits, '.', '_' and '-'")


def _place(folder: Path, name: str) -> Path:
    check(name)
    return folder / name


def _listed(known: dict[str, Any]) -> list[dict[str, Any]]:
    return [asdict(known[name]) for name in sorted(known)]


def _value(made: type[Any], raw: dict[str, Any]) -> Any:
    """JSON's lists as the tuples of our values."""
    return made(**{name: _frozen(value) for name, value in raw.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BadFile(f"{file}: cannot be read ({error.strerror})") from None
