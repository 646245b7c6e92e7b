"""Rows of the ledger as values, and text as the ledger keeps it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from kgplatform.jobs.types import Job, LogLine, Progress, Schedule, Step, Task, Tick
from kgplatform.lm.talk import Usage
from kgplatform.names import storable

LINE = 2_000
"""Characters of a log line or a reason; the rest is cut off."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str, length: int = LINE) -> str:
    """Hostile text as the ledger keeps it: nothing that steers a terminal, no lone surrogate, cut to a length."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", storable(text[: length + 1]))
    return text if len(text) <= length else f"{text[: length - 1]}…"


def packed(value: Mapping[str, Any]) -> str:
    """A result as JSON. Raises ``TypeError`` for what JSON cannot hold."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()
    except orjson.JSONEncodeError:  # a lone surrogate
        return storable(json.dumps(value, ensure_ascii=False))


def unpacked(text: str) -> dict[str, Any]:
    return dict(orjson.loads(text))


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, UTC)


def task(row: sqlite3.Row) -> Task:
    return Task(row["kind"], orjson.loads(row["arguments"]), row["graph"], row["config"])


def job(row: sqlite3.Row) -> Job:
    return Job(
        task=task(row),
        background=bool(row["background"]),
        cancelling=bool(row["cancelling"]),
        progress=Progress(row["done"], row["total"], row["base"], row["since"], row["stage"]),
        usage=Usage(row["prompt_tokens"], row["completion_tokens"], row["usd"]),
        result=orjson.loads(row["result"]),
        **{name: row[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = """id state created run not_before started ended attempts fence owner lease_until beat calls inputs error schedule
tick""".split()


def step(row: sqlite3.Row) -> Step:
    return Step(row["job"], row["key"], row["state"], row["attempts"], orjson.loads(row["result"]), row["error"], row["time"])


def line(row: sqlite3.Row) -> LogLine:
    return LogLine(row["number"], row["time"], row["level"], row["text"])


def schedule(row: sqlite3.Row) -> Schedule:
    return Schedule(row["id"], row["cron"], row["zone"], task(row), row["created"], bool(row["paused"]), row["next"])


def tick(row: sqlite3.Row) -> Tick:
    return Tick(row["schedule"], row["tick"], row["job"], row["why"])
