"""The page server starts once, tells where it is, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.ui.conftest import Server, free_port, start

Serve = Callable[..., Server]
posix = pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX system")


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=30)[1]


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """A data folder, and the page that was started there first."""
    home = tmp_path_factory.mktemp("first")
    server = start(home).wait_until_open()
    yield home, server
    server.end()


def test_it_tells_its_address_and_listens_on_this_machine_only(first: tuple[Path, Server]) -> None:
    _, server = first
    assert server.address in server.said
    (child,) = psutil.Process(server.process.pid).children()
    assert {place.laddr.ip for place in child.net_connections() if place.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_second_start_tells_the_address_of_the_first(served: Serve, first: tuple[Path, Server]) -> None:
    home, server = first
    second = served(home)
    out, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == 0
    assert server.address in out
    assert not listening(second.port)


def test_another_graph_gets_a_page_of_its_own(served: Serve, first: tuple[Path, Server]) -> None:
    home, server = first
    other = served(home, "other").wait_until_open()
    assert server.address not in other.said
    assert listening(server.port)
    assert listening(other.port)


def test_a_taken_port_is_said_in_a_sentence(served: Serve, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = served(tmp_path, port=other.getsockname()[1])
        _, err = server.process.communicate(timeout=60)
    assert server.process.returncode == 1
    assert err.strip() == f"BadRequest port {server.port} is in use: choose another with --port"


@posix
def test_ctrl_c_ends_it_all(served: Serve, tmp_path: Path) -> None:
    server = served(tmp_path).wait_until_open()
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.process.send_signal(signal.SIGINT)
    _, err = server.process.communicate(timeout=30)
    assert server.process.returncode == 0
    assert err == ""
    assert gone(children)
    assert not listening(server.port)
    again = served(tmp_path, port=server.port).wait_until_open()
    assert again.address in again.said


@posix
def test_a_killed_parent_takes_its_page_along_and_a_page_that_dies_is_told(served: Serve, tmp_path: Path) -> None:
    server = served(tmp_path).wait_until_open()
    children = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    assert gone(children)
    again = served(tmp_path, port=free_port()).wait_until_open()
    assert again.address in again.said
    (child,) = psutil.Process(again.process.pid).children()
    child.kill()
    _, err = again.process.communicate(timeout=30)
    assert again.process.returncode == 1
    assert "the page server ended by itself" in err
    assert "Traceback" not in err
