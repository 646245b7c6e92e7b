"""The named Cypher files, with the few places where a checked name is spliced in.

A file holds one statement. ``<<NAME>>`` marks a splice: a label, a relationship type, an index or a fixed
condition, never a value; labels and types are checked here once more before they go in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "cypher"
_SLOT = re.compile(r"<<([A-Z]+)>>")
_LABELS = re.compile(r"(:[A-Z][A-Za-z0-9]{0,140})*")
_TYPE = re.compile(r":[A-Z][A-Z0-9_]{0,140}|")


@cache
def _text(name: str) -> str:
    lines = (_FOLDER / f"{name}.cypher").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//")).strip()


def statement(name: str, **splices: str) -> str:
    """The statement of ``cypher/<name>.cypher``. ``TYPE`` and ``LABELS`` must be ``:Name`` or empty."""
    for slot, shape in (("TYPE", _TYPE), ("LABELS", _LABELS)):
        if not shape.fullmatch(splices.get(slot, "")):
            raise ValueError(f"{splices[slot]!r} is not a safe splice")
    return _SLOT.sub(lambda found: splices[found.group(1)], _text(name))
