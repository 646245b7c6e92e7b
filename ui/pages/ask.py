"""Ask: a question in words, the answer, the walk that it rests on as a picture and in sentences, and what speaks for each fact.

The question stands in the address as ``?q=``, whether predicted facts are walked too as ``?predicted=1``, and which thing is meant by a
name that several bear as ``?means=``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import streamlit as st

from kgplatform.types import Entity, Evidence, Fact, FactKey
from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide, guide
from reasoning.paths.learning import Mark
from ui import ask_view, rows, shapes
from ui.connection import graph, size, state, wire
from ui.markdown import plain
from ui.pages import drawing, explore, frame, marking
from ui.pages.questions import examples

_PICTURE = "asked_graph"
_HEIGHT = 420
"""Pixels of the picture."""
SHOWN = 5
"""Walks, and answers, that are shown before somebody asks for more."""


def page() -> None:
    frame.style()
    address, facts = size()
    frame.about_graph(address, facts)
    if not facts:
        size.clear()
        frame.welcome()
        return
    left, right = st.columns([1.1, 1], gap="medium")
    with left, st.container(key="asking"), frame.told():
        _form()
        found = _found()
    with right, st.container(key="walk"), frame.told():
        if found:
            _picture(found)


# the question


def _form() -> None:
    if (asked := st.query_params.get("q", "")) != st.session_state.get("ask_link"):
        st.session_state["ask_link"] = st.session_state["question"] = asked
        st.session_state["ask_predicted"] = "predicted" in st.query_params
    st.text_input(
        "Question",
        key="question",
        placeholder="When was the discoverer of sodium born?",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=_typed,
    )
    st.checkbox("Walk over predicted facts too", key="ask_predicted", on_change=_typed)


def _typed() -> None:
    _ask(st.session_state["question"].strip())


def _ask(question: str, means: tuple[str, ...] = ()) -> None:
    """Put it into the address: what was opened of the last answer is closed."""
    predicted = st.session_state.get("ask_predicted", False)
    st.query_params.clear()
    drawing.choose(_PICTURE, None)
    st.session_state["ask_more"] = False
    st.session_state["ask_link"] = st.session_state["question"] = question
    if question:
        st.query_params["q"] = question
    if predicted:
        st.query_params["predicted"] = "1"
    if means:
        st.query_params["means"] = list(means)


@st.cache_resource(show_spinner="Reading the graph …", max_entries=2)
def _guide(state: int, predicted: bool) -> Guide:  # noqa: ARG001 - anew when the graph was written to
    return guide(graph(), wire().encoder, predicted=predicted)


@st.cache_resource(show_spinner=False, max_entries=2)
def _taught(state: int, predicted: bool, marks: tuple[Mark, ...]) -> Guide:
    return _guide(state, predicted).taught(marks)


def _found() -> Answer | None:
    """The answer, drawn; or, where nothing is asked yet, what could be."""
    asked = _taught(state(), "predicted" in st.query_params, tuple(wire().marks.read()))
    question = st.query_params.get("q", "")
    if not question:
        st.html(ask_view.WELCOME)
        with st.container(key="examples"):
            for one in examples(asked):
                st.button(plain(one), key=f"example-{one}", on_click=_ask, args=(one,), type="tertiary")
        return None
    means = tuple(st.query_params.get_all("means"))
    found = asked.answer(question, means)
    st.html(ask_view.answer(found))
    if found.supported:
        _answers(found)
        _walks(found)
    else:
        _instead(found, question, means)
    marking.show(asked, question, found)
    _besides(found)
    return found


# the answer


def _answers(found: Answer) -> None:
    """The things that were found, each a way into the graph."""
    things = list(dict.fromkeys(end for end in (*found.answers, *found.members) if isinstance(end, Entity)))
    shown = things if st.session_state.get("ask_more") else things[:SHOWN]
    with st.container(horizontal=True, gap="xsmall", key="answers"):
        for one in shown:
            st.page_link(explore.place(), label=plain(one.name), query_params={"q": one.id}, help="See it in the graph")
        if len(shown) < len(things):
            st.button(f"{len(things) - len(shown):,} more", key="more_answers", on_click=_more, type="tertiary")


def _more() -> None:
    st.session_state["ask_more"] = True


def _walks(found: Answer) -> None:
    paths = found.paths if st.session_state.get("ask_more") else found.paths[:SHOWN]
    told = _told([step.fact for path in paths for step in path.steps])
    if paths:
        st.html("<h4>The walk</h4>" + "".join(ask_view.walk(number, path, told) for number, path in enumerate(paths, 1)))
    if len(paths) < len(found.paths):
        st.button(f"{len(found.paths) - len(paths):,} more walks", key="more_walks", on_click=_more)


def _told(facts: Iterable[Fact]) -> dict[FactKey, Evidence]:
    """What best speaks for each fact."""
    found = graph().store.evidence_at({fact.key for fact in facts})
    return {key: piece for key, evidence in found.items() if (piece := shapes.strongest(evidence))}


def _instead(found: Answer, question: str, means: tuple[str, ...]) -> None:
    """What can be asked instead: which thing is meant, another name, or the thing itself in the graph."""
    with st.container(key="instead"):
        if found.choices:
            listed = [rows.of_entity(one) for one in found.choices]
            rows.show(listed, key="choices", on_pick=partial(_chosen, question, means))
        for name in found.near:
            if found.unknown:
                better = question.replace(found.unknown, name)
                st.button(plain(better), key=f"near-{name}", on_click=_ask, args=(better,), type="tertiary")
        if found.topic:
            st.page_link(explore.place(), label=plain(f"See {found.topic.name} in the graph"), query_params={"q": found.topic.id})


def _chosen(question: str, means: tuple[str, ...]) -> None:
    if entity := rows.picked(st.session_state["choices"]):
        _ask(question, (*means, entity))


def _besides(found: Answer) -> None:
    """What contradicts itself on the walk, and how the question could be read too."""
    if found.conflicts:
        st.html("<h4>Not all of this can be true</h4>")
        facts = dict.fromkeys(fact for group in found.conflicts for fact in group)
        rows.show([rows.of_fact(fact) for fact in facts], key="conflicting", on_pick=partial(_picked_row, "conflicting"))
    if found.alternatives:
        with st.expander("It could also be read as", key="alternatives"):
            st.html(ask_view.alternatives(found.alternatives))


# the walk, drawn


def _picture(found: Answer) -> None:
    """All walks in one picture; what speaks for the fact in it that was clicked on stands below."""
    facts = {step.fact.key: step.fact for path in found.paths for step in path.steps}
    facts |= {fact.key: fact for group in found.conflicts for fact in group}
    if not facts:
        return
    centre = found.topic.id if found.topic else next(iter(facts.values())).head.id
    drawing.show(list(facts.values()), centre, [one.id for one in found.entities], key=_PICTURE, height=_HEIGHT)


def _picked_row(key: str) -> None:
    if chosen := rows.picked(st.session_state[key]):
        drawing.choose(_PICTURE, ("fact", chosen))
