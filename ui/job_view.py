"""Jobs and schedules, as HTML for a person to read.

Pure functions from values to text. Paths, reasons and log lines come from documents, models and servers that nobody has vetted: every
one of them goes through ``escape``, and only fixed markup stands around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import islice
from typing import Any

from kgplatform.jobs import Job, LogLine, Schedule, Step, Tick, cron
from kgplatform.jobs.types import Cost, StepState
from kgplatform.lm.spending import Spent
from kgplatform.lm.talk import Usage
from ui import shapes
from ui.jobs import changes, cost, far, numbers, reason, span, what, when

_AHEAD = 3
"""Coming ticks of a schedule that are shown."""
_SHORT = 120
"""Characters of a task that a line in a list shows."""


def line(job: Job, now: int, title: str = "", came: str = "") -> str:
    """One job in a list: what it does, whole or as its ``title`` says, how far it is, what it ``came`` to, and why it failed."""
    task = title or what(job.task)
    shown = task if len(task) <= _SHORT else f"{task[:_SHORT]}…"
    moment = f"ended {when(job.ended)}" if job.ended else f"began {when(job.started)}" if job.started else f"asked for {when(job.created)}"
    small = _joined(moment, job.task.graph, came or (numbers(job.result) if job.finished else ""), cost(job.calls, job.usage))
    head = f'<div class="top"><span class="task">{escape(shown)}</span>{_tag(job)}</div>'
    return f'<div class="job">{head}{progress(job, now)}{_reason(job)}<div class="small">{small}</div></div>'


def progress(job: Job, now: int) -> str:
    """How far a job is that waits or runs, with a bar as soon as that can be told."""
    if job.finished or not (told := far(job, now)):
        return ""
    percent = min(100, 100 * job.progress.done // job.progress.total) if job.progress.total else 0
    values = f'role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}" aria-label="How far it is"'
    bar = f'<div class="track" {values}><span style="width: {percent}%"></span></div>' if job.progress.total else ""
    return f'{bar}<div class="far">{escape(told)}</div>'


def _tag(job: Job) -> str:
    asked = job.state == "running" and job.cancelling
    return f'<span class="tag {job.state}">{"stopping" if asked else job.state}</span>'


def _reason(job: Job) -> str:
    return f'<div class="why">{escape(told)}</div>' if (told := reason(job)) else ""


def heading(job: Job, now: int, title: str = "") -> str:
    """What the opened job does, whole or as its ``title`` says, and how it stands."""
    return f'<div class="job"><h3 class="task">{escape(title or what(job.task))}</h3>{_tag(job)}{progress(job, now)}{_reason(job)}</div>'


def details(job: Job, counts: Mapping[StepState, int], now: int) -> str:
    """All else about the opened job, its arguments among it; what is not known is left out."""
    told = {
        "result": numbers(job.result),
        "cost": cost(job.calls, job.usage),
        "steps": ", ".join(f"{many:,} {state}" for state, many in counts.items()),
        "began": when(job.started),
        "ended": when(job.ended),
        "took" if job.ended else "for": span(job.seconds(now)) if job.started else "",
        "again at": when(job.not_before) if job.state == "queued" and job.not_before > now else "",
        "graph": job.task.graph,
        "job": job.id,
        "run": job.run if job.run != job.id else "",
        "schedule": job.schedule,
    }
    changed = "".join(f"<div>{escape(line)}</div>" for line in changes(job.result.get("changed", {})))
    parts = {"What it changed": changed, "Arguments": _pairs({name: _value(value) for name, value in job.task.arguments.items()})}
    return _pairs(told) + "".join(f"<h4>{title}</h4>{html}" for title, html in parts.items() if html)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value in (None, False) else "yes" if value is True else str(value)


def _pairs(told: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(value)}</dd>" for name, value in told.items() if value)
    return f'<dl class="pairs">{rows}</dl>'


def failed(steps: Sequence[Step]) -> str:
    """The steps that failed, each with the reason."""
    if not steps:
        return ""
    rows = "".join(f'<li><div class="task">{escape(step.key)}</div><div class="why">{escape(step.error)}</div></li>' for step in steps)
    return f'<h4>Steps that failed</h4><ul class="steps">{rows}</ul>'


def log(lines: Iterable[LogLine]) -> str:
    """The lines in order, times of this machine's clock."""
    rows = "".join(
        f'<li class="{escape(one.level)}"><time>{datetime.fromtimestamp(one.time / 1000, UTC).astimezone():%H:%M:%S}</time> '
        f"{escape(one.text)}</li>"
        for one in lines
    )
    return f'<ol class="log">{rows}</ol>' if rows else '<div class="small">Nothing yet.</div>'


def schedule(one: Schedule, last: Tick | None, job: Job | None, now: int) -> str:
    """A schedule in a list: its line, its next ticks in its own zone, and what came of the last one."""
    tag = '<span class="tag">paused</span>' if one.paused else ""
    head = f'<div class="top"><span class="task">{escape(what(one.task))}</span>{tag}</div>'
    times = f"<div><code>{escape(one.cron)}</code> {escape(one.zone)}{'' if one.paused else f': {escape(_coming(one, now))}'}</div>"
    return f'<div class="job">{head}{times}<div class="small">{_joined(one.task.graph, _came(last, job))}</div></div>'


def _coming(one: Schedule, now: int) -> str:
    """The next tick, which may be overdue where no worker is, and those after it."""
    zone, before = cron.named(one.zone), datetime.fromtimestamp(one.next / 1000, UTC) - timedelta(milliseconds=1)
    ahead = [f"{tick.astimezone(zone):%a %Y-%m-%d %H:%M}" for tick in islice(cron.ticks(one.cron, one.zone, before), _AHEAD)]
    return ("due since " if one.next <= now else "next ") + ", ".join(ahead)


def _came(last: Tick | None, job: Job | None) -> str:
    if last is None:
        return "it has not come yet"
    return f"last {when(last.tick)}: " + (f"{job.state}{f', {job.error}' if job.error else ''}" if job else f"left out, {last.why}")


def costs(found: Sequence[Cost]) -> str:
    """A table of what jobs cost by kind, with the sum under more than one."""
    if not found:
        return '<div class="small">No job was at work.</div>'
    usage = sum((one.usage for one in found), Usage())
    total = [Cost("all", sum(one.jobs for one in found), sum(one.calls for one in found), usage)] if len(found) > 1 else []
    rows = [(escape(one.kind), f"{one.jobs:,}", f"{one.calls:,}", *_spent(one.usage)) for one in (*found, *total)]
    return table(("kind of job", "jobs", "calls", *_SPENT), rows)


def models(found: Mapping[str, Spent]) -> str:
    """A table of what each model took; what has no known price is said to have none."""
    if not found:
        return '<div class="small">No chat model was asked.</div>'
    rows = [(escape(name), f"{one.calls:,}", *_spent(one.usage)) for name, one in found.items()]
    unpriced = sum(one.unpriced for one in found.values())
    note = (
        f'<div class="small">{shapes.many(unpriced, "call")} had no known price: nothing is counted for it here.</div>' if unpriced else ""
    )
    return table(("model", "calls", *_SPENT), rows) + note


_SPENT = ("tokens asked", "tokens answered", "money")


def _spent(usage: Usage) -> tuple[str, str, str]:
    return f"{usage.prompt:,}", f"{usage.completion:,}", f"${usage.usd:,.2f}"


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first cell of a row is its head; cells are HTML."""
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(f"<tr><th>{first}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for first, *cells in rows)
    return f'<table class="costs"><tr>{head}</tr>{body}</table>'


def _joined(*parts: str) -> str:
    return " · ".join(escape(part) for part in parts if part)
