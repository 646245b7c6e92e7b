"""Facts in columns of text, as TSV and CSV have them.

Without a header: head, relation, tail by names, and perhaps a confidence. A header of just these columns may have them
in another order, and by other names (``SYNONYMS``). With a header that also has ``head_name`` and ``tail_name``: what a
dump holds, ids and all. Kinds are joined by ``; `` (a JSON list where a kind has a semicolon of its own), qualifiers are a
JSON object: words, or ``{"id": …, "name": …, "kinds": […]}`` for an entity.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter

from kgplatform.errors import BadRequest
from kgplatform.formats import rows
from kgplatform.formats.rows import Broken, Header, Row, Rows, Stated
from kgplatform.types import Candidate, Claim, Entity, Literal, Qualifiers, Source

PLAIN = ("head", "relation", "tail", "confidence")
COLUMNS = (*PLAIN, "head_name", "head_kinds", "tail_name", "tail_kinds", "datatype", "unit", "language", "qualifiers")
SYNONYMS = {
    "head": ("subject", "source", "from", "start", "h", "s", "head_id"),
    "relation": ("relationship", "predicate", "property", "edge", "type", "label", "rel", "r", "p", "relation_id"),
    "tail": ("object", "target", "to", "end", "t", "o", "tail_id"),
}
"""What others call the three columns of a fact, in any case. A first row is a header when it names all three."""
TYPED = ":token"
_MEANT = {word: name for name, words in SYNONYMS.items() for word in (name, *words)}
_JSON = json.JSONEncoder(ensure_ascii=False)

Cells = list[str]


def read(lines: Iterable[tuple[int, Cells | str]], source: Source, plain: Callable[[Cells], Cells] | None = None) -> Rows:
    """Rows from the cells of each line, or from the sentence that says why it has none.

    ``plain`` undoes what a dump did to cells; files without a dump's header are taken as they stand.
    """
    parse: Callable[[Cells], Row] = lambda cells: _plain(cells, source)  # noqa: E731
    first = True
    for number, cells in lines:
        if isinstance(cells, str):
            yield number, cells
            continue
        if first and set(PLAIN[:3]) <= set(named := list(map(_meant, cells))):
            parse = _header(named, number, source, plain) or parse
            first = False
            if named != cells or named[:3] != list(PLAIN[:3]):
                yield number, Header(tuple(cells))
            continue
        first = False
        try:
            yield number, parse(cells)
        except BadRequest as error:
            yield number, str(error)


def _meant(cell: str) -> str:
    """The column that a word means, or the word; RecBole writes a type behind it."""
    return _MEANT.get(cell.strip().casefold().removesuffix(TYPED), cell)


def _header(columns: Cells, number: int, source: Source, plain: Callable[[Cells], Cells] | None) -> Callable[[Cells], Row] | None:
    """How full rows are read; ``None`` when the header only says what plain rows have anyway."""
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise Broken(f"unknown column {rows.shown(unknown[0])}: columns are {', '.join(COLUMNS)}", number)
    if twice := sorted(name for name, count in Counter(columns).items() if count > 1):
        raise Broken(f"the column {twice[0]!r} stands there twice", number)
    if set(columns) <= set(PLAIN):
        return _ordered(columns, source)
    if missing := sorted({"head_name", "tail_name"} - set(columns)):
        raise Broken(f"no column {missing[0]!r}: with ids as head and tail, their names must be given too", number)
    width = len(columns)
    pick = itemgetter(*(columns.index(name) if name in columns else width for name in COLUMNS))

    def full(cells: Cells) -> Claim:
        if len(cells) != width:
            raise BadRequest(f"expected {width} columns as in the header, found {len(cells)}")
        cells = plain(cells) if plain else cells
        cells.append("")
        return _full(pick(cells), source)

    return full


def _ordered(columns: Cells, source: Source) -> Callable[[Cells], Row] | None:
    """How plain rows are read that have these columns; ``None`` when it is their usual order."""
    order = [columns.index(name) for name in PLAIN if name in columns]
    if order == sorted(order):
        return None

    def ordered(cells: Cells) -> Candidate:
        if len(cells) != len(order):
            raise BadRequest(f"expected {len(order)} columns as in the header, found {len(cells)}")
        return _plain([cells[place] for place in order], source)

    return ordered


def _plain(cells: Cells, source: Source) -> Candidate:
    if len(cells) not in (3, 4):
        raise BadRequest(f"expected 3 columns (head, relation, tail) or 4 (and confidence), found {len(cells)}")
    sure = confidence(cells[3]) if len(cells) == 4 else 1.0
    return rows.named(cells[0], rows.relation(cells[1]), cells[2], sure, source)


def _full(cells: tuple[str, ...], source: Source) -> Claim:
    head, relation, tail, sure, head_name, head_kinds, tail_name, tail_kinds, datatype, unit, language, qualifiers = cells
    start = rows.entity(head, head_name or head, kinds(head_kinds))
    end: Entity | Literal
    end = rows.value(tail, datatype, unit, language) if datatype else rows.entity(tail, tail_name or tail, kinds(tail_kinds))
    told = rows.told(head, tail, confidence(sure or "1"), source)
    return Claim(start, rows.relation(relation), end, (told,), read_qualifiers(qualifiers) if qualifiers else ())


def confidence(text: str) -> float:
    """Raises ``BadRequest`` for what is none."""
    try:
        told = float(text)
    except ValueError:
        told = -1.0
    return rows.sure(told, text)


def read_qualifiers(text: str) -> Qualifiers:
    """The qualifiers in a cell. Raises ``BadRequest``."""
    try:
        named = json.loads(text)
    except (ValueError, RecursionError):
        named = None
    if not isinstance(named, dict) or not all(isinstance(value, str) or _means_entity(value) for value in named.values()):
        raise BadRequest(f"{rows.shown(text)} are not qualifiers: a JSON object of words, or of entities with id, name and kinds")
    return tuple((name, value if isinstance(value, str) else _qualifying(**value)) for name, value in sorted(named.items()))


def _means_entity(value: object) -> bool:
    if not isinstance(value, dict) or "id" not in value or not value.keys() <= {"id", "name", "kinds"}:
        return False
    kinds = value.get("kinds", [])
    words = [value["id"], value.get("name", ""), *(kinds if isinstance(kinds, list) else [None])]
    return all(isinstance(word, str) for word in words)


def _qualifying(id: str, name: str = "", kinds: Sequence[str] = ()) -> Entity:
    return rows.entity(id, name or id, tuple(kinds) or ("thing",))


def kinds(text: str) -> tuple[str, ...]:
    """``city; capital``, or a JSON list where a kind has a semicolon of its own. Raises ``BadRequest``."""
    return _remembered_kinds(text) if len(text) <= 200 else _read_kinds(text)


def _read_kinds(text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return tuple(filter(None, map(str.strip, text.split(";")))) or ("thing",)
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list) or not told or not all(isinstance(kind, str) for kind in told):
        raise BadRequest(f"{rows.shown(text)} are not kinds: words with '; ' between, or a JSON list of words")
    return tuple(told)


_remembered_kinds = lru_cache(maxsize=1_000)(_read_kinds)


# -- writing -----------------------------------------------------------------------------------------


@lru_cache(maxsize=1_000)
def joined(kinds: tuple[str, ...]) -> str:
    """Kinds as a cell."""
    special = any(";" in kind for kind in kinds) or kinds[0].startswith("[")
    return _JSON.encode(kinds) if special else "; ".join(kinds)


def _told(qualifier: str | Entity) -> object:
    if isinstance(qualifier, str):
        return qualifier
    return {"id": qualifier.id, "name": qualifier.name, "kinds": qualifier.kinds}


def write_qualifiers(qualifiers: Qualifiers) -> str:
    """Qualifiers as a cell."""
    return _JSON.encode({name: _told(value) for name, value in qualifiers}) if qualifiers else ""


def cells(stated: Stated) -> Sequence[str]:
    """A fact as the cells of ``COLUMNS``."""
    claim, certain = stated
    head, tail = claim.head, claim.tail
    qualifiers = write_qualifiers(claim.qualifiers)
    start = (head.id, claim.relation)
    sure = f"{certain:.6f}"
    if isinstance(tail, Entity):
        end = (tail.name, joined(tail.kinds), "", "", "")
        return (*start, tail.id, sure, head.name, joined(head.kinds), *end, qualifiers)
    end = ("", "", tail.datatype, tail.unit, tail.language)
    return (*start, tail.value, sure, head.name, joined(head.kinds), *end, qualifiers)
