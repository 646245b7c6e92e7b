"""What a harvest found: the prompts, whether the model knows the relation, the candidates as they come; and what a person makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from harvest.bertnet import held
from harvest.bertnet.candidates import Judged, Kinds
from harvest.bertnet.held import Held
from harvest.bertnet.sending import Telling, Verdicts, send, standing
from kgplatform import names
from kgplatform.cardfiles import read_cards
from kgplatform.cards import slots
from kgplatform.errors import BadRequest, KgError
from kgplatform.graph import Added
from kgplatform.jobs import Job, Ledger
from kgplatform.types import Fact, Relation, Words
from ui import harvest_view
from ui.connection import graph, size, wire
from ui.markdown import plain
from ui.pages import frame, opened_job
from ui.pages.harvest_card import KIND
from ui.wire import place

_MORE = 25
"""Candidates that are shown at first, and so many more each time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The harvest that is open, of one relation; without ``card`` nothing can be sent: its file is gone, or it is of another graph."""

    job: Job
    found: Held
    card: Relation | None

    def telling(self) -> Telling:
        """Raises ``BadRequest`` where nothing can be sent."""
        if self.card is None:
            raise BadRequest("this harvest cannot be sent from here: its card is gone, or it is of another graph")
        return Telling(self.card, _kinds(self.job.id, self.found.relation), self.found.model, self.job.run)


def show() -> None:
    """Draw the harvest that the address names, or those that there are."""
    opened_job.follow(_opened, _listed)


def _listed(ledger: Ledger) -> None:
    if not opened_job.listing(ledger, (KIND,)):
        st.html(
            '<div class="welcome"><h2>Nothing has been harvested yet</h2>'
            "<p>Choose a card on the left, or write one: a name, a prompt or two, and some seeds that are true for certain. "
            "A language model is asked for more of the same.</p><p>A worker does it: <code>kg worker</code></p></div>"
        )


def _opened(ledger: Ledger, job: Job) -> None:
    found = opened_job.look(ledger, job, held.LOOKED, held.read) if job.task.kind == KIND else {}
    opened_job.head(job, ledger, "harvest", " · ".join(found))
    if job.task.kind != KIND:
        st.error(plain(f"job {job.id} ({job.task.kind}) is no harvest of a relation: see it under Jobs"))
        return
    if not found:
        st.html(
            '<div class="small">The prompts come first, then whether the model knows the relation, then candidates, round by round.</div>'
        )
        return
    relation = next(iter(found))
    if len(found) > 1:
        relation = st.selectbox("Relation", list(found), key=f"harvested-{job.id}")
    _relation(Opened(job, found[relation], _card(job, relation)))


@st.cache_data(ttl=600, max_entries=20, show_spinner=False)
def _kinds(job: str, relation: str) -> Kinds:
    """Of the graph's entities the kind by name, as the harvest found them when it began."""
    found = held.read(wire().ledger.results(job, held.ENTITIES))
    return found[relation].kinds if relation in found else {}


def _card(job: Job, relation: str) -> Relation | None:
    """The card that the job was made for; nothing, and a sentence, where candidates cannot be sent."""
    if job.task.graph != place(wire().settings):
        st.error(plain(f"this harvest is of the graph {job.task.graph}: open the page on that one to send what it found"))
        return None
    try:
        cards = {card.name: card for file in job.task.arguments["cards"] for card in read_cards(Path(file))}
    except KgError as error:
        st.error(plain(error))
        return None
    if relation not in cards:
        st.error(plain(f"the card of {relation!r} is no longer in the file that it was harvested by: what was found cannot be sent"))
    return cards.get(relation)


def _relation(opened: Opened) -> None:
    found = opened.found
    with st.container(key="prompts"):
        if found.learnt:
            st.html(harvest_view.known(found.learnt))
        st.html(f"<h4>Prompts</h4>{harvest_view.prompts(found.weighed)}")
    if not found.judged:
        if opened.job.finished and not (found.learnt and found.learnt.doubt):
            st.html('<div class="small">No candidates: the log of the job, under Jobs, says why.</div>')
        return
    with st.container(key="candidates"):
        _candidates(opened)


def _candidates(opened: Opened) -> None:
    found = opened.found
    rounds = f"{found.rounds:,} round{'' if found.rounds == 1 else 's'}"
    st.html(f"<h4>Candidates <span class='small'>{len(found.judged):,} in {rounds}</span></h4>")
    with st.container(horizontal=True, vertical_alignment="bottom", key="sending"):
        least = st.slider("At least so likely", 0, 100, 50, format="%d%%", key="least")
        st.button("Send to the graph", key="send", disabled=opened.card is None, on_click=_send, args=(opened,))
    likely = sum(one.probability >= least / 100 for one in found.judged)
    st.html(f'<div class="small">{likely:,} candidate{" is" if likely == 1 else "s are"} at least so likely</div>')
    frame.problem(_place(opened))
    if told := st.session_state.get(f"{_place(opened)}_told"):
        st.success(plain(told))
    shown = found.judged[: st.session_state.setdefault(f"{_place(opened)}_shown", _MORE)]
    there = _standing(opened, shown)
    for one in shown:
        _candidate(opened, one, there.get(one.words))
    if len(shown) < len(found.judged):
        st.button("More", key="more", on_click=_more, args=(opened,))


def _candidate(opened: Opened, one: Judged, fact: Fact | None) -> None:
    key, verdict = names.digest(*one.words), fact.verdict if fact else "none"
    places = slots(opened.card) if opened.card else ("head", "tail")
    with frame.row(f"candidate-{key}"):
        st.html(harvest_view.candidate(one, places, fact))
        for label, done in (("Accept", "accepted"), ("Reject", "rejected")):
            st.button(
                label,
                width=frame.BUTTON,
                key=f"{done}-{key}",
                disabled=opened.card is None or verdict == done,
                on_click=_judge,
                args=(opened, one, done),
            )


def _standing(opened: Opened, shown: tuple[Judged, ...]) -> dict[Words, Fact]:
    """How the shown candidates stand in the graph; looked up when others are shown, and after each verdict and sending."""
    if opened.card is None:
        return {}
    state = st.session_state
    key = (opened.job.id, opened.found.relation, tuple(one.words for one in shown), state.get("harvested_turn", 0))
    if state.get("harvested_standing", (None, {}))[0] != key:
        try:
            state["harvested_standing"] = (key, standing(graph(), shown, opened.telling()))
        except KgError as error:
            st.error(plain(error))
            return {}
    found: dict[Words, Fact] = state["harvested_standing"][1]
    return found


def _more(opened: Opened) -> None:
    st.session_state[f"{_place(opened)}_shown"] += _MORE


def _place(opened: Opened) -> str:
    """Under what the session keeps what a person did with this harvest."""
    return f"harvested-{opened.job.id}-{opened.found.relation}"


def _judge(opened: Opened, one: Judged, verdict: str) -> None:
    """Put one candidate with a person's verdict."""
    by = st.session_state["reviewer"]
    said = Verdicts((one.words,), (), by) if verdict == "accepted" else Verdicts((), (one.words,), by)
    _attempt(opened, lambda: _checked(send(graph(), [one], opened.telling(), verdicts=said)))


def _send(opened: Opened) -> None:
    """Put all that are likely enough, and say what came of it."""
    least = st.session_state["least"] / 100

    def do() -> None:
        done = send(graph(), opened.found.judged, opened.telling(), least)
        told = f"Sent: {done.receipt.new:,} new, {done.receipt.merged:,} strengthened, {done.receipt.unchanged:,} there already"
        left = _left(done)
        st.session_state[f"{_place(opened)}_told"] = told + (f"; {len(left):,} could not be put: {left[0]}" if left else "")

    _attempt(opened, do)


def _attempt(opened: Opened, do: Callable[[], None]) -> None:
    st.session_state[f"{_place(opened)}_told"] = ""
    frame.attempt(_place(opened), do)
    st.session_state["harvested_turn"] = st.session_state.get("harvested_turn", 0) + 1
    size.clear()


def _checked(done: Added) -> None:
    """Raises ``BadRequest`` for what could not be put."""
    if left := _left(done):
        raise BadRequest(left[0])


def _left(done: Added) -> list[str]:
    """Why candidates could not be put."""
    return [*(one.why for one in done.unlinked), *(one.why for one in done.receipt.refused)]
