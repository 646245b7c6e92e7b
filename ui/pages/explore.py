"""Explore: search, a graph whose nodes and edges can be clicked, and the evidence for every fact.

What a person has chosen lies in the session (``Choice``) and, as ``?q=``, in the address. A run of the
page reads all it needs from the graph first and draws after, so a lost connection shows nothing by half.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from kgplatform.errors import KgError, NotFound
from kgplatform.explanation import Explanation
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Entity, Fact, Hit, in_words
from ui import evidence, graph_view, rows
from ui.connection import graph, size
from ui.graph_view import Picture
from ui.markdown import plain
from ui.neighbourhood import DRAWN, Filters, Neighbourhood, around
from ui.pages import filters, frame, related
from ui.pages.choice import (
    Choice,
    close_fact,
    current,
    follow_link,
    go,
    go_to_hit,
    review,
    select,
    select_in_picture,
    select_in_table,
    select_row,
)

_TABLE_HEIGHT = 640
_PANEL_HEIGHT = 790


@dataclass(frozen=True, slots=True)
class View:
    """All that one run draws, read from the graph at once."""

    shown: Neighbourhood
    hits: list[Hit]
    node: Entity | None = None
    about: Neighbourhood = field(default_factory=Neighbourhood)
    explanation: Explanation | None = None


def page() -> None:
    frame.style()
    try:
        _page(current())
    except KgError as error:
        st.error(plain(error))


def _page(choice: Choice) -> None:
    address, facts = size()
    if facts == 0:
        size.clear()
        frame.about_graph(address, facts)
        frame.welcome()
        return
    follow_link(choice)
    view = _read(graph(), choice, filters.chosen(), st.session_state.get("words", ""))
    filters.sidebar(address, facts, view.shown)
    if choice.problem:
        st.error(plain(choice.problem))
        choice.problem = ""
    left, right = st.columns([1.75, 1], gap="medium")
    with left:
        _search(view)
        _pictures(choice, view)
    with right, st.container(height=_PANEL_HEIGHT, border=True, key="panel"):
        _panel(choice, view)


# reading


def _read(kg: KnowledgeGraph, choice: Choice, wanted: Filters, words: str) -> View:
    explanation = _explained(kg, choice)
    shown = around(kg, choice.opened, wanted)
    node = kg.store.entities([choice.node]).get(choice.node) if choice.node else None
    about = around(kg, [node.id], wanted) if node else Neighbourhood()
    return View(shown, kg.search(words, limit=8) if words.strip() else [], node, about, explanation)


def _explained(kg: KnowledgeGraph, choice: Choice) -> Explanation | None:
    """A fact may have gone since it was chosen; then the panel shows its entity again."""
    if choice.fact is None:
        return None
    try:
        explanation = kg.explain(choice.fact)
    except NotFound as error:
        choice.fact, choice.problem = None, str(error)
        return None
    head, tail = explanation.fact.head, explanation.fact.tail
    if choice.node not in (head.id, tail.id if isinstance(tail, Entity) else None):
        choice.node = head.id
    return explanation


# drawing


def _search(view: View) -> None:
    st.text_input(
        "Search", key="words", placeholder="Search for a person, a place, a thing …", icon=":material/search:", label_visibility="collapsed"
    )
    if view.hits:
        rows.show([rows.of_entity(hit.entity) for hit in view.hits], key="hits", on_pick=go_to_hit)
    elif st.session_state.get("words", "").strip():
        st.info("Nothing in this graph has a name like that.")


def _pictures(choice: Choice, view: View) -> None:
    graph, table = st.tabs([":material/hub: Graph", ":material/table_rows: Table"])
    with graph:
        if not view.shown.facts:
            st.info("No fact here passes the filters on the left.")
        elif choice.centre:
            picture = Picture(view.shown.facts, choice.centre, choice.opened, choice.node, choice.fact)
            graph_view.draw(picture, key="graph", on_pick=select_in_picture)
            st.html(graph_view.legend(view.shown.facts))
    with table:
        _table(view.shown)
    if view.shown.cut:
        st.caption(f"Only the {DRAWN} most believed facts are shown: the filters on the left bring out others.")


def _table(shown: Neighbourhood) -> None:
    facts = shown.facts
    columns = {
        "head": [fact.head.name for fact in facts],
        "relation": [fact.relation for fact in facts],
        "tail": [in_words(fact.tail) for fact in facts],
        "confidence": [fact.confidence * 100 for fact in facts],
        "origin": [", ".join(fact.origin) for fact in facts],
        "status": [graph_view.standing(fact) for fact in facts],
    }
    st.dataframe(
        columns,
        key="table",
        height=min(_TABLE_HEIGHT, 35 * (len(facts) + 1) + 3),
        hide_index=True,
        column_config={
            "confidence": st.column_config.ProgressColumn(format="%.1f %%", min_value=0, max_value=100, width="small"),
            "origin": st.column_config.TextColumn(width="small"),
            "status": st.column_config.TextColumn(width="small"),
        },
        on_select=partial(select_in_table, [fact.key for fact in facts]),
        selection_mode="single-row",
    )


def _panel(choice: Choice, view: View) -> None:
    if view.explanation:
        _fact_panel(view.explanation, view.node)
    elif view.node:
        _entity_panel(choice, view.node, view.about)
    else:
        st.html('<div class="small">Click a node or a line of the graph to see what is known and why.</div>')


def _entity_panel(choice: Choice, entity: Entity, about: Neighbourhood) -> None:
    st.html(evidence.portrait(entity))
    expand, centre = st.columns(2)
    expand.button(
        "Expand",
        icon=":material/account_tree:",
        width="stretch",
        disabled=entity.id in choice.opened,
        on_click=select,
        args=("expand", entity.id),
        help="Add the facts around it to the graph (or double-click it there)",
    )
    centre.button(
        "Centre here",
        icon=":material/center_focus_strong:",
        width="stretch",
        disabled=entity.id == choice.centre,
        on_click=go,
        args=(entity.id,),
    )
    count = f"{DRAWN}+" if about.cut else str(len(about.facts))
    st.html(f"<h4>Facts <span class='small'>{count}</span></h4>")
    by_relation = sorted(about.facts[:DRAWN], key=lambda fact: (fact.head.id != entity.id, fact.relation, -fact.confidence))
    rows.show([rows.of_fact(fact, entity.id) for fact in by_relation], key="facts", on_pick=partial(select_row, "facts"))


def _fact_panel(explanation: Explanation, node: Entity | None) -> None:
    fact = explanation.fact
    back = plain(node.name if node else "the graph")
    st.button(f"Back to {back}", icon=":material/arrow_back:", type="tertiary", on_click=close_fact)
    st.html(evidence.statement(fact))
    _verdict(fact)
    related.show(explanation, partial(select, "fact"))
    st.html(evidence.why(explanation) + evidence.history(explanation))


def _verdict(fact: Fact) -> None:
    accept, reject = st.columns(2)
    accept.button(
        "Accept", icon=":material/check:", width="stretch", disabled=fact.verdict == "accepted", on_click=review, args=(fact.key, True)
    )
    reject.button(
        "Reject", icon=":material/close:", width="stretch", disabled=fact.verdict == "rejected", on_click=review, args=(fact.key, False)
    )
    st.text_input("Reason", key="why", placeholder="Reason for a rejection (optional)", label_visibility="collapsed")


def place() -> st.Page:
    """Where this page is, for the navigation and for links; made anew for every run, which Streamlit marks in it."""
    return st.Page(page, title="Explore", icon=":material/hub:", url_path="explore")
