"""The cards and kinds that ship with the platform."""

from __future__ import annotations

from pathlib import Path

from kgplatform.cards import read_kinds, read_relations
from kgplatform.types import Kind, Relation

_HERE = Path(__file__).parent


def relations() -> dict[str, Relation]:
    """The shipped relation cards by name."""
    return read_relations(_HERE / "relations")


def kinds() -> dict[str, Kind]:
    """The shipped taxonomy by name."""
    return read_kinds(_HERE / "kinds.yaml")
