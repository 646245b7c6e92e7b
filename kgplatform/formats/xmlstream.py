"""An XML document read element by element, so that it may be longer than the memory.

Entities that a document defines are refused, since they can make gigabytes of a line or read other files; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

from kgplatform.formats.rows import Broken

CHUNK = 1 << 16
"""Bytes that are read at once."""
LONGEST = 1 << 26
"""The longest text, tag or comment, in bytes."""
DEEPEST = 100
_CUT = frozenset({"no element found", "unclosed token", "partial character", "unclosed CDATA section"})


class Start(NamedTuple):
    """An element begins that is not asked for its text; ``name`` is without the namespace where that is the document's own."""

    line: int
    name: str
    attributes: Mapping[str, str]


class End(NamedTuple):
    """An element ends; one that is asked for its text with all that it has."""

    line: int
    name: str
    text: str = ""
    attributes: Mapping[str, str] = {}


def events(file: IO[bytes], space: str, texts: frozenset[str]) -> Iterator[Start | End]:
    """Raises ``Broken`` where it is no XML. ``space`` begins the namespaces whose elements are named plainly."""
    sink = _Sink(space, texts)
    quiet = 0
    while chunk := file.read(CHUNK):
        sink.feed(chunk, last=False)
        quiet = 0 if sink.heard else quiet + len(chunk)
        if quiet > LONGEST:
            raise Broken(f"a tag is longer than {LONGEST:,} bytes: this is no document of facts", sink.line)
        yield from sink.taken()
    sink.feed(b"", last=True)
    yield from sink.taken()


class _Sink:
    """What the parser calls."""

    def __init__(self, space: str, texts: frozenset[str]) -> None:
        self._space, self._texts = space, texts
        self._events: list[Start | End] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._attributes: Mapping[str, str] = {}
        self._length = 0
        self.heard = False
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped

    @property
    def line(self) -> int:
        return self._parser.CurrentLineNumber

    def feed(self, chunk: bytes, last: bool) -> None:
        self.heard = False
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            if last and why in _CUT:
                raise Broken("breaks off: the file was cut, copy it again", error.lineno) from None
            raise Broken(f"is no XML ({why})", error.lineno) from None
        except (LookupError, ValueError):
            raise Broken("is in an encoding that XML files do not have: save it as UTF-8 and import it again", 1) from None

    def taken(self) -> list[Start | End]:
        taken, self._events = self._events, []
        return taken

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, own = name.rpartition(" ")
        name = own if not space or space.startswith(self._space) else name
        self._open.append(name)
        if len(self._open) > DEEPEST:
            raise Broken(f"has elements in elements more than {DEEPEST} deep: this is no document of facts", self.line)
        self.heard = True
        if name in self._texts:
            self._text, self._length, self._attributes = [], 0, attributes
        else:
            self._events.append(Start(self._parser.CurrentLineNumber, name, attributes))

    def _end(self, _: str) -> None:
        name, line = self._open.pop(), self._parser.CurrentLineNumber
        self.heard = True
        if name in self._texts:
            self._events.append(End(line, name, "".join(self._text), self._attributes))
            self._text, self._length, self._attributes = [], 0, {}
        else:
            self._events.append(End(line, name))

    def _characters(self, text: str) -> None:
        self.heard = True
        if self._open[-1] in self._texts:
            self._text.append(text)
            self._length += len(text)
            if self._length > LONGEST:
                raise Broken(f"a text is longer than {LONGEST:,} characters: this is no document of facts", self.line)

    def _entity(self, name: str, *_: object) -> None:
        raise Broken(f"defines the entity {name[:60]!r}, which files of facts need not: it is not read", self.line)

    def _skipped(self, name: str, *_: object) -> None:
        raise Broken(f"uses the entity {name[:60]!r}, which it does not define", self.line)
