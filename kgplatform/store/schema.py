"""What both servers' schemas share: our labels, and the version that a database says it has."""

from __future__ import annotations

from kgplatform.errors import StoreUnsuitable
from kgplatform.store import fulltext
from kgplatform.store.connection import Connection
from kgplatform.store.statements import statement

SCHEMA = 4
"""The version of the data model that this code writes."""
_PAGE = 2_000
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


def bring_up(connection: Connection, held: int) -> None:
    """Give what a database of an older schema holds the properties that it lacks; then it has this one. 0 is that of a new one."""
    after = ""
    while held and (rows := connection.rows(statement("entities_unmarked"), after=after, limit=_PAGE)):
        after = rows[-1]["id"]
        marked = [{"id": row["id"], "marks": " ".join(map(fulltext.mark, row["keys"]))} for row in rows]
        connection.writing(lambda tx, m=marked: tx.run(statement("entities_mark"), rows=m).consume())  # type: ignore[misc]
    connection.writing(lambda tx: tx.run(statement("meta_set"), schema=SCHEMA).consume())
