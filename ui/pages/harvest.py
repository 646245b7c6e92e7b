"""Harvest: a relation is asked out of a language model's memory, and what it knows is looked at before it goes into the graph.

A worker does it; the page looks every other second. Which harvest is opened stands in the address, as ``?job=``.
"""

from __future__ import annotations

import streamlit as st

from kgplatform.errors import KgError
from ui.connection import wire
from ui.markdown import plain
from ui.pages import frame, harvest_card, harvested
from ui.wire import place


def page() -> None:
    frame.style()
    frame.about_graph(place(wire().settings))
    frame.reviewer()
    left, right = st.columns([1, 1.5], gap="medium")
    with left, st.container(key="asking"):
        try:
            harvest_card.form()
        except KgError as error:
            st.error(plain(error))
    with right, st.container(key="harvested"):
        harvested.show()
