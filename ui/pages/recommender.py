"""What there is to recommend by: which recommender was learned, how good it is, from what; and another one, learned by a worker."""

from __future__ import annotations

import re

import streamlit as st

from kgplatform.jobs import Job, Ledger
from reasoning.recommend.beside import Beside
from reasoning.recommend.models.registry import MODELS
from ui import completion_view, recommend_view
from ui.connection import wire
from ui.counter import Counter, Written, health
from ui.jobs import when
from ui.markdown import plain
from ui.pages import frame, opened_job
from ui.tasks import recommending

KIND = "interactions learn"
_LOOK = re.compile(r"(\w+), epoch \d+ of \d+: NDCG ([\d.]+)")


def show(beside: Beside, written: Written, counter: Counter) -> None:
    """What was learned, a form to learn anew, and the data's health, which is looked at when somebody opens it."""
    with frame.told():
        if counter.desk.learned:
            st.html(recommend_view.learned(counter.desk.served.told, when(written[-1] // 1_000_000), len(beside)))
    with st.expander("Learn anew" if counter.desk.learned else "Learn", expanded=not counter.desk.learned), st.form("learn", border=False):
        st.selectbox("Recommender", list(dict.fromkeys((recommending.MODEL, *MODELS))), key="learn_model")
        st.form_submit_button("Learn", type="primary", on_click=_submit)
    frame.problem("learn")
    data = st.expander("The data", key="data", on_change="rerun")
    if data.open:
        data.html(recommend_view.health(health(written)))


def _submit() -> None:
    frame.attempt("learn", _make)


def _make() -> None:
    here = wire()
    arguments = recommending.arguments(model=st.session_state["learn_model"])
    opened_job.open(here.runner().submit(here.task(KIND, arguments)).id)


def follow() -> None:
    """The job that the address names, until it is closed."""
    opened_job.follow(_opened, lambda _: st.rerun())


def _opened(ledger: Ledger, job: Job) -> None:
    opened_job.head(job, ledger, "recommend")
    if job.task.kind != KIND:
        st.error(plain(f"job {job.id} ({job.task.kind}) learns no recommender: see it under Jobs"))
        return
    if looks := [(found[1], float(found[2])) for one in ledger.tail(job.id) if (found := _LOOK.search(one.text))]:
        last = looks[-1][0]
        st.html(completion_view.curve([ndcg for name, ndcg in looks if name == last], "NDCG", f"interactions by {last}"))
    if job.state == "done":
        st.html('<div class="knows">It is learned: close this, and ask what it recommends.</div>')
