"""What the local server and its clients tell each other through ``HOME/server``: an address and two locks.

``endpoint.json`` is there only while the server answers. The server holds ``running.lock`` for as long as
it lives, whoever starts or stops it holds ``starting.lock``; the operating system frees both with their
process, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

IDLE_SECONDS = 600.0
"""How long a server waits for a client before it ends."""
BUSY, FAILED, OPENED_ELSEWHERE = 75, 70, 76
"""Exit codes of a server: another one serves this folder; it could not start; another program has a graph open."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running local server and its two users: one that may do anything, and a reader. No password is in its ``repr``."""

    bolt_uri: str
    http_uri: str
    pid: int
    user: str
    password: str = field(repr=False)
    reader: str
    reader_password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Meeting:
    """The folder where server and clients meet."""

    folder: Path

    @property
    def address(self) -> Path:
        return self.folder / "endpoint.json"

    @property
    def log(self) -> Path:
        """What a server said while it started, and how it ended."""
        return self.folder / "server.log"

    @property
    def data(self) -> Path:
        """ArcadeDB's own root: databases, users."""
        return self.folder / "data"

    def make(self) -> None:
        """Make the folder, readable by its owner only. Raises ``OSError``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def publish(self, record: Mapping[str, Any]) -> None:
        """Put the address down in one step."""
        draft = self.address.with_suffix(".draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(record, file)
        draft.replace(self.address)

    def record(self) -> dict[str, Any] | None:
        """The address as it was put down, true or stale."""
        try:
            found = json.loads(self.address.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError, json.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def endpoint(self) -> Endpoint | None:
        """The address of a server that lives."""
        record = self.record()
        names = {one.name for one in fields(Endpoint)}
        if record is None or not names | {"created", "command"} <= record.keys() or not _is_meant(record):
            return None
        return Endpoint(**{name: record[name] for name in names})

    def running(self) -> FileLock:
        return FileLock(self.folder / "running.lock", mode=0o600)

    def starting(self) -> FileLock:
        return FileLock(self.folder / "starting.lock", mode=0o600)

    def served(self) -> bool:
        """Whether a server holds this folder, be it starting, running or ending."""
        try:
            with self.running().acquire(timeout=0):
                return False
        except Timeout:
            return True

    def identity(self) -> int:
        """The inode of the server's lock: another one means that the folder was deleted, and perhaps made anew."""
        try:
            return (self.folder / "running.lock").stat().st_ino
        except (FileNotFoundError, NotADirectoryError):
            return 0

    def touch(self) -> None:
        """Say that somebody is interested: the server counts idleness from here."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.utime(self.address)

    def touched(self) -> float:
        """When somebody was last interested, in seconds since the epoch."""
        try:
            return self.address.stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return 0.0

    def withdraw(self, seconds: float) -> bool:
        """Take the address away, unless somebody was interested within ``seconds``.

        Moved first and looked at then: who touches it before the move is seen, who comes later finds nothing.
        """
        leaving = self.address.with_suffix(".leaving")
        self.address.replace(leaving)
        if time.time() - leaving.stat().st_mtime < seconds:
            leaving.replace(self.address)
            return False
        leaving.unlink()
        return True


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to notice its end does not."""
    try:
        state: str = psutil.Process(pid).status()
        return state != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def marks_of(process: psutil.Process) -> dict[str, Any]:
    """What tells a process from a later one with its number."""
    return {"pid": process.pid, "created": process.create_time(), "command": process.cmdline()}


def _is_meant(record: Mapping[str, Any]) -> bool:
    """Whether the process that put this record down still lives.

    Its start says so, and its command line: when the clock is set anew, the known start of every process moves.
    """
    try:
        if not isinstance(record["pid"], int) or not alive(record["pid"]):
            return False
        found = marks_of(psutil.Process(record["pid"]))
        same_start: bool = abs(found["created"] - record["created"]) < 2
        return same_start or found["command"] == record["command"]
    except (psutil.Error, TypeError, ValueError):
        return False


def meeting(home: Path) -> Meeting:
    return Meeting(home.absolute() / "server")
