"""A real browser on the real page over the real local server; skipped, by name, without a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Error, Locator, Page, expect, sync_playwright

from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger, Runner
from kgplatform.lm import weights
from kgplatform.lm.modelcards import cards

SWITCHES = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run".split()
PATIENCE = 40_000
ROOT = Path(__file__).parents[2]
SERVE = """
import sys
from pathlib import Path
from kgplatform import errors, settings
from ui.serve import serve
home, graph, uri, port = sys.argv[1:]
chosen = settings.load({"KG_HOME": home, "KG_GRAPH": graph, "NEO4J_URI": uri}, environment={}, folder=Path(home))
try:
    sys.exit(serve(chosen, int(port)))
except errors.KgError as error:
    sys.exit(f"{type(error).__name__} {error}")
"""
PLACES = """canvas => {
  const { network } = canvas, box = canvas.getBoundingClientRect(), at = network.getPositions(), nodes = {}, edges = {};
  for (const id in at) {
    const point = network.canvasToDOM(at[id]);
    nodes[id] = [point.x + box.x, point.y + box.y];
  }
  for (const edge of Object.values(network.body.edges)) {
    const [a, b] = [nodes[edge.fromId], nodes[edge.toId]];
    edges[edge.id] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  }
  return { nodes, edges };
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class Server:
    """A page server as ``kg app`` runs it, in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    said: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_open(self) -> Server:
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        assert self.said, f"it said nothing but: {self.process.communicate()[1]}"
        return self

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=30)


def start(home: Path, graph: str = "page", port: int | None = None, uri: str = "") -> Server:
    chosen = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home), graph, uri, str(chosen)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Server(process, chosen)


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    """Starts page servers, and ends them with the test."""
    begun: list[Server] = []

    def one(*args: Any, **kwargs: Any) -> Server:
        begun.append(start(*args, **kwargs))
        return begun[-1]

    yield one
    for server in begun:
        server.end()


def _browser_path() -> str:
    given = os.environ.get("KG_TEST_BROWSER")
    found = given or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if not found:
        pytest.skip("no browser: install Chromium, or set KG_TEST_BROWSER to one")
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = _browser_path()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        except Error as error:
            pytest.fail(f"{path} does not start: {error}")
        yield browser
        browser.close()


@dataclass
class Visit:
    """One visitor's tab, and what it should never have done."""

    page: Page
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def refuse(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def canvas(self) -> Locator:
        return self.page.locator(".canvas:has(canvas)").last  # the one before may still be leaving

    @property
    def panel(self) -> Locator:
        return self.page.locator(".st-key-panel")

    def places(self) -> dict[str, dict[str, list[float]]]:
        """Where nodes and edges stand in the window, once they stand still."""
        self.canvas.wait_for(timeout=60_000)
        before: dict[str, dict[str, list[float]]] = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            now = self.canvas.evaluate(PLACES)
            if now["nodes"] and now == before:
                return before
            before = now
            self.page.wait_for_timeout(400)
        raise AssertionError("the picture never came to rest")

    def wait_until_drawn(self) -> None:
        """Until the page has been drawn anew after what was done last: a click on what is about to be replaced is lost."""
        expect(self.page.locator("[data-test-script-state='notRunning']")).to_be_attached()

    def wait_for_node(self, name: str) -> None:
        """Until the picture has that node."""
        drawn = "(canvas, name) => new Promise(done => setInterval(() => name in canvas.network.body.nodes && done(), 50))"
        self.canvas.evaluate(drawn, name)

    def click(self, what: str, name: str) -> None:
        self.page.mouse.click(*self.places()[what][name])

    def row(self, words: str) -> Locator:
        return self.panel.locator("button.row", has_text=words)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[[str], Visit]]:
    """Opens an address in a fresh browser profile."""
    contexts = []

    def go(address: str) -> Visit:
        contexts.append(chromium.new_context(viewport={"width": 1500, "height": 1000}))
        visited = Visit(contexts[-1].new_page())
        visited.page.set_default_timeout(PATIENCE)
        visited.page.on("dialog", visited.refuse)
        visited.page.on("pageerror", lambda error: visited.errors.append(str(error)))
        visited.page.on("request", lambda request: visited.hosts.add(request.url.split("/")[2] if "//" in request.url else ""))
        visited.page.goto(address)
        return visited

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a local server of its own, which ends with the tests."""
    from kgplatform.store import server

    folder = tmp_path_factory.mktemp("home")
    yield folder
    server.stop(folder)


@pytest.fixture(scope="session")
def kg(home: Path) -> Iterator[KnowledgeGraph]:
    from kgplatform.store import local
    from tests.ui import world

    with KnowledgeGraph(local.open_store(home, "page")) as graph:
        world.fill(graph)
        yield graph


@pytest.fixture(scope="session")
def page_server(home: Path, kg: KnowledgeGraph) -> Iterator[Server]:
    server = start(home).wait_until_open()
    yield server
    server.end()


@contextmanager
def fetched(home: Path, name: str) -> Iterator[None]:
    """A folder says of itself that the model was fetched; there are no weights in it."""
    files = cards()[name].files
    folder = home / "models" / name
    for file in files:
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).touch()
    weights._write_stamp(folder, {file.path: file.sha256 for file in files})
    yield
    shutil.rmtree(folder)


@contextmanager
def worker(runner: Runner, gate: threading.Event) -> Iterator[None]:
    """Runs what is asked for in a thread, until the end; then what waits at the gate is let through."""
    thread = threading.Thread(target=runner.work)
    thread.start()
    try:
        yield
    finally:
        gate.set()
        runner.stop()
        thread.join()


@pytest.fixture(scope="session")
def bare_server(home: Path) -> Iterator[Server]:
    """A page on a graph without any fact."""
    server = start(home, "bare").wait_until_open()
    yield server
    server.end()


@pytest.fixture
def ledger(home: Path) -> Ledger:
    """An empty one, for the page that is open already."""
    for file in home.glob("jobs.sqlite*"):
        file.unlink()
    return Ledger(home / "jobs.sqlite")
