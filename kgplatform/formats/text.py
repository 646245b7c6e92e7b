"""UTF-8 text from bytes, line by line, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from kgplatform.formats.rows import Broken

CHUNK = 1 << 20
"""Bytes that are read at once."""
LONGEST = 1 << 24
"""The longest line, in bytes: a file without line ends must not fill the memory."""
_BOM = b"\xef\xbb\xbf"


def lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """Number and text of each line, without its line feed. Raises ``Broken``."""
    number, rest = 1, b""
    while chunk := file.read(CHUNK):
        if number == 1 and not rest:
            chunk = chunk.removeprefix(_BOM)
        if end := chunk.rfind(b"\n") + 1:
            block = _decoded(rest + chunk[: end - 1], number).split("\n")
            yield from enumerate(block, start=number)
            number, rest = number + len(block), chunk[end:]
        else:
            rest += chunk
        if len(rest) > LONGEST:
            raise Broken(f"the line is longer than {LONGEST:,} bytes: this is no text of facts", number)
    if rest:
        yield number, _decoded(rest, number)


def _decoded(block: bytes, first: int) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        raise Broken("is not UTF-8 text: save it as UTF-8 and import it again", first + block.count(b"\n", 0, error.start)) from None
