"""Whether a graph was written to, by whomever, since one last looked."""

from __future__ import annotations

import threading

from kgplatform.graph import KnowledgeGraph
from kgplatform.types import Change


class Watch:
    """What was written to the graph, so that what was made from it before is made anew."""

    def __init__(self, kg: KnowledgeGraph) -> None:
        self._kg, self._lock, self._state = kg, threading.Lock(), 0
        self._since = kg.store.now()
        self._seen = self._recent()

    def _recent(self) -> set[Change]:
        """Some come again: what was still being written when one looked last must not be missed."""
        return set(self._kg.changes(self._since))

    def state(self) -> int:
        """A number that is another one after the graph was written to."""
        with self._lock:
            if found := self._recent() - self._seen:
                self._state += 1
                self._since = max(self._since, *(change.time for change in found))
                self._seen = self._recent()
            return self._state
