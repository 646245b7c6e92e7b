"""The one graph, and the one ledger of jobs, that all visitors of a page server share."""

from __future__ import annotations

import streamlit as st

from kgplatform import settings
from kgplatform.graph import KnowledgeGraph
from ui.watch import Watch
from ui.wire import Wire


@st.cache_resource(show_spinner=False)
def wire() -> Wire:
    """By the settings of this process."""
    return Wire(settings.load())


@st.cache_resource(show_spinner="Opening the graph …")
def graph() -> KnowledgeGraph:
    """Opened at the first visit."""
    return wire().graph


@st.cache_data(ttl=5, show_spinner=False)
def size() -> tuple[str, int]:
    """Which graph this is, and how many facts of any status it holds."""
    kg = graph()
    return kg.store.address, len(kg.facts(status="all"))


@st.cache_resource(show_spinner=False)
def _watch() -> Watch:
    return Watch(graph())


def state() -> int:
    """A number that is another one after the graph was written to, by whomever."""
    return _watch().state()
