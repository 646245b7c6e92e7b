"""Files that a person may have compressed with gzip: told by their first bytes, whatever they are called."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from kgplatform.errors import BadFile

_GZIP = b"\x1f\x8b"
_OTHERS = {
    "zip": rb"PK\x03\x04",
    "bzip2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\0",
    "zstd": rb"\x28\xb5\x2f\xfd",
    "7z": rb"7z\xbc\xaf\x27\x1c",
    "rar": rb"Rar!\x1a",
}
"""How files begin that are compressed in other ways."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The content, unpacked. What cannot be read, here and while it is open, is ``BadFile``, as is what is compressed in another way."""
    try:
        with path.open("rb") as file:
            first = file.read(16)
        if other := next((name for name, begin in _OTHERS.items() if re.match(begin, first)), None):
            raise BadFile(f"{path}: is compressed as {other}, which is not read here: unpack it, or compress it with gzip")
        with cast(IO[bytes], gzip.open(path)) if first.startswith(_GZIP) else path.open("rb") as file:
            yield file
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror or error})") from None
    except (EOFError, zlib.error) as error:
        raise BadFile(f"{path}: its compressed content is damaged ({error})") from None
