"""Which files are facts in which format: the one place that knows all formats."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from kgplatform.errors import BadFile, BadRequest
from kgplatform.formats.rows import Translator

PACKED = ".gz"


@dataclass(frozen=True, slots=True)
class Format:
    """What is known of a format before its module is loaded.

    ``evidence``: its files hold the evidence itself, so that they load to the same facts. ``packable``: they may be
    compressed as a whole. ``unit``: what a place in them is called. ``expected``: what one without facts lacks.
    ``drops``: what of a fact they do not hold; empty when they hold all.
    """

    name: str
    suffixes: tuple[str, ...]
    evidence: bool
    packable: bool = True
    unit: str = "line"
    expected: str = "what  kg export  writes"
    drops: str = ""

    @property
    def translator(self) -> Translator:
        return cast(Translator, importlib.import_module(f"kgplatform.formats.{self.name}"))


_EVIDENCE = "the evidence (sources, quotes, models, reviews)"
_TABLE = f"{_EVIDENCE}, aliases and descriptions"
_TRIPLE = f"{_EVIDENCE}, confidences and qualifiers"

FORMATS = (
    Format("tsv", (".tsv", ".txt", ".kg"), evidence=False, expected="lines of  head<TAB>relation<TAB>tail", drops=_TABLE),
    Format("csv", (".csv",), evidence=False, expected="lines of  head,relation,tail", drops=_TABLE),
    Format("jsonld", (".jsonld", ".json"), evidence=True),
    Format("parquet", (".parquet",), evidence=True, packable=False, unit="row"),
    Format("turtle", (".ttl", ".turtle"), evidence=False, expected="triples that are no labels and types", drops=_TRIPLE),
    Format("ntriples", (".nt",), evidence=False, expected="triples that are no labels and types", drops=_TRIPLE),
    Format("graphml", (".graphml",), evidence=False, expected="a graph with edges", drops=_EVIDENCE),
)
NAMES = tuple(one.name for one in FORMATS)


@dataclass(frozen=True, slots=True)
class Place:
    """A file of facts: where it is, in which format, and whether it is compressed as a whole."""

    path: Path
    format: Format
    packed: bool


def place(path: Path, format: str | None = None) -> Place:
    """The file as its name says, or in the format that is named. Raises ``BadFile`` or ``BadRequest``."""
    if path.is_dir():
        raise BadFile(f"{path}: is a folder: name a file in it")
    packed = path.suffix.lower() == PACKED
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    if format is not None and format not in NAMES:
        raise BadRequest(f"{format[:40]!r} is not a format of facts: use one of {', '.join(NAMES)}")
    found = next((one for one in FORMATS if (one.name == format if format else suffix in one.suffixes)), None)
    if found is None:
        endings = ", ".join(ending for one in FORMATS for ending in one.suffixes)
        raise BadFile(f"{path}: its ending is of no format of facts ({endings}): name the format, one of {', '.join(NAMES)}")
    if packed and not found.packable:
        raise BadFile(f"{path}: {found.name} files are compressed within: leave out the ending {PACKED}")
    return Place(path, found, packed)
