"""A chat model without weights: for tests, and for people who want to see a harvest run without one.

It answers from a table or a function, and can be told to fail as real ones do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from kgplatform.errors import ModelBusy, ModelError, ModelRefused, ModelUnreachable, TextTooLong
from kgplatform.lm.talk import Reply, Request, Usage

_TOKEN = re.compile(r"\w{1,8}|[^\w\s]")
_SAID = "Certainly! Unfortunately I cannot put this into JSON."
Fault = Literal["", "busy", "timeout", "refused", "broken"]


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of the calls that fail in each way; which ones is decided by their number and ``seed`` alone.

    ``after`` is what a busy model says of when to come back, in seconds.
    """

    busy: float = 0.0
    timeout: float = 0.0
    broken: float = 0.0
    refused: float = 0.0
    seed: int = 0
    after: float | None = 0.0

    def of(self, call: int) -> Fault:
        """How the call of that number, counted from 1, fails; empty when it does not."""
        at = int.from_bytes(_hash(f"{self.seed}:{call}"), "big") / 2**64
        shares: tuple[tuple[Fault, float], ...] = (
            ("busy", self.busy),
            ("timeout", self.timeout),
            ("refused", self.refused),
            ("broken", self.broken),
        )
        for fault, share in shares:
            if at < share:
                return fault
            at -= share
        return ""


class ScriptedChat:
    """Answers with ``answer(request)``, or with the value of the longest key of ``answer`` that stands in a message, the last first.

    ``calls`` are the requests that reached it, ``answered`` those that got their whole answer. Tokens are pieces of words of
    up to eight letters, and marks. Raises ``ModelError`` when the table has no answer.
    """

    def __init__(
        self,
        answer: Callable[[Request], str] | Mapping[str, str],
        name: str = "scripted:1",
        context: int | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._answer = answer
        self._name = name
        self._context = context
        self._faults = faults or Faults()
        self._lock = Lock()
        self.calls: list[Request] = []
        self.answered: list[Request] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def context(self) -> int | None:
        return self._context

    def count(self, text: str) -> int:
        """As the port says, and exactly."""
        return sum(1 for _ in _TOKEN.finditer(text))

    def reply(self, request: Request) -> Reply:
        """As the port says. The same words get the same answer and the same id."""
        with self._lock:
            self.calls.append(request)
            fault = self._faults.of(len(self.calls))
        self._fail(fault)
        prompt = sum(self.count(message.text) for message in request.messages)
        if self._context is not None and prompt + request.max_tokens > self._context:
            raise TextTooLong(f"{self._name}: {prompt} tokens and an answer of {request.max_tokens} do not fit into {self._context}")
        text = self._text(request)
        tokens = list(_TOKEN.finditer(text))
        cut = len(tokens) > request.max_tokens
        if cut:
            text = text[: tokens[request.max_tokens].start()]
        if fault == "broken":
            text, cut = _broken(text), False
        else:
            with self._lock:
                self.answered.append(request)
        return Reply(text, Usage(prompt, self.count(text)), f"scripted-{_hash(repr(request)).hex()}", cut)

    def _fail(self, fault: Fault) -> None:
        if fault == "busy":
            raise ModelBusy(f"{self._name}: too many requests", self._faults.after)
        if fault == "timeout":
            raise ModelUnreachable(f"{self._name}: no answer in time")
        if fault == "refused":
            raise ModelRefused(f"{self._name}: the key is not accepted")

    def _text(self, request: Request) -> str:
        if not isinstance(self._answer, Mapping):
            return self._answer(request)
        for message in reversed(request.messages):
            if found := max((key for key in self._answer if key in message.text), key=len, default=None):
                return self._answer[found]
        raise ModelError(f"{self._name} has no answer to {request.messages[-1].text[:80]!r}")


def _hash(words: str) -> bytes:
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _broken(text: str) -> str:
    """As models break their JSON: it ends in the middle, or words stand in its place."""
    return text[: len(text) // 2] if _hash(text)[0] % 2 else _SAID
