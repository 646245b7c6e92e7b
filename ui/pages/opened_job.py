"""The one job that is opened, by ``?job=`` in the address: all about it, and its log while it runs."""

from __future__ import annotations

import streamlit as st

from kgplatform.errors import Ambiguous, NotFound
from kgplatform.jobs import Job, Ledger
from ui import job_view
from ui.connection import wire
from ui.markdown import plain
from ui.pages import frame

_LOG_HEIGHT = 320


def open(id: str) -> None:
    """Put a job into the address."""
    st.query_params["job"] = id


def close() -> None:
    st.query_params.pop("job", None)


def cancel(id: str) -> None:
    frame.attempt("jobs", lambda: wire().ledger.cancel(id))


def retry(id: str) -> None:
    frame.attempt("jobs", lambda: wire().ledger.retry(id))


def action(job: Job, where: str) -> None:
    """The button for what can be done with a job, if anything can; ``where`` it stands tells two of them apart."""
    if job.state in ("queued", "running"):
        st.button("Cancel", width=frame.BUTTON, key=f"cancel-{where}-{job.id}", disabled=job.cancelling, on_click=cancel, args=(job.id,))
    elif job.state != "done":
        st.button("Retry", width=frame.BUTTON, key=f"retry-{where}-{job.id}", on_click=retry, args=(job.id,))


def show(ledger: Ledger) -> None:
    """Draw it. The log is at its end, and follows."""
    if not (wanted := st.query_params.get("job")):
        st.html('<div class="small">Open a job to see its arguments, what failed in it and its log.</div>')
        return
    try:
        job = ledger.job(wanted)
    except (NotFound, Ambiguous) as error:
        st.error(plain(error))
        return
    now = ledger.time()
    st.html(job_view.heading(job, now))
    with st.container(horizontal=True):
        action(job, "opened")
        st.button("Close", width=frame.BUTTON, key="close", on_click=close)
    bad = [*ledger.steps(job.id, "dead"), *ledger.steps(job.id, "failed")]
    st.html(job_view.details(job, ledger.counts(job.id), now) + job_view.failed(bad) + "<h4>Log</h4>")
    with st.container(height=_LOG_HEIGHT, border=True, key="log", autoscroll=True):
        st.html(job_view.log(ledger.tail(job.id)))
