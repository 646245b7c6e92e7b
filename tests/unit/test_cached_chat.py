"""The cache of chat models: nothing is asked twice, nothing is mixed up, and nothing of a forgotten source stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplatform.errors import KgError, ModelUnreachable
from kgplatform.lm.cached_chat import CachedChat, erase
from kgplatform.lm.scripted_chat import Faults, ScriptedChat
from kgplatform.lm.talk import Message, Reply, Request

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {"title": "answer", "type": "object", "properties": {"a": {}, "b": {}}}


def asking(words: str, **rest: object) -> Request:
    return replace(Request((Message("user", words),)), **rest)  # type: ignore[arg-type]


def echo(request: Request) -> str:
    return f"you said {request.messages[-1].text}"


def test_the_second_answer_is_the_first(tmp_path: Path) -> None:
    inner = ScriptedChat(echo)
    first = CachedChat(inner, tmp_path / "c.sqlite").reply(asking("naïve \ud800 🙂"))
    again = CachedChat(inner, tmp_path / "c.sqlite").reply(asking("naïve \ud800 🙂", sources=("doc:1",)))
    assert again == replace(first, cached=True) and not first.cached
    assert len(inner.calls) == 1


@pytest.mark.parametrize(
    "other",
    [
        asking("one", sample=1),
        asking("one", temperature=0.5),
        asking("one", max_tokens=7),
        asking("one", schema=SCHEMA),
        Request((Message("system", "one"),)),
        Request((Message("user", "on"), Message("user", "e"))),
    ],
)
def test_another_request_has_another_answer(tmp_path: Path, other: Request) -> None:
    inner = ScriptedChat(lambda request: f'"{len(inner.calls)}"')
    cached = CachedChat(inner, tmp_path / "c.sqlite")
    assert cached.reply(asking("one")).text != cached.reply(other).text
    assert CachedChat(ScriptedChat(echo, name="scripted:other"), tmp_path / "c.sqlite").reply(other).cached is False


def test_the_order_of_properties_counts(tmp_path: Path) -> None:
    cached = CachedChat(ScriptedChat(echo), tmp_path / "c.sqlite")
    turned = {**SCHEMA, "properties": {"b": {}, "a": {}}}
    assert cached.key(asking("one", schema=SCHEMA)) != cached.key(asking("one", schema=turned))


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), max_size=3), st.integers(0, 3))
def test_a_key_is_the_same_every_time(turns: list[tuple[str, str]], sample: int) -> None:
    made = [Request(tuple(Message(role, text) for role, text in turns), sample=sample) for _ in range(2)]  # type: ignore[arg-type]
    cached = CachedChat(ScriptedChat(echo), Path("nowhere"))
    assert cached.key(made[0]) == cached.key(made[1]) != cached.key(replace(made[0], sample=sample + 1))


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    inner = ScriptedChat(echo, faults=Faults(timeout=1))
    with pytest.raises(ModelUnreachable):
        CachedChat(inner, tmp_path / "c.sqlite").reply(asking("one"))
    assert CachedChat(ScriptedChat(echo), tmp_path / "c.sqlite").reply(asking("one")).text == "you said one"


class Slow(ScriptedChat):
    """Answers when ``go`` is set, and says when it was asked."""

    def __init__(self) -> None:
        super().__init__(echo)
        self.asked, self.go = threading.Event(), threading.Event()

    def reply(self, request: Request) -> Reply:
        self.asked.set()
        assert self.go.wait(60)
        return super().reply(request)


def test_threads_that_ask_the_same_at_once_ask_once(tmp_path: Path) -> None:
    inner = Slow()
    caches = [CachedChat(inner, tmp_path / "c.sqlite") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        replies = [pool.submit(caches[number % 2].reply, asking("one")) for number in range(8)]
        assert inner.asked.wait(60)
        assert not any(reply.done() for reply in replies)
        inner.go.set()
        assert {reply.result().text for reply in replies} == {"you said one"}
    assert len(inner.calls) == 1
    assert sorted(reply.result().cached for reply in replies) == [False] + [True] * 7


def test_different_words_do_not_wait_for_each_other(tmp_path: Path) -> None:
    meet = threading.Barrier(2, timeout=60)

    def answer(request: Request) -> str:
        meet.wait()
        return echo(request)

    cached = CachedChat(ScriptedChat(answer), tmp_path / "c.sqlite")
    with ThreadPoolExecutor(2) as pool:
        assert [reply.text for reply in pool.map(cached.reply, [asking("a"), asking("b")])] == ["you said a", "you said b"]


CHILD = """
import sys
from pathlib import Path
from kgplatform.lm.cached_chat import CachedChat
from kgplatform.lm.scripted_chat import ScriptedChat
from kgplatform.lm.talk import Message, Request
def answer(request):
    print("asked", flush=True)
    sys.stdin.readline()
    return "an answer"
print("up", flush=True)
sys.stdin.readline()
print(CachedChat(ScriptedChat(answer), Path(sys.argv[1])).reply(Request((Message("user", "one"),))).text, flush=True)
"""


def _child(path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout and child.stdout.readline() == "up\n"
    return child


def _say(child: subprocess.Popen[str]) -> None:
    assert child.stdin
    child.stdin.write("\n")
    child.stdin.flush()


def test_processes_that_ask_the_same_at_once_ask_once(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    first, second = _child(path), _child(path)
    _say(first)
    assert first.stdout and first.stdout.readline() == "asked\n"
    _say(second)
    assert first.communicate("\n", timeout=60)[0] == "an answer\n"
    assert second.communicate(timeout=60)[0] == "an answer\n"
    assert not list((tmp_path / "c.sqlite.asking").iterdir())


def test_one_that_was_killed_while_asking_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    child = _child(path)
    _say(child)
    assert child.stdout and child.stdout.readline() == "asked\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert CachedChat(ScriptedChat(echo), path).reply(asking("one")).text == "you said one"


def _bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_forgotten_source_leaves_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    cached = CachedChat(ScriptedChat(echo), path)
    private = [asking(f"Xylophone {number} " + "of a private text " * 400, sources=("doc:private", "doc:other")) for number in range(5)]
    for request in (*private, asking("open", sources=("doc:other",)), asking("none")):
        cached.reply(request)
    assert b"Xylophone" in _bytes(tmp_path)
    assert erase(path, "doc:nobody") == 0
    assert erase(path, "doc:private") == 5
    assert b"Xylophone" not in _bytes(tmp_path) and b"doc:private" not in _bytes(tmp_path)
    assert cached.knows(asking("open")) and cached.knows(asking("none")) and not cached.knows(private[0])
    assert erase(path, "doc:private") == 0


def test_an_answer_goes_with_every_source_that_led_to_it(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    cached = CachedChat(ScriptedChat(echo), path)
    cached.reply(asking("the same words", sources=("doc:1",)))
    assert cached.reply(asking("the same words", sources=("doc:2",))).cached
    assert erase(path, "doc:2") == 1
    assert not cached.knows(asking("the same words"))


def test_what_was_set_aside_as_damaged_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"Xylophone, in no database" * 100)
    assert CachedChat(ScriptedChat(echo), path).reply(asking("one")).text == "you said one"
    assert b"Xylophone" in _bytes(tmp_path)
    erase(path, "doc:any")
    assert b"Xylophone" not in _bytes(tmp_path)


def test_a_file_that_cannot_be_written_is_done_without_but_not_called_erased(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.mkdir()
    inner = ScriptedChat(echo)
    for _ in range(2):
        assert CachedChat(inner, path).reply(asking("one")).text == "you said one"
    assert len(inner.calls) == 2
    with pytest.raises(KgError, match="cannot be erased"):
        erase(path, "doc:any")
    assert erase(tmp_path / "nowhere.sqlite", "doc:any") == 0
