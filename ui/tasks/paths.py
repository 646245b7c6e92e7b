"""Files and folders that a person names for a job, as its arguments have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kgplatform.errors import BadFile, BadRequest


def present(paths: Sequence[Path], what: str) -> list[str]:
    """The paths, made absolute. Raises ``BadFile`` for one that is not there."""
    if missing := [path for path in paths if not path.exists()]:
        raise BadFile(f"{missing[0]}: there is no such {what}")
    return [str(path.resolve()) for path in paths]


def cards(paths: Sequence[Path]) -> list[str]:
    """The files of relation cards, each read once to see that it is one."""
    from kgplatform.cards import read_relation

    for path in paths:
        read_relation(path)
    return [str(path.resolve()) for path in paths]


def vacant(file: Path, force: bool) -> str:
    """The file to write, made absolute. Raises ``BadRequest`` for one that is there, unless forced."""
    if file.exists() and not force:
        raise BadRequest(f"{file} is there already: name another file, or write over it with  --force")
    return str(file.resolve())


def check_vacant(arguments: Mapping[str, Any]) -> Path:
    """The file that a job is about to write. Raises ``BadRequest`` when it has come to be there meanwhile, unless forced."""
    vacant(file := Path(arguments["file"]), arguments["force"])
    return file
