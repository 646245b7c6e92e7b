"""Whether an answer is right, as a person says it: kept beside the graph where ``kg ask --right`` keeps it, and learned from."""

from __future__ import annotations

import streamlit as st

from kgplatform.errors import KgError, NotFound
from kgplatform.types import in_words
from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide
from ui import ask_view
from ui.connection import wire
from ui.markdown import plain
from ui.shapes import many

_NOTHING = ("", True, "", False)
"""Of which question something was said last, whether it was kept, what came of it, and whether another answer was said to be right."""


def show(asked: Guide, question: str, found: Answer) -> None:
    """Where one walk answers the question, or might: a word for right, and for wrong what is right instead. It is said once."""
    if not (found.route or found.alternatives):
        return
    marked, kept, said, instead = st.session_state.get("marked", _NOTHING)
    if marked == question and kept:
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="marks"):
            st.success(plain(said))
            st.button("Undo", key="unmark", icon=":material/undo:", on_click=_unmark, args=(question,), help="Forget what was said")
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="marks"):
        if found.supported:
            st.button("Right", key="right", icon=":material/check:", on_click=_mark, args=(asked, question), help="Learn from it")
        with st.popover("Wrong", icon=":material/close:"):
            st.caption("What is right instead?")
            for number, one in enumerate(found.alternatives):
                names = tuple(map(in_words, one.answers))
                st.button(plain(ask_view.listed(one.answers)), key=f"right-{number}", on_click=_mark, args=(asked, question, names))
            st.text_input("Another name", key="right_is", help="Several with ; between", on_change=_named, args=(asked, question))
            if marked == question and instead:
                st.error(plain(said))
    if marked == question and not instead:
        st.error(plain(said))


def _named(asked: Guide, question: str) -> None:
    names = tuple(name for part in st.session_state["right_is"].split(";") if (name := part.strip()))
    st.session_state["marked"] = _NOTHING
    if names:
        _mark(asked, question, names)


def _mark(asked: Guide, question: str, right: tuple[str, ...] = ()) -> None:
    """Keep the walks to what is right, or to the answer as it stands."""
    try:
        count = wire().marks.add(asked.mark(question, right))
        st.session_state["marked"] = question, True, f"Kept: {many(count, 'answer')} to learn from", bool(right)
    except KgError as error:
        st.session_state["marked"] = question, False, str(error), bool(right)


def _unmark(question: str) -> None:
    """Take back what was said, and let it be said anew."""
    st.session_state["marked"] = _NOTHING
    try:
        wire().marks.drop(question)
    except NotFound:
        pass  # somebody took it back meanwhile
    except KgError as error:
        st.session_state["marked"] = question, False, str(error), False
