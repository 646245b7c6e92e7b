"""An answer as HTML: how sure it is, the walks that it rests on, the other ways to read the question, what contradicts what.

Pure functions from values to text. Names and quotes come from documents and models: every one of them goes through ``escape``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from kgplatform.types import Entity, Evidence, Fact, FactKey, Literal, Path, in_words
from reasoning.agent.answer import Alternative, Answer
from ui import evidence
from ui.graph_view import percent
from ui.shapes import where

LISTED = 10
"""Answers of another reading that are named."""

WELCOME = (
    '<div class="welcome"><h2>Ask this graph something</h2><p>It answers by walking from fact to fact, and shows the walk. '
    "What it does not hold, it does not answer.</p></div>"
)


def answer(found: Answer) -> str:
    """The answer in words, with how sure it is; or why there is none."""
    if not found.supported:
        return f'<div class="answer"><div class="statement">{escape(found.text)}</div></div>'
    share = f"{found.confidence * 100:.0f}%"
    return (
        f'<div class="answer"><div class="statement">{escape(found.text)}</div>'
        f'<div class="belief"><span class="big">{percent(found.confidence)}</span><span class="what">'
        "<span>sure that this is what was asked, and that it is so</span></span></div>"
        f'<div class="track"><span style="width:{share};background:#4263eb"></span></div></div>'
    )


def walk(number: int, path: Path, told: Mapping[FactKey, Evidence]) -> str:
    """A walk as its facts, each with its confidence and with what best speaks for it."""
    end = in_words(path.steps[-1].end)
    facts = "".join(_fact(step.fact, told.get(step.fact.key)) for step in path.steps)
    return (
        f'<div class="reason way"><div class="top"><span class="method">{number}. to <bdi>{escape(end)}</bdi></span>'
        f'<span class="weight">{len(path.steps)} fact{"" if len(path.steps) == 1 else "s"}</span></div>{facts}</div>'
    )


def _fact(fact: Fact, best: Evidence | None) -> str:
    words = (
        f"<bdi><b>{escape(fact.head.name)}</b></bdi> <span class='relation'>{escape(fact.relation)}</span> "
        f"<bdi><b>{escape(in_words(fact.tail))}</b></bdi>"
    )
    quote = f"<blockquote>{evidence.highlighted(best.quote, best.head_words, best.tail_words)}</blockquote>" if best and best.quote else ""
    source = f'<div class="small">{escape(where(best))}</div>' if best else ""
    return f'<div class="fact"><div class="top"><span class="said">{words}</span>{percent(fact.confidence)}</div>{quote}{source}</div>'


def alternatives(found: Iterable[Alternative]) -> str:
    """Other readings of the question, and where they lead."""
    return "".join(_alternative(one) for one in found)


def _alternative(one: Alternative) -> str:
    route = " – ".join((one.topic.name, *one.route))
    share = f'<span class="weight">{one.share:.0%}</span>' if one.share else ""
    return (
        f'<div class="reason"><div class="top"><span class="method"><bdi>{escape(route)}</bdi></span>{share}</div>'
        f'<div class="words"><bdi>{escape(listed(one.answers))}</bdi></div></div>'
    )


def listed(ends: tuple[Entity | Literal, ...]) -> str:
    """Some of them by name, and how many more there are."""
    more = f" and {len(ends) - LISTED:,} more" if len(ends) > LISTED else ""
    return ", ".join(map(in_words, ends[:LISTED])) + more
