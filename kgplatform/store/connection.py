"""One database of one server over Bolt: managed transactions, and vendor errors as sentences."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kgplatform.errors import (
    BadQuery,
    BadSetting,
    KgError,
    LimitExceeded,
    StoreConflict,
    StoreError,
    StoreRefused,
    StoreUnreachable,
    StoreUnsuitable,
    WriteRefused,
)
from kgplatform.store.collecting import seldom
from kgplatform.store.known import Known

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Session
    from neo4j.exceptions import Neo4jError

T = TypeVar("T")
PAUSE = 0.05
"""Seconds; the pause before another attempt doubles each time."""
SCHEMES = ("bolt", "neo4j", "bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc")
JUST_MET = 0.05
"""Seconds for which a server is taken to be where it was met: to look takes as long as a fifth of a small query."""
ATTEMPTS = 30
"""How often a whole transaction is made when writers meet, and what it read has changed under it."""
LIFE = 60.0
"""Seconds that a writing transaction may live: after that nothing is committed that was read before."""
TIME = "the query was stopped at its time limit: narrow it, or raise the limit"
Record = Mapping[str, Any]


class Redo(Exception):
    """What the transaction read has changed under it: make it again; or it asks for more than one should do, and ``first`` does that."""

    def __init__(self, first: Callable[[Connection], None] = lambda _: None) -> None:
        super().__init__()
        self.first = first


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server is and who asks. The password is in no ``repr`` and in no message."""

    uri: str
    username: str
    password: str = field(repr=False)
    database: str
    patience: float = 30.0
    """Seconds for which a server at this address is tried again when it breaks off."""

    @property
    def address(self) -> str:
        """The address without user information."""
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _sentence(error: Neo4jError) -> str:
    """The server's message as one line, without its stack."""
    return " ".join((error.message or "the server gives no reason").split())[:500].rstrip(".")


def translated(error: Exception, login: Login) -> KgError:
    """The driver's exception as one of ours."""
    from neo4j import exceptions as vendor

    match error:
        case vendor.AuthError() | vendor.TokenExpired():
            return StoreRefused(f"{login.address} refuses the user {login.username!r}: wrong user name or password")
        case vendor.ServiceUnavailable() | vendor.SessionExpired() | vendor.IncompleteCommit():
            return StoreUnreachable(f"the graph server does not answer at {login.address}: is it running, and is the address right?")
        case vendor.ConfigurationError() | ValueError():
            return _no_address(login)
        case vendor.Neo4jError():
            return _of_server(error, login)
    return StoreError(f"the graph server at {login.address} failed: {' '.join(str(error).split())[:300]}")


def _check(login: Login) -> None:
    """The driver reads more schemes than we mean, and finds a bad port only when it connects."""
    parts = urlsplit(login.uri)
    try:
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise _no_address(login)


def _no_address(login: Login) -> BadSetting:
    return BadSetting(f"{login.address!r} cannot be used as the address of a graph server: expected e.g. neo4j://localhost:7687")


def _of_server(error: Neo4jError, login: Login) -> KgError:
    code = error.code or ""
    name = code.rpartition(".")[2]
    if name in ("DatabaseNotFound", "DatabaseUnavailable", "DatabaseError"):
        return StoreUnsuitable(f"{login.address} has no database {login.database!r} that is online: create it or name another")
    if name in ("AccessMode", "Forbidden", "ReadOnly"):
        return WriteRefused("this query would write or reach outside the graph, and only reading is allowed here: nothing was changed")
    if "TransactionTimedOut" in name or "Terminated" in name or name == "TransactionTimedOutClientConfiguration":
        return LimitExceeded(TIME)
    if name == "MemoryPoolOutOfMemoryError" or name == "OutOfMemoryError":
        return LimitExceeded("the query was stopped because it needs more memory than the server gives: narrow it")
    if code.startswith(("Neo.ClientError.Statement", "Neo.ClientError.Procedure")) or _sentence(error).startswith("Unknown procedure"):
        return BadQuery(f"the query cannot be run: {_sentence(error)}")
    if code.startswith("Neo.ClientError.Security"):
        return StoreRefused(f"{login.address} does not let the user {login.username!r} do this: {_sentence(error)}")
    if code.startswith("Neo.TransientError") or name == "ConstraintValidationFailed":
        return StoreConflict(f"other writers at {login.address} won every retry: try again when there are fewer")
    return StoreError(f"the graph server at {login.address} failed: {_sentence(error)}")


def _driver(login: Login) -> Driver:
    from neo4j import GraphDatabase
    from neo4j.exceptions import ConfigurationError, Neo4jError

    _check(login)
    if not (log := logging.getLogger("neo4j")).level:  # what it would tell of retries and lost connections, our errors say
        log.setLevel(logging.CRITICAL)
    try:
        return GraphDatabase.driver(
            login.uri,
            auth=(login.username, login.password),
            notifications_min_severity="OFF",
            connection_timeout=10.0,
            max_transaction_retry_time=login.patience,
            user_agent="kgplatform",
        )
    except (ConfigurationError, Neo4jError, ValueError) as error:
        raise translated(error, login) from None


class Connection:
    """A pool of connections to one database. Safe to share between threads.

    ``find`` is asked where the server is before a transaction, unless it was just met, and when it breaks off: one that was started
    anew has another port and other passwords, and is met there.
    """

    def __init__(self, find: Callable[[], Login], turn: Callable[[Known], AbstractContextManager[object]] = nullcontext) -> None:
        """``turn`` is held around every writing transaction: writers of a server that cannot keep them apart take turns by it."""
        self._find = find
        self._turn = turn
        self._meeting = threading.Lock()
        self.login, self._met = find(), time.monotonic()
        self._driver = _driver(self.login)

    def close(self) -> None:
        self._driver.close()

    def session(self, **options: Any) -> Session:
        """A session with the server where it is now."""
        with self._meeting:
            if time.monotonic() > self._met + JUST_MET:
                found, self._met = self._find(), time.monotonic()
                if found != self.login:
                    self._driver.close()
                    self.login, self._driver = found, _driver(found)
            return self._driver.session(database=self.login.database, **options)

    @contextmanager
    def sentences(self, *passing: type[Exception]) -> Iterator[None]:
        """Whatever the driver raises inside leaves as one of our errors, without the vendor's trace; ``passing`` leave as they are."""
        from neo4j.exceptions import DriverError, Neo4jError

        try:
            yield
        except (DriverError, Neo4jError, OSError) as error:
            if isinstance(error, passing):
                raise
            raise translated(error, self.login) from None

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Around a query of somebody's that the server has begun: when it breaks off in it, the query may be why."""
        from neo4j.exceptions import ServiceUnavailable, SessionExpired

        try:
            yield
        except (ServiceUnavailable, SessionExpired):
            raise StoreUnreachable(
                f"the graph server at {self.login.address} broke off in this query: it ended, "
                "or the query needed more memory than the server has; narrow the query"
            ) from None

    def verify(self) -> None:
        """One round trip. Raises the sentence for what is wrong."""
        with self.sentences(), self.session() as session:
            session.run("RETURN 1").consume()

    def rows(self, cypher: str, **parameters: Any) -> list[Record]:
        """All rows of a reading statement."""
        return self.reading(lambda tx: run(tx, cypher, **parameters))

    def reading(self, work: Callable[[ManagedTransaction], T]) -> T:
        from neo4j import READ_ACCESS

        try:
            with self.sentences(), self.session(default_access_mode=READ_ACCESS) as session:
                return session.execute_read(work)
        except StoreUnreachable:
            if not self._moved():
                raise
        with self.sentences(), self.session(default_access_mode=READ_ACCESS) as session:
            return session.execute_read(work)

    def _moved(self) -> bool:
        """Whether the server is somewhere else by now: one of ours that ended is started anew."""
        self._met = 0.0
        return self._find() != self.login

    def writing(self, work: Callable[[ManagedTransaction], T], known: Known | None = None) -> T:
        """``work`` in one managed transaction, made afresh on every retry and given up when it is older than ``LIFE``.

        ``known`` is what it relies on, when that is more than it reads itself; such work may also be done twice, when a server
        ended and nobody knows whether it had committed.
        """
        from neo4j.exceptions import ConstraintError, IncompleteCommit, ServiceUnavailable, SessionExpired

        def timely(tx: ManagedTransaction) -> T:
            deadline = time.monotonic() + LIFE
            done = work(tx)
            if time.monotonic() > deadline:
                raise StoreConflict(
                    f"a transaction at {self.login.address} took more than {LIFE:.0f} s: try again when there are fewer writers"
                )
            return done

        for attempt in range(1, ATTEMPTS + 1):
            try:
                with (
                    self._turn(known or Known()),
                    seldom(),
                    self.sentences(ConstraintError, ServiceUnavailable, SessionExpired),
                    self.session() as session,
                ):
                    return session.execute_write(timely)
            except ConstraintError:
                pass
            except Redo as redo:
                redo.first(self)
            except (ServiceUnavailable, SessionExpired) as error:
                if (isinstance(error, IncompleteCommit) and known is None) or not self._moved():
                    raise translated(error, self.login) from None
            time.sleep(min(1.0, PAUSE * 2**attempt) * random.random())  # noqa: S311 - spreads writers out
        raise StoreConflict(f"other writers at {self.login.address} won {ATTEMPTS} times in a row: try again when there are fewer")


def run(tx: ManagedTransaction, cypher: str, **parameters: Any) -> list[Record]:
    """The rows of a statement inside a transaction, all read."""
    return [dict(record) for record in tx.run(cypher, parameters)]
