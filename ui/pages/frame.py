"""What all pages have in common: the style, which graph this is, who is reviewing, what an empty graph shows, what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from html import escape
from importlib.resources import files

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kgplatform.errors import KgError
from kgplatform.jobs import Ledger
from ui.connection import wire
from ui.markdown import plain
from ui.neighbourhood import Filters

BUTTON = 90
"""Pixels of a button in a row."""
_KEPT: dict[str, object] = {
    "reviewer": "me",
    "relations": [],
    "origins": [],
    "status": list(Filters().statuses),
    "confidence": 0,
    "judged": "Facts",
    "pairs_meaning": False,
    "queue_relation": None,
    "queue_origins": [],
}
"""What a person has set, by the widget's key, with what stands there at first."""


def keep() -> None:
    """Keep what a person has set when they go to another page; Streamlit forgets widgets that are not drawn."""
    for key, first in _KEPT.items():
        st.session_state[key] = st.session_state.get(key, first)


def style() -> None:
    st.html(f"<style>{(files('ui') / 'page.css').read_text('utf-8')}</style>")


def about_graph(address: str, facts: int | None = None) -> None:
    """Which graph this is, and where it is opened how much it holds, in the sidebar."""
    number = "" if facts is None else f"<br>{facts:,} fact{'' if facts == 1 else 's'}"
    st.sidebar.html(f'<div class="brand">Knowledge graph</div><div class="small graph">{escape(address)}{number}</div>')


def reviewer() -> None:
    """Who judges: the name stands with every verdict."""
    st.sidebar.text_input("You review as", key="reviewer", max_chars=80)


def welcome() -> None:
    st.html(
        '<div class="welcome"><h2>This graph is still empty</h2><p>Fill it with one of these commands, then load this page again:</p>'
        "<p><code>kg demo</code> the texts that come with the project</p>"
        "<p><code>kg import FILE</code> facts that you have</p>"
        "<p><code>kg harvest documents PATH</code> texts of your own</p></div>"
    )


def row(key: str) -> DeltaGenerator:
    """A line of a list, with buttons at its end that keep their place when the words change, or a click would miss."""
    return st.container(horizontal=True, vertical_alignment="top", key=key)


def attempt(where: str, do: Callable[[], object]) -> None:
    """Do what a person asked for; why it could not be done is kept for ``problem``, until they ask for something else."""
    st.session_state[f"{where}_problem"] = ""
    try:
        do()
    except KgError as error:
        st.session_state[f"{where}_problem"] = str(error)


def problem(where: str) -> None:
    """Say why the last thing that was asked for could not be done."""
    if why := st.session_state.get(f"{where}_problem"):
        st.error(plain(why))


@contextmanager
def told() -> Iterator[None]:
    """What cannot be done in this part of a page is said there; the other parts stay."""
    try:
        yield
    except KgError as error:
        st.error(plain(error))


def from_ledger(draw: Callable[[Ledger], None]) -> Callable[[], None]:
    """Draw from the ledger, and say so where it cannot be read."""

    @wraps(draw)
    def drawn() -> None:
        with told():
            draw(wire().ledger)

    return drawn
