"""Recommend: what a user, or who has some items, might like, and why.

For whom stands in the address, as ``?user=`` and ``?item=``, whose reasons are shown as ``?why=``. A worker learns; the job that is
followed is ``?job=``.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from kgplatform.types import EntityId
from reasoning.recommend.answer import Recommended, Wanted
from reasoning.recommend.beside import Beside
from reasoning.recommend.interactions import Ints
from reasoning.recommend.served import TOP
from ui import recommend_view, rows
from ui.connection import graph, wire
from ui.counter import Counter, counter
from ui.graph_view import colour
from ui.pages import frame, recommender, whom, why
from ui.rows import Row
from ui.wire import place

_MOST, _NAMED = 200, 4
"""Items that can be asked for; items that somebody has and that are named."""
_BAR = "#4263eb"


def page() -> None:
    frame.style()
    frame.about_graph(place(wire().settings))
    with frame.told():
        _page(wire().beside)


def _page(beside: Beside) -> None:
    if not beside:
        st.html(recommend_view.NOTHING)
        return
    written = beside.written
    desk = counter(written)
    asked = whom.asked()
    left, middle, right = st.columns([0.85, 1.15, 1.3], gap="medium")
    with left, st.container(key="asking"), frame.told():
        whom.form(asked, desk)
        wanted = _wanted()
        recommender.show(beside, written, desk)
    with middle, st.container(key="recommended"), frame.told():
        if st.query_params.get("job"):
            recommender.follow()
        elif not desk.desk.learned:
            st.html(recommend_view.UNLEARNED)
        elif not any(asked):
            st.html(recommend_view.NOBODY)
        else:
            items = np.array(whom.have(written, asked, desk), dtype=np.int64)
            found = _answer(desk, asked, items, wanted)
            with right, st.container(key="why"), frame.told():
                why.show(desk, items, found)


def _wanted() -> Wanted:
    """What a person wants of the items."""
    with st.container(key="wanted"):
        diversity = st.slider("Unlike each other", 0.0, 1.0, 0.0, 0.1, key="wanted_diversity")
        popularity = st.slider(
            "Popular", -1.0, 1.0, 0.0, 0.1, key="wanted_popularity", help="Left: rather what few took; right: what many did"
        )
        where = st.text_input(
            "Condition", key="wanted_where", placeholder="item.name STARTS WITH 'A'", help="What must hold of the entity  item,  in Cypher"
        )
        top = st.number_input("At most so many", 1, _MOST, TOP, key="wanted_top")
    return Wanted(int(top), diversity, popularity, where.strip())


def _answer(desk: Counter, asked: whom.Whom, items: Ints, wanted: Wanted) -> list[Recommended]:
    names = [desk.desk.called(desk.desk.items.ids[item]) for item in items[:_NAMED].tolist()]
    st.html(recommend_view.heading(asked.user or "somebody", names, len(items) - len(names)))
    found = desk.desk.recommend(items, wanted)
    if not found:
        st.html('<div class="small">There is nothing to recommend: they have all items, or the condition holds of none.</div>')
    rows.show(_rows(found), key="recommendations", on_pick=_picked, chosen=st.query_params.get(whom.WHY, ""))
    return found


def _rows(found: list[Recommended]) -> list[Row]:
    """With the score of each as a share of the best, or from the worst on where that is below 0."""
    scores = [one.score for one in found]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    low = min(0.0, low)
    there = graph().store.entities([EntityId(one.entity) for one in found if one.entity])
    listed = []
    for one in found:
        entity = there.get(EntityId(one.entity))
        share = (one.score - low) / (high - low) if high > low else 1.0
        link = recommend_view.explore(entity.id) if entity else ""
        shade = colour(entity.kinds[0]) if entity and entity.kinds else _BAR
        note = f"taken by {one.taken_by:,}"
        listed.append(Row(one.item, one.name or one.item, note=note, share=share, colour=shade, rank=str(one.rank), link=link))
    return listed


def _picked() -> None:
    if item := rows.picked(st.session_state["recommendations"]):
        st.query_params[whom.WHY] = item
