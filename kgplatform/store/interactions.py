"""Who took what, mirrored beside the facts: in dictionaries, and on a server as ``(:User)-[:INTERACTED]->(:Entity)``.

A user is a node of ours (``KgUser``) that people call ``User``: an entity of a kind of that name may have the same id, and is
another node. The relationship bears no key, by which everything that is about facts passes it over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kgplatform.store import merging
from kgplatform.store.connection import Connection, Record, Redo, run
from kgplatform.store.merging import Redirects
from kgplatform.store.statements import statement
from kgplatform.types import EntityId, Interaction, Mirrored

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

PAGE = 5_000
"""Interactions in one transaction."""
USERS = 1_000
"""Users who are dropped in one transaction, once all they took is."""


def later(held: Interaction | None, told: Interaction) -> Interaction:
    """Which of two of one user and entity stays; ``told`` came last."""
    if held is None or held.time is None:
        return told
    return held if told.time is None or told.time < held.time else told


def latest(told: Iterable[Interaction], redirects: Redirects) -> dict[tuple[str, EntityId], Interaction]:
    """What stays of each user and entity, at the entities that stand for the given ones."""
    stays: dict[tuple[str, EntityId], Interaction] = {}
    for one in told:
        at = merging.root(one.entity, redirects) if redirects else one.entity
        stays[one.user, at] = later(stays.get((one.user, at)), one)
    return stays


class Taken:
    """Interactions in dictionaries."""

    def __init__(self) -> None:
        self._by: dict[EntityId, dict[str, Interaction]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._by.values()))

    def keep(self, entity: EntityId, told: Interaction) -> None:
        held = self._by[entity]
        held[told.user] = later(held.get(told.user), told)

    def move(self, entity: EntityId, into: EntityId) -> None:
        for told in self._by.pop(entity, {}).values():
            self.keep(into, told)

    def leave(self, entity: EntityId) -> None:
        self._by.pop(entity, None)

    def drop(self) -> None:
        self._by.clear()


class UserIndex(Protocol):
    """How one server finds users by their ids."""

    def index_users(self, connection: Connection) -> None:
        """Make the index, unless it is there. Raises ``StoreUnsuitable`` where others have users of their own."""
        ...

    def unindex_users(self, connection: Connection) -> None:
        """Take it away again."""
        ...


class InteractionMirror:
    """Interactions on a server."""

    def __init__(self, connection: Connection, index: UserIndex) -> None:
        self._connection = connection
        self._index = index

    def write(self, told: Sequence[Interaction]) -> Mirrored:
        """Add interactions, in parts."""
        if told:
            self._index.index_users(self._connection)
        parts = (told[start : start + PAGE] for start in range(0, len(told), PAGE))
        return sum((self._connection.writing(partial(_write, told=part)) for part in parts), Mirrored())

    def drop(self) -> int:
        """Take all away; how many there were."""
        count, after = 0, ""
        while page := [row["id"] for row in self._connection.rows(statement("users_page"), after=after, limit=USERS)]:
            while gone := self._run("interactions_drop", ids=page, limit=PAGE)[0]["n"]:
                count += gone
            self._run("users_drop", ids=page)
            after = page[-1]
        self._index.unindex_users(self._connection)
        return count

    def _run(self, name: str, **parameters: Any) -> list[Record]:
        return self._connection.writing(partial(run, cypher=statement(name), **parameters))

    def count(self) -> int:
        return int(self._connection.rows(statement("interactions_count"))[0]["n"])


def _write(tx: ManagedTransaction, *, told: Sequence[Interaction]) -> Mirrored:
    redirects = dict(run(tx, statement("redirects"))[0]["redirects"])
    stays = latest(told, redirects)
    there = _there(tx, "entities", {entity for _, entity in stays})
    rows = [
        {"user": user, "entity": entity, "time": one.time, "rating": one.rating}
        for (user, entity), one in sorted(stays.items())
        if entity in there
    ]
    if rows:
        users = {user for user, entity in stays if entity in there}
        run(tx, statement("users_create"), ids=sorted(users - _there(tx, "users", users)))  # of two who make one, one begins again
        run(tx, statement("interactions_write"), rows=rows)
    kept = sum(merging.root(one.entity, redirects) in there for one in told)
    return Mirrored(kept, len(told) - kept)


def _there(tx: ManagedTransaction, what: str, ids: Collection[str]) -> set[str]:
    return set(run(tx, statement(f"{what}_there"), ids=sorted(ids))[0]["ids"])


def leave(tx: ManagedTransaction, ids: Sequence[str]) -> None:
    """Take away what was taken of entities that go. More than one transaction should do is done before, in others."""
    if run(tx, statement("interactions_leave"), ids=ids, limit=PAGE)[0]["n"] == PAGE:
        raise Redo(partial(_leave_apart, ids=ids))


def _leave_apart(connection: Connection, ids: Sequence[str]) -> None:
    while connection.writing(partial(run, cypher=statement("interactions_leave"), ids=ids, limit=PAGE))[0]["n"]:
        pass


def move(connection: Connection, at: EntityId) -> None:
    """Let what was taken of an entity that was merged be taken of the one that stands for it now."""
    into = merging.root(at, dict(connection.rows(statement("redirects"))[0]["redirects"]))
    if into == at:
        return
    while users := [row["id"] for row in connection.rows(statement("interactions_at"), id=at, limit=PAGE)]:
        connection.writing(lambda tx, u=users: run(tx, statement("interactions_move"), users=u, at=at, to=into))  # type: ignore[misc]
