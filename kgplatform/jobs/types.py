"""The words of jobs as frozen values. All times are milliseconds since the epoch, UTC; 0 is never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf

import orjson

from kgplatform.errors import BadRequest
from kgplatform.lm.talk import Usage
from kgplatform.names import digest

State = OneOf["queued", "running", "done", "failed", "cancelled", "stopped"]
"""``stopped`` is work in the foreground that broke off: the same command takes it up again, a worker does not."""
LIVE: tuple[State, ...] = ("queued", "running")
StepState = OneOf["done", "failed", "dead"]
"""``failed`` is what may go better another time (no answer), ``dead`` what will not (a document that cannot be read)."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done: a kind of work (the command's words), its arguments as JSON, and the graph by name.

    ``config`` is what else the outcome depends on, in words. Of one ``key`` there is at most one job queued or running.
    """

    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    graph: str = ""
    config: str = ""

    @property
    def key(self) -> str:
        return digest(self.kind, canonical(self.arguments), self.graph, self.config, size=16)


def canonical(value: Mapping[str, Any]) -> str:
    """JSON that equal values have in common. Raises ``BadRequest`` for what JSON cannot hold."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as error:
        raise BadRequest(f"these arguments cannot be kept for a job ({error}): give file names that are valid UTF-8") from None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is. ``base`` was done already when this attempt began to count, at ``since``; what it is doing is its ``stage``."""

    done: int = 0
    total: int = 0
    base: int = 0
    since: int = 0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. ``run`` is the name kept with its evidence.

    ``fence`` grows with every lease; ``owner`` is the process that holds it until ``lease_until``; ``beat`` is when it was last
    heard of. ``attempts`` counts leases since it was submitted or retried, or since it came a step further. ``error`` is a sentence.
    """

    id: str
    task: Task
    state: State
    created: int
    run: str = ""
    background: bool = True
    not_before: int = 0
    started: int = 0
    ended: int = 0
    attempts: int = 0
    fence: int = 0
    owner: str = ""
    lease_until: int = 0
    beat: int = 0
    cancelling: bool = False
    progress: Progress = field(default_factory=Progress)
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    inputs: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    schedule: str = ""
    tick: int = 0

    @property
    def finished(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def cut(self) -> bool:
        """Whether its result says that limits of its own ended it: time, a budget. Within others it goes on."""
        return bool(self.result.get("cut"))

    def seconds(self, now: int) -> float:
        """How long it has run or ran, with the pauses between attempts."""
        return max(0, (self.ended or now) - self.started) / 1000 if self.started else 0.0

    def rate(self, now: int) -> float:
        """Units done a second in this attempt; 0 while it cannot be told."""
        spent = ((self.ended or now) - self.progress.since) / 1000
        return max(0, self.progress.done - self.progress.base) / spent if self.progress.since and spent > 0 else 0.0

    def eta(self, now: int) -> float | None:
        """Seconds until all is done, if it goes on like this; ``None`` while that cannot be told."""
        rate, left = self.rate(now), self.progress.total - self.progress.done
        return left / rate if self.state == "running" and rate > 0 and left >= 0 and self.progress.total else None


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a job under a key made from its content. ``result`` is what its effect gave back."""

    job: str
    key: str
    state: StepState
    attempts: int = 1
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    time: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a job's log; ``number`` counts from 1 and has gaps only where old lines were dropped."""

    number: int
    time: int
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What jobs of one kind cost together."""

    kind: str
    jobs: int
    calls: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that recurs. ``next`` is its coming tick; a paused one passes over its ticks."""

    id: str
    cron: str
    zone: str
    task: Task
    created: int
    paused: bool = False
    next: int = 0


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that does jobs, since when, and when it was last heard of."""

    owner: str
    since: int
    seen: int


@dataclass(frozen=True, slots=True)
class Tick:
    """One time of a schedule that came. ``job`` is the one it made; empty where it was skipped, and ``why`` says for what reason."""

    schedule: str
    tick: int
    job: str = ""
    why: str = ""
