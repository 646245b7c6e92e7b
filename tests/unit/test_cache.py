"""The cache of answers: kept across runs, kills and processes; never a reason to fail."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from kgplatform.lm.cache import CachedEncoder, CachedScorer
from kgplatform.lm.scripted import HashingEncoder, ScriptedScorer
from kgplatform.ports import Progress

ROOT = Path(__file__).resolve().parents[2]
ITEMS = [(f"prefix {number % 7}", f" word {number}") for number in range(1500)]


class Counting(ScriptedScorer):
    """Notes what it is asked, and breaks after ``limit`` calls."""

    def __init__(self, name: str = "counting@1", limit: int = 10**6) -> None:
        super().__init__(sentences=("prefix word",), name=name)
        self.asked: list[tuple[str, str]] = []
        self.calls, self.limit = 0, limit

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        self.calls += 1
        if self.calls > self.limit:
            raise InterruptedError
        self.asked += items
        return super().logprobs(items, progress)


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    inner = Counting()
    first = CachedScorer(inner, tmp_path / "deep" / "c.sqlite").logprobs(ITEMS + ITEMS)
    assert sorted(inner.asked) == sorted(ITEMS)
    again = Counting(limit=0)
    assert (CachedScorer(again, tmp_path / "deep" / "c.sqlite").logprobs(ITEMS) == first[: len(ITEMS)]).all()


def test_models_do_not_mix(tmp_path: Path) -> None:
    CachedScorer(Counting("a"), tmp_path / "c.sqlite").logprobs(ITEMS[:10])
    other = Counting("b")
    CachedScorer(other, tmp_path / "c.sqlite").logprobs(ITEMS[:10])
    assert len(other.asked) == 10


def test_words_that_join_alike_do_not_mix(tmp_path: Path) -> None:
    inner = ScriptedScorer({("ab", "c"): -1.0, ("a", "bc"): -2.0, ("", "abc"): -3.0})
    cached = CachedScorer(inner, tmp_path / "c.sqlite")
    for _ in range(2):
        assert cached.logprobs([("ab", "c"), ("a", "bc"), ("", "abc")]).tolist() == [-1, -2, -3]


def test_what_was_done_before_a_break_is_kept(tmp_path: Path) -> None:
    broken = Counting(limit=2)
    with pytest.raises(InterruptedError):
        CachedScorer(broken, tmp_path / "c.sqlite").logprobs(ITEMS)
    assert 0 < len(broken.asked) < len(ITEMS)
    rest = Counting()
    CachedScorer(rest, tmp_path / "c.sqlite").logprobs(ITEMS)
    assert sorted(broken.asked + rest.asked) == sorted(ITEMS)


CHILD = """
import sys
from pathlib import Path
from kgplatform.lm.cache import CachedScorer
from kgplatform.lm.scripted import ScriptedScorer
sys.stdin.readline()
items = [(f"prefix {n % 7}", f" word {n}") for n in range(1500)]
def progress(done, total):
    print(done, flush=True)
    if len(sys.argv) > 2 and done >= int(sys.argv[2]):
        sys.stdin.readline()
CachedScorer(ScriptedScorer(sentences=("prefix word",), name="counting@1"), Path(sys.argv[1])).logprobs(items, progress)
"""


def _child(*arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def _go(child: subprocess.Popen[str]) -> None:
    assert child.stdin
    child.stdin.write("\n")
    child.stdin.flush()


def test_a_killed_process_leaves_what_it_finished(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    child = _child(str(path), "1000")
    _go(child)
    assert child.stdout
    done = 0
    while done < 1000:
        done = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    rest = Counting()
    scores = CachedScorer(rest, path).logprobs(ITEMS)
    assert len(rest.asked) == len(ITEMS) - done
    assert scores.tolist() == Counting().logprobs(ITEMS).tolist()


def test_processes_share_a_file_from_its_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    children = [_child(str(path)) for _ in range(4)]
    for child in children:
        _go(child)
    for child in children:
        _, trouble = child.communicate(timeout=300)
        assert child.returncode == 0 and not trouble
    assert (CachedScorer(Counting(limit=0), path).logprobs(ITEMS) == Counting().logprobs(ITEMS)).all()


@pytest.mark.parametrize("content", [b"this is not a database, not at all" * 100, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        scores = CachedScorer(Counting(), path).logprobs(ITEMS)
    assert scores.tolist() == Counting().logprobs(ITEMS).tolist()
    assert "damaged" in caplog.text
    (aside,) = tmp_path.glob("c.sqlite.damaged-*")
    assert aside.read_bytes() == content
    assert (CachedScorer(Counting(limit=0), path).logprobs(ITEMS) == scores).all()


def test_damage_inside_costs_only_the_answers(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    expected = CachedScorer(Counting(), path).logprobs(ITEMS)
    raw = bytearray(path.read_bytes())
    raw[8192:-4096] = b"\xa5" * (len(raw) - 12288)
    path.write_bytes(raw)
    for _ in range(2):
        assert (CachedScorer(Counting(), path).logprobs(ITEMS) == expected).all()
    assert list(tmp_path.glob("c.sqlite.damaged-*"))


def test_a_file_that_cannot_be_written_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "c.sqlite").mkdir()
    (tmp_path / "plain").write_text("a file where the folder should be")
    for path in (tmp_path / "c.sqlite", tmp_path / "plain" / "c.sqlite"):
        caplog.clear()
        cached = CachedScorer(Counting(), path)
        assert cached.logprobs(ITEMS).tolist() == Counting().logprobs(ITEMS).tolist()
        assert caplog.text.count("going on without it") == 1


def test_an_answer_of_the_wrong_size_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    expected = CachedEncoder(HashingEncoder(32), path).encode(["Paris", "Rome"])
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE answers SET value = x'00'")
    assert (CachedEncoder(HashingEncoder(32), path).encode(["Paris", "Rome"]) == expected).all()


def test_vectors_are_kept(tmp_path: Path) -> None:
    texts = [f"text {number}" for number in range(1200)]
    expected = HashingEncoder(32).encode(texts)
    assert (CachedEncoder(HashingEncoder(32), tmp_path / "v.sqlite").encode(texts) == expected).all()

    class Silent(HashingEncoder):
        def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
            raise AssertionError(f"asked for {len(texts)} texts again")

    assert (CachedEncoder(Silent(32), tmp_path / "v.sqlite").encode([*texts, texts[0]]) == expected[[*range(1200), 0]]).all()
