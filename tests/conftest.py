"""No test touches the user's own data or the network; what a test cannot have is skipped aloud."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import platformdirs
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import servers

if TYPE_CHECKING:
    from kgplatform.store.endpoint import Endpoint

OURS = ("KG_", "NEO4J_", "OPENAI_", "ANTHROPIC_", "HF_", "HUGGING", "LANGCHAIN_", "LANGSMITH_", "RAY_")
NEO4J = "neo4j"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def _scrub() -> None:
    """Take from the environment what a person has set for their own work, before anything is imported that reads it."""
    mine = os.environ.get("KG_HOME") or platformdirs.user_data_dir("kgplatform", appauthor=False)
    os.environ.setdefault("KG_TEST_MODELS", str(Path(mine).expanduser() / "models"))
    for name in list(os.environ):
        if (name.startswith(OURS) and not name.startswith("KG_TEST_")) or name.lower() in PROXIES:
            del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes of a run share the processors: more threads only wait for each other
    os.environ["ARCADEDB_JVM_ARGS"] = "-XX:TieredStopAtLevel=1"  # many servers that live for seconds: compiling well does not pay


_scrub()
hypothesis.settings.register_profile("shared", deadline=None, max_examples=25)  # these machines are shared, and no test is timed
hypothesis.settings.register_profile("exhaustive", deadline=None, max_examples=300)
hypothesis.settings.load_profile("shared")


# -- the network -------------------------------------------------------------------------------------


class OutsideBlocked(Exception):
    """A test wanted to reach another machine."""


_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
_blocked = pytest.MonkeyPatch()


def _inside(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost", "localhost.localdomain"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _check(connection: socket.socket, address: Any) -> None:
    if connection.family in (socket.AF_INET, socket.AF_INET6) and not _inside(address[0]):
        raise OutsideBlocked(f"a test wanted to reach {address[0]}")


def _block() -> None:
    def connect(self: socket.socket, address: Any) -> None:
        _check(self, address)
        _connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        _check(self, address)
        return _connect_ex(self, address)

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if not _inside(host):
            raise OutsideBlocked(f"a test wanted the address of {host!r}")
        return _getaddrinfo(host, *rest, **named)

    _blocked.setattr(socket.socket, "connect", connect)
    _blocked.setattr(socket.socket, "connect_ex", connect_ex)
    _blocked.setattr(socket, "getaddrinfo", getaddrinfo)


# -- the run -----------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    # A shell that runs the tests in the background has it ignored, and so would every program that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        servers.begin()
    _block()


def pytest_unconfigure(config: pytest.Config) -> None:
    _blocked.undo()
    if not hasattr(config, "workerinput"):
        servers.end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long chains first, so that no process is left alone with one; what shares something dear stays in one process."""
    turns = [(_turn(item), item) for item in items]
    for (_, group), item in turns:
        if group and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group))
    items[:] = [item for _, item in sorted(turns, key=lambda turn: turn[0][0])]


def _turn(item: pytest.Item) -> tuple[int, str]:
    """When a test comes, and in whose company: "" for none."""
    fixtures: dict[str, Any] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    given = [one for one in item.callspec.params.values() if isinstance(one, str)] if hasattr(item, "callspec") else []
    if item.get_closest_marker("xdist_group") or "neo4j_server" in fixtures or "neo4j" in given:
        return 0, NEO4J  # it has one database: who waits for it would wait with a processor
    if "chromium" in fixtures:
        return 1, "pages"
    slow = item.get_closest_marker("slow") is not None
    if item.get_closest_marker("models") and not slow:
        return 3, "models"
    own = any(definition.scope == "module" for definitions in fixtures.values() for definition in definitions)
    return 2 if slow else 4, item.path.name if own else ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped aloud: by name, what was missing and which tests wanted it."""
    wanted = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if servers.MISSING in reason:
            wanted[reason.partition(servers.MISSING)[2]].append(report.nodeid)
    if wanted:
        terminalreporter.section("skipped, because something is missing", yellow=True)
    for what, tests in sorted(wanted.items()):
        terminalreporter.write_line(f"{what}: {len(tests)} tests")
        for test in sorted(set(tests)):
            terminalreporter.write_line(f"    {test}")


# -- what a test can have ----------------------------------------------------------------------------


def weights_home() -> Path:
    """The folder of fetched weights: ``KG_TEST_MODELS``, else that of the person who runs the tests. Tests only read it."""
    return Path(os.environ["KG_TEST_MODELS"])


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("models") and not (weights_home().is_dir() and any(weights_home().iterdir())):
        servers.missing(f"fetched weights in {weights_home()} (run  kg models fetch, or set KG_TEST_MODELS)")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            servers.missing("a CUDA device")


@pytest.fixture(scope="session", autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What session fixtures start finds empty folders, not the user's."""
    home = tmp_path_factory.mktemp("nobody")
    os.environ.update(KG_HOME=str(home / "data"), XDG_CONFIG_HOME=str(home / "config"), XDG_DATA_HOME=str(home / "share"))


@pytest.fixture(autouse=True)
def _home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder and a working folder of its own for every test; the weights lie in the first where they are wanted."""
    apart = tmp_path_factory.mktemp("apart")
    home, work = apart / "home", apart / "work"
    home.mkdir()
    work.mkdir()
    if request.node.get_closest_marker("models"):
        (home / "models").symlink_to(weights_home(), target_is_directory=True)
    monkeypatch.setenv("KG_HOME", str(home))
    monkeypatch.chdir(work)


@pytest.fixture(scope="session")
def local_endpoint() -> Endpoint:
    """The local server, the same for all tests: each makes a graph of its own."""
    from kgplatform.errors import KgError
    from kgplatform.store import server

    try:
        return server.ensure(servers.local_home(), idle=3600)
    except KgError as error:
        if importlib.util.find_spec("arcadedb_embedded"):
            raise
        servers.missing(str(error))


@pytest.fixture
def local_graph(local_endpoint: Endpoint) -> Iterator[str]:
    """The name of an empty graph on the local server."""
    import uuid

    from kgplatform.store import server

    name = f"t{uuid.uuid4().hex}"
    server.create_graph(local_endpoint, name)
    yield name
    if name in server.graphs(local_endpoint):
        server.drop_graph(local_endpoint, name)


@pytest.fixture(scope="session")
def neo4j_server() -> servers.Neo4jServer:
    """A Neo4j with passwords, the same for all tests. It has one database: wipe it, and lock others out meanwhile."""
    return servers.neo4j()


@pytest.fixture
def neo4j_alone(neo4j_server: servers.Neo4jServer) -> Iterator[servers.Neo4jServer]:
    """The Neo4j, empty, for one test at a time: its Community edition has a single database."""
    from filelock import FileLock
    from neo4j import GraphDatabase

    login = (neo4j_server.user, neo4j_server.password)
    with FileLock(servers.run_folder() / "neo4j-alone.lock"), GraphDatabase.driver(neo4j_server.uri, auth=login) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        yield neo4j_server
