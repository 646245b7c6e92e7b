"""The one graph that all visitors of a page server share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from kgplatform import settings
from kgplatform.errors import StoreRefused, StoreUnreachable
from kgplatform.graph import KnowledgeGraph
from kgplatform.opening import connect

Answer = TypeVar("Answer")


@st.cache_resource(show_spinner="Opening the graph …")
def graph() -> KnowledgeGraph:
    """Opened at the first visit, by the settings of this process."""
    return connect(settings=settings.load())


def ask(work: Callable[[KnowledgeGraph], Answer]) -> Answer:
    """``work`` done on the graph; once more on a new connection when the server has gone away.

    The local server stops when nobody uses it, and comes back on another port. What is written twice by
    that is the same evidence, which changes nothing.
    """
    try:
        return work(graph())
    except (StoreUnreachable, StoreRefused):
        graph.clear()
        return work(graph())


@st.cache_data(ttl=5, show_spinner=False)
def size() -> tuple[str, int]:
    """Which graph this is, and how many facts of any status it holds."""
    return ask(lambda kg: (kg.store.address, len(kg.facts(status="all"))))
