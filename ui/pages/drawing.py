"""Some facts as a picture; what speaks for the one that is clicked on stands below it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kgplatform.types import EntityId, Fact, FactKey
from ui import evidence, graph_view
from ui.connection import graph
from ui.graph_view import Picture
from ui.pages import explore


def show(facts: Sequence[Fact], centre: EntityId, opened: Sequence[EntityId], *, key: str, height: int) -> None:
    """Draw them so many pixels high; ``choose`` says what is chosen by other ways than a click."""
    kind, chosen = st.session_state.get(f"{key}_chosen") or ("", "")
    fact = FactKey(chosen) if kind == "fact" and any(one.key == chosen for one in facts) else None
    node = EntityId(chosen) if kind in ("node", "expand") else None
    picture = Picture(facts, centre, opened, node, fact)
    graph_view.draw(picture, key=key, on_pick=lambda: choose(key, graph_view.picked(st.session_state[key])), height=height)
    st.html(graph_view.legend(facts))
    if fact:
        explanation = graph().explain(fact)
        st.html(evidence.statement(explanation.fact) + evidence.why(explanation))
    elif node and (entity := graph().store.entities([node]).get(node)):
        st.html(evidence.portrait(entity))
        st.page_link(explore.place(), label="See it in the graph", query_params={"q": entity.id})
    else:
        st.html('<div class="small">Click a line to see what speaks for it.</div>')


def choose(key: str, chosen: tuple[str, str] | None) -> None:
    """Choose a fact or a node of that picture, or nothing."""
    st.session_state[f"{key}_chosen"] = chosen
