"""The facts made ready for questions, once for many of them: anew after the graph was written to, taught anew after a mark."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.ports import Encoder
from ui.watch import Watch

if TYPE_CHECKING:
    from reasoning.agent.ask import Guide
    from reasoning.paths.learning import Mark

Marks = Callable[[], "Sequence[Mark]"]


class Guides:
    """Threads may share it. ``marks`` are the questions whose right answers were told."""

    def __init__(self, kg: KnowledgeGraph, encoder: Callable[[], Encoder], marks: Marks = tuple) -> None:
        self._kg, self._encoder, self._marks = kg, encoder, marks
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._made: dict[bool, tuple[int, Guide]] = {}
        self._taught: dict[bool, tuple[Guide, Sequence[Mark], Guide]] = {}

    def guide(self, predicted: bool = False) -> Guide:
        """Over the current facts, or the predicted ones too."""
        from reasoning.agent.ask import guide

        with self._lock:
            self._watch = self._watch or Watch(self._kg)
            state = self._watch.state()
            if predicted not in self._made or self._made[predicted][0] != state:
                self._made[predicted] = state, guide(self._kg, self._encoder(), predicted=predicted)
            made, marks = self._made[predicted][1], self._marks()
            if predicted not in self._taught or self._taught[predicted][:2] != (made, marks):
                self._taught[predicted] = made, marks, made.taught(marks)
            return self._taught[predicted][2]
