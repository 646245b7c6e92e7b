"""A JSON document read value by value, so that a list in it may be longer than the memory.

However it is laid out: in one line, a value a line, or indented. Values themselves are decoded by the
standard library; only the brackets around them are looked at here.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO

from kgplatform.formats.rows import Broken, shown

CHUNK = 1 << 18
"""Bytes that are read at once, at least."""
LONGEST = 1 << 26
"""The longest value of a list, in characters."""
_NEAR = 16
"""A value that is cut off breaks so near to the end of the text, unless it is a string."""
_SPACES = " \t\n\r"
_AFTER = frozenset(f"{_SPACES},:]}}")
_SPACE = re.compile(f"[{_SPACES}]*")
_DECODER = json.JSONDecoder()


class JsonStream:
    """Where a reader stands in a document. All methods raise ``Broken`` with the line when it is no JSON."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = self._counted = 0
        self._line = 1
        self._whole = False

    @property
    def line(self) -> int:
        """The number of the line where the next value begins."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            if self._at < len(self._text) and (next_ := self._text[self._at]) not in _SPACES:
                return next_
            if found := _SPACE.match(self._text, self._at):
                self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> object:
        """The next value as a whole."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if self._whole or self._text[end : end + 1] in _AFTER or end + _NEAR < len(self._text):
                    self._at = end
                    return value
                self._more()  # a number may go on
            except json.JSONDecodeError as error:
                near = error.pos >= len(self._text) - _NEAR or not self._text[error.pos :].strip()
                if self._whole or not (near or error.msg.startswith("Unterminated")):
                    raise self._broken(error) from None
                self._more()
            except (RecursionError, ValueError):
                raise Broken("is too deep or has too long a number: this is no document of facts", self.line) from None

    def elements(self) -> Iterator[tuple[int, object]]:
        """Line and value of each element of the list that is next."""
        for _ in self._members("[", "]"):
            yield self.line, self.value()

    def members(self) -> Iterator[str]:
        """The names of the object that is next; whoever takes one reads its value before taking another."""
        for _ in self._members("{", "}"):
            if self.peek() != '"':
                raise self._expected("a name in quotes")
            name = self.value()
            self._take(":")
            self.peek()
            yield str(name)

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek():
            raise self._expected("the end")

    def _members(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self.peek() == closing:
            self._at += 1
            return
        while True:
            self.peek()
            yield
            if self.peek() == closing:
                self._at += 1
                return
            self._take(",")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise self._expected(repr(character))
        self._at += 1

    def _expected(self, what: str) -> Broken:
        there = self.peek()
        if not there:
            return Broken("breaks off: the file was cut, copy it again", self.line)
        return Broken(f"is no JSON: expected {what}, found {shown(self._text[self._at : self._at + 20])}", self.line)

    def _broken(self, error: json.JSONDecodeError) -> Broken:
        if self._whole and (error.msg.startswith("Unterminated") or not self._text[error.pos :].strip()):
            return Broken("breaks off: the file was cut, copy it again", self.line)
        return Broken(f"is no JSON ({error.msg})", self.line + self._text.count("\n", self._at, error.pos))

    def _more(self) -> bool:
        """Forget what was read and get more, as much again as is waiting; false at the end."""
        if self._whole:
            return False
        line = self.line
        waiting = self._text[self._at :]
        if len(waiting) > LONGEST:
            raise Broken(f"a value is longer than {LONGEST:,} characters: this is no document of facts", line)
        raw = self._file.read(max(CHUNK, len(waiting)))
        self._whole = not raw
        try:
            self._text = waiting + self._utf8.decode(raw, final=self._whole)
        except UnicodeDecodeError as error:
            line += waiting.count("\n") + error.object.count(b"\n", 0, error.start)
            raise Broken("is not UTF-8 text: save it as UTF-8 and import it again", line) from None
        self._at = self._counted = 0
        return bool(raw)
