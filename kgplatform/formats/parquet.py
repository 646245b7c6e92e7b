"""Facts as a Parquet table, with all that is known of them: a row a fact, its evidence in a list of structs.

The columns are those of ``columns``, typed, and aliases, descriptions and the evidence; qualifiers that are entities
stand in ``qualified_by``. A fact with several sets of qualifiers is several rows. A table of only head, relation, tail
and perhaps a confidence is read as names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise, repeat
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

from kgplatform.errors import BadFile, BadRequest, MissingExtra
from kgplatform.formats import rows
from kgplatform.formats.columns import PLAIN
from kgplatform.formats.rows import Broken, Row, Rows, Stated, T, batches
from kgplatform.types import Claim, Entity, Evidence, Literal, Pairs, Qualifiers, Source

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError:
    raise MissingExtra("pyarrow", extra="frames", need="Parquet") from None

GROUP = 20_000
"""Rows in a row group: what is held at once in writing."""
READ = 5_000
"""Rows that are held at once in reading."""
_BUFFER = 1 << 20


_WORDS, _PAIRS = pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
_SOURCE = pa.struct({name: pa.string() for name in ("id", "kind", "title", "uri")})
_PIECE = pa.struct(
    {"method": pa.string(), "source": _SOURCE, "score": pa.float64(), "model": pa.string(), "quote": pa.string()}
    | {"start": pa.int64(), "end": pa.int64(), "head_words": pa.string(), "tail_words": pa.string()}
    | {"run": pa.string(), "time": pa.int64(), "detail": _PAIRS}
)
_END = {"name": pa.string(), "kinds": _WORDS, "aliases": _WORDS, "description": pa.string()}
_QUALIFYING = pa.struct({"qualifier": pa.string(), "id": pa.string()} | _END)
SCHEMA = pa.schema(
    {"head": pa.string(), "relation": pa.string(), "tail": pa.string(), "confidence": pa.float64()}
    | {f"head_{name}": kind for name, kind in _END.items()}
    | {f"tail_{name}": kind for name, kind in _END.items()}
    | {"datatype": pa.string(), "unit": pa.string(), "language": pa.string(), "qualifiers": _PAIRS}
    | {"qualified_by": pa.list_(_QUALIFYING), "evidence": pa.list_(_PIECE)}
)


# -- reading -----------------------------------------------------------------------------------------


def read(file: IO[bytes], source: Source) -> Rows:
    done = 0
    try:
        table = parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True)
        parse = _parser(list(table.schema_arrow.names))
        for batch in table.iter_batches(batch_size=READ):
            batch.validate(full=True)
            yield from enumerate(parse(_Columns(batch), source), start=done + 1)
            done += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Broken(f"is no Parquet file that can be read ({str(error).partition(chr(10))[0][:200]})", done and done + 1) from None


def _parser(given: list[str]) -> Callable[[_Columns, Source], Iterator[Row]]:
    """How the rows of a table with these columns are read. Raises ``Broken`` when they cannot be."""
    if unknown := sorted(set(given) - set(SCHEMA.names)):
        raise Broken(f"unknown column {rows.shown(unknown[0])}: columns are {', '.join(SCHEMA.names)}")
    if missing := [name for name in PLAIN[:3] if name not in given]:
        raise Broken(f"no column {missing[0]!r}: a table of facts has head, relation and tail")
    if len(set(given)) < len(given):
        raise Broken("a column stands there twice")
    plain = set(given) <= set(PLAIN)
    if missing := [name for name in ("head_name", "tail_name") if name not in given and not plain]:
        raise Broken(f"no column {missing[0]!r}: with ids as head and tail, their names must be given too")
    return _plain if plain else _full


class _Columns:
    """The columns of a batch as Python values; one that is not there is all nulls."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def _column(self, name: str) -> pa.Array:
        """Cast, since others write the same values as large or encoded types."""
        column, kind = self._batch.column(name), SCHEMA.field(name).type
        if column.type == kind:
            return column
        try:
            return column.cast(kind)
        except (ValueError, NotImplementedError, TypeError):
            raise Broken(f"the column {name!r} holds {str(column.type)[:100]}, not {str(kind)[:100]}") from None

    def __getitem__(self, name: str) -> Iterable[Any]:
        return _values(self._column(name)) if name in self._batch.schema.names else repeat(None, self._batch.num_rows)


def _values(column: pa.Array) -> Iterable[Any]:
    """As ``to_pylist`` has them, but pairs as tuples, and structs as tuples of their fields: many times as fast."""
    kind = str(column.type)
    if kind.startswith("struct"):
        return zip(*map(_values, column.flatten()), strict=True)
    if kind.startswith("map"):
        return _lists(column, list(zip(_values(column.keys), _values(column.items), strict=True)))
    if kind.startswith("list"):
        return _lists(column, list(_values(column.values)))
    return column.to_pylist()  # type: ignore[no-any-return]


def _lists(column: pa.Array, values: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    if not values:
        return repeat((), len(column))
    offsets = column.offsets.to_pylist()
    return (tuple(values[start:end]) for start, end in pairwise(offsets))


def _plain(columns: _Columns, source: Source) -> Iterator[Row]:
    for head, relation, tail, confidence in zip(*(columns[name] for name in PLAIN), strict=True):
        try:
            sure = 1.0 if confidence is None else rows.sure(confidence, confidence)
            yield rows.named(_text(head, "head"), rows.relation(_text(relation, "relation")), _text(tail, "tail"), sure, source)
        except BadRequest as error:
            yield str(error)


def _full(columns: _Columns, source: Source) -> Iterator[Row]:
    for row in zip(*(columns[name] for name in SCHEMA.names), strict=True):
        try:
            yield _claim(row, source)
        except BadRequest as error:
            yield str(error)


def _claim(row: tuple[Any, ...], source: Source) -> Claim:
    head, relation, tail, confidence = row[:4]
    datatype, unit, language, words, entities, told = row[12:]
    start = _entity(_text(head, "head"), *row[4:8])
    value = _text(tail, "tail")
    end = rows.value(value, datatype, unit or "", language or "") if datatype else _entity(value, *row[8:12])
    sure = 1.0 if confidence is None else rows.sure(confidence, confidence)
    evidence = tuple(map(_evidence, told or ())) or (rows.told(head, tail, sure, source),)
    return Claim(start, rows.relation(_text(relation, "relation")), end, evidence, _qualifiers(words, entities))


def _qualifiers(words: Iterable[tuple[str, str | None]] | None, entities: tuple[tuple[Any, ...], ...] | None) -> Qualifiers:
    qualifying = [(_text(name, "qualifier"), _entity(_text(id, "id"), *rest)) for name, id, *rest in entities or ()]
    return tuple(sorted([*sorted(_pairs(words)), *qualifying], key=itemgetter(0)))


def _entity(id: str, name: str | None, kinds: tuple[str, ...] | None, aliases: tuple[str, ...] | None, description: str | None) -> Entity:
    return rows.entity(id, name or id, _words(kinds) or ("thing",), _words(aliases), description or "")


def _evidence(told: tuple[Any, ...]) -> Evidence:
    method, (id, kind, title, uri), score, model, quote, start, end, head_words, tail_words, run, time, detail = told
    return Evidence(
        rows.method(_text(method, "method")),
        rows.source(_text(id, "source"), _text(kind, "kind"), title or "", uri or ""),
        1.0 if score is None else score,
        model or "",
        quote or "",
        -1 if start is None else start,
        -1 if end is None else end,
        head_words or "",
        tail_words or "",
        run or "",
        time or 0,
        _pairs(detail),
    )


def _text(value: str | None, name: str) -> str:
    if value is None:
        raise BadRequest(f"no {name}")
    return value


def _words(words: tuple[str | None, ...] | None) -> tuple[str, ...]:
    return tuple(word for word in words or () if word is not None)


def _pairs(pairs: Iterable[tuple[str, str | None]] | None) -> Pairs:
    return tuple((name, value or "") for name, value in pairs or ())


def rows_of(path: Path) -> int:
    """How many rows a table has. Raises ``BadFile`` where it is none."""
    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        raise BadFile(f"{path}: is no Parquet file") from None


# -- writing -----------------------------------------------------------------------------------------


def write(stated: Iterable[Stated], file: IO[bytes]) -> None:
    with parquet.ParquetWriter(file, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
        for some in batches(stated, GROUP):
            writer.write_batch(_batch(some), row_group_size=GROUP)


def _batch(some: Sequence[Stated]) -> pa.RecordBatch:
    claims = [claim for claim, _ in some]
    tails = [claim.tail for claim in claims]
    values = [tail if isinstance(tail, Literal) else None for tail in tails]
    columns = [
        _strings([claim.head.id for claim in claims]),
        _strings([claim.relation for claim in claims]),
        _strings([tail.value if isinstance(tail, Literal) else tail.id for tail in tails]),
        pa.array([confidence for _, confidence in some], pa.float64()),
        *_ends([claim.head for claim in claims]),
        *_ends([tail if isinstance(tail, Entity) else None for tail in tails]),
        *(_strings([getattr(value, name) if value else None for value in values]) for name in ("datatype", "unit", "language")),
        _maps([tuple((name, value) for name, value in claim.qualifiers if isinstance(value, str)) for claim in claims]),
        _lists_of([[(name, value) for name, value in claim.qualifiers if isinstance(value, Entity)] for claim in claims], _qualifying),
        _lists_of([claim.evidence for claim in claims], _pieces),
    ]
    return pa.RecordBatch.from_arrays([column.cast(field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _strings(texts: Sequence[str | None]) -> pa.Array:
    return pa.array(texts, pa.string())


def _ends(ends: Sequence[Entity | None]) -> Iterator[pa.Array]:
    yield _strings([end.name if end else None for end in ends])
    yield _lists_of([end.kinds if end else () for end in ends], _strings)
    yield _lists_of([end.aliases if end else () for end in ends], _strings)
    yield _strings([end.description if end else None for end in ends])


def _qualifying(flat: Sequence[tuple[str, Entity]]) -> pa.Array:
    entities = [entity for _, entity in flat]
    columns = [_strings([name for name, _ in flat]), _strings([entity.id for entity in entities]), *_ends(entities)]
    return _structs(_QUALIFYING, dict(zip(("qualifier", "id", *_END), columns, strict=True)))


def _pieces(flat: Sequence[Evidence]) -> pa.Array:
    sources = [piece.source for piece in flat]
    columns = {
        "source": _structs(_SOURCE, {field.name: _strings([getattr(one, field.name) for one in sources]) for field in _SOURCE}),
        "detail": _maps([piece.detail for piece in flat]),
    }
    for field in _PIECE:
        if field.name not in columns:
            columns[field.name] = pa.array([getattr(piece, field.name) for piece in flat], field.type)
    return _structs(_PIECE, columns)


def _structs(kind: pa.StructType, columns: dict[str, pa.Array]) -> pa.Array:
    return pa.StructArray.from_arrays([columns[field.name] for field in kind], fields=list(kind))


def _lists_of(lists: Sequence[Sequence[T]], build: Callable[[Sequence[T]], pa.Array]) -> pa.Array:
    """Lists of what ``build`` makes of all their items at once."""
    return pa.ListArray.from_arrays(_offsets(lists), build([item for one in lists for item in one]))


def _maps(pairs: Sequence[Pairs]) -> pa.Array:
    flat = [pair for some in pairs for pair in some]
    return pa.MapArray.from_arrays(_offsets(pairs), _strings([name for name, _ in flat]), _strings([value for _, value in flat]))


def _offsets(lists: Sequence[Sequence[object]]) -> pa.Array:
    return pa.array(accumulate(map(len, lists), initial=0), pa.int32())
