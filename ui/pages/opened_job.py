"""The one job that is opened, by ``?job=`` in the address: all about it, and its log while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import streamlit as st

from kgplatform.errors import Ambiguous, KgError, NotFound
from kgplatform.jobs import Job, Ledger, Step, looking
from kgplatform.jobs.types import LIVE
from ui import job_view
from ui.connection import wire
from ui.jobs import NO_WORKER
from ui.markdown import plain
from ui.pages import frame
from ui.wire import place

_LOG_HEIGHT = 320
_EVERY = 2
"""Seconds between two looks at a job that goes on."""
_LISTED, _LOOKED = 12, 200
"""Jobs that a list has, and among which they are looked for."""
_KEPT = 4
"""Jobs of which the session keeps what was read."""
T = TypeVar("T")


def follow(opened: Callable[[Ledger, Job], None], listed: Callable[[Ledger], None]) -> None:
    """Draw the job that the address names, or those that there are: again every other second, as long as one goes on or may come."""
    live = _live()

    def drawn(ledger: Ledger) -> None:
        if live != _live():  # also where a look that was asked for before something was opened comes after it
            st.rerun()  # from now on it is looked at every other second, or no more
        if not (wanted := st.query_params.get("job")):
            listed(ledger)
            return
        try:
            job = ledger.job(wanted)
        except (NotFound, Ambiguous) as error:
            st.error(plain(error))
            return
        opened(ledger, job)

    st.fragment(frame.from_ledger(drawn), run_every=_EVERY if live else None)()


def _live() -> bool:
    """Whether what is open goes on; where none is, one may come from elsewhere."""
    try:
        wanted = st.query_params.get("job")
        return not wanted or wire().ledger.job(wanted).state in LIVE
    except KgError:
        return False


def look(ledger: Ledger, job: Job, parts: Collection[str], read: Callable[[Sequence[Step], T | None], T]) -> T:
    """What a job has come to so far, as ``looking.look``; the session keeps it, so that the next look reads only what is new."""
    kept: dict[str, looking.Look[T]] = st.session_state.setdefault("looked", {})
    found = looking.look(ledger, job.id, parts, read, kept.pop(job.id, None))
    kept[job.id] = found
    for old in list(kept)[:-_KEPT]:
        kept.pop(old, None)
    return found.found


def listing(ledger: Ledger, kinds: Collection[str], told: Callable[[Job], tuple[str, str]] = lambda _: ("", "")) -> list[Job]:
    """The latest jobs of these kinds on this graph, each drawn to be opened.

    ``told`` gives the title of each and what it came to, in other words than all jobs have.
    """
    jobs = [job for job in ledger.jobs(graph=place(wire().settings), limit=_LOOKED) if job.task.kind in kinds][:_LISTED]
    for job in jobs:
        with frame.row(f"job-{job.id}"):
            st.html(job_view.line(job, ledger.time(), *told(job)))
            st.button("Open", width=frame.BUTTON, key=f"open-{job.id}", on_click=open, args=(job.id,))
    return jobs


def head(job: Job, ledger: Ledger, where: str, title: str = "") -> None:
    """What an opened job does and how it stands, with what can be done with it; ``where`` as for ``action``."""
    with st.container():
        with st.container():  # what stands below keeps its place, whether something stands here or not
            if job.state == "queued" and not ledger.workers():
                st.warning(plain(NO_WORKER))
            frame.problem("jobs")
        st.html(job_view.heading(job, ledger.time(), title))
        with st.container(horizontal=True):
            action(job, where)
            st.button("Close", width=frame.BUTTON, key="close", on_click=close)


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
