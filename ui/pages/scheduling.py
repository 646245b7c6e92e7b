"""What recurs: the schedules with what came of them, and a form for a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from kgplatform.errors import BadRequest
from kgplatform.jobs import Ledger, Schedule
from ui import job_view
from ui.connection import wire
from ui.jobs import NO_WORKER, when
from ui.markdown import plain
from ui.pages import frame
from ui.tasks import backing_up, complete, exporting, harvest_documents, harvest_relation, importing


class Asked(NamedTuple):
    """What the form asks for one kind of job, and how the answer becomes arguments."""

    label: str
    arguments: Callable[[str], Mapping[str, Any]]


KINDS = {
    "harvest documents": Asked("Folder or text file", lambda text: harvest_documents.arguments([_path(text)])),
    "harvest relation": Asked("File of the relation card", lambda text: harvest_relation.arguments([_path(text)])),
    "complete": Asked("Relation (all, where it is left empty)", lambda text: complete.arguments(text.strip() or None)),
    "import": Asked("File to import", lambda text: importing.arguments([_path(text)])),
    "export": Asked("File to write, over and over", lambda text: exporting.arguments(_path(text), force=True)),
    "backup": Asked("File to write, over and over", lambda text: backing_up.arguments(_path(text), force=True)),
}


def _path(text: str) -> Path:
    """Raises ``BadRequest`` for what depends on a folder that one stands in."""
    path = Path(text.strip())
    if not path.is_absolute() or "\0" in text:
        raise BadRequest(f"{text.strip()!r} is not a whole path: write it from the root on, like  {Path.home() / 'texts'}")
    return path


def listed(ledger: Ledger) -> None:
    """Draw the schedules."""
    schedules, now = ledger.schedules(), ledger.time()
    with st.container():
        if schedules and not ledger.workers():
            st.warning(plain(NO_WORKER))
        frame.problem("schedules")
    with st.container(key="schedules"):
        if not schedules:
            st.html('<div class="small">Nothing recurs yet.</div>')
        for one in schedules:
            _row(ledger, one, now)


def _row(ledger: Ledger, one: Schedule, now: int) -> None:
    last = next(iter(ledger.ticks(one.id, limit=1)), None)
    job = ledger.job(last.job) if last and last.job else None
    with frame.row(f"schedule-{one.id}"):
        st.html(job_view.schedule(one, last, job, now))
        label, do = ("Resume", "resume") if one.paused else ("Pause", "pause")
        st.button(label, width=frame.BUTTON, key=f"pause-{one.id}", on_click=_change, args=(do, one.id))
        st.button("Remove", width=frame.BUTTON, key=f"remove-{one.id}", on_click=_change, args=("unschedule", one.id))


def _change(do: str, id: str) -> None:
    frame.attempt("schedules", lambda: getattr(wire().ledger, do)(id))


def form() -> None:
    """Draw the form, and what came of the last one."""
    st.html("<h4>Let something recur</h4>")
    kind = st.selectbox("What", KINDS, key="recur_kind")
    with st.form("recur", border=False):
        st.text_input(KINDS[kind].label, key=f"recur_{kind}")
        line, zone = st.columns(2)
        line.text_input("Minute, hour, day, month and weekday, as cron has them", value="0 3 * * *", key="recur_cron")
        zone.text_input("Time zone", value=wire().zone, key="recur_zone")
        st.form_submit_button("Schedule", on_click=_schedule)
    frame.problem("recur")
    if told := st.session_state.get("recur_done"):
        st.success(plain(told))


def _schedule() -> None:
    st.session_state["recur_done"] = ""
    frame.attempt("recur", _make)


def _make() -> None:
    state = st.session_state
    kind = state["recur_kind"]
    task = wire().task(kind, KINDS[kind].arguments(state[f"recur_{kind}"]))
    made = wire().runner().schedule(task, state["recur_cron"], state["recur_zone"].strip())
    state["recur_done"] = f"schedule {made.id}: {kind}, next at {when(made.next)}"
