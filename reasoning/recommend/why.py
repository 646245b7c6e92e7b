"""Why an item is recommended: ways through the graph from what somebody took, with the facts as they are believed now, and what each is
worth.

Ways are found in the graph as the recommender learned it; what has since been rejected or forgotten is no reason any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kgplatform import belief
from kgplatform.types import Fact, FactKey, Step
from reasoning.recommend import ground as grounds
from reasoning.recommend.answer import Desk
from reasoning.recommend.counterfactual import Change, without_facts, without_items
from reasoning.recommend.ground import Ground
from reasoning.recommend.interactions import Ints
from reasoning.recommend.reasons import Reason, reasons

if TYPE_CHECKING:
    from reasoning.recommend.models.kgat import KGAT

TOP, SPARE = 3, 4
"""Reasons that are told, and how many times as many are looked for, since facts may have gone."""


class Graph(Protocol):
    """What reasons ask of ``kgplatform.graph.KnowledgeGraph``."""

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]: ...


@dataclass(frozen=True, slots=True)
class Why:
    """A way over ``steps`` from the items ``begins`` (of those that were taken) to the recommended one, and what it is worth.

    ``beside`` are other facts between the same entities. ``score`` is the geometric mean of how far the facts are believed, how specific
    the entities between the ends are, and, of a model that reads the graph, how far it heeds them.
    """

    begins: tuple[str, ...]
    steps: tuple[Step, ...]
    beside: tuple[Step, ...]
    score: float
    confidence: float
    specificity: float
    attention: float | None
    change: Change


class Explainer:
    """Tells reasons for what a desk recommends; the graph that was learned from is read once."""

    def __init__(self, desk: Desk, kg: Callable[[], Graph]) -> None:
        self._desk, self._kg = desk, kg

    @cached_property
    def _ground(self) -> Ground | None:
        return grounds.read(self._desk.beside.ground, self._desk.served.told["revision"])

    @cached_property
    def _model(self) -> KGAT | None:
        if self._ground is None or not self._ground.model:
            return None
        from reasoning.recommend.serving import restored

        return restored(self._ground, self._desk.served.told["settings"])

    @property
    def knows(self) -> bool:
        """Whether the graph that was learned from is still there: it goes when a source is forgotten."""
        return self._ground is not None

    def why(self, taken: Ints, item: int, top: int = TOP) -> list[Why]:
        """The best reasons to recommend ``item`` to who took these items, all by the desk's numbers; none where the graph links nothing."""
        ground, (at,) = self._ground, self._desk.known(np.array([item]))
        if ground is None or at < 0 or self._desk.served.form == "counts":  # which heeds nothing that somebody took
            return []
        own = self._desk.known(taken)
        own = own[own >= 0]
        entities = ground.of_item[own]
        found = reasons(ground.adjacency, ground.confidence, entities, int(ground.of_item[at]), attention=ground.attention, top=SPARE * top)
        keys = [FactKey(ground.keys[place]) for reason in found for place in reason.places.tolist()]
        facts = self._kg().facts_at(keys) if keys else {}
        there = [reason for reason in found if all(self._current(place, facts) for place, _ in reason.facts)][:top]
        begins = [own[entities == reason.start] for reason in there]
        if self._model is not None:
            changes = without_facts(self._desk.served, self._model, own, int(at), [reason.places for reason in there])
        else:
            changes = without_items(self._desk.served, own, int(at), begins)
        return [self._told(*one, facts) for one in zip(there, begins, changes, strict=True)]

    def _current(self, place: int, facts: dict[FactKey, Fact]) -> Fact | None:
        """The fact as it is now; ``None`` of one that is gone or that holds no more."""
        assert self._ground is not None
        found = facts.get(FactKey(self._ground.keys[place]))
        return found if found and belief.status(found.verdict, found.trust, found.methods) == "current" else None

    def _told(self, reason: Reason, begins: Ints, change: Change, facts: dict[FactKey, Fact]) -> Why:
        along, beside = (
            tuple(Step(fact, forward) for place, forward in some if (fact := self._current(place, facts)))
            for some in (reason.facts, reason.beside)
        )
        names = tuple(self._desk.served.items[place] for place in begins.tolist())
        return Why(names, along, beside, reason.score, reason.confidence, reason.specificity, reason.attention, change)
