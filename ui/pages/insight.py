"""Insight: the shape of the graph, what in it is worth a look, and what is worth asking; each name leads to Explore.

It is computed once for each state of the graph. How expansions made it grow is drawn below.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from kgplatform.analysis.insight import Insight
from kgplatform.analysis.insight import insight as look
from kgplatform.types import Entity, EntityId, Status
from ui import insight_view, rows
from ui import insight_words as words
from ui.connection import graph, size, state, wire
from ui.graph_view import colour
from ui.pages import curves, explore, frame
from ui.rows import Row

TOP = 10
SEEN: tuple[Status, ...] = ("current", "proposed")


def page() -> None:
    if goes := st.session_state.pop("insight_goes", None):
        st.switch_page(explore.place(), query_params={"q": goes})
    frame.style()
    address, facts = size()
    frame.about_graph(address, facts)
    if not facts:
        frame.welcome()
        return
    with frame.told():
        _seen(_look(state(), _which()))
    with frame.told():
        _grown()


@st.cache_data(show_spinner="Looking at the whole graph …", max_entries=2)
def _look(state: int, status: Status) -> Insight:  # noqa: ARG001 - anew when it is another one
    return look(graph().view(status=status), graph().relations(), TOP)


def _which() -> Status:
    """Which facts are looked at: the current ones, where there are any; a person may choose those that are proposed."""
    counts = {status: len(graph().facts(status=status)) for status in SEEN}
    there = [status for status in SEEN if counts[status]]
    if there == ["proposed"]:
        st.caption("No fact is current: this is the shape of those that are proposed")
    if len(there) < 2:
        return there[0] if there else "current"
    return st.segmented_control(
        "Facts", there, default="current", key="insight_of", required=True, format_func=lambda one: f"{counts[one]:,} {one}"
    )


def _seen(found: Insight) -> None:
    left, middle, right = st.columns([1, 1, 1.15], gap="medium")
    with left:
        st.html("<h4>Shape</h4>" + insight_view.shape(found.dynamics))
        communities = [(one.central[0], Row(one.central[0].id, words.community(one), below=words.size(one))) for one in found.communities]
        _listed("Communities", "communities", communities)
    with middle:
        for title, key, standings in (
            ("Hubs", "hubs", found.hubs),
            ("Between communities", "between", found.between),
            ("Without which parts fall off", "cuts", found.cuts),
        ):
            _listed(title, key, [(one.entity, Row(one.entity.id, one.entity.name, below=words.standing(one))) for one in standings])
    with right:
        asked = [(gap.entities[0], Row(str(place), gap.question, below=words.why(gap))) for place, gap in enumerate(found.gaps)]
        _listed("Worth asking", "gaps", asked)


def _listed(title: str, key: str, entries: list[tuple[Entity, Row]]) -> None:
    """Each row leads to its entity in Explore."""
    if entries:
        st.html(f"<h4>{title}</h4>")
        places = {row.id: entity.id for entity, row in entries}
        shown = [replace(row, colour=colour(entity.kinds[0] if entity.kinds else "thing")) for entity, row in entries]
        rows.show(shown, key=key, on_pick=partial(_picked, key, places))


def _picked(key: str, places: dict[str, EntityId]) -> None:
    st.session_state["insight_goes"] = places.get(rows.picked(st.session_state[key]))


def _grown() -> None:
    runs = words.grown(wire().expansions)
    if not runs:
        return
    st.html("<h4>How expansions made it grow</h4>")
    named = st.selectbox("Expansion", [one.run for one in runs], key="insight_run")
    curves.draw(next(one.iterations for one in runs if one.run == named))
