"""What comes of a question."""

from __future__ import annotations

from dataclasses import dataclass

from kgplatform.types import Entity, Fact, Literal, Path


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of the question: the route it takes, where that leads, and its share of likelihood."""

    topic: Entity
    route: tuple[str, ...]
    answers: tuple[Entity | Literal, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the graph says.

    ``paths`` hold the walks that the answer rests on: for a plain question one to each answer, in the answers' order, the most
    believed; else those of every member of the sets that it was made from, of at most ``SUPPORT`` of them. A count
    and a yes or no are literals, ``members`` what was counted. ``confidence`` is the share of this reading among the
    readings times the belief in the least sure answer, which is no surer than the weakest fact of each walk to it.
    ``supported`` is false when nothing was found; ``text`` then says why, ``choices`` are the things that a name may mean, and ``near``
    names like the ``unknown`` one of the question. ``conflicts`` are facts on the walk that cannot all be true.
    ``guess`` is what a chat model says by itself where the graph is silent: nothing supports it. It was asked ``calls`` times.
    """

    text: str
    supported: bool
    topic: Entity | None = None
    route: tuple[str, ...] = ()
    answers: tuple[Entity | Literal, ...] = ()
    paths: tuple[Path, ...] = ()
    confidence: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    conflicts: tuple[tuple[Fact, ...], ...] = ()
    near: tuple[str, ...] = ()
    members: tuple[Entity | Literal, ...] = ()
    choices: tuple[Entity, ...] = ()
    unknown: str = ""
    guess: str = ""
    calls: int = 0
    tokens: int = 0

    @property
    def entities(self) -> tuple[Entity, ...]:
        return tuple(answer for answer in self.answers if isinstance(answer, Entity))

    @property
    def literals(self) -> tuple[Literal, ...]:
        return tuple(answer for answer in self.answers if isinstance(answer, Literal))
