"""Vectors on the nodes of one label on a server, and the index that finds the nearest of them.

The index is approximate, and the servers' scores differ: it proposes candidates, which are then ranked by their exact
cosines. A node of our own says whose vectors a graph holds, and that the index is made; it can be made only when the
first vector comes and tells how long they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from kgplatform.errors import StoreError
from kgplatform.store import fulltext, vectors
from kgplatform.store.connection import PAUSE, Connection, run
from kgplatform.store.selection import entity
from kgplatform.store.statements import statement
from kgplatform.store.vectors import Kept
from kgplatform.types import Entity, EntityId, Hit, VectorSpace

if TYPE_CHECKING:
    from neo4j import ManagedTransaction

PAGE = 2_000
"""Nodes in one page."""
_CANDIDATES = 100
"""How many are asked for at least: the index finds the best ten of a hundred more surely than of ten."""
_MOST = 5_000
"""How far the question is widened when the candidates stand for fewer entities."""
ATTEMPTS = 6
"""How often the index is tried."""
_TOGETHER = 100
"""Questions in one statement."""
_NOBODY = "-"
"""How no mark begins."""


class Indexes(Protocol):
    """How one server indexes the vectors of a label's nodes."""

    def vector_index(self, label: str) -> str:
        """The name of the index."""
        ...

    @property
    def vector_score(self) -> str:
        """An expression of Cypher: half of 1 + the cosine of ``n.emb`` with ``row.vector``, where the index's own ``score`` may be one."""
        ...

    def keys_index(self, label: str) -> str:
        """The name of the full-text index on the keys of names."""
        ...

    def index_vectors(self, connection: Connection, label: str, dimension: int) -> None:
        """Make the index, in place of one that may be there."""
        ...

    def unindex_vectors(self, connection: Connection, label: str) -> None:
        """Take the index away if there is one."""
        ...


class Embedding:
    """The vectors of the nodes of one label."""

    def __init__(self, connection: Connection, indexes: Indexes, label: str = "Entity") -> None:
        self._connection = connection
        self._indexes = indexes
        self._label = label
        self._id = f"vectors {vectors.FORM}:{label}"
        self._turn = threading.Lock()
        self._indexed = False

    @property
    def space(self) -> VectorSpace | None:
        """Whose vectors are held, once there can be any."""
        found = self._connection.rows(statement("vectors_held"), id=self._id)
        return VectorSpace(found[0]["encoder"], found[0]["dimension"]) if found else None

    # -- writing -------------------------------------------------------------------------------------

    def keep(self, encoder: str, given: Mapping[Entity, npt.ArrayLike]) -> int:
        """Store vectors, in parts; how many entities were there."""
        rows = vectors.kept(encoder, given, self.space)
        if not rows:
            return 0
        self._open(VectorSpace(encoder, len(rows[0].vector)))
        return sum(self._connection.writing(partial(self._write, encoder=encoder, rows=part)) for part in vectors.parts(rows))

    def _write(self, tx: ManagedTransaction, encoder: str, rows: Sequence[Kept]) -> int:
        listed = [{"id": one.id, "mark": one.mark, "vector": one.vector.tolist(), "keys": fulltext.key_marks(one.keys)} for one in rows]
        found = run(tx, statement("vectors_set", LABELS=f":{self._label}"), id=self._id, encoder=encoder, rows=listed)
        return int(found[0]["n"])

    def _open(self, space: VectorSpace) -> None:
        """Take the graph for an encoder and make the index, unless that is done. Raises ``BadRequest`` when another was first."""
        with self._turn:
            for attempt in range(ATTEMPTS):
                if self._claimed(space):
                    return
                try:
                    self._make(space)
                except StoreError:  # another process may be making it
                    if attempt == ATTEMPTS - 1:
                        raise
                    time.sleep(PAUSE * 2**attempt)

    def _claimed(self, space: VectorSpace) -> bool:
        """Whether the index is made for this encoder, for whom the graph is taken now."""
        claim = {"id": self._id, "encoder": space.encoder, "dimension": space.dimension}
        held = self._connection.writing(lambda tx: run(tx, statement("vectors_claim"), **claim))[0]
        vectors.check(VectorSpace(held["encoder"], held["dimension"]), space)
        return bool(held["ready"])

    def _make(self, space: VectorSpace) -> None:
        self._clear(vectors.maker(space.encoder))  # what an interrupted ``drop`` has left
        self._indexes.index_vectors(self._connection, self._label, space.dimension)
        made = {"id": self._id, "encoder": space.encoder, "dimension": space.dimension}
        self._connection.writing(lambda tx: run(tx, statement("vectors_ready"), **made))

    def drop(self) -> None:
        """Take all vectors away. From the first step on nobody asks for them; the rest may be interrupted."""
        self._connection.writing(lambda tx: run(tx, statement("vectors_unclaim"), id=self._id))
        self._indexes.unindex_vectors(self._connection, self._label)
        self._clear(_NOBODY)

    def _clear(self, but: str) -> None:
        """Take the vectors off all nodes but those whose marks begin so."""
        for ids in self._pages(lambda row: row[-1] is not None and not row[-1].startswith(but)):
            cypher = statement("vectors_clear", LABELS=f":{self._label}")
            self._connection.writing(lambda tx, c=cypher, i=[row[0] for row in ids]: run(tx, c, ids=i))  # type: ignore[misc]

    # -- reading -------------------------------------------------------------------------------------

    def lacking(self, encoder: str) -> Iterator[Entity]:
        """The entities without a vector of that encoder and of their present words, in order of id."""
        named = ("id", "name", "kinds", "aliases", "description")
        for page in self._pages(lambda _: True):
            for *told, mark in page:
                one = entity({**dict(zip(named, told, strict=True)), "also": None})
                if mark != vectors.mark(encoder, one):
                    yield one

    def _pages(self, wanted: Callable[[list[Any]], bool]) -> Iterator[list[list[Any]]]:
        """The nodes with their marks, in order of id; many in one record, since each record costs a round of the driver."""
        after = ""
        while page := self._connection.rows(statement("vectors_page", LABELS=f":{self._label}"), after=after, limit=PAGE)[0]["page"]:
            after = page[-1][0]
            if fitting := [row for row in page if wanted(row)]:
                yield fitting

    def nearest(
        self, encoder: str, vector: npt.ArrayLike, limit: int, entities: Callable[[Sequence[EntityId]], Mapping[EntityId, Entity]]
    ) -> list[Hit]:
        """The nearest of an encoder's vectors, as the ``entities`` they stand for."""
        asked = vectors.query(encoder, vector, self.space)
        many = max(_CANDIDATES, 2 * limit)
        while True:
            found = self._candidates(asked, many)
            ours = [(EntityId(row["id"]), row["vector"]) for row in found if row["mark"].startswith(vectors.maker(encoder))]
            scores = vectors.cosines(np.array([held for _, held in ours], np.float32).reshape(-1, len(asked)), asked)
            standing = entities([one for one, _ in ours])
            hits = vectors.ranked(((one, score) for (one, _), score in zip(ours, scores, strict=True)), limit, standing.get)
            if len(hits) >= limit or len(found) < many or many >= _MOST:
                return hits
            many *= 4

    def nearest_each(self, encoder: str, asked: npt.ArrayLike, limit: int) -> list[list[Mapping[str, Any]]]:
        """Nodes near each of several vectors, as the index proposes them, with its scores."""
        held = self.space
        rows = [{"at": at, "vector": vectors.query(encoder, one, held).tolist()} for at, one in enumerate(np.asarray(asked))]
        cypher = statement("vectors_nearest_each", SCORE=self._indexes.vector_score)
        found = self._each(cypher, rows, len(rows), index=self._indexes.vector_index(self._label), many=limit)
        return [[row for row in some if row["mark"].startswith(vectors.maker(encoder))] for some in found]

    def meeting(self, keys: Sequence[Collection[str]], limit: int) -> list[list[Mapping[str, Any]]]:
        """For each set of keys nodes that share any, with the index's scores; none where there are no vectors yet."""
        rows = [{"at": at, "text": fulltext.key_marks(some)} for at, some in enumerate(keys) if some]
        self._indexed = self._indexed or (bool(rows) and self.space is not None)
        if not rows or not self._indexed:
            return [[] for _ in keys]
        return self._each(statement("entities_meeting"), rows, len(keys), index=self._indexes.keys_index(self._label), limit=limit)

    def _each(self, cypher: str, rows: Sequence[Mapping[str, Any]], count: int, **parameters: Any) -> list[list[Mapping[str, Any]]]:
        """The answers of a statement to each of ``count`` questions, the best first; some rows in one message."""
        found: list[list[Mapping[str, Any]]] = [[] for _ in range(count)]
        for start in range(0, len(rows), _TOGETHER):
            for row in self._connection.rows(cypher, rows=rows[start : start + _TOGETHER], **parameters):
                found[row["at"]].append(row)
        return [sorted(some, key=lambda row: (-row["score"], row["id"])) for some in found]

    def _candidates(self, asked: vectors.Vector, many: int) -> list[Mapping[str, Any]]:
        index = self._indexes.vector_index(self._label)
        return self._connection.rows(statement("vectors_nearest"), index=index, many=many, vector=asked.tolist())
