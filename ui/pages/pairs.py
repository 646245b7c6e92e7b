"""Pairs of things that may be one, the likeliest first, as the linker finds them in the whole graph: a person says same or apart.

They are looked for once; what lies in the session (``Bench``) is walked back and forth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import streamlit as st

from kgplatform.errors import KgError
from kgplatform.graph import KnowledgeGraph
from kgplatform.linking.deciding import Pair
from kgplatform.lm.ports import Encoder
from kgplatform.types import Entity, EntityId, FactKey
from ui import evidence, keys, rows
from ui.connection import graph, size, wire
from ui.keys import Key
from ui.markdown import plain
from ui.neighbourhood import Filters, around
from ui.pages import explore, frame

_FACTS = 6
"""Facts of each of the two that are shown."""
_ALL = Filters(statuses=("current", "proposed", "predicted"))


@dataclass(frozen=True, slots=True)
class Said:
    """A person's word on a pair, and the merge or the fact by which it can be taken back."""

    pair: Pair
    verdict: str
    change: str
    by: str

    @property
    def words(self) -> str:
        return f"{self.pair.other.name} – {self.pair.entity.name}"


@dataclass(slots=True)
class Bench:
    """The pairs that are not judged yet; lives as long as the browser's tab."""

    found: list[Pair] = field(default_factory=list)
    meaning: bool | None = None
    at: int = 0
    said: list[Said] = field(default_factory=list)
    turn: int = 0
    problem: str = ""

    def open(self, kg: KnowledgeGraph, meaning: bool, encoder: Encoder | None) -> None:
        """Look for pairs, unless that was done; ``meaning`` also for those that the ``encoder`` takes to mean the same."""
        if self.meaning != meaning:
            with st.spinner("Comparing the names of the whole graph …"):
                self.found, self.at = kg.duplicates(encoder=encoder), 0
            self.meaning = meaning

    def current(self, kg: KnowledgeGraph) -> tuple[Pair, Entity, Entity] | None:
        """The pair with both as they now are, the one to keep first; those that others have made one, or taken back, are passed over."""
        while self.at < len(self.found):
            pair = self.found[self.at]
            there = kg.store.entities([pair.other.id, pair.entity.id])
            keep, other = there.get(pair.other.id), there.get(pair.entity.id)
            if keep and other and keep.id != other.id:
                return pair, keep, other
            del self.found[self.at]
        return None


def _bench() -> Bench:
    bench: Bench = st.session_state.setdefault("bench", Bench())
    return bench


def show() -> None:
    """Draw the pair that comes next, and the keys that judge it."""
    if goes := st.session_state.pop("pairs_goes", None):
        st.switch_page(explore.place(), query_params=goes)
    bench = _bench()
    st.sidebar.checkbox("Other words of the same meaning too", key="pairs_meaning", help="By the vectors that  kg embed  has made")
    frame.reviewer()
    with frame.told():
        meaning = st.session_state["pairs_meaning"]
        bench.open(graph(), meaning, wire().encoder if meaning else None)
    if bench.problem:
        st.error(plain(bench.problem))
        bench.problem = ""
    found = bench.current(graph())
    with st.container(key="review"):
        done = bench.at, len(bench.found)
        st.html(evidence.progress(*done, bench.said[-1].words, bench.said[-1].verdict) if bench.said else evidence.progress(*done))
        with st.container(key="fact"):
            if found:
                _pair(*found)
            else:
                st.html(_nothing(bench))
        with st.container(key="actions"):
            _keys(bench, found[0] if found else None)


def _pair(pair: Pair, keep: Entity, other: Entity) -> None:
    st.html(evidence.pair(keep, other, pair.score, pair.why))
    for column, one in zip(st.columns(2, gap="medium"), (keep, other), strict=True):
        with column:
            st.html(evidence.portrait(one))
            st.page_link(explore.place(), label="See it in the graph", icon=":material/hub:", query_params={"q": one.id})
            facts = [rows.of_fact(fact, one.id) for fact in around(graph(), [one.id], _ALL, _FACTS).facts]
            rows.show(facts, key=f"facts-{one.id}", on_pick=partial(_picked, one.id))


def _picked(entity: EntityId) -> None:
    if fact := rows.picked(st.session_state[f"facts-{entity}"]):
        st.session_state["pairs_goes"] = {"q": entity, "fact": fact}


def _keys(bench: Bench, pair: Pair | None) -> None:
    back = Key("previous", "Back", ("k",), disabled=bench.at == 0)
    if pair:
        buttons = [Key("same", "Same", ("s",), "accept"), Key("apart", "Apart", ("p",), "reject"), back, Key("next", "Next", ("j", "n"))]
    else:
        buttons = [Key("again", "Look again", ("l",)), back]
    buttons.append(Key("undo", "Undo", ("u",), disabled=not bench.said))
    bench.turn += 1
    keys.show(buttons, shown=_id(pair) if pair else "", turn=bench.turn, key="judge_pair", on_press=_press)


def _id(pair: Pair) -> str:
    return f"{pair.entity.id} {pair.other.id}"


def _nothing(bench: Bench) -> str:
    if bench.found:
        return (
            '<div class="welcome"><h2>You have been through all</h2>'
            f"<p>Of {len(bench.found):,} pairs you passed by, nothing was said.</p></div>"
        )
    return (
        '<div class="welcome"><h2>No two things look like one</h2><p>Things come here when their names are alike enough to be of one '
        "thing, and not alike enough to say so without a person.</p></div>"
    )


def _press() -> None:
    """Do what was pressed; a word on anything but the pair on the screen is none."""
    bench, done = _bench(), keys.pressed(st.session_state["judge_pair"])
    try:
        _do(bench, done)
    except KgError as error:
        bench.problem = str(error)


def _do(bench: Bench, done: keys.Press) -> None:
    if done.do == "again":
        bench.meaning = None
    elif done.do == "undo" and bench.said:
        _undo(bench)
    elif done.do == "previous":
        bench.at = max(bench.at - 1, 0)
    elif done.do == "next":
        bench.at = min(bench.at + 1, len(bench.found))
    elif done.do in ("same", "apart") and bench.at < len(bench.found) and _id(bench.found[bench.at]) == done.shown:
        _judge(bench, bench.found[bench.at], done.do)


def _judge(bench: Bench, pair: Pair, verdict: str) -> None:
    by, keep, other = st.session_state["reviewer"], pair.other.id, pair.entity.id
    change = graph().merge(keep, other, by).id if verdict == "same" else graph().part(keep, other, by).key
    bench.said.append(Said(pair, verdict, change, by))
    bench.found.remove(pair)
    size.clear()


def _undo(bench: Bench) -> None:
    """Take the last word back, and show its pair again."""
    last = bench.said[-1]
    if last.verdict == "same":
        graph().undo(last.change)
    else:
        graph().retract(FactKey(last.change), last.by)
    bench.said.pop()
    bench.found.insert(bench.at, last.pair)
    size.clear()
