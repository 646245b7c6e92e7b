"""Review: one fact after the other that waits for a person, judged with a key each; or one pair of things that may be one.

The queue lies in the session (``Desk``), so a verdict costs one writing and the reading of the next fact.
"""

from __future__ import annotations

import streamlit as st

from kgplatform.errors import KgError
from kgplatform.explanation import Explanation
from kgplatform.types import Entity, Origin
from ui import evidence, keys
from ui.connection import graph, size
from ui.keys import Key
from ui.markdown import plain
from ui.neighbourhood import short_name
from ui.pages import explore, frame, judging, pairs, related
from ui.pages.judging import Desk
from ui.waiting import Queue

_JUDGED = ("Facts", "Things that may be one")
_ORIGINS: tuple[Origin, ...] = ("imported", "harvested", "predicted")


def page() -> None:
    frame.style()
    try:
        _page(judging.current())
    except KgError as error:
        st.error(plain(error))


def _page(desk: Desk) -> None:
    address, facts = size()
    frame.about_graph(address, facts)
    if facts == 0:
        size.clear()
        frame.welcome()
        return
    st.sidebar.segmented_control("What to judge", _JUDGED, key="judged", required=True)
    if st.session_state["judged"] == _JUDGED[1]:
        pairs.show()
        return
    queue = desk.open(graph(), judging.wanted())
    shown = desk.explained(graph())
    links = _links(shown) if shown else {}
    _filters(desk)
    if desk.problem:
        st.error(plain(desk.problem))
        desk.problem = ""
    left, right = st.columns([1.75, 1], gap="medium")
    with left, st.container(key="review"):
        _progress(desk, queue)
        with st.container(key="fact"):
            if shown:
                _fact(shown, links)
            else:
                st.html(_nothing(queue, desk))
        with st.container(key="actions"):
            _keys(desk, queue, shown)
    with right, st.container(key="beside"):
        if shown:
            related.show(shown, judging.turn_to)
            st.html(evidence.history(shown))


def _filters(desk: Desk) -> None:
    seen = desk.relations | ({relation} if (relation := judging.wanted().relation) else set())
    with st.sidebar:
        st.selectbox("Relation", sorted(seen), key="queue_relation", placeholder="All relations")
        st.pills("Origin", _ORIGINS, key="queue_origins", selection_mode="multi", help="Where a fact comes from; none chosen means all")
    frame.reviewer()


def _progress(desk: Desk, queue: Queue) -> None:
    last = desk.judged[-1] if desk.judged else None
    done = (queue.at, queue.total)
    st.html(evidence.progress(*done, last.words, last.verdict) if last else evidence.progress(*done))


def _links(shown: Explanation) -> dict[str, str]:
    """What a link to Explore calls each end, by the name that people read."""
    return {end.name: short_name(graph(), end) for end in (shown.fact.head, shown.fact.tail) if isinstance(end, Entity)}


def _fact(shown: Explanation, links: dict[str, str]) -> None:
    st.html(evidence.statement(shown.fact))
    with st.container(horizontal=True, key="links"):
        for name, link in links.items():
            st.page_link(explore.place(), label=plain(name), icon=":material/hub:", query_params={"q": link}, help="See it in the graph")
    st.html(evidence.why(shown))


def _keys(desk: Desk, queue: Queue, shown: Explanation | None) -> None:
    first = queue.at == 0
    if shown:
        verdict = shown.fact.verdict
        buttons = [
            Key("accept", "Accept", ("a",), "accept", disabled=verdict == "accepted"),
            Key("reject", "Reject", ("r",), "reject", disabled=verdict == "rejected", reasons=True),
            Key("previous", "Back", ("k",), disabled=first),
            Key("next", "Next", ("j", "n")),
        ]
    else:
        buttons = [Key("again", "Look again", ("l",)), Key("previous", "Back", ("k",), disabled=first)]
    buttons.append(Key("undo", "Undo", ("u",), disabled=not desk.judged))
    desk.turn += 1
    keys.show(buttons, shown=shown.fact.key if shown else "", turn=desk.turn, key="judge", on_press=judging.press)


def _nothing(queue: Queue, desk: Desk) -> str:
    if queue.total:
        count = len(desk.judged)
        return (
            '<div class="welcome"><h2>You have been through all</h2>'
            f"<p>{count:,} verdict{'' if count == 1 else 's'} given. Facts that you passed by still wait.</p></div>"
        )
    if queue.wanted.relation or queue.wanted.origins:
        return '<div class="welcome"><h2>Nothing like that waits</h2><p>The filters on the left leave nothing over.</p></div>'
    return (
        '<div class="welcome"><h2>Nothing waits for review</h2>'
        "<p>Facts come here when too little speaks for them, or when they are only predicted:</p>"
        "<p><code>kg harvest documents PATH</code> reads texts</p><p><code>kg complete</code> predicts what is missing</p></div>"
    )
