"""Facts as tab-separated lines.

Without a header: ``head<TAB>relation<TAB>tail`` by names, as link-prediction data sets have it (a fourth
column is a confidence); a header of just these columns changes nothing. With a header that also has
``head_name`` and ``tail_name``: what ``dump`` writes, ids and all, so that a dump loads to the same facts.
A ``.gz`` ending is compressed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kgplatform import names
from kgplatform.errors import BadFile, BadRequest
from kgplatform.literals import DATATYPES, literal
from kgplatform.types import Candidate, Claim, Entity, Evidence, Fact, Literal, Mention, Pairs, Receipt, Source, SourceId

if TYPE_CHECKING:
    from kgplatform.graph import Added, KnowledgeGraph

PLAIN = ("head", "relation", "tail", "confidence")
COLUMNS = (*PLAIN, "head_name", "head_kinds", "tail_name", "tail_kinds", "datatype", "unit", "language", "qualifiers")
_BATCH = 5_000
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    back = {escaped: plain for plain, escaped in _ESCAPES.items()}
    pieces, i = [], 0
    while i < len(text):
        pieces.append(back.get(text[i : i + 2], text[i]))
        i += 2 if text[i : i + 2] in back else 1
    return "".join(pieces)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with (
            gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw,
            io.TextIOWrapper(raw, "utf-8-sig", newline="\n") as text,
        ):
            for number, line in enumerate(text, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n").split("\t")
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8 text: save it as UTF-8 and import it again") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadFile(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _source(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
    return Source(SourceId(f"import:{content[:16]}"), "import", title=path.name)


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is not a confidence: a number from 0 to 1") from None
    if not 0.0 <= value <= 1.0:
        raise BadRequest(f"{text[:40]!r} is not a confidence: a number from 0 to 1")
    return value


def _plain(cells: list[str], source: Source) -> Candidate:
    if len(cells) not in (3, 4):
        raise BadRequest(f"expected 3 columns (head, relation, tail) or 4 (and confidence), found {len(cells)}")
    head, relation, tail = map(names.clean, cells[:3])
    score = _confidence(cells[3]) if len(cells) == 4 else 1.0
    return Candidate(Mention(head), relation, Mention(tail), Evidence("import", source, score, head_words=head, tail_words=tail))


def _full(cells: list[str], columns: list[str], source: Source) -> Claim:
    if len(cells) != len(columns):
        raise BadRequest(f"expected {len(columns)} columns as in the header, found {len(cells)}")
    row = dict(zip(columns, map(_unescape, cells), strict=True))
    evidence = Evidence("import", source, _confidence(row.get("confidence") or "1"), head_words=row["head"], tail_words=row["tail"])
    return Claim(_entity(row, "head"), names.clean(row["relation"]), _tail(row), (evidence,), _qualifiers(row.get("qualifiers", "")))


def _qualifiers(text: str) -> Pairs:
    try:
        named = json.loads(text or "{}")
    except ValueError:
        named = None
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise BadRequest(f"{text[:60]!r} are not qualifiers: a JSON object of words")
    return tuple(sorted(named.items()))


def _entity(row: dict[str, str], end: str) -> Entity:
    return Entity(names.given_id(row[end]), names.clean(row.get(f"{end}_name") or row[end]), _kinds(row.get(f"{end}_kinds", "")))


def _kinds(text: str) -> tuple[str, ...]:
    """``city; capital``, or a JSON list where a kind has a semicolon of its own."""
    if not text.startswith("["):
        return tuple(filter(None, map(str.strip, text.split(";")))) or ("thing",)
    try:
        kinds = json.loads(text)
    except ValueError:
        kinds = None
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise BadRequest(f"{text[:60]!r} are not kinds: words with '; ' between, or a JSON list of words")
    return tuple(kinds)


def _joined(kinds: tuple[str, ...]) -> str:
    special = any(";" in kind for kind in kinds) or kinds[0].startswith("[")
    return json.dumps(kinds, ensure_ascii=False) if special else "; ".join(kinds)


def _tail(row: dict[str, str]) -> Entity | Literal:
    if not (datatype := row.get("datatype", "")):
        return _entity(row, "tail")
    if datatype not in DATATYPES:
        raise BadRequest(f"{datatype[:40]!r} is not a datatype: use one of {', '.join(sorted(DATATYPES))}")
    return literal(row["tail"], datatype, row.get("unit", ""), row.get("language", ""))


def read(path: Path) -> Iterator[tuple[int, Candidate | Claim | str]]:
    """(line number, what stands there); a line that cannot be read gives the sentence that says why."""
    source = _source(path)
    columns: list[str] | None = None
    for row, (number, cells) in enumerate(_lines(path)):
        if row == 0 and cells[:3] == list(COLUMNS[:3]):
            columns = _header(path, number, cells)
            continue
        try:
            yield number, _full(cells, columns, source) if columns else _plain(cells, source)
        except BadRequest as error:
            yield number, str(error)


def _header(path: Path, number: int, cells: list[str]) -> list[str] | None:
    """The columns of full rows; ``None`` when the header only says what plain rows have anyway."""
    if unknown := sorted(set(cells) - set(COLUMNS)):
        raise BadFile(f"{path}, line {number}: unknown column {unknown[0]!r}: columns are {', '.join(COLUMNS)}")
    if twice := sorted(name for name, count in Counter(cells).items() if count > 1):
        raise BadFile(f"{path}, line {number}: the column {twice[0]!r} stands there twice")
    if cells in (list(PLAIN[:3]), list(PLAIN)):
        return None
    if missing := sorted({"head_name", "tail_name"} - set(cells)):
        raise BadFile(f"{path}, line {number}: no column {missing[0]!r}: with ids as head and tail, their names must be given too")
    return cells


def check(path: Path, *, strict: bool) -> tuple[int, list[str]]:
    """Read a whole file and put nothing: how many facts it states, and the lines that cannot be read, each with its reason.

    Raises ``BadFile`` for a file with no readable line and, when ``strict``, for the first bad line.
    """
    good, bad = 0, []
    for number, item in read(path):
        if isinstance(item, str):
            bad.append(f"{path}, line {number}: {item}")
        else:
            good += 1
    if bad and (strict or not good):
        raise BadFile(bad[0])
    if not good:
        raise BadFile(f"{path}: holds no facts: expected lines of  head<TAB>relation<TAB>tail")
    return good, bad


def load(kg: KnowledgeGraph, path: Path, *, strict: bool) -> Added:
    """Put a file's facts; the whole file is read and checked before anything is written.

    A file with no readable line is refused, and so is one with any bad line when ``strict``; otherwise bad
    lines come back as refused.
    """
    from kgplatform.graph import Added

    _, bad = check(path, strict=strict)
    total = Added(Receipt())
    for batch in _batches(item for _, item in read(path) if not isinstance(item, str)):
        added = kg.add([item for item in batch if isinstance(item, Candidate)])
        put = kg.put([item for item in batch if isinstance(item, Claim)])
        total = Added(total.receipt + added.receipt + put, total.unlinked + added.unlinked)
    return Added(total.receipt, total.unlinked, tuple(bad))


def _batches(items: Iterable[Candidate | Claim]) -> Iterator[list[Candidate | Claim]]:
    batch: list[Candidate | Claim] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(fact: Fact) -> str:
    head, tail = fact.head, fact.tail
    if isinstance(tail, Entity):
        end, described = str(tail.id), (tail.name, _joined(tail.kinds), "", "", "")
    else:
        end, described = tail.value, ("", "", tail.datatype, tail.unit, tail.language)
    qualifiers = json.dumps(dict(fact.qualifiers), ensure_ascii=False) if fact.qualifiers else ""
    cells = (head.id, fact.relation, end, f"{fact.confidence:.6f}", head.name, _joined(head.kinds), *described, qualifiers)
    return "\t".join(map(_escape, cells)) + "\n"


def dump(facts: Iterable[Fact], path: Path) -> int:
    """Write facts with a header; the file appears when it is whole."""
    if path.is_dir():
        raise BadFile(f"{path}: is a folder: name a file in it")
    count = 0
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
    try:
        try:
            with temporary.open("xb") as raw, _packed(raw, path) as packed, io.TextIOWrapper(packed, "utf-8", newline="\n") as text:
                text.write("\t".join(COLUMNS) + "\n")
                for fact in facts:
                    text.write(_row(fact))
                    count += 1
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise BadFile(f"{path}: cannot be written ({error.strerror or error})") from None
    return count


def _packed(raw: IO[bytes], path: Path) -> IO[bytes]:
    return gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) if path.suffix == ".gz" else raw  # type: ignore[return-value]
