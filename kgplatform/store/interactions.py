"""Who took what, mirrored beside the facts: in dictionaries, and on a server as ``(:User)-[:INTERACTED]->(:Entity)``.

A user is a node of ours (``KgUser``) that people call ``User``: an entity of a kind of that name may have the same id, and is
another node. The relationship bears no key, by which everything that is about facts passes it over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kgplatform.store import merging
from kgplatform.store.connection import Connection, run
from kgplatform.store.merging import Redirects
from kgplatform.store.statements import statement
from kgplatform.types import EntityId, Interaction, Mirrored

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

PAGE = 5_000
"""Interactions in one transaction."""
USERS = 100
"""Users who are dropped in one transaction, with all they took."""


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
        """Take all away, user by user; how many there were."""
        count, after = self.count(), ""
        while page := [row["id"] for row in self._connection.rows(statement("users_page"), after=after, limit=USERS)]:
            self._connection.writing(lambda tx, ids=page: run(tx, statement("users_drop"), ids=ids))  # type: ignore[misc]
            after = page[-1]
        self._index.unindex_users(self._connection)
        return count

    def count(self) -> int:
        return int(self._connection.rows(statement("interactions_count"))[0]["n"])


def _write(tx: ManagedTransaction, *, told: Sequence[Interaction]) -> Mirrored:
    redirects = dict(run(tx, statement("redirects"))[0]["redirects"])
    stays = latest(told, redirects)
    there = set(run(tx, statement("entities_there"), ids=sorted({entity for _, entity in stays}))[0]["ids"])
    rows = [
        {"user": user, "entity": entity, "time": one.time, "rating": one.rating}
        for (user, entity), one in sorted(stays.items())
        if entity in there
    ]
    if rows:
        run(tx, statement("users_create"), ids=sorted({row["user"] for row in rows}))
        run(tx, statement("interactions_write"), rows=rows)
    kept = sum(merging.root(one.entity, redirects) in there for one in told)
    return Mirrored(kept, len(told) - kept)


def move(connection: Connection, at: EntityId) -> None:
    """Let what was taken of an entity that was merged be taken of the one that stands for it now."""
    into = merging.root(at, dict(connection.rows(statement("redirects"))[0]["redirects"]))
    if into == at:
        return
    while users := [row["id"] for row in connection.rows(statement("interactions_at"), id=at, limit=PAGE)]:
        connection.writing(lambda tx, u=users: run(tx, statement("interactions_move"), users=u, at=at, to=into))  # type: ignore[misc]
