"""Writers of the local server take turns: one at a time, nobody waits for ever, and the dead hold nothing up."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kgplatform.errors import StoreConflict
from kgplatform.store import turns

ROOT = Path(__file__).parents[2]
HOLDING = """
import sys, time, pathlib
from kgplatform.store.turns import turn
with turn(pathlib.Path(sys.argv[1]), "kg", "child"):
    print("mine", flush=True)
    time.sleep(600)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "mine\n"
    return child


def test_one_at_a_time_and_each_in_turn(tmp_path: Path) -> None:
    order: list[int] = []
    ready = threading.Barrier(3)

    def write(name: int) -> None:
        ready.wait()
        for _ in range(5):
            with turns.turn(tmp_path, "kg", "me"):
                order.append(name)
                held = len(order)
                time.sleep(0.03)
                assert len(order) == held, "two wrote at once"

    threads = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(order) == 15
    assert len(set(order[:6])) > 1, "whoever was first kept the others out"


def test_another_process_waits_and_the_turn_of_a_killed_one_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = holder(tmp_path)
    with turns.turn(tmp_path, "another_graph", "me"):
        pass
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    with pytest.raises(StoreConflict, match="other programs have been writing to the graph 'kg'"), turns.turn(tmp_path, "kg", "me"):
        pass
    child.kill()
    child.wait()
    with turns.turn(tmp_path, "kg", "me"):
        pass
