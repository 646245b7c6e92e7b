"""What both servers' schemas share: our labels, and the version that a database says it has."""

from __future__ import annotations

from collections.abc import Sequence

from kgplatform.errors import StoreUnsuitable
from kgplatform.store.connection import Record

SCHEMA = 2
"""The version of the data model that this code writes."""
OURS = ("Entity", "KgLiteral", "KgSource", "KgBatch", "KgMerge", "KgSweep", "KgShelf", "KgRelation", "KgKind", "KgMeta")
"""Labels whose ``id`` is unique."""


def check_version(marks: Sequence[Record], address: str) -> None:
    """Raises ``StoreUnsuitable`` for a database that a newer version of this platform has made."""
    if marks and marks[0]["schema"] > SCHEMA:
        raise StoreUnsuitable(f"the graph at {address} has schema {marks[0]['schema']}, newer than {SCHEMA}: update this program")
