"""A harvest out of a language model, as HTML for a person to read.

Pure functions from values to text. Prompts and candidates are a model's words, which nobody has vetted: every one of them goes through
``escape``, and only fixed markup stands around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from harvest.bertnet.calibrate import Knowledge
from harvest.bertnet.candidates import Judged
from kgplatform.cards import filled
from kgplatform.types import Fact


def prompts(weighed: Iterable[tuple[str, float]]) -> str:
    """The prompts with their weights as bars, the longest the most trusted; without numbers where none has been weighed."""
    listed = list(weighed)
    most = max((weight for _, weight in listed), default=0)
    return "".join(_prompt(prompt, weight, weight / most if most else None) for prompt, weight in listed)


def _prompt(prompt: str, weight: float, share: float | None) -> str:
    number = "" if share is None else f'<span class="weight">{weight:.0%}</span>'
    bar = "" if share is None else f'<div class="track"><span style="width: {share:.0%}"></span></div>'
    return f'<div class="prompt"><div class="top"><span class="template">{escape(prompt)}</span>{number}</div>{bar}</div>'


def known(learnt: Knowledge) -> str:
    """Whether the model knows the relation, and by what."""
    if learnt.doubt:
        return f'<div class="doubt">{escape(learnt.doubt[:1].upper() + learnt.doubt[1:])}</div>'
    return (
        f'<div class="knows">The model knows it: AUC {learnt.auc:.2f}, chance {learnt.p_value:.2g}</div>'
        f'<div class="small">{learnt.seeds:,} seeds against {learnt.corrupted:,} false ones made from them</div>'
    )


def candidate(one: Judged, slots: Sequence[str], fact: Fact | None = None) -> str:
    """One candidate: how likely, who proposed it, the sentences that speak for it; and how it stands in the graph, if it is there."""
    words = '<span class="bar">|</span>'.join(f"<b>{escape(word)}</b>" for word in one.words)
    said = "".join(
        f'<div class="sentence">{escape(_sentence(prompt, slots, one))} <span class="nats">{nats:+.1f} nats</span></div>'
        for prompt, nats in one.prompts
    )
    share = f'<div class="track"><span style="width: {one.probability:.0%}"></span></div>'
    return (
        f'<div class="candidate"><div class="top"><span class="words">{words}</span>'
        f'<span class="weight">{one.probability:.0%}</span></div>{share}'
        f'<div class="small">{_tag(fact)}proposed by {escape(one.by)}</div>{said}</div>'
    )


def _sentence(prompt: str, slots: Sequence[str], one: Judged) -> str:
    return filled(prompt, dict(zip(slots, one.words, strict=False)))


def _tag(fact: Fact | None) -> str:
    if fact is None:
        return ""
    return f'<span class="tag {fact.verdict}">{"in the graph" if fact.verdict == "none" else fact.verdict}</span>'
