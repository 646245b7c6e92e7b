"""What a reader makes of a file and what a writer is given: the words that all formats share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import IO, Protocol, TypeVar, cast, get_args, get_type_hints

from kgplatform import names
from kgplatform.errors import BadFile, BadRequest
from kgplatform.literals import DATATYPES, literal
from kgplatform.types import Candidate, Claim, Entity, Evidence, Kind, Literal, Mention, Method, Relation, Source, SourceId


@dataclass(frozen=True, slots=True)
class Header:
    """A row that says what the columns are, in words that are not ours, or in another order."""

    words: tuple[str, ...]


Row = Candidate | Claim | Header | Kind | Relation | str
"""A fact by names, a fact by ids, a header that a reader should be told of, what the file says of its words, or why one cannot be read."""
Rows = Iterator[tuple[int, Row]]
"""Rows by where they stand: the number of the line, or of the row, from 1; 0 for what is of no particular one."""
Stated = tuple[Claim, float]
"""A claim and the confidence of its fact. The claim has no evidence where the format cannot hold any."""

WHOLE = 1 << 63
"""Whole numbers are smaller than this: what Parquet and the stores hold."""
WORDS = 1_000
"""Characters of an end that are kept as the words of the file."""
T = TypeVar("T")
SHORT = 300
"""Characters of what is remembered: memory must not depend on what a file holds."""
_METHODS = frozenset(get_args(Method))
_KINDS = frozenset(get_args(get_type_hints(Source)["kind"]))


class Broken(BadFile):
    """A file that cannot be read on from the line or row ``place``; 0 when it is no particular one."""

    def __init__(self, why: str, place: int = 0) -> None:
        super().__init__(why)
        self.place = place


class Translator(Protocol):
    """One format: a module that only translates between bytes and rows."""

    def read(self, file: IO[bytes], source: Source) -> Rows:
        """What the file says, in constant memory. ``source`` is that of rows which bring no evidence of their own.

        Raises ``Broken`` where nothing more can be made of the file.
        """
        ...

    def write(self, stated: Iterable[Stated], file: IO[bytes]) -> None: ...


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``; the last may be shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def shown(text: object) -> str:
    """What stands in a file, short enough for a sentence about it."""
    return repr(text if len(text) <= 60 else text[:60] + "…") if isinstance(text, str) else repr(text)[:60]


# -- the parts of a fact -----------------------------------------------------------------------------


def entity(id: str, name: str, kinds: tuple[str, ...], aliases: tuple[str, ...] = (), description: str = "") -> Entity:
    """A checked entity; a file speaks of the same ones again and again, so short ones are remembered. Raises ``BadName``."""
    if aliases or description or len(kinds) != 1 or len(id) + len(name) + len(kinds[0]) > SHORT:
        return _entity(id, name, kinds, aliases, description)
    return _remembered(id, name, kinds)


def _entity(id: str, name: str, kinds: tuple[str, ...], aliases: tuple[str, ...] = (), description: str = "") -> Entity:
    return Entity(names.given_id(id), names.given_name(name), kinds, aliases, description)


_remembered = lru_cache(maxsize=20_000)(_entity)


def relation(text: str) -> str:
    """A relation's name as it is kept. Raises ``BadName``."""
    return _relation(text) if len(text) <= SHORT else names.clean(text)


_relation = lru_cache(maxsize=1_000)(names.clean)


def value(text: str, datatype: str, unit: str = "", language: str = "") -> Literal:
    """A literal in canonical form. Raises ``BadRequest``."""
    if datatype not in DATATYPES:
        raise BadRequest(f"{shown(datatype)} is not a datatype: use one of {', '.join(sorted(DATATYPES))}")
    return literal(text, datatype, unit, language)


def sure(confidence: float, stood: object) -> float:
    """The confidence if it is one. Raises ``BadRequest`` with what stood there."""
    if not 0.0 <= confidence <= 1.0:
        raise BadRequest(f"{shown(stood)} is not a confidence: a number from 0 to 1")
    return confidence


def method(text: str) -> Method:
    if text not in _METHODS:
        raise BadRequest(f"{shown(text)} is not a method of evidence: use one of {', '.join(sorted(_METHODS))}")
    return cast(Method, text)


def source(id: str, kind: str, title: str = "", uri: str = "") -> Source:
    """The source of a piece of evidence. Raises ``BadRequest`` when it could not be withdrawn by its id."""
    return _remembered_source(id, kind, title, uri) if len(id) + len(title) + len(uri) <= SHORT else _source(id, kind, title, uri)


def _source(id: str, kind: str, title: str, uri: str) -> Source:
    if kind not in _KINDS:
        raise BadRequest(f"{shown(kind)} is not a kind of source: use one of {', '.join(sorted(_KINDS))}")
    if not id.strip():
        raise BadRequest("a source of evidence has no id")
    return Source(SourceId(id), kind, title, uri)  # type: ignore[arg-type]


_remembered_source = lru_cache(maxsize=5_000)(_source)


# -- facts that bring no evidence --------------------------------------------------------------------


def named(head: str, relation: str, tail: str | Literal, confidence: float, source: Source) -> Candidate:
    """A fact by names, on the word of the file alone. Raises ``BadName``."""
    start = names.given_name(head)
    end = tail if isinstance(tail, Literal) else Mention(names.given_name(tail))
    words = end.value if isinstance(end, Literal) else end.name
    return Candidate(Mention(start), relation, end, told(start, words, confidence, source))


def told(head: str, tail: str, confidence: float, source: Source) -> Evidence:
    """The word of the file."""
    return Evidence("import", source, confidence, head_words=head[:WORDS], tail_words=tail[:WORDS])
