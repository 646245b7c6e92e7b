"""Why a fact is believed, or two things may be one, as HTML for a person to read.

Pure functions from values to text. Quotes, names and titles come from documents and models that nobody
has vetted: every one of them goes through ``escape``, and only fixed markup stands around them.
"""

from __future__ import annotations

import math
import re
from html import escape

from kgplatform import derivation
from kgplatform.explanation import Event, Explanation, Reason
from kgplatform.types import Entity, Evidence, Fact, in_words
from ui.graph_view import line, percent, standing
from ui.history import METHODS, what, when, who

_STANDINGS = {
    "current": "believed",
    "predicted": "only predicted: nothing but a graph model speaks for it",
    "proposed": "only proposed: too little speaks for it",
    "accepted": "accepted",
    "rejected": "rejected",
}


def highlighted(quote: str, head: str, tail: str) -> str:
    """The quote, escaped, with the words of head and tail marked wherever they stand."""
    marks = {words.casefold(): name for name, words in (("tail", tail), ("head", head)) if words.strip()}
    if not marks:
        return escape(quote)
    longest_first = sorted(marks, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, longest_first))})", quote, flags=re.IGNORECASE)
    return "".join(
        f'<mark class="{marks[piece.casefold()]}">{escape(piece)}</mark>' if piece.casefold() in marks else escape(piece)
        for piece in pieces
    )


def strength(weight: float) -> str:
    """What a weight in nats does to the odds, for a person who knows no logarithms."""
    if abs(weight) < 0.1:
        return "hardly matters"
    side, sign = ("for", "×") if weight > 0 else ("against", "÷")
    if (times := math.exp(abs(weight))) > 1000:
        return f"settles it, {side} the fact"
    strength = "strongly" if times > 12 else "clearly" if times > 3 else "slightly"
    return f"speaks {strength} {side} it (odds {sign} {times:.1f})"


def _source(piece: Evidence) -> str:
    title = piece.source.title or piece.source.id
    return f'<span class="source">{escape(title)}</span>'


def _small_print(piece: Evidence) -> str:
    """Model, score, place and time: for who wants to check."""
    parts = [f"score {piece.score:.3g}"]
    if piece.model:
        parts.append(f"model {piece.model}")
    if piece.quote and piece.start >= 0:
        parts.append(f"characters {piece.start}–{piece.end}")
    if piece.time:
        parts.append(when(piece.time))
    parts += [f"{name}: {value}" for name, value in derivation.apart(piece)]
    return f'<div class="small">{escape(" · ".join(parts))}</div>'


def reason(one: Reason) -> str:
    """One piece of evidence with its part in the sum."""
    piece, side = one.evidence, "for" if one.weight >= 0 else "against"
    method = METHODS[piece.method].capitalize()
    quote = f"<blockquote>{highlighted(piece.quote, piece.head_words, piece.tail_words)}</blockquote>" if piece.quote else ""
    idle = "" if one.counts else '<div class="idle">does not count: a stronger reason of the same origin does</div>'
    return (
        f'<div class="reason {side}{"" if one.counts else " not"}">'
        f'<div class="top"><span class="method">{method}</span><span class="weight">{one.weight:+.2f}</span></div>'
        f"{_source(piece)}{quote}"
        f'<div class="words">{strength(one.weight)}</div>{idle}{_small_print(piece)}</div>'
    )


def statement(fact: Fact) -> str:
    """``head — relation → tail`` with its confidence, origin and verdict."""
    share, style = f"{fact.confidence * 100:.0f}%", line(fact).colour
    judged = f" by {fact.judge.removeprefix('person:')}" if fact.verdict != "none" and fact.judge else ""
    qualifiers = "".join(f'<div class="small">{escape(name)}: {escape(in_words(value))}</div>' for name, value in fact.qualifiers)
    return (
        f'<div class="statement"><b>{escape(fact.head.name)}</b><span class="relation"> — {escape(fact.relation)} → </span>'
        f"<b>{escape(in_words(fact.tail))}</b>{qualifiers}</div>"
        f'<div class="belief"><span class="big">{percent(fact.confidence)}</span>'
        f'<span class="what"><span class="tag {standing(fact)}">{escape(_STANDINGS[standing(fact)] + judged)}</span>'
        f"<span>{escape(', '.join(fact.origin))}</span></span></div>"
        f'<div class="track"><span style="width:{share};background:{style}"></span></div>'
    )


def why(explanation: Explanation) -> str:
    """The prior and every reason, strongest first."""
    start = 1 / (1 + math.exp(-explanation.prior))
    prior = (
        '<div class="reason prior"><div class="top"><span class="method">Before any evidence</span>'
        f'<span class="weight">{explanation.prior:+.2f}</span></div>'
        f'<div class="words">a claim of this relation starts at {percent(start)}</div></div>'
    )
    return f"<h4>Why</h4>{prior}{''.join(map(reason, explanation.reasons))}"


def progress(done: int, total: int, words: str = "", verdict: str = "") -> str:
    """Which fact of how many a person is at, and what they last decided."""
    share = f"{done / total * 100:.2f}%" if total else "0"
    last = f'<span class="last"><span class="tag {verdict}">{verdict}</span>{escape(words)}</span>' if verdict else ""
    return (
        f'<div class="progress"><span><b>{min(done + 1, total):,}</b> of {total:,}</span>{last}</div>'
        f'<div class="track"><span style="width:{share};background:#4263eb"></span></div>'
    )


def pair(keep: Entity, other: Entity, score: float, why: str) -> str:
    """Two things that may be one, how likely that is, and by what."""
    names = f'<b>{escape(keep.name)}</b> <span class="relation">may be</span> <b>{escape(other.name)}</b>'
    told = f'<span class="big">{percent(score)}</span><span class="what"><span>{escape(why)}</span></span>'
    return f'<div class="statement">{names}</div><div class="belief">{told}</div>'


def history(explanation: Explanation) -> str:
    """What happened to the fact, the oldest first."""
    return f'<h4>History</h4><ol class="history">{"".join(map(_event, explanation.history))}</ol>'


def _event(event: Event) -> str:
    happened = what(event)
    mark = f' class="{happened}"' if happened in ("accepted", "rejected") else ""
    return (
        f'<li{mark}><span class="happened">{escape(happened)}</span> <span class="who">{escape(who(event))}</span>'
        f'<span class="when">{escape(when(event.time))}</span></li>'
    )


def portrait(entity: Entity) -> str:
    """Name, kinds, aliases and description of an entity."""
    kinds = "".join(f'<span class="tag">{escape(kind)}</span>' for kind in entity.kinds)
    also = f'<div class="small">also {escape(", ".join(entity.aliases))}</div>' if entity.aliases else ""
    description = f"<p>{escape(entity.description)}</p>" if entity.description else ""
    return f'<h3>{escape(entity.name)}</h3><div class="kinds">{kinds}</div>{also}{description}<div class="small">{escape(entity.id)}</div>'
