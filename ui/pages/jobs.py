"""Jobs: what runs and how far it is, what became of the rest, what recurs, and what it costs.

All of it lies in the ledger, and a worker does it: the page looks every other second, and asks. Which job is opened stands in the
address, as ``?job=``.
"""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from kgplatform.jobs import Job, Ledger
from kgplatform.jobs.types import LIVE
from kgplatform.lm.spending import by_model
from kgplatform.lm.wrapping import spending_file
from ui import job_view
from ui.connection import wire
from ui.jobs import NO_WORKER
from ui.markdown import plain
from ui.pages import frame, opened_job, scheduling
from ui.wire import place

_ENDED = 30
"""Jobs that ended, of which so many are listed."""
_EVERY, _SELDOM = 2, 10
"""Seconds between two looks at the jobs, and at schedules and costs."""


def page() -> None:
    frame.style()
    frame.about_graph(place(wire().settings))
    jobs, schedules, costs = st.tabs([":material/play_circle: Jobs", ":material/schedule: Schedules", ":material/payments: Costs"])
    with jobs:
        st.fragment(frame.from_ledger(_jobs), run_every=_EVERY)()
    with schedules:
        st.fragment(frame.from_ledger(scheduling.listed), run_every=_SELDOM)()
        scheduling.form()
    with costs:
        st.fragment(frame.from_ledger(_costs), run_every=_SELDOM)()


def _jobs(ledger: Ledger) -> None:
    live, ended = ledger.jobs(LIVE), ledger.jobs(("done", "failed", "cancelled", "stopped"), limit=_ENDED)
    workers, now = ledger.workers(), ledger.time()
    with st.container():  # what stands below keeps its place, whether something stands here or not
        if not workers and any(job.state == "queued" for job in live):
            st.warning(plain(NO_WORKER))
        frame.problem("jobs")
    left, right = st.columns([1.4, 1], gap="medium")
    with left, st.container(key="live"):
        st.html(f"<h4>At work <span class='small'>{len(workers):,} worker{'' if len(workers) == 1 else 's'}</span></h4>")
        if not live:
            st.html('<div class="small">Nothing runs or waits.</div>')
        for job in sorted(live, key=lambda job: (job.state != "running", job.created)):
            _row(job, now)
    with left, st.container(key="ended"):
        st.html("<h4>Ended</h4>")
        if not ended:
            st.html('<div class="small">Give a long command <code>--job</code>, or let it recur under Schedules.</div>')
        for job in ended:
            _row(job, now)
        if len(ended) == _ENDED:
            st.html(f'<div class="small">These are the latest {_ENDED}; <code>kg jobs list --limit 100</code> shows more.</div>')
    with right, st.container(key="opened"):
        opened_job.show(ledger)


def _row(job: Job, now: int) -> None:
    with frame.row(f"job-{job.id}"):
        st.html(job_view.line(job, now))
        st.button("Open", width=frame.BUTTON, key=f"open-{job.id}", on_click=opened_job.open, args=(job.id,))
        opened_job.action(job, "list")


def _costs(ledger: Ledger) -> None:
    today = datetime.fromtimestamp(ledger.time() / 1000).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for title, since in (("Today", today), ("This month", today.replace(day=1))):
        spent = by_model(spending_file(wire().settings), f"{since.astimezone(UTC):%Y-%m-%d}")
        jobs = job_view.costs(ledger.costs(round(since.timestamp() * 1000)))
        st.html(f"<h4>{title}</h4>{jobs}{job_view.models(spent)}")
    st.html(
        '<div class="small">A job counts, whole, on the day on which it was last at work. Models are counted by days of UTC, '
        "with all that asked them.</div>"
    )
