"""Jobs in the words that every face uses: what they do, how far they are, what they cost, what they came to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ui import shapes

if TYPE_CHECKING:
    from kgplatform.jobs import Job, Task
    from kgplatform.lm.talk import Usage

NO_WORKER = "no worker is running:  kg worker  starts one"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def when(time: int) -> str:
    """A moment as people here read it: their own time, to the minute."""
    return f"{datetime.fromtimestamp(time / 1000, UTC).astimezone():%Y-%m-%d %H:%M}" if time else ""


def span(seconds: float) -> str:
    """A length of time to two units at most, like ``2 h 5 min``."""
    left = round(seconds)
    for (unit, size), (smaller, part) in zip(_UNITS, (*_UNITS[1:], ("s", 1)), strict=True):
        if left >= size:
            rest = left % size // part
            return f"{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{left} s"


def what(task: Task) -> str:
    """A task in one line, like the command that asks for it."""
    words = [task.kind]
    for name, value in task.arguments.items():
        if isinstance(value, list):
            words += map(str, value)
        elif value is True:
            words.append(f"--{name.replace('_', '-')}")
        elif value not in (None, False, ""):
            words.append(f"{name}={value}")
    return shlex.join(words).replace(f"'{task.kind}'", task.kind, 1)


def state(job: Job) -> str:
    """The state, and the reason where there is one; what is said to run, but by a process that has ended, is interrupted."""
    name = "interrupted" if interrupted(job) else job.state
    return f"{name}: {told}" if (told := reason(job)) else name


def reason(job: Job) -> str:
    """Why a job stands as it does; of one that is said to run, that its process has ended."""
    if not interrupted(job):
        return job.error
    goes_on = "a worker takes it up" if job.background else "the same command goes on where it was"
    return f"its process has ended; {goes_on}, or  kg jobs retry {job.id}"


def interrupted(job: Job) -> bool:
    """Whether it is said to run by a process that has ended."""
    from kgplatform.jobs.owner import dead

    return job.state == "running" and dead(job.owner)


def far(job: Job, now: int) -> str:
    """Done, rate and time left, as far as they are known."""
    progress = job.progress
    if not progress.total:
        return progress.stage
    told = f"{progress.stage} {progress.done:,} of {progress.total:,}".strip()
    if job.state == "running" and (left := job.eta(now)) is not None:
        told += f", {_pace(job.rate(now))}, {span(left)} left"
    return told


def _pace(rate: float) -> str:
    return f"{rate:,.1f}/s" if rate >= 1 else f"{rate * 60:,.1f}/min"


def cost(calls: int, usage: Usage) -> str:
    return f"{shapes.many(calls, 'call')}, {usage.tokens:,} tokens, ${usage.usd:.2f}" if calls else ""


def changes(changed: Mapping[str, Any]) -> Iterator[str]:
    """What a run changed, each sort with its number and its first examples."""
    for name, part in changed.items():
        if isinstance(part, Mapping) and part["count"]:
            yield f"{name}: {part['count']:,}"
            yield from (f"  {fact}" for fact in part["examples"])


def numbers(result: Mapping[str, Any]) -> str:
    """What a job came to, in numbers; those of its parts (files, say) are added up."""
    counts = {name: value for name, value in result.items() if type(value) is int}
    for parts in (value for value in result.values() if isinstance(value, list)):
        sums: dict[str, int] = {}
        for name, value in ((name, value) for part in parts if isinstance(part, Mapping) for name, value in part.items()):
            if type(value) is int:
                sums[name] = sums.get(name, 0) + value
        counts = sums | counts
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts.items())
