"""Expand: a chat model answers a question, and the graph that its answers make asks the next ones.

A worker does it; the page looks every other second. Which run is opened stands in the address, as ``?job=``.
"""

from __future__ import annotations

import inspect

import streamlit as st

from harvest.expand import STRATEGIES
from kgplatform.lm import weights
from kgplatform.lm.modelcards import cards
from ui.connection import wire
from ui.expansions import KIND
from ui.markdown import plain
from ui.pages import expanded, frame, opened_job
from ui.tasks import harvest_expand
from ui.wire import place


def page() -> None:
    frame.style()
    frame.about_graph(place(wire().settings))
    left, right = st.columns([1, 2], gap="medium")
    with left, st.container(key="asking"), frame.told():
        _form()
    with right, st.container(key="expanded"):
        expanded.show()


def _form() -> None:
    with st.form("expand", border=False):
        st.text_area("First question", key="expand_question", placeholder="What makes silk strong?", height=80, max_chars=1_000)
        st.selectbox(
            "Chat model",
            chat_models(),
            key="expand_chat",
            placeholder="openai:MODEL, local:FILE.gguf …",
            accept_new_options=True,
            help="One that is not listed can be written",
        )
        st.radio(
            "What to ask next",
            list(STRATEGIES),
            index=list(STRATEGIES).index(harvest_expand.STRATEGY),
            captions=[plain((inspect.getdoc(one) or "").partition("\n")[0]) for one in STRATEGIES.values()],
            key="expand_strategy",
        )
        st.number_input("Questions at a time", 1, 64, harvest_expand.FAN_OUT, key="expand_fan_out")
        expanded.limits("expand", {"iterations": harvest_expand.ITERATIONS})
        st.form_submit_button("Expand", type="primary", on_click=_submit)
    frame.problem("expand")


def chat_models() -> list[str]:
    """The one that is configured, then those that are on this machine: what can do nothing but chat is better at it."""
    settings = wire().settings
    here = [card for card in cards().values() if card.chats and weights.present(card.name, settings.home)]
    local = [f"local:{card.name}" for card in sorted(here, key=lambda card: card.role != "chat")]
    return list(dict.fromkeys(filter(None, (settings["KG_CHAT_MODEL"], *local))))


def _submit() -> None:
    frame.attempt("expand", _make)


def _make() -> None:
    state, here = st.session_state, wire()
    chat = state["expand_chat"] or ""
    arguments = harvest_expand.arguments(
        state["expand_question"].strip(),
        strategy=state["expand_strategy"],
        fan_out=state["expand_fan_out"],
        chat=chat,
        limits=expanded.limited("expand"),
    )
    harvest_expand.check_models(here.settings, arguments)
    opened_job.open(here.runner().submit(here.task(KIND, arguments)).id)
