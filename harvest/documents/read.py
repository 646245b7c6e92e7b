"""A file on disk → text with a name, and a source made from its content.

Plain text in UTF-8 (``.txt``, ``.md``, any ending). What cannot be read as such is refused with a sentence,
never guessed at: a wrong guess would stand in evidence as a quote that nobody wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kgplatform.errors import BadFile
from kgplatform.types import Source, SourceId

TEXT_ENDINGS = (".txt", ".md", ".markdown", ".text", ".rst")
MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the source that its facts will carry; the id is a hash of the content, so a renamed file is the same source."""

    source: Source
    text: str


def read(path: Path) -> Document:
    """Read one document. Raises ``BadFile`` for what is empty, binary, too large or in another encoding."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise BadFile(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise BadFile(f"{path}: is larger than {MAX_BYTES // 1_000_000} MB: split it")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BadFile(f"{path}: is UTF-16 text: save it as UTF-8 and harvest it again")
    if b"\x00" in raw or raw[:5] == b"%PDF-":
        raise BadFile(f"{path}: is not a text file: save its text as UTF-8 and harvest that")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path}: is not UTF-8 text (byte {error.start}): save it as UTF-8 and harvest it again") from None
    if not text.strip():
        raise BadFile(f"{path}: is empty")
    source = Source(SourceId(f"doc:{hashlib.sha256(raw).hexdigest()[:16]}"), "document", title=_title(text, path), uri=path.name)
    return Document(source, text)


def _title(text: str, path: Path) -> str:
    first = text.lstrip().partition("\n")[0].lstrip("# ").strip()
    return first if 0 < len(first) <= 100 and first[-1] not in ".!?:;," else path.name


def read_all(paths: Iterable[Path]) -> tuple[list[Document], list[str]]:
    """The files named and the text files below the folders named; and why files of a folder could not be read.

    Raises ``BadFile`` for a file that was named itself and cannot be read, and for a folder without any that can.
    """
    documents: dict[SourceId, Document] = {}
    skipped: list[str] = []
    for path in paths:
        read_here, skipped_here = _below(path) if path.is_dir() else ([read(path)], [])
        documents |= {document.source.id: document for document in read_here}
        skipped += skipped_here
    return list(documents.values()), skipped


def _below(folder: Path) -> tuple[list[Document], list[str]]:
    documents: list[Document] = []
    skipped: list[str] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in TEXT_ENDINGS):
        try:
            documents.append(read(path))
        except BadFile as error:
            skipped.append(str(error))
    if not documents:
        raise BadFile(skipped[0] if skipped else f"{folder}: holds no text files ({', '.join(TEXT_ENDINGS)})")
    return documents, skipped
