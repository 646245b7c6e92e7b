"""Why an item is recommended: the ways through the graph that lead to it, as a picture and in sentences, and its rank without each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import streamlit as st

from kgplatform.errors import NotFound
from kgplatform.types import Entity, Evidence, Fact, FactKey
from reasoning.recommend.answer import Recommended
from reasoning.recommend.interactions import Ints
from reasoning.recommend.why import Why
from ui import evidence, graph_view, recommend_view, shapes
from ui.connection import graph
from ui.counter import Counter
from ui.graph_view import Picture
from ui.pages import whom

_HEIGHT = 380
"""Pixels of the picture."""


def show(counter: Counter, taken: Ints, found: list[Recommended]) -> None:
    """Of the item that the address names; until it names one, how to choose it. Raises ``NotFound`` for one that is none."""
    item = st.query_params.get(whom.WHY, "")
    if not item:
        if found:
            st.html('<div class="small">Choose an item to see what in the graph speaks for it.</div>')
        return
    if (place := counter.desk.items.ids.find(item)) < 0:
        raise NotFound(f"no item has the id {item[:80]!r}")
    ways = counter.explainer.why(taken, place)
    st.html(recommend_view.why_heading(counter.desk.called(item)))
    if not ways:
        st.html(recommend_view.UNLINKED if counter.explainer.knows else recommend_view.FORGOTTEN)
        return
    _draw(ways, item)
    told = _told([step.fact for one in ways for step in one.steps])
    listed = (recommend_view.why(one, rank, map(counter.desk.called, one.begins), told) for rank, one in enumerate(ways, 1))
    st.html("".join(listed))


def _draw(ways: list[Why], item: str) -> None:
    """All ways in one picture; what speaks for the fact in it that was clicked on stands below."""
    key, chosen = f"ways-{item}", st.session_state.get(f"fact-{item}")
    facts = {step.fact.key: step.fact for one in ways for step in (*one.steps, *one.beside)}
    goal, opened = ways[0].steps[-1].end, [start.id for one in ways if isinstance(start := one.steps[0].start, Entity)]
    if isinstance(goal, Entity):
        picture = Picture(list(facts.values()), goal.id, opened, fact=chosen)
        graph_view.draw(picture, key=key, on_pick=partial(_picked, key, item), height=_HEIGHT)
        st.html(graph_view.legend(picture.facts))
    if chosen in facts:
        explanation = graph().explain(chosen)
        st.html(evidence.statement(explanation.fact) + evidence.why(explanation))


def _picked(key: str, item: str) -> None:
    what, chosen = graph_view.picked(st.session_state[key])
    st.session_state[f"fact-{item}"] = FactKey(chosen) if what == "fact" else None


def _told(facts: Iterable[Fact]) -> dict[str, Evidence]:
    """What best speaks for each fact."""
    found = graph().store.evidence_at({fact.key for fact in facts})
    return {key: piece for key, evidence in found.items() if (piece := shapes.strongest(evidence))}
