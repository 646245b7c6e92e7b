"""The sidebar of Explore: which graph this is, what of it is shown, and who is reviewing."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from kgplatform.types import ORIGINS, Origin, Status
from ui.neighbourhood import Filters, Neighbourhood
from ui.pages import frame

_DEFAULT = Filters()
_STATUSES = tuple(status for status in get_args(Status) if status != "all")
_ORIGINS: tuple[Origin, ...] = tuple(dict.fromkeys(ORIGINS.values()))


def chosen() -> Filters:
    """The filters as the widgets stand; their values are known before they are drawn."""
    state = st.session_state
    return Filters(
        tuple(state.get("status", _DEFAULT.statuses)),
        tuple(state.get("relations", ())),
        tuple(state.get("origins", ())),
        # Rounded as it is shown: what reads 96 % passes 96 %.
        max(0.0, state.get("confidence", 0) - 0.5) / 100,
    )


def sidebar(address: str, facts: int, shown: Neighbourhood) -> None:
    """Draw it. Relations can be chosen that were seen in this session, with or without a card."""
    frame.about_graph(address, facts)
    seen: set[str] = st.session_state.setdefault("relations_seen", set())
    seen |= {fact.relation for fact in shown.facts}
    with st.sidebar:
        st.multiselect("Relation", sorted(seen), key="relations", placeholder="All relations")
        st.pills("Origin", _ORIGINS, key="origins", selection_mode="multi", help="Where a fact comes from; none chosen means all")
        st.pills("Status", _STATUSES, key="status", selection_mode="multi")
        st.slider("Confidence, at least", 0, 100, key="confidence", format="%d %%")
    frame.reviewer()
