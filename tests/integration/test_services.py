"""The services of docker/compose.yaml, started by hand: the same commands with the same environment, beside a real Neo4j."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from neo4j import GraphDatabase

import ui
from kgplatform.lm import weights
from kgplatform.settings import load
from tests import servers
from tests.integration.test_demo import ANSWERS, KG, MODELS, answered, few

pytestmark = pytest.mark.xdist_group("neo4j")
ROOT = Path(ui.__file__).parents[1]
PATIENCE = 120.0


@pytest.fixture
def environment(neo4j_alone: servers.Neo4jServer, tmp_path: Path) -> dict[str, str]:
    """What compose gives the worker, with the server, the secret and the data folder of this test in the place of the containers'."""
    service: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"]["worker"]
    given = {name: value for name, value in service["environment"].items() if not str(value).startswith("${")}
    assert set(given) == {"NEO4J_URI", "NEO4J_AUTH_FILE"}
    secret = tmp_path / "neo4j_auth"
    secret.write_text(f"{neo4j_alone.user}/{neo4j_alone.password}")
    ours = {"NEO4J_URI": neo4j_alone.uri, "NEO4J_AUTH_FILE": str(secret), "KG_HOME": str(load().home)}
    return {**os.environ, **given, **ours, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "KG_DEVICE": "cpu"}


def kg(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui.cli.main", *arguments], env=environment, capture_output=True, text=True, check=False, timeout=1500
    )


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-m", "ui.cli.main", "worker"], env=environment, text=True, stderr=subprocess.PIPE) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def page(environment: dict[str, str]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-m", "ui.cli.main", "app", "--port", str(port)], env=environment) as process:
        yield port
        for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            child.terminate()


def until(what: str, ready: Any) -> None:
    late = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < late, f"{what} did not come about in {PATIENCE:.0f} s"
        time.sleep(0.5)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_worker_does_what_the_page_and_the_command_line_leave_to_it(
    environment: dict[str, str], worker: subprocess.Popen[str], page: int, tmp_path: Path
) -> None:
    facts = tmp_path / "facts.tsv"
    facts.write_text("Ann\tborn in\tUlm\nBob\tborn in\tBonn\n")
    until("the page", lambda: answers(page))
    until("a healthy worker", lambda: kg(environment, "worker", "--healthy").returncode == 0)
    job = json.loads(kg(environment, "import", str(facts), "--job", "--json").stdout)["job"]

    def state() -> str:
        return str(json.loads(kg(environment, "jobs", "show", job, "--json").stdout)["state"])

    until("the job", lambda: state() == "done")
    counted = kg(environment, "query", "MATCH (e:Entity) RETURN count(e) AS n", "--json")
    assert json.loads(counted.stdout) == {"n": 4}, counted.stderr
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert kg(environment, "worker", "--healthy").returncode == 1


@pytest.mark.models
@pytest.mark.slow
def test_the_demo_runs_against_that_neo4j(environment: dict[str, str], tmp_path: Path) -> None:
    if absent := [name for name in MODELS if not weights.present(name, load().home)]:
        servers.missing(f"the models {', '.join(absent)} (run  kg models fetch)")
    if (earlier := answered()).exists():
        shutil.copytree(earlier, load().home / ANSWERS)
    command = [sys.executable, "-c", KG, str(few(tmp_path / "texts")), "demo", "--no-app", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["facts"] > 30 and told["judged"]["from the texts"]["right"] > 30
    with GraphDatabase.driver(environment["NEO4J_URI"], auth=_login(environment)) as driver:
        ((kept,),) = driver.execute_query("MATCH (:Entity)-[r]->() WHERE r.key IS NOT NULL RETURN count(r)").records
    assert kept >= told["facts"]


def _login(environment: dict[str, str]) -> tuple[str, str]:
    user, _, password = Path(environment["NEO4J_AUTH_FILE"]).read_text("utf-8").partition("/")
    return user, password
