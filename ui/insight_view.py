"""The shape of a graph as HTML. Names come from documents and models: every one of them goes through ``escape``."""

from __future__ import annotations

from html import escape

from kgplatform.analysis.dynamics import Dynamics
from kgplatform.analysis.insight import Gap
from ui import insight_words as words


def shape(found: Dynamics) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{escape(told)}</dd>" for name, told in words.shape(found).items())
    return f'<dl class="pairs">{rows}</dl>'


def gap(one: Gap) -> str:
    return f'<div class="gap"><b>{escape(one.question)}</b><div class="small">{words.why(one)}</div></div>'
