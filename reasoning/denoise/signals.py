"""What a graph says of a triple that is not part of it: counts, kinds of links, and how near its ends lie, as an array of features.

A fact is judged by the graph without it (``reasoning.denoise.suspicion`` leaves facts out fold by fold), so that a false fact cannot
vouch for itself. Nothing here is learnt; what the numbers are worth is learnt elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kgplatform.view import Ints

if TYPE_CHECKING:
    from scipy import sparse

Reals = npt.NDArray[np.float64]
NAMES = (
    "relation",
    "facts of the head",
    "facts of the tail",
    "facts of the head with this relation",
    "facts of the tail with this relation",
    "facts of the head as a tail of this relation",
    "facts of the tail as a head of this relation",
    "links between the two",
    "the same turned round",
    "fit of the head's relations",
    "fit of the tail's relations",
    "best fit of a relation of the head",
    "best fit of a relation of the tail",
    "fit of the head's neighbours as its like",
    "fit of the tail's neighbours as its like",
    "fit of the head's neighbours as tails",
    "fit of the tail's neighbours as heads",
    "best fit of another link between the two",
    "worst fit of another link between the two",
    "neighbours in common",
    "paths of two steps",
    "paths of three steps",
    "paths of four steps",
    "paths of five steps",
    "likeness of the ends",
    "likeness of the tail to tails of the relation",
    "likeness of the head to heads of the relation",
)
"""What the columns are, for people."""
RELATION = 0
"""The column that holds the relation's number."""
COUNTS = range(1, 7)
"""The columns that hold logarithms of one more than a count."""
_MOST_PATHS = 30_000_000
"""Pairs of entities two steps apart up to which paths are counted; in denser graphs almost everything is a few steps from everything."""
_PAIRS = 2_000
_WIDTH = 64
"""Coordinates of the vectors by which likeness is measured."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Facts ``(n, 3)`` among so many entities and relations, and what is counted once for all questions."""

    triples: Ints
    entities: int
    relations: int

    def signals(self, triples: Ints) -> Reals:
        """Of triples that are not in the graph: ``(m, 3) -> (m, len(NAMES))``."""
        head, relation, tail = triples.T
        back = self.relations + relation
        degree = np.log1p(self._degree)
        found = [
            relation.astype(np.float64),
            degree[head],
            degree[tail],
            *(np.log1p(_at(self._slots, end, slot)) for end, slot in ((head, relation), (tail, back), (head, back), (tail, relation))),
            _at(self._links, head, tail),
            _at(self._turned, head * self.relations + relation, tail),
            self._fit[head, relation],
            self._fit[tail, back],
            *self._best(head, relation),
            *self._best(tail, back),
            self._around[head, relation],
            self._around[tail, back],
            self._around[head, back],
            self._around[tail, relation],
            *self._other_links(head, relation, tail),
            *self._paths(head, tail),
            *self._likeness(head, relation, tail),
        ]
        return np.column_stack(found)

    # -- counts ---------------------------------------------------------------------------------------

    @cached_property
    def _degree(self) -> Ints:
        return np.bincount(self.triples[:, [0, 2]].ravel(), minlength=self.entities)

    @cached_property
    def _slots(self) -> sparse.csr_matrix:
        """How often each entity is the head of each relation, then the tail: ``(entities, 2 · relations)``."""
        head, relation, tail = self.triples.T
        rows, columns = np.concatenate([head, tail]), np.concatenate([relation, relation + self.relations])
        return _counts(rows, columns, (self.entities, 2 * self.relations))

    @cached_property
    def _links(self) -> sparse.csr_matrix:
        """How many facts connect two entities, whichever way."""
        head, _, tail = self.triples.T
        return _counts(np.concatenate([head, tail]), np.concatenate([tail, head]), (self.entities, self.entities))

    @cached_property
    def _turned(self) -> sparse.csr_matrix:
        """Facts by (tail, relation) and head."""
        head, relation, tail = self.triples.T
        return _counts(tail * self.relations + relation, head, (self.entities * self.relations, self.entities))

    # -- which relations go together -------------------------------------------------------------------

    @cached_property
    def _has(self) -> sparse.csr_matrix:
        return (self._slots > 0).astype(np.float64)

    @cached_property
    def _together(self) -> Reals:
        """How much oftener than by chance an entity stands in both of two slots, in nats: ``(slots, slots)``."""
        both = (self._has.T @ self._has).toarray()
        each = both.diagonal()
        return np.asarray(np.log((both + 0.5) / (np.outer(each, each) / self.entities + 0.5)))

    @cached_property
    def _fit(self) -> Reals:
        """How well each slot goes with those that an entity stands in, on average: ``(entities, slots)``."""
        return np.asarray((self._has @ self._together) / np.maximum(self._has.sum(axis=1), 1))

    @cached_property
    def _around(self) -> Reals:
        """The same of an entity's neighbours."""
        return np.asarray((self._links @ self._fit) / np.maximum(self._degree, 1)[:, None])

    def _best(self, ends: Ints, slots: Ints) -> list[Reals]:
        rows = self._has[ends]
        owner = np.repeat(np.arange(len(ends)), np.diff(rows.indptr))
        found = np.full(len(ends), -9.0)
        np.maximum.at(found, owner, self._together[slots[owner], rows.indices])
        return [found]

    @cached_property
    def _pairs(self) -> tuple[Ints, sparse.csr_matrix, Reals]:
        """Pairs of entities that are linked, in order; their relations, as seen from the first; and how these go together."""
        head, relation, tail = self.triples.T
        codes = np.concatenate([head * self.entities + tail, tail * self.entities + head])
        pairs, place = np.unique(codes, return_inverse=True)
        held = _counts(place, np.concatenate([relation, relation + self.relations]), (len(pairs), 2 * self.relations))
        held.data[:] = 1.0
        both = (held.T @ held).toarray()
        each = both.diagonal()
        return pairs, held, np.log((both + 0.1) / (np.outer(each, each) / max(1, len(pairs)) + 0.1))

    def _other_links(self, head: Ints, relation: Ints, tail: Ints) -> list[Reals]:
        pairs, held, together = self._pairs
        code = head * self.entities + tail
        place = np.minimum(np.searchsorted(pairs, code), len(pairs) - 1)
        known = np.flatnonzero(pairs[place] == code)
        rows = held[place[known]]
        owner = known[np.repeat(np.arange(len(known)), np.diff(rows.indptr))]
        best, worst = np.full(len(code), -1.0), np.full(len(code), 9.0)
        fits = together[relation[owner], rows.indices]
        np.maximum.at(best, owner, fits)
        np.minimum.at(worst, owner, fits)
        return [best, worst]

    # -- how near the ends lie -------------------------------------------------------------------------

    @cached_property
    def _steps(self) -> sparse.csr_matrix:
        """The links, each divided by the root of both its ends' degrees, so that hubs bring nobody together."""
        from scipy import sparse

        scale = sparse.diags(1 / np.sqrt(np.maximum(self._degree, 1)))
        return (scale @ self._links @ scale).tocsr()

    @cached_property
    def _two_steps(self) -> sparse.csr_matrix | None:
        reach = np.diff(self._links.indptr).astype(np.float64)
        return (self._steps @ self._steps).tocsr() if float(reach @ reach) <= _MOST_PATHS else None

    def _paths(self, head: Ints, tail: Ints) -> list[Reals]:
        """Neighbours in common, and weighed paths of two to five steps; nothing of these in a dense graph."""
        found = np.zeros((5, len(head)))
        if (two := self._two_steps) is None:
            return list(found)
        for start in range(0, len(head), _PAIRS):
            some = slice(start, start + _PAIRS)
            from_head, from_tail = self._steps[head[some]], self._steps[tail[some]]
            far_head, far_tail = two[head[some]], two[tail[some]]
            found[0, some] = _sums((from_head > 0).multiply(from_tail > 0))
            found[1, some] = _sums(from_head.multiply(from_tail))
            found[2, some] = _sums(far_head.multiply(from_tail))
            found[3, some] = _sums(far_head.multiply(far_tail))
            found[4, some] = _sums((far_head @ self._steps).multiply(far_tail))
        return list(found)

    @cached_property
    def _vectors(self) -> Reals:
        """Unit vectors of the entities by whom they are linked to: the largest eigenvectors of the steps."""
        from sklearn.utils.extmath import randomized_svd

        width = max(1, min(_WIDTH, self.entities - 1))
        vectors, values, _ = randomized_svd(self._steps, width, n_iter=4, random_state=0)
        scaled = vectors * values
        return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12), np.float64)

    @cached_property
    def _typical(self) -> Reals:
        """The mean direction of what stands in each slot: ``(slots, width)``."""
        sums = np.asarray(self._slots.T @ self._vectors)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))

    def _likeness(self, head: Ints, relation: Ints, tail: Ints) -> list[Reals]:
        heads, tails = self._vectors[head], self._vectors[tail]
        return [
            (heads * tails).sum(axis=1),
            (tails * self._typical[self.relations + relation]).sum(axis=1),
            (heads * self._typical[relation]).sum(axis=1),
        ]


def _counts(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    from scipy import sparse

    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _at(matrix: sparse.csr_matrix, rows: Ints, columns: Ints) -> Reals:
    return np.asarray(matrix[rows, columns], np.float64).ravel()


def _sums(matrix: Any) -> Reals:
    return np.asarray(matrix.sum(axis=1), np.float64).ravel()
