"""What is beside the graph, read once for all visitors of a page server, and anew when its files are.

``written`` is always ``Beside.written``, as a run of the page has found it.
"""

from __future__ import annotations

from functools import cached_property

import streamlit as st

from reasoning.recommend.answer import Desk
from reasoning.recommend.finding import Finder
from reasoning.recommend.health import Health
from reasoning.recommend.why import Explainer
from ui.connection import graph, wire

Written = tuple[int, ...]


class Counter:
    """Where recommendations are asked for, reasons are told, and items are looked up."""

    def __init__(self) -> None:
        self.desk = Desk(wire().beside, graph)
        self.explainer = Explainer(self.desk, graph)

    @cached_property
    def finder(self) -> Finder:
        return Finder(self.desk.items)


@st.cache_resource(max_entries=2, show_spinner="Reading what was learned …")
def counter(written: Written) -> Counter:
    """The one for the files as they are."""
    del written
    return Counter()


@st.cache_data(max_entries=2, show_spinner="Looking at who took what …")
def health(written: Written) -> Health:
    """Of the interactions as they are. Raises ``NotFound``, ``BadFile``."""
    del written
    return Health.of(wire().beside.read())


@st.cache_data(max_entries=500, show_spinner=False)
def taken(written: Written, user: str) -> list[int]:
    """The items of a user, by their numbers. Raises ``NotFound`` for a user without any."""
    items = counter(written).desk.taken(user)
    return [int(item) for item in items]
