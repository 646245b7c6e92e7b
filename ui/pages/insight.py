"""Insight: the shape of the graph, what in it is worth a look, and what is worth asking; each name leads to Explore.

It is computed once for each state of the graph. How expansions made it grow is drawn below.
"""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from kgplatform.analysis.insight import Gap, Insight, Standing
from kgplatform.analysis.insight import insight as look
from kgplatform.types import Entity
from ui import insight_view
from ui import insight_words as words
from ui.connection import graph, size, wire
from ui.markdown import plain
from ui.pages import explore, frame

TOP = 10
CURVES = {
    "Entities and links": ("nodes", "edges"),
    "Communities": ("communities", "between", "cuts"),
    "Modularity and clustering": ("modularity", "clustering", "transitivity"),
    "Hops apart": ("path_length", "diameter"),
    "Degrees": ("exponent", "mean_degree"),
    "Small world": ("small_world",),
}
"""What is drawn together: measures of a like size."""


def page() -> None:
    frame.style()
    address, facts = size()
    frame.about_graph(address, facts)
    if not facts:
        frame.welcome()
        return
    with frame.told():
        _seen(_look(address, graph().store.now()))
    with frame.told():
        _grown()


@st.cache_data(ttl=600, show_spinner="Looking at the whole graph …", max_entries=4)
def _kept(address: str, written: int) -> Insight:  # noqa: ARG001 - of which graph, and as of when
    return look(graph().view(), graph().relations(), TOP)


def _look(address: str, now: int) -> Insight:
    """Anew only when something was written since."""
    last: int = st.session_state.setdefault("insight_at", now)
    written = max((change.time for change in graph().changes(last)), default=last)
    st.session_state["insight_at"] = max(last, written)
    return _kept(address, st.session_state["insight_at"])


def _seen(found: Insight) -> None:
    left, middle, right = st.columns([1, 1, 1.15], gap="medium")
    with left:
        st.html("<h4>Shape</h4>" + insight_view.shape(found.dynamics))
    with middle:
        _standings("Hubs", "hubs", found.hubs)
        _standings("Between communities", "between", found.between)
        _standings("Without which parts fall off", "cuts", found.cuts)
    with right:
        st.html("<h4>Communities</h4>")
        with st.container(key="communities"):
            for place, one in enumerate(found.communities):
                with frame.row(f"community-{place}"):
                    _names(one.central)
                    st.html(f'<div class="small">{one.size:,} entities, {one.inside:.0%} of their links within</div>')
        st.html("<h4>Worth asking</h4>")
        with st.container(key="gaps"):
            for place, gap in enumerate(found.gaps):
                _gap(place, gap)
            if not found.gaps:
                st.html('<div class="small">Nothing stands out as missing.</div>')


def _standings(title: str, key: str, listed: tuple[Standing, ...]) -> None:
    if not listed:
        return
    st.html(f"<h4>{title}</h4>")
    with st.container(key=key):
        for one in listed:
            with frame.row(f"{key}-{one.entity.id}"):
                _names((one.entity,))
                st.html(f'<div class="small">{words.standing(one)}</div>')


def _names(entities: tuple[Entity, ...]) -> None:
    for entity in entities:
        st.page_link(explore.place(), label=plain(entity.name), query_params={"q": entity.id}, help="See it in the graph")


def _gap(place: int, gap: Gap) -> None:
    with frame.row(f"gap-{place}"):
        st.html(insight_view.gap(gap))
        _names(gap.entities)


def _grown() -> None:
    runs = words.grown(wire().expansions)
    if not runs:
        return
    st.html("<h4>How expansions made it grow</h4>")
    named = st.selectbox("Expansion", [one.run for one in runs], key="insight_run")
    iterations = next(one.iterations for one in runs if one.run == named)
    columns = st.columns(3)
    for place, (title, measures) in enumerate(CURVES.items()):
        rows = [{"iteration": at, **{name: asdict(told)[name] for name in measures}} for at, told in iterations]
        with columns[place % 3]:
            st.html(f"<h4>{title}</h4>")
            st.line_chart(rows, x="iteration", y=list(measures), y_label="", height=220)
