"""How a graph changed its shape while it grew, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from kgplatform.analysis.dynamics import Dynamics

CURVES = {
    "Entities and links": ("nodes", "edges"),
    "Communities": ("communities", "between", "cuts"),
    "Modularity and clustering": ("modularity", "clustering", "transitivity"),
    "Hops apart": ("path_length", "diameter"),
    "Degrees": ("exponent", "mean_degree"),
    "Small world": ("small_world",),
}
"""What is drawn together: measures of a like size."""


def draw(iterations: Sequence[tuple[int, Dynamics]], columns: int = 3) -> None:
    """A picture for each group of measures, side by side."""
    told = [(at, asdict(found)) for at, found in iterations]
    places = st.columns(columns)
    for place, (title, measures) in enumerate(CURVES.items()):
        with places[place % columns]:
            st.html(f"<h4>{title}</h4>")
            rows = [{"iteration": at, **{name: found[name] for name in measures}} for at, found in told]
            st.line_chart(rows, x="iteration", y=list(measures), y_label="", height=220)
