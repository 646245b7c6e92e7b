"""The five commands of ``docs/nightly.md``, run as they stand there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs import Ledger
from tests import servers
from tests.integration import nightly
from tests.integration.crowd import open_again

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="the document speaks of a POSIX shell")]
ROOT = Path(__file__).parents[2]
MANY = 5


@pytest.fixture
def commands() -> list[str]:
    block = re.search(r"```sh\n(.*?)```", (ROOT / "docs" / "nightly.md").read_text(), re.DOTALL)
    assert block
    return block[1].splitlines()


@pytest.fixture
def shell(tmp_path: Path, local_graph: str) -> Callable[[str], str]:
    """Runs a line in a folder with texts, where ``kg`` is ours, and gives what it printed."""
    script = tmp_path / "bin" / "kg"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.integration.nightly "$@"\n')
    script.chmod(0o755)
    (tmp_path / "ahead").write_text("0")
    nightly.write(tmp_path / "texts", *range(MANY))
    told = {"WHERE": json.dumps({"home": str(servers.local_home()), "graph": local_graph}), "AHEAD": str(tmp_path / "ahead")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KG_TEST_")}
    environment = kept | told | {"PATH": f"{script.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(line: str) -> str:
        return subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout

    return run


@contextlib.contextmanager
def ended(pid: int) -> Iterator[psutil.Process]:
    """A process that is ended at the end."""
    process = psutil.Process(pid)
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            process.wait(120)


def test_a_nightly_harvest_in_five_commands(commands: list[str], shell: Callable[[str], str], tmp_path: Path, local_graph: str) -> None:
    try_, schedule, worker, list_, show = commands
    ledger = Ledger(Path(os.environ["KG_HOME"]) / "jobs.sqlite")
    assert "nothing was written" in shell(try_)
    assert "harvest documents, next at " in shell(schedule)
    with ended(int(shell(f"{worker} echo $!"))) as process:
        assert "harvest documents" in shell(list_)
        (tmp_path / "ahead").write_text("24")
        while not (done := ledger.jobs(["done", "failed"])):
            assert process.is_running()
            assert process.status() != psutil.STATUS_ZOMBIE
            time.sleep(0.1)
        assert f"{done[0].id}\tharvest documents {tmp_path / 'texts'} --sync\t" in shell(list_)
        shown = shell(show.replace("JOB", done[0].id))
        assert re.search(r"^state: done$", shown, re.MULTILINE)
        assert re.search(r"^new: \d+$", shown, re.MULTILINE)
    assert f"{done[0].id}  harvest documents" in (tmp_path / "worker.log").read_text()
    with KnowledgeGraph(open_again({"home": str(servers.local_home()), "graph": local_graph})) as kg:
        assert len(list(kg.documents())) == MANY
