"""The reading door: other people's Cypher, in a transaction that can only read, with its limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kgplatform import names
from kgplatform.errors import BadQuery, BadRequest, StoreUnreachable, WriteRefused
from kgplatform.ports import Limits, Rows
from kgplatform.store.connection import TIME, Connection
from kgplatform.store.parameters import checked
from kgplatform.store.plain import plain

if TYPE_CHECKING:
    from neo4j import Result, ResultSummary

__all__ = ["FILES", "TIME", "WRITES", "again", "bare", "plan", "rows"]

WRITES = "this query would write, and only reading is allowed here: nothing was changed"
FILES = "LOAD CSV reads files and addresses from the server's side, which is not allowed here"
_NOT_CODE = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`|/\*.*?\*/|//[^\n]*""", re.DOTALL)
_LOAD = re.compile(r"\bload\s+csv\b", re.IGNORECASE)
_PLAN = re.compile(r"^\s*(explain|profile)\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\\u+([0-9a-fA-F]{4})")


def bare(cypher: str) -> str:
    """The query without the space around it.

    Raises ``WriteRefused`` when the text loads a file, however it is spelled or spaced; ``BadQuery`` when it is empty, or asks for a plan.
    """
    spelled = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), names.text(cypher, "a query"))
    if any(_LOAD.search(_NOT_CODE.sub(" ", text)) for text in (cypher, spelled)):
        raise WriteRefused(FILES)
    if not (text := cypher.strip()):
        raise BadQuery("the query is empty")
    if plan := _PLAN.match(_NOT_CODE.sub(" ", text)):
        raise BadQuery(f"{plan[1].upper()} asks for the plan of a query, which is not shown here: leave it out")
    return text


@contextmanager
def _sendable() -> Iterator[None]:
    """What the driver cannot pack leaves as a sentence."""
    try:
        yield
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadRequest(f"the query or a parameter cannot be sent to the server ({' '.join(str(error).split())[:200]})") from None


def plan(connection: Connection, cypher: str, parameters: Mapping[str, Any]) -> ResultSummary:
    """What the server would do with a query, without doing it."""
    from neo4j import READ_ACCESS

    with connection.sentences(), _sendable(), connection.session(default_access_mode=READ_ACCESS) as session:
        return session.run(f"EXPLAIN {cypher}", checked(parameters)).consume()


def again(connection: Connection, ask: Callable[[], Rows]) -> Rows:
    """Ask, and once more when the server ended and answers again: a query that only reads may be asked twice."""
    try:
        return ask()
    except StoreUnreachable:
        connection.rows("RETURN 1 AS n")  # waits for a server that is being started
    return ask()


def rows(connection: Connection, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows:
    """At most ``limits.rows`` rows of ``limits.bytes``; the transaction is rolled back whatever it did."""
    from neo4j import READ_ACCESS

    with (
        connection.sentences(),
        connection.session(default_access_mode=READ_ACCESS, fetch_size=1_000) as session,
        session.begin_transaction(metadata={"asked": limits.name}, timeout=limits.seconds) as transaction,
    ):
        with connection.asked(), _sendable():
            result = transaction.run(cypher, checked(parameters))
        with connection.asked():
            found = _within(result, limits)
            summary = result.consume()
            transaction.rollback()
    if _wrote(summary, found.complete):
        raise WriteRefused(WRITES)
    return found


def _within(result: Result, limits: Limits) -> Rows:
    """The first rows of a result."""
    found: list[tuple[Any, ...]] = []
    size = 0
    for record in result:
        row = tuple(plain(value) for value in record.values())
        size += _size(row)
        if len(found) == limits.rows or size > limits.bytes:
            return Rows(tuple(result.keys()), tuple(found), "rows" if len(found) == limits.rows else "bytes")
        found.append(row)
    return Rows(tuple(result.keys()), tuple(found))


def _wrote(summary: ResultSummary, complete: bool) -> bool:
    """The local server names the type of a query only to who reads all its rows; to others it counts what was written."""
    unnamed = summary.query_type is None and not complete
    return summary.counters.contains_updates or not (unnamed or summary.query_type == "r")


def _size(value: object) -> int:
    """About how many bytes a plain value takes as text."""
    match value:
        case str():
            return len(value)
        case dict():
            return sum(len(name) + _size(held) for name, held in value.items())
        case list() | tuple():
            return sum(map(_size, value))
    return 8
