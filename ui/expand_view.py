"""A run of an expansion, as HTML for a person to read.

Pure functions from values to text. Questions hold the words of a model, which nobody has vetted: every one of them goes through
``escape``, and only fixed markup stands around them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import zip_longest
from typing import Any

from harvest.expand import Grown, Round
from ui import job_view
from ui.shapes import many


def came(run: str, result: Mapping[str, Any]) -> str:
    """Which run it is, and once it ended what it came to, in a line; not yet escaped."""
    if not result:
        return f"run {run}"
    things, links = (sum(one[name] for one in result["rounds"]) for name in ("new", "links"))
    counts = f"{many(len(result['rounds']), 'round')}, {many(things, 'thing')}, {many(links, 'link')}"
    return f"run {run} · {counts}; it ended: {result['ended']}"


def summary(rounds: Sequence[Round], grown: Grown, ended: str) -> str:
    """What a run has come to, and why it ended, once it has."""
    questions = sum(len(one.questions) for one in rounds)
    parts = [many(questions, "question"), many(len(grown.names), "thing"), many(len(grown.links), "link")]
    why = f'<div class="small">It ended: {escape(ended)}</div>' if ended else ""
    return f'<div class="came"><b>{" · ".join(parts)}</b></div>{why}'


def rounds(found: Sequence[Round]) -> str:
    """All that was asked, the latest round first, and how many new things and links each answer brought."""
    return "".join(_round(number, one) for number, one in reversed([*enumerate(found, 1)]))


def comparison(table: Sequence[Sequence[str]]) -> str:
    """Runs side by side: a row of names, and one for each figure."""
    head, *told = ([escape(cell) for cell in row] for row in table)
    return job_view.table(head, told)


def _round(number: int, one: Round) -> str:
    beside = " · ".join(escape(part) for part in (f"round {number:,}", *_beside(one)))
    asked = "".join(_question(text, brought) for text, brought in zip_longest(one.questions, one.brought))
    return f'<div class="round"><div class="small">{beside}</div>{asked}</div>'


def _beside(one: Round) -> Iterator[str]:
    if unusable := len(one.questions) - one.answered:
        yield f"{many(unusable, 'answer')} could not be used"
    if one.merged:
        yield f"{many(one.merged, 'thing')} merged into others"
    if one.asked:
        yield f"{many(one.asked, 'thing')} for review"


def _question(text: str, brought: tuple[int, int] | None) -> str:
    things, links = brought or (0, 0)
    count = f"{many(things, 'thing')}, {many(links, 'link')}"
    return f'<div class="asked"><span>{escape(text)}</span><span class="weight">{count}</span></div>'
