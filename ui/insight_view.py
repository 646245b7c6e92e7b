"""The shape of a graph as HTML."""

from __future__ import annotations

from html import escape

from kgplatform.analysis.dynamics import Dynamics
from ui import insight_words as words


def shape(found: Dynamics) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{escape(told)}</dd>" for name, told in words.shape(found).items())
    return f'<dl class="pairs">{rows}</dl>'
