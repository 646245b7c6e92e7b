"""The local graph server as its clients see it: there when wanted, one to a data folder, and its graphs.

``ensure`` finds the server of a data folder or starts it (``kgplatform.store.serve``), whoever else does
the same at that moment. It belongs to nobody: it outlives its starter and ends when idle.
"""

from __future__ import annotations

import contextlib
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path

import psutil
from filelock import Timeout

from kgplatform.errors import BadName, KgError, MissingExtra, NotFound, StoreError, StoreUnreachable
from kgplatform.store import httpport, local_schema
from kgplatform.store.endpoint import BUSY, IDLE_SECONDS, OPENED_ELSEWHERE, Endpoint, Meeting, alive, meeting
from kgplatform.store.statements import statement

__all__ = ["Endpoint", "create_graph", "drop_graph", "ensure", "graphs", "status", "stop"]

START_SECONDS = 120.0
"""How long a start may take; on an idle machine it takes three."""
STOP_SECONDS = 30.0
FREE_BYTES = 200_000_000
SCHEMA_ATTEMPTS = 10
"""``IF NOT EXISTS`` looks and then makes: of several at once, some find in between that it exists."""
FILE_HANDLES = 4096
"""Every type of a graph takes about three."""
_BOOTSTRAP = "import sys; sys.path.append(sys.argv.pop(1)); from kgplatform.store.serve import main; sys.exit(main())"
_GRAPH = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_OR_NEO4J = "or set NEO4J_URI to use a Neo4j server"


def status(home: Path) -> Endpoint | None:
    """The running server of a data folder."""
    place = meeting(home)
    with _folder_errors(place):
        return place.endpoint()


def ensure(home: Path, *, idle: float = IDLE_SECONDS) -> Endpoint:
    """The server of a data folder, started when there is none; then it ends ``idle`` seconds after its last client."""
    place = meeting(home)
    with _folder_errors(place):
        place.touch()
        if found := place.endpoint():
            return found
        _check(place)
    with _turn(place):
        return _started(place, idle)


def _started(place: Meeting, idle: float) -> Endpoint:
    """Start a server, unless there is one whose starter died, and wait until it answers."""
    deadline = time.monotonic() + START_SECONDS
    code: int | None = BUSY
    child: subprocess.Popen[bytes] | None = None
    while time.monotonic() < deadline:
        if found := place.endpoint():
            return found
        code = child.poll() if child else BUSY
        if code == BUSY and not place.served():
            child = _spawn(place, idle)
        elif code not in (None, BUSY):
            raise _died(place, code)
        time.sleep(0.05)
    raise StoreUnreachable(f"the local graph server did not answer within {START_SECONDS:.0f} s: see {place.log}, {_OR_NEO4J}")


def _died(place: Meeting, code: int | None) -> KgError:
    if code == OPENED_ELSEWHERE:
        return StoreError(f"another program has a graph in {place.data} open: end it, then try again")
    return StoreError(f"the local graph server ended while it started (exit code {code}): see {place.log}, {_OR_NEO4J}")


def _spawn(place: Meeting, idle: float) -> subprocess.Popen[bytes]:
    """A server in a session of its own, so that it outlives this process and its terminal."""
    place.address.unlink(missing_ok=True)  # of one that died
    root = str(Path(__file__).resolve().parents[2])
    with place.log.open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP, root, str(place.folder.parent), "--idle", str(idle)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=place.folder,
            start_new_session=True,
        )
    threading.Thread(target=child.wait, daemon=True).start()  # leaves no zombie when it ends before us
    return child


@contextmanager
def _turn(place: Meeting) -> Iterator[None]:
    """One at a time starts or stops the server of a folder."""
    lock = place.starting()
    try:
        with _folder_errors(place):
            lock.acquire(timeout=START_SECONDS)
    except Timeout:
        raise StoreUnreachable(
            f"another program has been starting or stopping the server for {START_SECONDS:.0f} s: see {place.log}"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _folder_errors(place: Meeting) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"the data folder {place.folder.parent} cannot be used ({reason}): make it writable, or set KG_HOME to another"
        ) from None


def _check(place: Meeting) -> None:
    """All that can be known before the start to make it fail."""
    if importlib.util.find_spec("arcadedb_embedded") is None:
        raise _not_installed()
    place.make()
    place.log.touch(mode=0o600)
    _check_disk(place)
    if (handles := _file_handles()) < FILE_HANDLES:
        allowed = f"a program may open {handles} files here, the local graph server needs {FILE_HANDLES}"
        raise StoreError(f"{allowed}: raise the hard limit (ulimit -Hn), {_OR_NEO4J}")


def _check_disk(place: Meeting) -> None:
    if shutil.disk_usage(place.folder).free < FREE_BYTES:
        needs = f"the local graph server needs {FREE_BYTES // 10**6} MB free"
        raise StoreError(f"the disk of {place.folder.parent} is full: {needs}: make room, or set KG_HOME to a folder elsewhere")


@contextmanager
def full_disk_named(home: Path) -> Iterator[None]:
    """What fails inside because the disk is full says so: the server itself gives no reason."""
    try:
        yield
    except (StoreError, OSError):
        with contextlib.suppress(OSError):
            _check_disk(meeting(home))
        raise


def _not_installed() -> KgError:
    library, version = platform.libc_ver()
    unfit = {
        "Linux": library != "glibc" or tuple(map(int, version.split(".")[:2])) < (2, 34),
        "Darwin": platform.machine() != "arm64",
        "Windows": platform.machine() != "AMD64",
    }.get(platform.system(), True)
    if unfit:
        where = f"{platform.system()} on {platform.machine()} with {library or 'this'} {version or 'C library'}"
        return StoreError(f"the local graph server does not run on {where}: set NEO4J_URI to use a Neo4j server")
    return MissingExtra("arcadedb-embedded", extra="local", need="the local graph server")


def _file_handles() -> float:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return inf
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return inf if hard == resource.RLIM_INFINITY else hard


def stop(home: Path) -> bool:
    """End the server of a data folder, its graphs closed; false when there was none."""
    place = meeting(home)
    if not place.folder.is_dir():
        return False
    with _turn(place), _folder_errors(place):
        deadline = time.monotonic() + STOP_SECONDS
        while (found := place.endpoint()) is None and place.served() and time.monotonic() < deadline:
            time.sleep(0.05)  # it is starting for somebody who died, or it is ending
        if found is None:
            return False
        _end(place, found.pid)
        return True


def _end(place: Meeting, pid: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).terminate()
        while place.served() or alive(pid):
            if time.monotonic() > deadline:
                psutil.Process(pid).kill()
            time.sleep(0.05)
    place.address.unlink(missing_ok=True)


# -- graphs ------------------------------------------------------------------------------------------


def create_graph(endpoint: Endpoint, name: str) -> None:
    """Make a graph of that name with its indexes, unless it is there. Any number of processes may do so at once."""
    if _checked(name) not in graphs(endpoint):
        code, answer = httpport.call(endpoint, "server", {"command": f"create database {name}"})
        if code != 200 and "AlreadyExists" not in str(answer.get("exception")):
            raise httpport.refusal(endpoint, answer)
    _define(endpoint, name, local_schema.lines())


def index_vectors(endpoint: Endpoint, name: str, label: str, dimension: int) -> None:
    """Make the index of the vectors of a label's nodes, in place of one that may be there."""
    lines = [
        f"DROP INDEX `{label}[emb]` IF EXISTS",
        f"CREATE PROPERTY {label}.emb_keys IF NOT EXISTS STRING",
        f"CREATE INDEX IF NOT EXISTS ON {label} (emb_keys) FULL_TEXT",
        f"CREATE PROPERTY {label}.emb IF NOT EXISTS ARRAY_OF_FLOATS",
        f'CREATE INDEX IF NOT EXISTS ON {label} (emb) LSM_VECTOR METADATA {{"dimensions": {dimension}, "similarity": "COSINE"}}',
    ]
    _define(endpoint, name, lines)


def unindex_vectors(endpoint: Endpoint, name: str, label: str) -> None:
    """Take that index away if there is one."""
    _define(endpoint, name, [f"DROP INDEX `{label}[emb]` IF EXISTS"])


def index_users(endpoint: Endpoint, name: str) -> None:
    """Make the types of users and the index of their ids, unless they are there."""
    _define(endpoint, name, local_schema.users())


def unindex_users(endpoint: Endpoint, name: str) -> None:
    """Take the index away if there is one; the types stay."""
    _define(endpoint, name, ["DROP INDEX `User[id]` IF EXISTS"])


def _define(endpoint: Endpoint, name: str, lines: Sequence[str]) -> None:
    """Make or drop types and indexes of a graph."""
    for _ in range(SCHEMA_ATTEMPTS):
        code, answer = httpport.call(endpoint, f"command/{name}", {"language": "sqlscript", "command": ";\n".join(lines)})
        if code == 200:
            return
    raise httpport.refusal(endpoint, answer)


def graphs(endpoint: Endpoint) -> list[str]:
    """The names of all graphs, sorted."""
    code, answer = httpport.call(endpoint, "server", {"command": "list databases"})
    if code != 200:
        raise httpport.refusal(endpoint, answer)
    return sorted(answer["result"])


def check_graph(endpoint: Endpoint, name: str) -> None:
    """Raises ``NotFound``, with the graphs there are, when there is none of that name."""
    if name not in (there := graphs(endpoint)):
        others = f"there are {', '.join(there)}" if there else "there is none yet"
        raise NotFound(f"there is no graph {name!r}: {others}; a command that writes, such as  kg import,  makes one")


def count_facts(endpoint: Endpoint, name: str) -> int:
    """How many facts of any status a graph holds, of whatever schema it is."""
    rows = httpport.query(endpoint, name, statement("facts_count", HEAD="", TYPE="", WHERE="true"), {})
    return int(rows[0]["n"])


def drop_graph(endpoint: Endpoint, name: str) -> None:
    """Delete a graph and all that is in it. Raises ``NotFound``."""
    check_graph(endpoint, name)
    code, answer = httpport.call(endpoint, "server", {"command": f"drop database {_checked(name)}"})
    if code != 200:
        raise httpport.refusal(endpoint, answer)


def _checked(name: str) -> str:
    if not _GRAPH.fullmatch(name):
        raise BadName(f"{name!r} cannot name a graph: expected letters, digits and '_', a letter first, at most 60")
    return name
