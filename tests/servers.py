"""Real graph servers for the tests: one of each for all processes of a run, ended with it.

A run has one folder, named by ``KG_TEST_RUN``, which its processes inherit. Whoever needs a server first
starts it there; whoever began the run ends it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

import platformdirs
import psutil
import pytest
from filelock import FileLock

MISSING = "missing: "
NEO4J = Path(__file__).parent / "neo4j"
JAVA = 17
PATIENCE = 300.0
_QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
"""It lives for minutes: compiling well, and collecting in threads, took half of its processor time."""
_OPENED = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")]


def missing(what: str) -> NoReturn:
    """Skip the test, and say so by name at the end of the run."""
    pytest.skip(MISSING + what)


# -- the run -----------------------------------------------------------------------------------------


def begin() -> None:
    """Make the folder of this run; the processes it starts find it in their environment."""
    folder = Path(tempfile.mkdtemp(prefix="kgplatform-tests-"))
    (folder / "owner").write_text(str(os.getpid()))
    os.environ["KG_TEST_RUN"] = str(folder)


def end() -> None:
    """End the servers of this run and delete its folder."""
    from kgplatform.store import server

    folder = run_folder()
    server.stop(folder / "home")
    if (pid := folder / "neo4j.pid").exists():
        _kill(int(pid.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    del os.environ["KG_TEST_RUN"]


def run_folder() -> Path:
    """The folder of this run, the same for all its processes."""
    return Path(os.environ["KG_TEST_RUN"])


def local_home() -> Path:
    """The data folder of the local server that all tests of a run share."""
    return run_folder() / "home"


def _kill(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        if str(NEO4J / "Neo4jServer.java") in process.cmdline():
            process.kill()
            process.wait(30)
    except psutil.NoSuchProcess:
        pass


# -- Neo4j -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """Where a Neo4j answers, and who may write there."""

    uri: str
    user: str
    password: str = field(repr=False)


def neo4j() -> Neo4jServer:
    """The server that ``KG_TEST_NEO4J_URI`` names, else one of our own. Skips the test when neither is to be had."""
    with FileLock(run_folder() / "neo4j.lock"):
        known = run_folder() / "neo4j.json"
        if not known.exists():
            found = _given() or _started()
            known.write_text(json.dumps(asdict(found)))
        return Neo4jServer(**json.loads(known.read_text()))


def _given() -> Neo4jServer | None:
    """The tests wipe the database of this server, so it must be empty when they begin."""
    if not (uri := os.environ.get("KG_TEST_NEO4J_URI")):
        return None
    server = Neo4jServer(uri, os.environ.get("KG_TEST_NEO4J_USERNAME", "neo4j"), os.environ.get("KG_TEST_NEO4J_PASSWORD", ""))
    from neo4j import GraphDatabase

    with GraphDatabase.driver(server.uri, auth=(server.user, server.password)) as driver:
        if driver.execute_query("MATCH (n) RETURN n LIMIT 1").records:
            missing("an empty database at KG_TEST_NEO4J_URI (the one there holds data, which the tests would delete)")
    return server


def _started() -> Neo4jServer:
    java, jars = _java(), _jars()
    home, said = run_folder() / "neo4j", run_folder() / "neo4j.log"
    owner = (run_folder() / "owner").read_text()
    source = str(NEO4J / "Neo4jServer.java")
    with said.open("wb") as log:
        command = [java, "-Xmx768m", *_QUICK, *_OPENED, "-cp", str(jars / "*"), source, str(home), owner]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    (run_folder() / "neo4j.pid").write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE
    while not (ready := re.search(r"ready on port (\d+)", said.read_text("utf-8", "replace"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Neo4j did not start: {said.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.2)
    process.returncode = 0  # it is not ours to wait for
    return _with_password(f"bolt://127.0.0.1:{ready[1]}")


def _with_password(uri: str) -> Neo4jServer:
    """A new server has one user, who must choose a password before all else."""
    from neo4j import GraphDatabase

    chosen = secrets.token_urlsafe(16)
    with GraphDatabase.driver(uri, auth=("neo4j", "neo4j")) as driver:
        driver.execute_query("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $chosen", chosen=chosen, database_="system")
    return Neo4jServer(uri, "neo4j", chosen)


def _java() -> str:
    found = shutil.which("java")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr if found else ""
    version = re.search(r'version "(\d+)', said)
    if not found or not version or int(version[1]) < JAVA:
        missing(f"Neo4j (set KG_TEST_NEO4J_URI, or install Java {JAVA} or newer and Maven)")
    return found


def _jars() -> Path:
    """Neo4j's jars from Maven Central, fetched once for this user."""
    version = re.search(r"<version>(.+?)</version>", (NEO4J / "pom.xml").read_text())
    assert version
    jars = Path(platformdirs.user_cache_dir("kgplatform-tests", appauthor=False)) / f"neo4j-{version[1]}"
    jars.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(jars.with_name(f"{jars.name}.lock")):
        if not jars.is_dir():
            _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        missing("Neo4j (set KG_TEST_NEO4J_URI, or install Maven)")
    draft = Path(tempfile.mkdtemp(dir=jars.parent))
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}"]
    done = subprocess.run([maven, "-q", "-B", "-f", str(NEO4J / "pom.xml"), *goal], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(draft)
        missing(f"Neo4j's jars (Maven cannot fetch them: {(done.stdout + done.stderr).strip()[-300:]})")
    draft.replace(jars)
