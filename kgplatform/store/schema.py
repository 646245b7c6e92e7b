"""What both servers' schemas share: our labels, and the version that a database says it has."""

from __future__ import annotations

from kgplatform.errors import StoreUnsuitable
from kgplatform.store.connection import Connection
from kgplatform.store.statements import statement

SCHEMA = 3
"""The version of the data model that this code writes."""
OURS = (
    *("Entity", "KgLiteral", "KgQualifier", "KgSource", "KgBatch", "KgMerge", "KgSweep", "KgShelf"),
    *("KgPassage", "KgRelation", "KgKind", "KgMeta"),
)
"""Labels whose ``id`` is unique."""


def version(connection: Connection, address: str, migrate: bool) -> int:
    """The schema that a database has, 0 when it has none.

    Raises ``StoreUnsuitable`` for one that a newer version of this platform has made, and, unless it is to be brought up, for an older.
    """
    marks = connection.rows(statement("meta"))
    held = int(marks[0]["schema"]) if marks else 0
    if held > SCHEMA:
        raise StoreUnsuitable(f"the graph at {address} has schema {held}, newer than {SCHEMA}: update this program")
    if 0 < held < SCHEMA and not migrate:
        raise StoreUnsuitable(f"the graph at {address} has schema {held}, older than {SCHEMA}: bring it up with  kg migrate")
    return held


def check_whole(connection: Connection, address: str) -> None:
    """Raise ``StoreUnsuitable`` for a graph that is half of a backup."""
    if half := [row["restoring"] for row in connection.rows(statement("meta")) if row["restoring"]]:
        raise StoreUnsuitable(f"the graph at {address} is half restored: repeat  kg restore {half[0]}")


def mark(connection: Connection) -> None:
    """Say that the database has this schema."""
    connection.writing(lambda tx: tx.run(statement("meta_set"), schema=SCHEMA).consume())
