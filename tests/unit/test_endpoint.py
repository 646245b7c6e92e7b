"""How a client tells a living server from the trace of a dead one, without any server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from kgplatform.store.endpoint import Endpoint, Meeting, alive, marks_of, meeting

USERS = {"user": "root", "password": "rootsecret", "reader": "reader", "reader_password": "readersecret"}
ADDRESSES = {"bolt_uri": "bolt://127.0.0.1:9", "http_uri": "http://127.0.0.1:9"}


@pytest.fixture
def place(tmp_path: Path) -> Meeting:
    made = meeting(tmp_path)
    made.make()
    return made


def record(**changed: Any) -> dict[str, Any]:
    """What a server that is this very process would put down."""
    return ADDRESSES | USERS | marks_of(psutil.Process()) | changed


def test_the_address_of_a_living_process_is_found_and_shows_no_password(place: Meeting) -> None:
    place.publish(record())
    found = place.endpoint()
    assert found == Endpoint(**ADDRESSES, **USERS, pid=os.getpid())
    assert "secret" not in repr(found)


def test_a_clock_set_anew_hides_no_server(place: Meeting) -> None:
    place.publish(record(created=psutil.Process().create_time() - 3600))
    assert place.endpoint()


def test_another_program_with_the_number_of_a_dead_server_is_none(place: Meeting) -> None:
    place.publish(record(created=1_000_000_000.0, command=["python", "-m", "kgplatform.store.serve"]))
    assert place.endpoint() is None


def test_a_dead_process_and_one_whose_parent_has_not_noticed_are_none(place: Meeting) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        marks = marks_of(psutil.Process(child.pid))
        place.publish(record(**marks))
        assert place.endpoint()
        child.kill()
        while alive(child.pid):
            time.sleep(0.01)
        assert place.endpoint() is None
    assert place.endpoint() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}', "\x00\xff"])
def test_a_broken_address_is_no_address(place: Meeting, text: str) -> None:
    place.address.write_text(text, "latin-1")
    assert place.endpoint() is None


@pytest.mark.parametrize("pid", [None, "x", -5, 2**40])
def test_a_number_that_is_no_process_is_no_address(place: Meeting, pid: object) -> None:
    place.publish(record(pid=pid))
    assert place.endpoint() is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_can_read_it(place: Meeting) -> None:
    place.publish(record())
    assert place.folder.stat().st_mode & 0o777 == 0o700
    assert place.address.stat().st_mode & 0o777 == 0o600


def test_an_address_somebody_just_asked_for_is_not_withdrawn(place: Meeting) -> None:
    place.publish(record())
    os.utime(place.address, (0, 0))
    place.touch()
    assert not place.withdraw(600)
    assert place.endpoint()
    os.utime(place.address, (0, 0))
    assert place.withdraw(600)
    assert place.endpoint() is None
    assert place.touched() == 0


def test_the_lock_says_whether_a_server_holds_the_folder(place: Meeting) -> None:
    assert not place.served()
    with place.running():
        assert place.served()
    assert not place.served()
