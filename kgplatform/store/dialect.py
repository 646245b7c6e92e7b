"""What differs between the servers, as the store asks for it; ``store/neo4j.py`` and ``store/local.py`` are the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from kgplatform.ports import Limits, Rows
from kgplatform.store.connection import Connection, Login
from kgplatform.store.embedding import Indexes
from kgplatform.store.interactions import UserIndex
from kgplatform.store.known import Known
from kgplatform.store.telling import Plans


class Dialect(Plans, Indexes, UserIndex, Protocol):
    """One kind of server."""

    def login(self) -> Login:
        """Where the server is now, started when it belongs to the platform."""
        ...

    def turn(self, known: Known) -> AbstractContextManager[object]:
        """Held around every writing transaction, and told what that relies on."""
        ...

    @property
    def index(self) -> str:
        """The name of the full-text index on names and aliases."""
        ...

    @property
    def aliases(self) -> str:
        """The name of the full-text index on the marks of aliases."""
        ...

    def cells(
        self, connection: Connection, cells: Sequence[str], splices: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> Sequence[list[Any]]:
        """The facts of some heads in the order of head and key, a column a cell (a Cypher expression); the first cell is the key."""
        ...

    @property
    def passages(self) -> str:
        """The name of the full-text index on passages."""
        ...

    @property
    def address(self) -> str: ...

    def prepare(self, connection: Connection, migrate: bool) -> None:
        """Check that the database is fit, and make the schema; of an older one only to ``migrate``. Raises ``StoreUnsuitable``."""
        ...

    def settle(self, connection: Connection) -> None:
        """Called once, after the first some hundred claims that this store writes."""
        ...

    def read(self, connection: Connection, cypher: str, parameters: Mapping[str, Any], limits: Limits) -> Rows: ...

    def stop(self, connection: Connection, name: str) -> None: ...

    def examine(self, connection: Connection, cypher: str, parameters: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...
