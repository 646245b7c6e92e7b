"""Requests and tokens a minute: never more than the limit in any minute, whoever asks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplatform.errors import ModelError, TextTooLong
from kgplatform.lm.estimating import most
from kgplatform.lm.limiting import WINDOW, LimitedChat, Rate
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Reply, Request, Usage

ROOT = Path(__file__).resolve().parents[2]


class Time:
    """A clock that sleeping moves, for all threads."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now, self.lock = now, threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


class Noting(ScriptedChat):
    """Notes when it was asked, and for how many tokens at most."""

    def __init__(self, time: Time, used: int | None = None) -> None:
        super().__init__(lambda _: "yes")
        self.time, self.used, self.passed = time, used, list[tuple[float, int]]()

    def reply(self, request: Request) -> Reply:
        self.passed.append((self.time.now, most(self, request).tokens))
        return Reply("yes", Usage(self.used or 0, 0))

    def worst(self, seconds: float = 60.0) -> tuple[int, int]:
        """The most requests and the most tokens in any such window."""
        windows = [[tokens for at, tokens in self.passed if start <= at < start + seconds] for start, _ in self.passed]
        return max(map(len, windows)), max(map(sum, windows))


def request(tokens: int) -> Request:
    return Request((Message("user", "hello"),), max_tokens=tokens)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 300)), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(1, 6)),
    st.one_of(st.none(), st.integers(310, 900)),
)
def test_no_minute_has_more_than_the_limit(asked: list[tuple[float, int]], requests: int | None, tokens: int | None) -> None:
    time = Time()
    inner = Noting(time)
    with tempfile.TemporaryDirectory() as folder:
        limited = LimitedChat(inner, Path(folder) / "lm.sqlite", Rate(requests, tokens), clock=lambda: time.now, sleep=time.sleep)
        for pause, most_tokens in asked:
            time.sleep(pause)
            limited.reply(request(most_tokens))
    assert len(inner.passed) == len(asked)
    count, taken = inner.worst()
    assert requests is None or count <= requests
    assert tokens is None or taken <= tokens


def test_the_limit_is_used_to_the_full(tmp_path: Path) -> None:
    time = Time()
    inner = Noting(time)
    limited = LimitedChat(inner, tmp_path / "lm.sqlite", Rate(5), clock=lambda: time.now, sleep=time.sleep)
    start = time.now
    for _ in range(20):
        limited.reply(request(10))
    assert inner.worst()[0] == 5
    assert time.now - start == pytest.approx(3 * WINDOW, abs=1)


def test_threads_share_it(tmp_path: Path) -> None:
    time = Time()
    inner = Noting(time)
    chats = [LimitedChat(inner, tmp_path / "lm.sqlite", Rate(7), clock=lambda: time.now, sleep=time.sleep) for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: chats[number % 2].reply(request(10)), range(60)))
    with closing(sqlite3.connect(tmp_path / "lm.sqlite")) as file:
        assert file.execute("SELECT sum(requests) FROM passed").fetchone()[0] <= 7
    assert len(inner.passed) == 60
    assert time.now - 1_800_000_000 >= 8 * WINDOW - 1


CHILD = """
import sys
from pathlib import Path
from kgplatform.lm.limiting import LimitedChat, Rate
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request
class Full(Exception):
    pass
def sleep(seconds):
    raise Full
chat = LimitedChat(ScriptedChat(lambda _: "yes"), Path(sys.argv[1]), Rate(50), clock=lambda: 1_800_000_000.0, sleep=sleep)
sys.stdin.readline()
passed = 0
try:
    while True:
        chat.reply(Request((Message("user", "hello"),)))
        passed += 1
except Full:
    print(passed)
"""


def test_processes_share_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(tmp_path / "lm.sqlite")]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(4)]
    for child in children:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
    assert sum(int(child.communicate(timeout=120)[0]) for child in children) == 50


def test_tokens_that_were_not_taken_make_room(tmp_path: Path) -> None:
    time = Time()
    limited = LimitedChat(Noting(time, used=20), tmp_path / "lm.sqlite", Rate(tokens=600), clock=lambda: time.now, sleep=time.sleep)
    for _ in range(5):
        limited.reply(request(500))
    assert time.now == 1_800_000_000


def test_one_that_no_minute_has_room_for_is_refused(tmp_path: Path) -> None:
    limited = LimitedChat(ScriptedChat({}), tmp_path / "lm.sqlite", Rate(tokens=100))
    with pytest.raises(TextTooLong, match=r"more than the 100 a minute of KG_CHAT_TPM"):
        limited.reply(request(100))


def test_a_clock_that_is_set_back_costs_a_minute_at_most(tmp_path: Path) -> None:
    time = Time()
    limited = LimitedChat(Noting(time), tmp_path / "lm.sqlite", Rate(1), clock=lambda: time.now, sleep=time.sleep)
    limited.reply(request(10))
    time.now -= 86_400
    back = time.now
    limited.reply(request(10))
    assert time.now - back == pytest.approx(WINDOW, abs=1)


def test_models_do_not_share(tmp_path: Path) -> None:
    for name in ("scripted:a", "scripted:b"):

        def sleep(_: float) -> None:
            raise AssertionError("waits for another model")

        LimitedChat(ScriptedChat(lambda _: "yes", name), tmp_path / "lm.sqlite", Rate(1), clock=lambda: 1e9, sleep=sleep).reply(request(9))


def test_without_the_file_nothing_is_asked(tmp_path: Path) -> None:
    (tmp_path / "lm.sqlite").write_bytes(b"no database" * 100)
    inner = ScriptedChat(lambda _: "yes")
    with pytest.raises(ModelError, match=r"lm\.sqlite: the record of what models cost cannot be used"):
        LimitedChat(inner, tmp_path / "lm.sqlite", Rate(1)).reply(request(9))
    assert not inner.calls
