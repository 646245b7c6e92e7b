"""The local graph server's own process: ``python -m kgplatform.store.serve HOME``.

ArcadeDB runs here inside Python, on loopback only, with passwords made afresh at every start. The file
``HOME/server/endpoint.json`` says where it answers, and is there only while it does. A lock makes it the
only one of its data folder. It ends by itself when nobody has been connected for a while, when a signal
asks it to, and when its folder is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import Timeout

from kgplatform.store.endpoint import BUSY, FAILED, IDLE_SECONDS, OPENED_ELSEWHERE, Meeting, marks_of, meeting

COMMAND_SECONDS = 60
"""No statement runs longer: so long after a mark, no writer is left who had not seen it."""
HEAP = "768m"
_BOLT = "com.arcadedb.bolt.BoltProtocolPlugin"
_RECORD = ["createRecord", "readRecord", "updateRecord", "deleteRecord"]
_DATABASE = ["updateSecurity", "updateSchema", "updateDatabaseSettings"]
_LOGGING = """\
handlers = java.util.logging.FileHandler
.level = INFO
io.undertow.level = WARNING
org.xnio.level = WARNING
org.jboss.level = WARNING
java.util.logging.FileHandler.pattern = engine.log
java.util.logging.FileHandler.formatter = com.arcadedb.log.LogFormatter
java.util.logging.FileHandler.limit = 5000000
java.util.logging.FileHandler.count = 3
"""


def _java_options(place: Meeting) -> list[str]:
    """Options of the Java machine. What must hold in every database is a property: set on the server object it would not reach them."""
    properties = {
        "java.util.logging.config.file": "logging.properties",
        "arcadedb.server.logsDirectory": place.data / "log",
        "arcadedb.command.timeout": COMMAND_SECONDS * 1000,
        "arcadedb.opencypher.loadCsv.allowFileUrls": "false",
        "arcadedb.opencypher.loadCsv.allowRemoteUrls": "false",
        "arcadedb.server.security.importAllowedLocalPaths": place.data / "import",
        "arcadedb.server.httpWorkerThreads": 16,
        "arcadedb.queryMaxConcurrent": -1,  # the default counts open results: four that nobody reads on stop the server
        "arcadedb.txWalFlush": 1,  # a commit survives loss of power
    }
    return [
        "-Xrs",  # signals are Python's: when Java takes them too, the process crashes
        "-XX:ErrorFile=crash.log",
        *(f"-D{name}={value}" for name, value in properties.items()),
    ]


@dataclass(slots=True)
class Engine:
    """ArcadeDB in this process's Java machine. It stops when ``server`` is collected, so whoever holds this keeps it running."""

    server: Any
    password: str = field(repr=False)
    reader_password: str = field(repr=False)

    def ports(self) -> tuple[int, int]:
        """(Bolt, HTTP). The HTTP server does not tell which port it was given, so it is the other one that listens."""
        import psutil

        (bolt,) = (int(one.getPort()) for one in self.server._java_server.getPlugins() if str(one.getClass().getName()) == _BOLT)
        listening = {one.laddr.port for one in psutil.Process().net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        (http,) = listening - {bolt}
        return bolt, http


def _group(database: Sequence[str], record: Sequence[str]) -> dict[str, object]:
    return {"resultSetLimit": -1, "readTimeout": -1, "access": database, "types": {"*": {"access": record}}}


def _configure(place: Meeting) -> None:
    """Our groups, our logging, and no user of an earlier start: the engine makes root anew."""
    config = place.data / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "server-users.jsonl").unlink(missing_ok=True)
    groups = {"admin": _group(_DATABASE, _RECORD), "reader": _group([], ["readRecord"]), "*": _group([], [])}
    (config / "server-groups.json").write_text(json.dumps({"databases": {"*": {"groups": groups}}, "version": 2}), "utf-8")
    (place.folder / "logging.properties").write_text(_LOGGING, "utf-8")


def _start(place: Meeting, heap: str) -> Engine:
    import jpype
    from arcadedb_embedded.server import ArcadeDBServer

    _configure(place)
    engine = {
        "mode": "development",  # "production" hides from people why their query is wrong; what else it does is in the options
        "host": "127.0.0.1",
        "http_port": 0,
        "bolt_port": 0,
        "server_plugins": f"Bolt:{_BOLT}",
    }
    root, reader = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    server = ArcadeDBServer(str(place.data), root, engine, {"heap_size": heap, "jvm_args": _java_options(place)})
    server.start()
    security = server._java_server.getSecurity()
    user = {"name": "reader", "password": str(security.encodePassword(reader)), "databases": {"*": ["reader"]}}
    security.createUser(jpype.JClass("com.arcadedb.serializer.json.JSONObject")(json.dumps(user)))
    return Engine(server, root, reader)


def _greet(port: int) -> None:
    """Shake hands as a Bolt client does, so that nobody is told of a server that does not answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(bytes.fromhex("6060b017 00000404 00000304 00000004 00000003"))
        if len(connection.recv(4)) != 4:
            raise ConnectionError("the Bolt port closes at once")


def _record(engine: Engine) -> dict[str, Any]:
    import psutil

    bolt, http = engine.ports()
    return marks_of(psutil.Process()) | {
        "bolt_uri": f"bolt://127.0.0.1:{bolt}",
        "http_uri": f"http://127.0.0.1:{http}",
        "user": "root",
        "password": engine.password,
        "reader": "reader",
        "reader_password": engine.reader_password,
    }


def _connected(ports: tuple[int, int]) -> bool:
    import psutil

    connections = psutil.Process().net_connections("tcp")
    return any(one.status == psutil.CONN_ESTABLISHED and one.laddr.port in ports for one in connections)


def _watch(place: Meeting, record: dict[str, Any], ports: tuple[int, int], idle: float, ending: threading.Event) -> None:
    """Return when it is time to end. Asking for the address counts as being connected; an address that was lost is put down again."""
    identity, used = place.identity(), time.time()
    while not ending.wait(min(5.0, idle / 3)):
        if place.identity() != identity:
            return
        if place.record() != record:
            with contextlib.suppress(OSError):
                place.publish(record)
        if _connected(ports):
            used = time.time()
        elif time.time() - max(used, place.touched()) >= idle and place.withdraw(idle):
            return


def _raise_file_limit() -> None:
    """Every type of the graph is a handful of open files."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted in (hard, 1_048_576, 65_536, 10_240):
        with contextlib.suppress(ValueError, OSError):  # a hard limit may be without end, and the system still have one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return


def _serve(place: Meeting, idle: float, heap: str) -> int:
    place.address.unlink(missing_ok=True)
    from arcadedb_embedded.exceptions import ArcadeDBError

    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    _raise_file_limit()
    try:
        engine = _start(place, heap)
    except ArcadeDBError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is its log
        return OPENED_ELSEWHERE if "locked by another process" in str(error) else FAILED
    try:
        record, ports = _record(engine), engine.ports()
        _greet(ports[0])
        place.publish(record)
        _watch(place, record, ports, idle, ending)
    finally:
        place.address.unlink(missing_ok=True)
        engine.server.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until idle or ended; the exit code says why not."""
    parser = argparse.ArgumentParser(prog="python -m kgplatform.store.serve", description="The local graph server of a data folder.")
    parser.add_argument("home", type=Path, help="the data folder")
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, help="seconds without a client after which it ends")
    parser.add_argument("--heap", default=HEAP, help="memory for Java's objects, as in Java's -Xmx")
    given = parser.parse_args(arguments)
    os.umask(0o077)
    place = meeting(given.home)
    place.make()
    os.chdir(place.folder)
    try:
        with place.running().acquire(timeout=2):
            return _serve(place, given.idle, given.heap)
    except Timeout:
        return BUSY


if __name__ == "__main__":
    sys.exit(main())
