"""Other people's queries when servers and clients go away in the middle."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from neo4j import GraphDatabase

from kgplatform.errors import StoreUnreachable
from kgplatform.ports import Limits
from kgplatform.store import local, neo4j, server
from tests import servers

ROOT = Path(__file__).parents[2]
LONG = "UNWIND range(1, 300) AS a UNWIND range(1, 300) AS b UNWIND range(1, 100) AS c RETURN sum(a * b % (c + 7)) AS n"
ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b UNWIND range(1, 1000) AS c RETURN sum(a * b % (c + 7)) AS n"


class Road:
    """The way to a server, which can be broken under those who are on it."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._door = socket.create_server(("127.0.0.1", 0))
        self._travelling: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self._door.getsockname()[1]}"

    def break_off(self) -> None:
        for one in self._travelling:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._door.close()
        self.break_off()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, far = self._door.accept()[0], socket.create_connection(self._to)
                self._travelling += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError), one, other:
            while said := one.recv(65_536):
                other.sendall(said)
            other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def road(neo4j_alone: servers.Neo4jServer) -> Iterator[Road]:
    to = urlsplit(neo4j_alone.uri)
    made = Road((str(to.hostname), int(to.port or 0)))
    yield made
    made.close()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(neo4j: servers.Neo4jServer, query: str) -> set[str]:
    """The transactions of the server that run a query now."""
    with GraphDatabase.driver(neo4j.uri, auth=(neo4j.user, neo4j.password)) as driver:
        asked = "SHOW TRANSACTIONS YIELD transactionId, currentQuery WHERE currentQuery = $query RETURN transactionId AS id"
        return {row["id"] for row in driver.execute_query(asked, query=query).records}


def test_a_read_that_breaks_off_is_asked_again(road: Road, neo4j_alone: servers.Neo4jServer) -> None:
    with contextlib.closing(neo4j.open_store(road.uri, neo4j_alone.user, neo4j_alone.password)) as store:
        assert store.read("RETURN 1 AS n", {}, Limits()).rows == ((1,),)
        road.break_off()
        assert store.read("RETURN 2 AS n", {}, Limits()).rows == ((2,),)
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(store.read(LONG, {}, Limits(seconds=300)).rows))
        asking.start()
        wait_until(lambda: running(neo4j_alone, LONG))
        road.break_off()
        asking.join()
        assert answers == [store.read(LONG, {}, Limits(seconds=300)).rows]


def test_a_query_that_breaks_off_every_time_is_a_sentence(road: Road, neo4j_alone: servers.Neo4jServer) -> None:
    refused: list[str] = []

    def ask() -> None:
        with contextlib.closing(neo4j.open_store(road.uri, neo4j_alone.user, neo4j_alone.password)) as store:
            try:
                store.read(ENDLESS, {}, Limits(seconds=300))
            except StoreUnreachable as error:
                refused.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    seen: set[str] = set()

    def another() -> bool:
        return not running(neo4j_alone, ENDLESS) <= seen

    for _ in range(2):
        wait_until(another)
        seen.update(running(neo4j_alone, ENDLESS))
        road.break_off()
    asking.join()
    assert "broke off in this query" in refused[0] and len(refused) == 1


def test_a_client_that_goes_away_takes_its_query_with_it(neo4j_alone: servers.Neo4jServer) -> None:
    told = {"NEO4J_URI": neo4j_alone.uri, "NEO4J_PASSWORD": neo4j_alone.password, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "ui.cli.main", "query", ENDLESS, "--seconds", "600"]
    client = subprocess.Popen(command, env=os.environ | told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: running(neo4j_alone, ENDLESS))
    client.kill()
    client.wait()
    wait_until(lambda: not running(neo4j_alone, ENDLESS))


@pytest.mark.slow
def test_a_local_server_that_is_killed_in_the_middle_of_a_read_answers_it(tmp_path: Path) -> None:
    home = tmp_path / "data"
    try:
        with contextlib.closing(local.open_store(home, "kg")) as store:
            answers: list[object] = []
            asking = threading.Thread(target=lambda: answers.append(store.read(LONG, {}, Limits(seconds=300)).rows))
            process = psutil.Process(server.ensure(home).pid)
            before = process.cpu_times().user
            asking.start()
            wait_until(lambda: process.cpu_times().user > before + 0.2)
            process.kill()
            asking.join()
            assert answers == [store.read(LONG, {}, Limits(seconds=300)).rows]
    finally:
        server.stop(home)
