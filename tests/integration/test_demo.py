"""``kg demo`` in an empty data folder, then once more: of a few of its texts, or as a person runs it where all is to be tried."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ui
from kgplatform.lm import weights
from kgplatform.settings import load
from kgplatform.store import server
from tests import servers
from ui.demo import world

pytestmark = [pytest.mark.models, pytest.mark.slow]
ROOT = Path(ui.__file__).parents[1]
MODELS = ("smollm2-135m", "minilm", "en_core_web_sm")
PATIENCE = 1500
FEW = ("02", "07", "09", "10")
"""The texts that are enough to go through every step."""
KG = """
import sys
from pathlib import Path
from ui.cli.main import main
from ui.demo import world
world.TEXTS = Path(sys.argv.pop(1))
sys.exit(main())
"""


ANSWERS = "cache"
"""What models have answered, in a data folder."""


def answered() -> Path:
    """Where the answers of a first demo lie for the next, in whatever process: one that asks the models everything is enough."""
    return servers.run_folder() / ANSWERS


def few(folder: Path) -> Path:
    """A folder with a few of the demo's texts."""
    folder.mkdir()
    for path in world.TEXTS.glob("*.txt"):
        if path.name.startswith(FEW):
            shutil.copy(path, folder)
    return folder


def demo(folder: Path, texts: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "KG_DEVICE": "cpu", "HOME": str(folder)}
    command = [sys.executable, "-c", KG, str(texts), "demo", "--no-app", *options]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.exhaustive)], ids=["few", "whole"])
def test_the_demo_goes_through_the_loop_and_adds_nothing_the_second_time(tmp_path: Path, whole: bool) -> None:
    home, texts = load().home, world.TEXTS if whole else few(tmp_path / "texts")
    if absent := [name for name in MODELS if not weights.present(name, home)]:
        servers.missing(f"the models {', '.join(absent)} (run  kg models fetch)")
    try:
        first = demo(tmp_path, texts, "--json")
        again = demo(tmp_path, texts)
    finally:
        server.stop(home)
    if not whole:
        shutil.copytree(home / ANSWERS, answered().with_suffix(".part")).rename(answered())
    _first_run(first)
    _second_run(again)


def _first_run(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (told,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert told["facts"] > 0
    assert list(told["judged"]) == ["from the texts", "from memory", "predicted"]
    assert 0 < told["judged"]["from the texts"]["right"] <= told["judged"]["from the texts"]["found"]
    assert told["new"] > 0


def _second_run(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert re.findall(r"^(\d)\. ", done.stdout, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert re.search(r"^   it holds [1-9]\d* facts$", done.stdout, re.MULTILINE)
    unchanged = r"0 new facts, 0 with more evidence, [1-9]\d* unchanged"
    assert re.search(rf"^   \d+ sentences, \d+ pairs judged: {unchanged}$", done.stdout, re.MULTILINE)
    assert re.search(r"^ +“.+”$", done.stdout, re.MULTILINE)
    assert re.search(r"^   → \S", done.stdout, re.MULTILINE)
    assert "Nothing was added: the graph already held all of it.\n" in done.stdout
    assert re.search(r"^How right it is, by a list of \d+ true facts", done.stdout, re.MULTILINE)
    assert re.search(r"^from the texts\t\d+\t\d+\t\d+ %\t\d+ % of \d+$", done.stdout, re.MULTILINE)
