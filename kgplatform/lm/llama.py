"""A GGUF file of one's own, served by llama.cpp on a free loopback port over the OpenAI protocol.

The server is a process of its own (``gguf_server.py``): native code that gives up takes nothing with it, its notes
go to a log file, and who forks goes on using it. It ends when the process that started it ends, however that comes about.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadSetting, MissingExtra, ModelError, ModelUnreachable
from kgplatform.lm.talk import Reply, Request

if TYPE_CHECKING:
    from kgplatform.lm.chat import LangChainChat

CONTEXT = 8192
"""Tokens of request and answer; less where the model was trained on less. More would cost memory."""
_LOG_BYTES = 1_000_000
_EDGE = 1 << 20
_STAMP = re.compile(r"^[\d.]+ [A-Z] ")
"""Time and level before a line of llama.cpp's log."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A running server: where it is, the key that it wants, the tokens it takes."""

    process: subprocess.Popen[str]
    owner: int
    address: str
    key: str
    context: int

    @property
    def lives(self) -> bool:
        return self.owner != os.getpid() or self.process.poll() is None

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.address}{path}", json.dumps(body).encode(), headers)  # noqa: S310
        with _DIRECT.open(asked, timeout=60) as answer:
            return json.load(answer)


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_RUNNING: dict[Path, _Served] = {}
_LOCK = Lock()


def _afresh() -> None:
    """A fork may have come while a thread held the lock."""
    global _LOCK
    _LOCK = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_afresh)


class LlamaChat:
    """The model in a GGUF file; all of a process that name one file share its server. ``gpu`` allows llama.cpp to use one.

    Raises ``BadSetting`` for a file that is no GGUF, before anything is loaded, and ``ModelError`` for one that cannot be loaded.
    """

    def __init__(self, gguf: Path, logs: Path, name: str = "", gpu: bool = True, context: int = CONTEXT) -> None:
        check(gguf)
        for package in ("langchain_openai", "xllamacpp"):
            if not importlib.util.find_spec(package):
                raise MissingExtra(package.replace("_", "-"), extra="chat", need=f"chatting with {gguf.name}")
        self._gguf, self._logs, self._gpu, self._asked = gguf.resolve(), logs, gpu, context
        self._name = name or f"local:{gguf.stem}@{_fingerprint(gguf)}"
        self._server = self._serve()
        self._chat = self._client(self._server)

    @property
    def name(self) -> str:
        return self._name

    @property
    def context(self) -> int | None:
        return self._server.context

    @property
    def binds(self) -> bool:
        return self._chat.binds

    def count(self, text: str) -> int:
        """As the port says, by the model's own tokenizer."""
        from kgplatform.lm.text import wellformed

        try:
            return len(self._ready().post("/tokenize", {"content": wellformed(text)})["tokens"])
        except OSError as error:
            raise ModelUnreachable(f"{self._name}: its server on this machine broke off ({error}); see {_log(self._logs)}") from None

    def reply(self, request: Request) -> Reply:
        """As the port says. A server that died is started anew."""
        self._ready()
        return self._chat.reply(request)

    def _ready(self) -> _Served:
        if not self._server.lives:
            self._server = self._serve()
            self._chat = self._client(self._server)
        return self._server

    def _serve(self) -> _Served:
        with _LOCK:
            running = _RUNNING.get(self._gguf)
            if running is None or not running.lives:
                running = _RUNNING[self._gguf] = _start(self._gguf, self._logs, self._gpu, self._asked)
            return running

    def _client(self, server: _Served) -> LangChainChat:
        """No connection is kept, so that none is shared after a fork; proxies are not for this machine."""
        import httpx
        from langchain_openai import ChatOpenAI

        from kgplatform.lm.chat import TIMEOUT, LangChainChat
        from kgplatform.lm.vendor import Provider

        plain = httpx.Client(trust_env=False, timeout=TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0))
        options: dict[str, Any] = {"model": "local", "base_url": f"{server.address}/v1", "api_key": server.key, "http_client": plain}
        model = ChatOpenAI(**options, timeout=TIMEOUT, max_retries=0)
        return LangChainChat(model, Provider(self._name, address=" on this machine", key=server.key), server.context, self.count)


def check(gguf: Path) -> None:
    """Raises ``BadSetting`` unless there is a file that begins as a GGUF does."""
    try:
        with gguf.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise BadSetting(f"{gguf}: the model cannot be read ({error.strerror}): name a GGUF file, or a model of  kg models list") from None
    if magic != b"GGUF":
        raise BadSetting(f"{gguf} is not a GGUF file, which begins with the letters GGUF: convert the model, or name another")


def _fingerprint(gguf: Path) -> str:
    """Eight digits that tell models apart by size, header and last weights; all of a large file would take a minute to hash."""
    size = gguf.stat().st_size
    with gguf.open("rb") as file:
        seen = file.read(_EDGE)
        file.seek(max(0, size - _EDGE))
        seen += file.read(_EDGE)
    return hashlib.sha256(b"%d:%b" % (size, seen)).hexdigest()[:8]


def _log(logs: Path) -> Path:
    return logs / "llama.log"


def _start(gguf: Path, logs: Path, gpu: bool, context: int) -> _Served:
    key = secrets.token_urlsafe(24)
    wish = {"path": str(gguf), "context": context, "key": key, "gpu": gpu, "threads": max(1, (os.cpu_count() or 1) // 2)}
    logs.mkdir(parents=True, exist_ok=True)
    log = _log(logs)
    fresh = log.exists() and log.stat().st_size > _LOG_BYTES
    with log.open("w" if fresh else "a", encoding="utf-8") as notes:
        begin = notes.tell()
        command, pipe = [sys.executable, "-P", str(Path(__file__).with_name("gguf_server.py"))], subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=notes, text=True, start_new_session=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(f"{json.dumps(wish)}\n")
        process.stdin.flush()
        said = process.stdout.readline()
    except BrokenPipeError:
        said = ""
    if not said:
        process.wait()
        raise ModelError(f"{gguf} could not be loaded ({_reason(log, begin)}): is the file whole? Details are in {log}")
    answer = json.loads(said)
    served = _Served(process, os.getpid(), answer["address"], key, answer["context"])
    atexit.register(_stop, served)
    return served


def _reason(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        lines = [_STAMP.sub("", line).strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "failed" in line.lower()]
    return (telling or lines or ["it said nothing"])[0][:200]


def _stop(served: _Served) -> None:
    """At exit of the process that started it; not of one forked from there."""
    if served.owner == os.getpid() and served.process.poll() is None:
        served.process.kill()
        served.process.wait()
