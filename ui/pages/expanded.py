"""A run of an expansion while it grows and after: what it asks, the graph it makes, its shape; ended, gone on with, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from harvest.expand import ROUND
from kgplatform.analysis import dynamics
from kgplatform.jobs import Job, Ledger
from kgplatform.jobs.types import LIVE
from kgplatform.types import EntityId
from ui import expand_view, expansions, shapes
from ui.connection import graph, size, wire
from ui.expansions import KIND, Expansion
from ui.markdown import plain
from ui.neighbourhood import liveliest, newest
from ui.pages import curves, drawing, frame, opened_job
from ui.tasks import harvest_expand
from ui.wire import place

DRAWN = 150
"""Links that are drawn, the newest."""
_HEIGHT = 440
_MOST = 1_000_000
_LIMITS = {"iterations": "Rounds", "calls": "Questions", "minutes": "Minutes"}
"""Those that the page has a field for."""


def limits(where: str, first: Mapping[str, Any]) -> None:
    """Fields for where a run ends; ``limited`` reads them."""
    st.caption("End after")
    for column, (name, label) in zip(st.columns(len(_LIMITS)), _LIMITS.items(), strict=True):
        value = first.get(name)
        column.number_input(label, 1, _MOST, value and max(1, round(value)), key=f"{where}_{name}", placeholder="any")


def limited(where: str) -> dict[str, Any]:
    """The limits as they were given; ``None`` for none. Raises ``BadRequest``."""
    given = {name: st.session_state[f"{where}_{name}"] for name in _LIMITS}
    return dict.fromkeys(_LIMITS) | {"iterations": harvest_expand.ITERATIONS} | harvest_expand.limits(**given)


def show() -> None:
    """Draw the run that the address names, or those that there are."""
    opened_job.follow(_opened, _listed)


def _listed(ledger: Ledger) -> None:
    if runs := {job.run: job for job in reversed(opened_job.listing(ledger, (KIND,), _told))}:
        _compare(ledger, runs)
    else:
        st.html(
            '<div class="welcome"><h2>Nothing has been expanded yet</h2>'
            "<p>Ask a question on the left. A chat model answers it with a small graph, and what that graph lacks is asked next, "
            "round after round. All of it is proposed, until somebody accepts it or another source says so too.</p>"
            "<p>A worker does it: <code>kg worker</code></p></div>"
        )


def _compare(ledger: Ledger, runs: Mapping[str, Job]) -> None:
    """Runs that a person picks, side by side."""
    if len(runs) < 2:
        return
    chosen = st.multiselect("Compare runs", list(runs)[::-1], key="compared", placeholder="Two or more", max_selections=4)
    if len(chosen) > 1:
        found = [_read(ledger, runs[one]) for one in chosen]
        st.html(expand_view.comparison(expansions.compared(found, wire().expansions)))


def _read(ledger: Ledger, job: Job) -> Expansion:
    """What a job has come to. Only rounds that are new since the last look are read."""
    return Expansion(job, *opened_job.look(ledger, job, (ROUND,), expansions.read))


def _told(job: Job) -> tuple[str, str]:
    """What a run asked first, and which it is, with what it came to."""
    return str(job.task.arguments["question"]), expand_view.came(job.run, job.result if job.finished else {})


def _opened(ledger: Ledger, job: Job) -> None:
    ours = job.task.kind == KIND
    opened_job.head(job, ledger, "expand", str(job.task.arguments["question"]) if ours else "")
    if not ours:
        st.error(plain(f"job {job.id} ({job.task.kind}) is no expansion: see it under Jobs"))
        return
    found = _read(ledger, job)
    here = job.task.graph == place(wire().settings)
    with st.container():  # each keeps its place, whatever stands in the others
        if found.rounds:
            st.html(expand_view.summary(found.rounds, found.grown, str(job.result.get("ended", ""))))
        elif job.state in LIVE:
            st.html('<div class="small">No answer yet: what answers say is drawn, and what is asked next stands below.</div>')
        if not here:
            st.error(plain(f"this run is of the graph {job.task.graph}: open the page on that one to see what it grew"))
    with st.container(key="after"):
        if here and job.state not in LIVE:
            _after(found)
    with st.container(), frame.told():
        if here and found.rounds:
            _picture(found)
    with st.container():
        if found.rounds:
            st.html(f"<h4>Asked so far, and what was new in the answers</h4>{expand_view.rounds(found.rounds)}")
    if here:
        with frame.told():
            _shape(found)


def _picture(found: Expansion) -> None:
    shown = newest(graph(), found.grown.links, DRAWN)
    if not (centre := liveliest(shown.facts)):
        st.html('<div class="small">The graph has nothing of it any more.</div>')
        return
    asked = [EntityId(id) for id in found.grown.names if found.grown.visited(id)]
    drawing.show(shown.facts, centre, asked, key=f"grown-{found.job.id}", height=_HEIGHT)
    if shown.cut:
        st.caption(f"Only the {DRAWN} newest links are drawn.")


def _shape(found: Expansion) -> None:
    """From the second round, or span of years, on there is something to see."""
    path = expansions.dynamics_file(wire().expansions, found.run)
    shapes = dynamics.read(path) if path.exists() else []
    if len(shapes) > 1:
        st.html(f"<h4>Its shape, {'years by years' if found.job.task.arguments.get('years') else 'round by round'}</h4>")
        curves.draw(shapes)


# what can be done with a run that has ended


def _after(found: Expansion) -> None:
    """Asked once more before anything is taken back."""
    where = f"after-{found.job.id}"
    frame.problem(where)
    asks = st.session_state.get(f"{where}_asks")
    if asks:
        links = shapes.many(len(found.grown.links), "link")
        st.warning(plain(f"Take back all that this run put, {links}? What others say as well stays."))
    with st.container(horizontal=True):
        if asks:
            st.button("Withdraw it", key="withdraw_it", type="primary", on_click=_withdraw, args=(found.run, where))
            st.button("Keep it", key="keep_it", on_click=_ask, args=(where, False))
            return
        if found.job.cut:
            _other_limits(found.job, where)
        if found.rounds:
            st.button("Withdraw", key="withdraw", on_click=_ask, args=(where, True), help="Take back all that this run put")


def _other_limits(job: Job, where: str) -> None:
    asked = job.task.arguments
    with st.popover("Go on within other limits"), st.form(f"{where}-form", border=False):
        limits(where, {**asked, **{name: 2 * asked[name] for name in ("iterations", "calls") if asked[name]}})
        st.form_submit_button("Go on", on_click=_go_on, args=(job.id, where))


def _go_on(job: str, where: str) -> None:
    frame.attempt(where, lambda: wire().ledger.retry(job, limited(where)))


def _ask(where: str, asks: bool) -> None:
    st.session_state[f"{where}_asks"] = asks


def _withdraw(run: str, where: str) -> None:
    _ask(where, False)
    frame.attempt(where, lambda: wire().forget_run(run))
    size.clear()
