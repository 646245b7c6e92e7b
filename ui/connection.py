"""The one graph, and the one ledger of jobs, that all visitors of a page server share."""

from __future__ import annotations

import threading

import streamlit as st

from kgplatform import settings
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Change
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


class _Watch:
    """What was written to the graph, so that what was made from it before is made anew."""

    def __init__(self, kg: KnowledgeGraph) -> None:
        self._kg, self._lock, self._state = kg, threading.Lock(), 0
        self._since = kg.store.now()
        self._seen = self._recent()

    def _recent(self) -> set[Change]:
        """Some come again: what was still being written when one looked last must not be missed."""
        return set(self._kg.changes(self._since))

    def state(self) -> int:
        with self._lock:
            if found := self._recent() - self._seen:
                self._state += 1
                self._since = max(self._since, *(change.time for change in found))
                self._seen = self._recent()
            return self._state


@st.cache_resource(show_spinner=False)
def _watch() -> _Watch:
    return _Watch(graph())


def state() -> int:
    """A number that is another one after the graph was written to, by whomever."""
    return _watch().state()
