"""What a person has opened and selected on Explore, and what each click does to it.

Every function here that a click calls runs before the page is drawn anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from kgplatform.errors import Ambiguous, KgError, NotFound
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import EntityId, FactKey
from ui import graph_view, rows
from ui.connection import graph
from ui.neighbourhood import liveliest, short_name

_SAMPLE = 300


@dataclass(slots=True)
class Choice:
    """What a person has opened and selected; lives as long as the browser's tab."""

    link: str | None = None
    centre: EntityId | None = None
    opened: list[EntityId] = field(default_factory=list)
    node: EntityId | None = None
    fact: FactKey | None = None
    problem: str = ""

    def go(self, entity: EntityId) -> None:
        """Begin anew around this entity."""
        self.centre = self.node = entity
        self.opened, self.fact = [entity], None


def current() -> Choice:
    choice: Choice = st.session_state.setdefault("explore", Choice())
    return choice


def follow_link(choice: Choice) -> None:
    """Go where ``?q=`` points, to the fact of ``?fact=`` if it names one, once for each link; without one, to where most is happening."""
    link, fact = st.query_params.get("q"), st.query_params.get("fact")
    if link and link != choice.link:
        choice.link = link
        try:
            choice.go(graph().entity(link).id)
            choice.fact = FactKey(fact) if fact else None
        except (NotFound, Ambiguous) as error:
            choice.problem = str(error)
            st.session_state["words"] = link
    if choice.centre is None and (start := _beginning(graph())):
        choice.go(start)


def _beginning(kg: KnowledgeGraph) -> EntityId | None:
    return liveliest(kg.facts(limit=_SAMPLE)) or liveliest(kg.facts(status="all", limit=_SAMPLE))


def go(entity: str) -> None:
    """Centre the graph on an entity and put it into the address."""
    choice = current()
    try:
        found = graph().entity(entity)
        choice.link = short_name(graph(), found)
    except KgError as error:
        choice.problem = str(error)
        return
    choice.go(found.id)
    st.query_params.pop("fact", None)
    st.query_params["q"] = choice.link
    st.session_state["words"] = ""


def go_to_hit() -> None:
    if entity := rows.picked(st.session_state["hits"]):
        go(entity)


def select(what: str, chosen: str) -> None:
    choice = current()
    match what:
        case "node":
            choice.node, choice.fact = EntityId(chosen), None
        case "expand":
            choice.node, choice.fact = EntityId(chosen), None
            if choice.node not in choice.opened:
                choice.opened.append(choice.node)
        case "fact" if chosen != choice.fact:
            choice.fact = FactKey(chosen)
            st.session_state["why"] = ""


def select_in_picture() -> None:
    select(*graph_view.picked(st.session_state["graph"]))


def select_row(key: str) -> None:
    if chosen := rows.picked(st.session_state[key]):
        select("fact", chosen)


def select_in_table(keys: list[FactKey]) -> None:
    if lines := st.session_state["table"].selection.rows:
        select("fact", keys[lines[0]])


def close_fact() -> None:
    current().fact = None


def review(key: FactKey, accept: bool) -> None:
    by, why = st.session_state.get("reviewer", "me"), st.session_state.get("why", "")
    try:
        if accept:
            graph().accept(key, by=by)
        else:
            graph().reject(key, by=by, why=why)
        st.session_state["why"] = ""
    except KgError as error:
        current().problem = str(error)
