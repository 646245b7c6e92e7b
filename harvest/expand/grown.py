"""What a run has grown so far: the things it spoke of, what links them, and what was asked already."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from kgplatform.analysis.simple import Simple, walked
from kgplatform.names import normalise

FEWEST, WALKED, WORK = 8, 64, 1_000_000
"""Things from which the graph is walked to find its hub: ``WALKED``, of a large one fewer."""
MORE = 0.05


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked next, and the things by id that it is about; ``depth`` is how many questions led to it."""

    text: str
    about: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """One iteration: what was asked, how many answers could be used, the things they named and those that were new to the run.

    ``links`` are new ones; ``merged`` things were found to be others that the graph has, of ``asked`` a person is to say. ``brought``
    are the new things and the new links by the answer to each question.
    """

    questions: tuple[str, ...]
    answered: int
    named: int
    new: int
    links: int
    merged: int = 0
    asked: int = 0
    brought: tuple[tuple[int, int], ...] = ()


Record = Mapping[str, Any]
"""What a round came to, as its step keeps it: JSON. Made by ``merging.put``."""


@dataclass(slots=True)
class Grown:
    """Grows by the records of rounds; the same records make the same of it.

    ``names`` and ``depths`` are by id, in the order in which things came; ``links`` are (head, relation, tail) by id;
    ``said`` is what the answers of the last round came to.
    """

    names: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    links: dict[tuple[str, str, str], None] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    _places: dict[str, int] = field(default_factory=dict)
    _ends: array[int] = field(default_factory=lambda: array("q"))
    _visited: set[frozenset[str]] = field(default_factory=set)
    _first: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    _graph: Simple | None = None
    _hub: tuple[int, str] | None = None

    def grow(self, record: Record) -> Round:
        """Take a round in."""
        named, things, links = set[str](), len(self.names), len(self.links)
        for text, about, _ in record["questions"]:
            self._visited.add(frozenset(about))
            self._first.update(about[:1])
            self._asked.add(normalise(text))
        said, brought = [], []
        for answer in record["grown"]:
            before = len(self.names), len(self.links)
            said += [answer["synthesis"]] if answer["synthesis"] else []
            for head, head_name, relation, tail, tail_name in answer["links"]:
                named |= {head, tail}
                self._link((head, head_name), relation, (tail, tail_name), answer["depth"])
            brought.append((len(self.names) - before[0], len(self.links) - before[1]))
        self.said, self._graph = tuple(said), None
        return Round(
            tuple(text for text, _, _ in record["questions"]),
            record["answered"],
            len(named),
            len(self.names) - things,
            len(self.links) - links,
            len(record["merges"]),
            len(record["asked"]),
            tuple(brought),
        )

    def copy(self) -> Grown:
        """Another that grows on by itself."""
        return replace(
            self,
            names=dict(self.names),
            depths=dict(self.depths),
            links=dict(self.links),
            _places=dict(self._places),
            _ends=self._ends[:],
            _visited=set(self._visited),
            _first=set(self._first),
            _asked=set(self._asked),
        )

    def _link(self, head: tuple[str, str], relation: str, tail: tuple[str, str], depth: int) -> None:
        for id, name in (head, tail):
            if id not in self._places:
                self._places[id] = len(self._places)
                self.names[id], self.depths[id] = name, depth
        link = (head[0], relation, tail[0])
        if link not in self.links:
            self.links[link] = None
            self._ends.extend((self._places[head[0]], self._places[tail[0]]))

    @property
    def graph(self) -> Simple:
        """The simple graph of the things, in the order in which they came."""
        if self._graph is None:
            self._graph = Simple.linking(np.array(self._ends, dtype=np.int64).reshape(-1, 2), len(self.names))
        return self._graph

    @property
    def hub(self) -> str:
        """What most shortest paths pass through, as far as walks from some things tell; looked for anew when a share ``MORE`` has come."""
        if not self._hub or len(self.names) >= self._hub[0] * (1 + MORE):
            graph = self.graph
            many = max(FEWEST, min(WALKED, WORK // max(1, len(graph.edges))))
            sources = np.sort(np.random.default_rng(0).permutation(graph.nodes)[:many])
            place = int(np.lexsort((-graph.degree, -walked(graph, sources).betweenness))[0])
            self._hub = (len(self.names), next(islice(self.names, place, None)))
        return self._hub[1]

    def fresh(self, question: Question) -> bool:
        """Whether neither these words nor these things together were asked about."""
        return normalise(question.text) not in self._asked and (not question.about or frozenset(question.about) not in self._visited)

    def visited(self, id: str) -> bool:
        """Whether a question was about it, by itself or first with another."""
        return id in self._first


def stages(record: Record) -> Iterator[Grown]:
    """What the answers of a round had grown after each of them; the same that grows on."""
    grown = Grown()
    for answer in record["grown"]:
        grown.grow({**record, "grown": [answer]})
        yield grown


Told = tuple[tuple[Round, ...], Grown]
"""The rounds of a run and what they grew."""


def told(records: Iterable[Record], before: Told | None = None) -> Told:
    """From what the steps of a run keep: of its first rounds, or of those that came after those ``before``."""
    rounds, grown = (before[0], before[1].copy()) if before else ((), Grown())
    return (*rounds, *(grown.grow(record) for record in records)), grown
