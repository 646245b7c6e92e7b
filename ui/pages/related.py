"""The facts that a fact is tied to: what contradicts it, what a prediction rests on, what was derived from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from kgplatform.explanation import Explanation
from kgplatform.types import FactKey
from ui import rows


def show(explanation: Explanation, on_pick: Callable[[FactKey], None]) -> None:
    """A list of rows for each that there is; ``on_pick`` is called with the fact that a person chooses."""
    lists = {
        "In conflict with": [rows.of_conflict(conflict) for conflict in explanation.conflicts],
        "Rests on": [rows.of_fact(fact) for fact in explanation.support],
        "Derived from it": [rows.of_fact(fact) for fact in explanation.derived],
    }
    for title, listed in lists.items():
        if listed:
            st.html(f"<h4>{title}</h4>")
            rows.show(listed, key=title, on_pick=partial(_picked, title, on_pick))


def _picked(key: str, on_pick: Callable[[FactKey], None]) -> None:
    if chosen := rows.picked(st.session_state[key]):
        on_pick(FactKey(chosen))
