"""What a run has grown so far: the things it spoke of, what links them, and what was asked already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kgplatform.names import normalise


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked next, and the things by id that it is about; ``depth`` is how many questions led to it."""

    text: str
    about: tuple[str, ...] = ()
    depth: int = 0


@dataclass(slots=True)
class Grown:
    """Grows by the records of ``merging``, round by round; the same records make the same of it.

    ``names`` and ``depths`` are by id, in the order in which things came; ``links`` are (head, relation, tail) by id;
    ``said`` is what the answers of the last round came to.
    """

    names: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    links: dict[tuple[str, str, str], None] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    _visited: set[frozenset[str]] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)

    def grow(self, questions: Iterable[Question], answers: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
        """Take a round in; how many things it named, and how many of these the run had not met."""
        named, before = set[str](), len(self.names)
        for question in questions:
            self._visited.add(frozenset(question.about))
            self._asked.add(normalise(question.text))
        said = []
        for answer in answers:
            said += [answer["synthesis"]] if answer["synthesis"] else []
            for head, head_name, relation, tail, tail_name in answer["links"]:
                for id, name in ((head, head_name), (tail, tail_name)):
                    named.add(id)
                    self.names.setdefault(id, name)
                    self.depths.setdefault(id, answer["depth"])
                self.links.setdefault((head, relation, tail))
        self.said = tuple(said)
        return len(named), len(self.names) - before

    def fresh(self, question: Question) -> bool:
        """Whether neither these words nor these things together were asked about."""
        return normalise(question.text) not in self._asked and (not question.about or frozenset(question.about) not in self._visited)

    def visited(self, id: str) -> bool:
        """Whether it was asked about by itself."""
        return frozenset((id,)) in self._visited
