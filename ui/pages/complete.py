"""Complete: what a graph model takes to be missing, and what does not fit the graph, with reasons, for a person to judge.

A worker does both; the page looks every other second while one goes on. Which job is opened stands in the address, as ``?job=``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from kgplatform.errors import KgError
from kgplatform.jobs import Job, Ledger
from kgplatform.types import FactKey
from ui import completion_view, shapes
from ui.connection import graph, size, wire
from ui.markdown import plain
from ui.pages import frame, opened_job
from ui.tasks import complete as completing
from ui.tasks import denoise as denoising
from ui.wire import place

KINDS = ("complete", "denoise")
_SHOWN = 50
_LOOK = re.compile(r"epoch \d+ of \d+: MRR ([\d.]+)")


def page() -> None:
    frame.style()
    frame.about_graph(place(wire().settings))
    frame.reviewer()
    left, right = st.columns([1, 1.5], gap="medium")
    with left, st.container(key="asking"):
        try:
            _forms()
        except KgError as error:
            st.error(plain(error))
    with right, st.container(key="completed"):
        opened_job.follow(_opened, _listed)


def _forms() -> None:
    from reasoning.models.registry import MODELS

    st.html("<h4>What is missing</h4>")
    with st.form("complete", border=False):
        st.selectbox("Graph model", ["auto", *MODELS], index=1 + list(MODELS).index(completing.MODEL), key="complete_model")
        st.selectbox("Relation", sorted(graph().relations()), index=None, key="complete_relation", placeholder="All relations")
        st.number_input("At most so many", 1, 10_000, completing.TOP, key="complete_top")
        st.form_submit_button("Predict", type="primary", on_click=_submit, args=("complete",))
    st.html("<h4>What does not fit</h4>")
    with st.form("denoise", border=False):
        st.number_input("At most so many", 1, 10_000, denoising.TOP, key="denoise_top")
        st.checkbox("Lower belief in them", key="denoise_apply", help="kg forget takes it back")
        st.form_submit_button("Look", on_click=_submit, args=("denoise",))
    frame.problem("complete")


def _submit(kind: str) -> None:
    frame.attempt("complete", lambda: _make(kind))


def _make(kind: str) -> None:
    state, here = st.session_state, wire()
    if kind == "complete":
        arguments = completing.arguments(state["complete_relation"], model=state["complete_model"], top=state["complete_top"])
    else:
        arguments = denoising.arguments(top=state["denoise_top"], apply=state["denoise_apply"])
    opened_job.open(here.runner().submit(here.task(kind, arguments)).id)


def _listed(ledger: Ledger) -> None:
    if not opened_job.listing(ledger, KINDS):
        st.html(
            '<div class="welcome"><h2>Nothing has been predicted yet</h2>'
            "<p>A graph model learns the facts that are there, and says which are probably missing, and what speaks for each. "
            "Or the graph is asked which of its facts do not fit the others.</p><p>A worker does it: <code>kg worker</code></p></div>"
        )


def _opened(ledger: Ledger, job: Job) -> None:
    opened_job.head(job, ledger, "complete")
    if job.task.kind not in KINDS:
        st.error(plain(f"job {job.id} ({job.task.kind}) neither completes nor denoises: see it under Jobs"))
        return
    if looks := [float(found[1]) for one in ledger.tail(job.id) if (found := _LOOK.search(one.text))]:
        st.html(completion_view.curve(looks))
    if job.state == "done" and job.result:
        _predictions(job.result) if job.task.kind == "complete" else _suspects(job.result)


def _predictions(result: Mapping[str, Any]) -> None:
    if result["note"]:
        st.html(f'<div class="small">{escape(result["note"])}</div>')
    if result.get("start"):
        st.html(f'<div class="small">not learned anew: it went on from {escape(result["start"])}</div>')
    if result["held_out"]:
        known = f"told {result['held_out']:,} held-out facts from others with an AUC of {result['auc']:.2f}"
        st.html(f'<div class="knows">{result["model"].partition("@")[0]} {known}</div>')
        with st.expander("How well each relation is known"):
            st.html(completion_view.quality(result["relations"]))
    with st.container(key="candidates"):
        _entries([(one, one["confidence"], one["rules"]) for one in result["predictions"]])


def _suspects(result: Mapping[str, Any]) -> None:
    if result.get("note"):
        st.html(f'<div class="doubt">{escape(result["note"])}</div>')
        return
    st.html(f'<div class="knows">about {result["wrong"]:.1%} of {result["facts"]:,} facts do not fit the others</div>')
    if result["applied"]:
        st.html(f'<div class="small">belief in these is lowered; <code>kg forget {escape(result["source"])}</code> takes it back</div>')
    with st.container(key="candidates"):
        _entries([(one, one["probability_wrong"], one["reasons"]) for one in result["suspects"]])


def _entries(listed: list[tuple[Mapping[str, Any], float, list[str]]]) -> None:
    frame.problem("judged")
    shown = listed[: st.session_state.setdefault("complete_shown", _SHOWN)]
    there = graph().facts_at([FactKey(one["key"]) for one, _, _ in shown])
    for one, share, reasons in shown:
        fact = there.get(FactKey(one["key"]))
        with frame.row(f"candidate-{one['key']}"):
            st.html(completion_view.entry(one, share, reasons, shapes.fact(fact) if fact else None))
            for label, done in (("Accept", "accepted"), ("Reject", "rejected")):
                st.button(
                    label,
                    width=frame.BUTTON,
                    key=f"{done}-{one['key']}",
                    disabled=fact is None or fact.verdict == done,
                    on_click=_judge,
                    args=(one["key"], done),
                )
    if len(shown) < len(listed):
        st.button("More", key="more", on_click=_more)


def _more() -> None:
    st.session_state["complete_shown"] += _SHOWN


def _judge(key: str, verdict: str) -> None:
    by = st.session_state["reviewer"]
    frame.attempt("judged", lambda: graph().accept(key, by=by) if verdict == "accepted" else graph().reject(key, by=by))
    size.clear()
