"""Predictions and suspects as HTML for a person to read, and how well a graph model knows each relation.

Pure functions from values to text. Names come from documents and models: every one of them goes through ``escape``.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_WIDE, _HIGH = 320, 90
"""Pixels of a curve."""


def entry(one: Mapping[str, Any], share: float, reasons: Iterable[str], fact: Mapping[str, Any] | None) -> str:
    """A fact with how likely it is to be true, or wrong, why, and how it stands in the graph now."""
    head, tail = escape(one["head"]["name"]), escape(str(one["tail"]["name"]))
    words = f'<b>{head}</b><span class="bar">{escape(one["relation"])}</span><b>{tail}</b>'
    why = "".join(f'<div class="sentence">{escape(reason)}</div>' for reason in reasons)
    return (
        f'<div class="candidate"><div class="top"><span class="words">{words}</span><span class="weight">{share:.0%}</span></div>'
        f'<div class="track"><span style="width: {share:.0%}"></span></div><div class="small">{_tag(fact)}</div>{why}</div>'
    )


def _tag(fact: Mapping[str, Any] | None) -> str:
    if fact is None:
        return '<span class="tag">not in the graph</span>'
    verdict = str(fact["verdict"])
    return f'<span class="tag {escape(verdict)}">{escape(verdict if verdict != "none" else fact["status"])}</span>'


def quality(relations: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of how well held-out facts of each relation were told from other pairs, the best known first."""
    ranked = sorted(relations.items(), key=lambda item: (-item[1]["auc"], item[0]))
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{told['auc']:.2f}</td><td>{told['held_out']:,}</td></tr>" for name, told in ranked)
    return f'<table class="costs"><tr><th>relation</th><th>AUC</th><th>held out</th></tr>{rows}</table>'


def curve(values: Sequence[float], what: str = "MRR", watched: str = "facts") -> str:
    """How the watched facts, or whatever was, were ranked while a model learned, look by look, as a line; there is one look at least."""
    top = max(*values, 1e-9)
    step = _WIDE / max(1, len(values) - 1)
    points = " ".join(f"{place * step:.1f},{_HIGH - value / top * (_HIGH - 8):.1f}" for place, value in enumerate(values))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" height="{_HIGH}">'
        f'<polyline points="{points}" fill="none" stroke="#4263eb" stroke-width="2"/></svg>'
    )
    # As a picture: Streamlit takes drawings out of HTML.
    picture = f"data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}"
    return (
        f'<div class="curve"><img src="{picture}" alt="{what} while learning" width="{_WIDE}" height="{_HIGH}">'
        f'<div class="small">{what} of watched {watched}: {values[-1]:.3f} at look {len(values)}, best {max(values):.3f}</div></div>'
    )
