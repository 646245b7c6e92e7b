"""A small file of JSON, a value a line, that is never half written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kgplatform.wholefile import whole


def read(file: Path) -> list[Any]:
    """All values, none where there is no file. Raises ``OSError`` or ``ValueError``."""
    return list(map(json.loads, file.read_bytes().splitlines())) if file.is_file() else []


def write(file: Path, values: Iterable[Any]) -> None:
    """In the place of what is there. Raises ``BadFile``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole(file) as out:
        out.writelines(json.dumps(value).encode() + b"\n" for value in values)
