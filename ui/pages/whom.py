"""For whom something is recommended: a user, items that somebody has, or both. Both stand in the address, as ``?user=`` and ``?item=``."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from kgplatform.errors import NotFound
from reasoning.recommend.beside import Beside
from reasoning.recommend.finding import MOST
from ui import rows
from ui.connection import wire
from ui.counter import Counter, Written, taken
from ui.markdown import plain
from ui.pages import frame
from ui.rows import Row

WHY = "why"
"""What stands in the address for the item whose reasons are shown."""


class Whom(NamedTuple):
    """A user, who may be nobody, and items besides what that user took."""

    user: str
    items: list[str]


def asked() -> Whom:
    """As the address says."""
    return Whom(st.query_params.get("user", ""), st.query_params.get_all("item"))


def have(written: Written, whom: Whom, counter: Counter) -> tuple[int, ...]:
    """The items that they have, by their numbers. Raises ``NotFound``, ``Ambiguous``."""
    if whom.user and wire().beside.users(whom.user, 1) != [whom.user]:
        raise NotFound(f"no interaction is of a user called {whom.user[:80]!r}")
    of_user = taken(written, whom.user) if whom.user else []
    return tuple(sorted({*of_user, *map(int, counter.desk.basket(whom.items))}))


def form(whom: Whom, counter: Counter) -> None:
    """A field for the user, with those whose ids begin like what was typed; one for items, with those that were chosen."""
    state = st.session_state
    if "whom_user" not in state or state.get("whom_link") != whom.user:
        state["whom_user"] = state["whom_link"] = whom.user
    st.text_input("User", key="whom_user", placeholder="An id, or its beginning", on_change=_typed)
    _users(wire().beside, state["whom_user"].strip(), whom)
    st.text_input("Items that they have", key="whom_words", placeholder="An id, or a part of the name", icon=":material/search:")
    _found(counter, state["whom_words"], whom)
    with st.container(horizontal=True, gap="xsmall", key="basket"):
        for item in dict.fromkeys(whom.items):
            label = plain(counter.desk.called(item))
            st.button(label, icon=":material/close:", key=f"drop-{item}", on_click=_items, args=(whom.items, "", item))
    frame.problem("whom")


def _users(beside: Beside, typed: str, whom: Whom) -> None:
    """Those that may be meant; a few where nobody has been named yet."""
    if typed == whom.user and any(whom):
        return
    found = beside.users(typed, MOST)
    if not found:
        st.html('<div class="small">No user has an id that begins like that.</div>')
    with st.container(horizontal=True, gap="xsmall", key="users"):
        for user in found:
            st.button(plain(user), key=f"user-{user}", on_click=_choose, args=(user,))


def _found(counter: Counter, words: str, whom: Whom) -> None:
    items = counter.desk.items
    found = [place for place in counter.finder.find(words) if items.ids[place] not in whom.items]
    if found:
        listed = [Row(items.ids[place], items.names[place] or items.ids[place], note=items.ids[place], colour="#b9c2cc") for place in found]
        rows.show(listed, key="found_items", on_pick=_picked)
    elif words.strip():
        st.html('<div class="small">No other item is called like that.</div>')


def _typed() -> None:
    """Who types a whole id means that user; else nobody is meant yet."""
    typed = st.session_state["whom_user"].strip()
    frame.attempt("whom", lambda: _choose(typed if typed and typed in wire().beside.users(typed, 1) else ""))


def _choose(user: str) -> None:
    st.session_state["whom_link"] = user
    _anew("user", user)
    if user:
        st.session_state["whom_user"] = user


def _picked() -> None:
    if item := rows.picked(st.session_state["found_items"]):
        st.session_state["whom_words"] = ""
        _items(asked().items, item)


def _items(before: list[str], more: str = "", less: str = "") -> None:
    _anew("item", [item for item in [*before, more] if item not in ("", less)])


def _anew(name: str, value: str | list[str]) -> None:
    """Ask for somebody else: what was opened of the former is closed."""
    for gone in (name, WHY, "job"):
        st.query_params.pop(gone, None)
    if value:
        st.query_params[name] = value
