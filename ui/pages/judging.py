"""What a person is reviewing, and what each key does to it.

What a press calls runs before the page is drawn anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import streamlit as st

from kgplatform.errors import KgError, NotFound
from kgplatform.explanation import Explanation
from kgplatform.graph import KnowledgeGraph
from kgplatform.types import FactKey, Verdict, in_words
from ui import keys
from ui.connection import graph
from ui.waiting import Queue, Wanted


class Judged(NamedTuple):
    """A verdict that can be taken back."""

    key: FactKey
    by: str
    verdict: Verdict
    words: str


@dataclass(slots=True)
class Desk:
    """One reviewer's work; lives as long as the browser's tab. ``relations`` are those that have been seen waiting."""

    queue: Queue | None = None
    judged: list[Judged] = field(default_factory=list)
    relations: set[str] = field(default_factory=set)
    turn: int = 0
    problem: str = ""

    def open(self, kg: KnowledgeGraph, wanted: Wanted) -> Queue:
        """The queue of what is wanted, read once."""
        if self.queue is None or self.queue.wanted != wanted:
            self.queue = Queue(wanted)
            with st.spinner("Looking through what waits …"):
                self.queue.read(kg)
            self.relations |= set(self.queue.relations)
        return self.queue

    def explained(self, kg: KnowledgeGraph) -> Explanation | None:
        """The current fact with its reasons; what the graph has forgotten meanwhile is passed over."""
        assert self.queue is not None
        while key := self.queue.current:
            try:
                return kg.explain(key)
            except NotFound:
                self.queue.drop(key)
        return None


def current() -> Desk:
    desk: Desk = st.session_state.setdefault("desk", Desk())
    return desk


def wanted() -> Wanted:
    """The filters as the widgets stand."""
    return Wanted(st.session_state["queue_relation"], tuple(st.session_state["queue_origins"]))


def press() -> None:
    """Do what was pressed; a verdict on anything but the fact on the screen is none."""
    desk, done = current(), keys.pressed(st.session_state["judge"])
    try:
        _do(desk, done)
    except KgError as error:
        desk.problem = str(error)


def _do(desk: Desk, done: keys.Press) -> None:
    queue = desk.queue
    if done.do == "again":
        desk.queue = None
    elif done.do == "undo":
        _undo(desk)
    elif queue is None:
        return
    elif done.do == "previous":
        queue.back()
    elif done.do == "next":
        queue.forward(graph())
    elif done.do in ("accept", "reject") and queue.current and queue.current == done.shown:
        _judge(desk, queue, queue.current, done)


def _judge(desk: Desk, queue: Queue, key: FactKey, done: keys.Press) -> None:
    by = st.session_state["reviewer"]
    fact = graph().accept(key, by=by) if done.do == "accept" else graph().reject(key, by=by, why=done.why)
    words = f"{fact.head.name} — {fact.relation} → {in_words(fact.tail)}"
    desk.judged = [one for one in desk.judged if one.key != key] + [Judged(key, by, fact.verdict, words)]
    queue.forward(graph())


def _undo(desk: Desk) -> None:
    """Take the last verdict back and show its fact again."""
    if desk.judged:
        last = desk.judged.pop()
        if desk.queue is not None:
            desk.queue.turn_to(last.key)
        graph().retract(last.key, by=last.by)


def turn_to(key: FactKey) -> None:
    """Look at a related fact first; the next one is where the person was."""
    if (queue := current().queue) is not None:
        queue.turn_to(key)
