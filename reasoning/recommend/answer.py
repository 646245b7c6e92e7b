"""What is recommended to a user, or to who has a basket of items: in milliseconds, from what was learned before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kgplatform.errors import Ambiguous, BadQuery, BadRequest, NotFound
from kgplatform.names import normalise
from kgplatform.numbered import inverse
from kgplatform.ports import Limits, Progress, Rows
from kgplatform.texts import places
from reasoning.recommend import served as files
from reasoning.recommend.beside import Beside, Items
from reasoning.recommend.interactions import Flags, Ints
from reasoning.recommend.served import TOP, Served

if TYPE_CHECKING:
    import pyarrow as pa

_NEAR = 3
COLUMNS = ("user", "rank", "item", "name", "entity", "score")
"""Of what is recommended to everybody."""


class Graph(Protocol):
    """What filters ask of ``kgplatform.graph.KnowledgeGraph``."""

    def cypher(self, query: str, /, limits: Limits | None = None, **parameters: object) -> Rows: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many items, how unlike each other (0 to 1), whether rather what few (-1) or many (1) take; ``where``: what must hold of them.

    That is a condition of Cypher on the entity ``item``, such as ``item.year > 1990``.
    """

    top: int = TOP
    diversity: float = 0.0
    popularity: float = 0.0
    where: str = ""


@dataclass(frozen=True, slots=True)
class Recommended:
    """An item, its entity's id (empty where it is none), its score (higher is likelier; no probability), and how many took it."""

    rank: int
    item: str
    name: str
    entity: str
    score: float
    taken_by: int


class Desk:
    """Where recommendations are asked for: what is beside a graph and what was learned from it, each read once."""

    def __init__(self, beside: Beside, kg: Callable[[], Graph] | None = None) -> None:
        """``kg`` opens the graph, which only filters ask."""
        self.beside, self._kg = beside, kg

    @cached_property
    def items(self) -> Items:
        return self.beside.items()

    @property
    def learned(self) -> bool:
        """Whether a recommender is there."""
        return self.beside.recommender.is_file()

    @cached_property
    def served(self) -> Served:
        if not self.learned:
            self.beside.items()
            raise NotFound("no recommender was learned from the interactions yet:  kg interactions learn")
        return files.read(self.beside.recommender)

    def ready(self) -> None:
        """Read what a recommendation needs, before one is asked for. Raises ``NotFound``, ``BadFile``."""
        _ = self._served_place

    def taken(self, user: str) -> Ints:
        """The items of a user, by their numbers. Raises ``NotFound`` for a user without any."""
        return np.array([self.items.ids.find(item) for item in self.beside.taken_by(user)], dtype=np.int64)

    def basket(self, words: Sequence[str]) -> Ints:
        """Items by id or name. Raises ``NotFound``, ``Ambiguous``."""
        return np.unique(np.array([self._item(word) for word in words], dtype=np.int64))

    def _item(self, word: str) -> int:
        if (place := self.items.ids.find(word)) >= 0:
            return place
        match self._by_name.get(normalise(word), []):
            case [one]:
                return one
            case []:
                raise NotFound(f"no item has the id or the name {word[:80]!r}")
            case several:
                ids = ", ".join(self.items.ids[place] for place in several[:_NEAR])
                raise Ambiguous(f"{word[:80]!r} names several items: give the id, one of {ids}")

    def called(self, item: str) -> str:
        """What people call an item; its id where it has no name."""
        place = self.items.ids.find(item)
        return (self.items.names[place] if place >= 0 else "") or item

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.items.names):
            if name:
                found.setdefault(normalise(name), []).append(place)
        return found

    def known(self, items: Ints) -> Ints:
        """The numbers that the recommender has for these items; -1 of one that it was learned without."""
        found: Ints = self._served_place[items]
        return found

    def recommend(self, taken: Ints, wanted: Wanted | None = None) -> list[Recommended]:
        """For who took these items (``taken``, ``basket``); none of them is recommended."""
        wanted = wanted or Wanted()
        known = self.known(taken)
        allowed = self._allowing(wanted.where) if wanted.where else None
        picks = self.served.best(known[known >= 0], wanted.top, allowed=allowed, diversity=wanted.diversity, popularity=wanted.popularity)
        counts = self.served.arrays["taken_by"]
        return [
            Recommended(rank, self.served.items[one.item], *self._words(one.item), one.score, int(counts[one.item]))
            for rank, one in enumerate(picks, 1)
        ]

    def everybody(self, top: int = TOP, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        """For all users, some at a time: rows of user, rank, item, name, entity, score."""
        import pyarrow as pa

        whole = self.beside.read().interactions
        users, ids, names, entities = (pa.array(list(one)) for one in (whole.users, self.items.ids, self.items.names, self.items.entities))
        for some, picked, scores in self.served.everybody(whole, top):
            there = np.isfinite(scores)
            row, column = np.nonzero(there)
            item = self._kept_place[picked[there]]
            words = (one.take(item) for one in (ids, names, entities))
            columns = [users.take(some[row]), pa.array(column + 1), *words, pa.array(scores[there])]
            yield pa.record_batch(columns, names=list(COLUMNS))
            if progress is not None:
                progress(int(some[-1]) + 1, len(whole.users))

    @cached_property
    def _served_place(self) -> Ints:
        """The number that the recommender has for each item; -1 where it was learned without."""
        return inverse(self._kept_place, len(self.items.ids))

    @cached_property
    def _kept_place(self) -> Ints:
        """The number that each item of the recommender has here. Raises ``BadRequest`` where some are here no more."""
        if self.served.items == self.items.ids:
            return np.arange(len(self.items.ids))
        found = places(self.items.ids, self.served.items)
        if (found < 0).any():
            raise BadRequest("the recommender knows items that are here no more: learn it anew by  kg interactions learn")
        return found

    def _words(self, item: int) -> tuple[str, str]:
        """What an item of the recommender is called, and its entity."""
        place = int(self._kept_place[item])
        return self.items.names[place], self.items.entities[place]

    def _allowing(self, where: str) -> Callable[[Ints], Flags]:
        """Asks the graph which entities a condition holds of."""
        if self._kg is None:
            raise BadRequest("a condition on items needs the graph that they are in")
        kg = self._kg()

        def allowed(items: Ints) -> Flags:
            entities = [self._words(item)[1] for item in items.tolist()]
            query = f"MATCH (item:Entity) WHERE item.id IN $ids AND ({where}) RETURN DISTINCT item.id AS id"
            try:
                found = kg.cypher(query, Limits(rows=len(items)), ids=[one for one in entities if one])
            except BadQuery as error:
                raise BadQuery(f"the condition on  item,  {where[:80]}  cannot be asked: {error}") from None
            meant = {row[0] for row in found.rows}
            return np.array([entity in meant for entity in entities], dtype=np.bool_)

        return allowed
