"""A file that threads and processes share: whole transactions, and a connection for each."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kgplatform.lm.sharedfile import SharedFile

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "CREATE TABLE IF NOT EXISTS t (a INTEGER);"


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    shared = SharedFile(tmp_path / "deep" / "s.sqlite", SCHEMA)

    def fail() -> None:
        with shared.writing() as file:
            file.execute("INSERT INTO t VALUES (1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with shared.writing() as file:
        assert file.execute("SELECT count(*) FROM t").fetchone() == (0,)
        file.execute("INSERT INTO t VALUES (1)")
    assert shared.connection.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_each_thread_has_its_own_and_another_begins_anew_after_closing(tmp_path: Path) -> None:
    shared = SharedFile(tmp_path / "s.sqlite", SCHEMA)
    found: list[sqlite3.Connection] = [shared.connection, shared.connection]
    thread = threading.Thread(target=lambda: found.append(shared.connection))
    thread.start()
    thread.join()
    assert found[0] is found[1] is not found[2]
    shared.close()
    assert shared.connection is not found[0]


def test_the_file_is_one_again_when_its_owner_is_gone(tmp_path: Path) -> None:
    shared = SharedFile(tmp_path / "s.sqlite", SCHEMA)
    with shared.writing() as file:
        file.execute("INSERT INTO t VALUES (1)")
    assert (tmp_path / "s.sqlite-wal").exists()
    del shared
    assert [file.name for file in tmp_path.iterdir()] == ["s.sqlite"]


FORK = """
import os, sys
from pathlib import Path
from kgplatform.lm.sharedfile import SharedFile
shared = SharedFile(Path(sys.argv[1]), "CREATE TABLE IF NOT EXISTS t (a INTEGER);")
def write():
    for _ in range(200):
        with shared.writing() as file:
            file.execute("INSERT INTO t VALUES (1)")
write()
child = os.fork()
write()
if child:
    sys.exit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_writes_by_itself(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", FORK, str(tmp_path / "s.sqlite")], check=True, env=environment, timeout=120)
    shared = SharedFile(tmp_path / "s.sqlite", SCHEMA)
    assert shared.connection.execute("SELECT count(*) FROM t").fetchone() == (600,)
    assert shared.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
