"""The relations that BertNet is measured by: pairs known to be true, and type-consistent pairs known to be false.

They were written from general knowledge before any score was seen; the half of a relation, to develop on or to report, is fixed in its
file. The false pairs are the true tails moved to other heads, so that neither a head nor a tail alone tells true from false.
Whole harvests are measured by reference tables, nearly complete lists that say which of the pairs a harvest brings are true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from kgplatform.cards import relation_from
from kgplatform.errors import BadCard, BadFile
from kgplatform.types import Relation

HERE = Path(__file__).parent
HALVES = ("develop", "report")
LEAST = 40

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """One relation with pairs in the order of its slots; as many are false as are true."""

    name: str
    half: str
    card: Relation
    true: tuple[Words, ...]
    false: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A nearly complete list of a relation's pairs; a row holds the names of its head and of its tail, the usual one first.

    Where the heads come to an end (countries, elements), a pair that is not here is false; no list has all books, so there a pair whose
    head stands in no row is unknown.
    """

    name: str
    card: Relation
    rows: tuple[tuple[Words, Words], ...]


def read_judged(path: Path) -> Judged:
    """The relation in a YAML file. Raises ``BadFile`` naming the file and what is wrong with it."""
    raw = _mapping(path)
    # Unquoted, YAML reads the two names as truth values.
    raw = {{True: "true", False: "false"}.get(key, key) if isinstance(key, bool) else key: value for key, value in raw.items()}
    if missing := {"name", "half", "card", "true", "false"} - set(raw):
        raise BadFile(f"{path}: {min(missing)!r} is missing: a relation has  name, half, card, true, false")
    true, false = (_pairs(path, name, raw[name]) for name in ("true", "false"))
    judged = Judged(str(raw["name"]), str(raw["half"]), _card(path, raw["card"]), true, false)
    if wrong := next(problems(judged), None):
        raise BadFile(f"{path}: {wrong}")
    return judged


def problems(judged: Judged) -> Iterator[str]:
    """What would make the relation's measure unfair, a sentence each; nothing when it is sound."""
    if judged.half not in HALVES:
        yield f"half is {' or '.join(HALVES)}, not {judged.half!r}"
    if len(judged.true) < LEAST:
        yield f"it has {len(judged.true)} true pairs: give at least {LEAST}"
    if len(judged.true) != len(judged.false):
        yield f"it has {len(judged.true)} true and {len(judged.false)} false pairs: give as many of each"
    everything = [_folded(pair, judged.card) for pair in (*judged.true, *judged.false)]
    if twice := [pair for pair, count in Counter(everything).items() if count > 1]:
        yield f"the pair {twice[0]} occurs twice, or as true and as false"
    if selves := [pair for pair in everything if len(set(pair)) < len(pair)]:
        yield f"the pair {selves[0]} has the same words in both slots"
    heads = {pair[0].casefold() for pair in (*judged.true, *judged.false)}
    if known := [seed for seed in judged.card.seeds if seed[0].casefold() in heads]:
        yield f"the head of the seed {known[0]} occurs among the pairs: choose another seed"


def read_all(folder: Path = HERE / "relations") -> tuple[Judged, ...]:
    """All relations of a folder in the order of the file names."""
    return tuple(read_judged(path) for path in sorted(folder.glob("*.yaml")))


def read_reference(path: Path) -> Reference:
    """The table in a TSV file (head, tab, tail; other names of one thing after ``|``) with the card beside it. Raises ``BadFile``."""
    beside = path.with_suffix(".yaml")
    card = _card(beside, _mapping(beside))
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as a table ({error})") from None
    rows = tuple(_row(path, number, line) for number, line in enumerate(lines, 1))
    # Two rows may share a name of either end, not of both: a pair that is found would count for two.
    pairs = Counter((head.casefold(), tail.casefold()) for heads, tails in rows for head, tail in product(heads, tails))
    if twice := [pair for pair, count in pairs.items() if count > 1]:
        raise BadFile(f"{path}: the pair {twice[0]} occurs twice: give each pair one row, and each name once")
    if missing := [seed for seed in card.seeds if tuple(word.casefold() for word in seed) not in pairs]:
        raise BadFile(f"{path}: the seed {missing[0]} of the card is not in the table: add its row, or choose another seed")
    return Reference(path.stem, card, rows)


def read_references(folder: Path = HERE / "reference") -> tuple[Reference, ...]:
    """All tables of a folder in the order of the file names."""
    return tuple(read_reference(path) for path in sorted(folder.glob("*.tsv")))


def _row(path: Path, number: int, line: str) -> tuple[Words, Words]:
    cells = [tuple(cell.split("|")) for cell in line.split("\t")]
    if len(cells) != 2 or not all(name and name == name.strip() for cell in cells for name in cell):
        raise BadFile(f"{path}, line {number}: expected  head, a tab, tail  without empty names or spaces around them, not {line[:60]!r}")
    head, tail = cells
    return head, tail


def _mapping(path: Path) -> dict[Any, Any]:
    import yaml

    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadFile(f"{path}: cannot be read as YAML ({error})") from None
    if not isinstance(raw, dict):
        raise BadFile(f"{path}: expected a mapping")
    return raw


def _card(path: Path, raw: Any) -> Relation:
    try:
        return relation_from(raw)
    except BadCard as error:
        raise BadFile(f"{path}: {error}") from None


def _pairs(path: Path, name: str, raw: Any) -> tuple[Words, ...]:
    if not isinstance(raw, list):
        raise BadFile(f"{path}: {name!r} must be a list of pairs")
    for pair in raw:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) and word.strip() for word in pair):
            raise BadFile(f"{path}: {pair!r} under {name!r} is not a pair [head, tail] of words")
    return tuple(tuple(pair) for pair in raw)


def _folded(pair: Words, card: Relation) -> Words:
    words = tuple(word if card.name == "chemical symbol" else word.casefold() for word in pair)
    return tuple(sorted(words)) if card.symmetric else words
