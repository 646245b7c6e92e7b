"""Start the page server, once for each graph, and end it with whoever started it.

The server is a child process that holds the other end of a pipe: when the parent is gone, however it
went, the pipe breaks and the child ends. Only this machine can reach it, and it reaches for no other.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from kgplatform.errors import BadRequest, KgError, MissingExtra
from kgplatform.names import digest
from kgplatform.settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 60.0
_STOP_SECONDS = 5.0
_FOLDER = Path(__file__).parent
_OPTIONS = {
    "server.address": HOST,
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": HOST,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": "true",
    "runner.magicEnabled": "false",
    "theme.base": "light",
    "theme.primaryColor": "#4263eb",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f9",
    "theme.textColor": "#1f2933",
    "theme.borderColor": "#e3e7ec",
    "theme.baseRadius": "10px",
}


def address(port: int) -> str:
    return f"http://{HOST}:{port}"


def running(settings: Settings) -> str | None:
    """The address of a page that already shows this graph of this data folder."""
    try:
        state = json.loads(_state_file(settings).read_text("utf-8"))
        process = psutil.Process(int(state["pid"]))
        port, same = int(state["port"]), process.create_time() == state["created"]
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return address(port) if same and _answers(port) else None


def serve(settings: Settings, port: int) -> int:
    """Serve the pages until Ctrl-C; where a page for this graph is up already, only tell its address.

    Raises ``BadRequest`` when the port is taken and ``KgError`` when the server does not come up.
    """
    if here := running(settings):
        _tell(f"The page for this graph is already open at {here}")
        return 0
    for package in ("streamlit", "pyvis"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, extra="app", need="the page")
    need_free(port)
    child = _start(settings, port)
    try:
        _await(child, port, settings)
        _remember(settings, child.pid, port)
        _tell(f"The page is open at {address(port)}  (stop it with Ctrl-C)")
        if code := child.wait():
            raise KgError(f"the page server ended by itself (exit code {code}): see {_log_file(settings)}")
    except KeyboardInterrupt:
        pass
    finally:
        _stop(child)
        _forget(settings, child.pid)
    return 0


def _tell(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def need_free(port: int) -> None:
    """Raises ``BadRequest`` when something else listens on the port."""
    with socket.socket() as probe:
        if os.name == "posix":
            # Connections of a page that was just stopped linger; only a listener is in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise BadRequest(f"port {port} needs special rights: choose another with --port") from None
        except OSError:
            raise BadRequest(f"port {port} is in use: choose another with --port") from None


def _start(settings: Settings, port: int) -> subprocess.Popen[bytes]:
    """The child inherits the settings as they were decided here, whatever files it would find by itself."""
    path = os.pathsep.join(filter(None, (str(_FOLDER.parent), os.environ.get("PYTHONPATH", ""))))
    log = _log_file(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        return subprocess.Popen(
            # -P: nothing in the folder a person happens to stand in is taken for a module.
            [sys.executable, "-P", "-m", "ui.serve", str(port)],
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=written,
            env={**os.environ, **settings.values, "KG_HOME": str(settings.home), "PYTHONPATH": path},
            # Ctrl-C in a terminal goes to the whole group: the child is told by its parent instead.
            start_new_session=True,
        )


def _await(child: subprocess.Popen[bytes], port: int, settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise KgError(f"the page server did not start (exit code {child.returncode}): see {_log_file(settings)}")
        if _answers(port):
            return
        time.sleep(0.1)
    raise KgError(f"the page server did not answer within {START_SECONDS:.0f} seconds: see {_log_file(settings)}")


def _answers(port: int) -> bool:
    # No urllib: it would ask the proxy that the environment names.
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(_STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def _name(settings: Settings) -> str:
    uri = settings["NEO4J_URI"]
    return f"neo4j-{digest(uri, settings['NEO4J_DATABASE'])}" if uri else settings["KG_GRAPH"]


def _state_file(settings: Settings) -> Path:
    return settings.home / "page" / f"{_name(settings)}.json"


def _log_file(settings: Settings) -> Path:
    return settings.home / "page" / f"{_name(settings)}.log"


def _remember(settings: Settings, pid: int, port: int) -> None:
    file = _state_file(settings)
    state = {"pid": pid, "created": psutil.Process(pid).create_time(), "port": port}
    unfinished = file.with_suffix(f".{pid}")
    unfinished.write_text(json.dumps(state), "utf-8")
    unfinished.replace(file)


def _forget(settings: Settings, pid: int) -> None:
    file = _state_file(settings)
    try:
        if json.loads(file.read_text("utf-8"))["pid"] == pid:
            file.unlink()
    except (OSError, ValueError, KeyError, TypeError):
        return


def _end_with_parent() -> None:
    """Wait for the parent's end of the pipe to close; then stop as if told to, and at once if that takes long."""
    sys.stdin.buffer.read()
    threading.Timer(_STOP_SECONDS / 2, os._exit, (0,)).start()
    os.kill(os.getpid(), signal.SIGTERM)


def _run_streamlit(port: int) -> None:
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import cli

    # A folder called pages/ makes Streamlit run a file of it, instead of app.py, for a visit that comes by a deep link first.
    PagesManager.uses_pages_directory = False
    threading.Thread(target=_end_with_parent, daemon=True).start()
    options = {**_OPTIONS, "server.port": str(port), "browser.serverPort": str(port)}
    cli.main(["run", str(_FOLDER / "app.py"), *(f"--{name}={value}" for name, value in options.items())])


if __name__ == "__main__":
    _run_streamlit(int(sys.argv[1]))
