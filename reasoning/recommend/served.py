"""A trained recommender as arrays: what it says for a user, for a basket, or for everybody, in milliseconds and without torch.

Everybody is described by what they took: the least-squares map from histories to the vectors of users that were learned says what somebody
with this history is like. What is taken now counts now, and who is new is served like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from kgplatform.texts import Texts, places
from reasoning.recommend import arrays
from reasoning.recommend.interactions import Flags, Interactions, Ints

if TYPE_CHECKING:
    from scipy import sparse

Floats = npt.NDArray[np.float32]
Form = Literal["factors", "near", "counts"]
Allowed = Callable[[Ints], Flags]
"""Which of these items may be recommended."""
FORMAT = "kgplatform.recommender.1"
WIDEST, CELLS, FIRST = 4_096, 1 << 25, 500
"""Users, and scores, that are held at once for everybody; items that are asked about first where some may not be recommended."""
BLOCK = 256
"""Scores of which the highest is looked at first, where there are many."""
NEAR = 10
"""Of so many times as many items as are wanted, the most diverse are chosen."""
RIDGE = 1e-3
TOP = 20
"""Items that are recommended, unless another number is named; by so many it is also measured."""


class Pick(NamedTuple):
    """A recommended item by its number, and its score: higher is likelier, and no probability."""

    item: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """``form`` says how items are scored, and ``arrays`` hold it.

    ``factors``: ``item`` ``(items, dim)``, and ``fold`` ``(dim, dim)`` from what was taken to a user. ``near``: each item's nearest,
    ``others`` and how ``alike``, from ``begins`` ``(items + 1,)`` on. Every form has
    ``counts`` ``(items,)``, how often each was taken, and ``popular``, its logarithm in standard units.
    """

    form: Form
    items: Texts
    arrays: Mapping[str, npt.NDArray[Any]]
    told: Mapping[str, Any]

    def scores(self, histories: sparse.csr_matrix) -> Floats:
        """Of every item, for those who took what ``histories`` ``(batch, items)`` holds: ``(batch, items)``. Nothing taken says nothing."""
        if self.form == "counts":
            return np.tile(self.arrays["counts"].astype(np.float32), (histories.shape[0], 1))
        if self.form == "near":
            return np.asarray((histories @ self._near()).toarray(), np.float32)
        return np.asarray(self.vectors(histories) @ self.arrays["item"].T, np.float32)

    def asked(self, histories: sparse.csr_matrix) -> Floats:
        """The same as it is recommended by: who took nothing is recommended what most take."""
        found = self.scores(histories)
        found[np.diff(histories.indptr) == 0] = self.arrays["counts"]
        return found

    def vectors(self, histories: sparse.csr_matrix) -> Floats:
        """``(batch, dim)``: what those are like who took this."""
        return np.asarray(gathered(histories, self.arrays["item"]) @ self.arrays["fold"], np.float32)

    def _near(self) -> sparse.csr_matrix:
        return _sparse(self.arrays["alike"], self.arrays["others"], self.arrays["begins"], len(self.items))

    def history(self, taken: Ints) -> sparse.csr_matrix:
        """One row with these items."""
        return _sparse(np.ones(len(taken), np.float32), taken, np.array([0, len(taken)]), len(self.items))

    def best(
        self,
        taken: Ints,
        top: int = TOP,
        *,
        allowed: Allowed | None = None,
        diversity: float = 0.0,
        popularity: float = 0.0,
    ) -> list[Pick]:
        """The ``top`` items for somebody who took these, which are not among them, best first; for who took nothing, what most take.

        ``diversity`` from 0 to 1 weighs how unlike those before it an item is (Carbonell and Goldstein, 1998); ``popularity`` from -1 to 1
        favours what few, or what many take. Raises ``BadRequest`` for other numbers.
        """
        if top < 1 or not 0 <= diversity <= 1 or not -1 <= popularity <= 1:
            raise BadRequest("top must be at least 1, diversity from 0 to 1, and popularity from -1 to 1")
        scores = self.asked(self.history(taken))[0]
        if popularity:
            scores = standard(scores) + np.float32(popularity) * self.arrays["popular"]
        scores[taken] = -np.inf
        wanted = top if not diversity else NEAR * top
        places = self._first(scores, wanted, len(taken), allowed)
        if diversity:
            places = places[self._diverse(places, scores[places], top, diversity)]
        return [Pick(place, float(scores[place])) for place in places[:top].tolist()]

    def _first(self, scores: Floats, wanted: int, taken: int, allowed: Allowed | None) -> Ints:
        """The places of the highest scores that are allowed; more and more are asked about until there are enough."""
        many, most = (wanted if allowed is None else max(FIRST, wanted)), len(scores) - taken
        while True:
            places = _highest(scores, min(many, most))
            found = places if allowed is None else places[allowed(places)]
            if len(found) >= wanted or many >= most:
                return found[:wanted]
            many *= 10

    def _diverse(self, places: Ints, scores: Floats, top: int, diversity: float) -> Ints:
        """Which of these are taken, one after the other: high scores that are unlike what was chosen before."""
        vectors = self._directions(places)
        low, high = scores.min(initial=0.0), scores.max(initial=1.0)
        fit = (1 - diversity) * (scores - low) / max(float(high - low), 1e-9)
        nearest, chosen = np.zeros(len(places), np.float32), list[int]()
        for _ in range(min(top, len(places))):
            value = fit - diversity * nearest
            value[chosen] = -np.inf
            chosen.append(int(value.argmax()))
            nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
        return np.array(chosen, dtype=np.int64)

    def _directions(self, places: Ints) -> Floats:
        """Vectors of unit length by which items are alike, ``(n, width)``."""
        if self.form == "factors":
            vectors = self.arrays["item"][places]
        elif self.form == "near":
            vectors = self._near()[places].toarray()
            vectors[np.arange(len(places)), places] = 1.0
        else:
            return np.zeros((len(places), 1), np.float32)
        found: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return found

    def everybody(self, whole: Interactions, top: int = TOP) -> Iterator[tuple[Ints, Ints, Floats]]:
        """For all users of ``whole``, some at a time: the users' numbers ``(n,)``, items ``(n, top)`` by this model's numbers, scores.

        What a user took stands behind all else, with a score of -∞ where there is nothing else.
        """
        place_of = places(self.items, whole.items)
        begins = np.searchsorted(whole.pairs[:, 0], np.arange(len(whole.users) + 1))
        first = min(top, len(self.items))
        few = max(1, min(WIDEST, CELLS // len(self.items)))
        for start in range(0, len(whole.users), few):
            some = np.arange(start, min(len(whole.users), start + few))
            pairs = whole.pairs[begins[some[0]] : begins[some[-1] + 1]]
            there = place_of[pairs[:, 1]] >= 0
            row, item = pairs[there, 0] - start, place_of[pairs[there, 1]]
            ends = np.cumsum(np.bincount(row, minlength=len(some)))
            histories = _sparse(np.ones(len(row), np.float32), item, np.concatenate([[0], ends]), len(self.items))
            scores = self.asked(histories)
            scores[row, item] = -np.inf
            found = np.argpartition(-scores, first - 1, axis=1)[:, :first]
            order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
            found = np.take_along_axis(found, order, axis=1)
            yield some, found.astype(np.int64), np.take_along_axis(scores, found, axis=1)


def gathered(histories: sparse.csr_matrix, items: Floats) -> Floats:
    """What each one took as one vector, ``(batch, items), (items, dim) -> (batch, dim)``: the sum over the root of how many."""
    many = np.maximum(np.diff(histories.indptr), 1).astype(np.float32)
    return np.asarray(histories @ items / np.sqrt(many)[:, None], np.float32)


def _sparse(values: npt.NDArray[Any], columns: Ints, begins: Ints, width: int) -> sparse.csr_matrix:
    from scipy import sparse

    return sparse.csr_matrix((values, columns, begins), shape=(len(begins) - 1, width))


def standard(values: Floats) -> Floats:
    """With a mean of 0 and a deviation of 1."""
    found: Floats = (values - values.mean()) / np.float32(max(float(values.std()), 1e-9))
    return found


def _highest(values: Floats, many: int) -> Ints:
    """The places of the highest values, the highest first, of equal ones the first.

    Of several blocks the ``many``-th highest maximum lies no higher than the ``many``-th highest value, so all below it is left aside.
    """
    if many < 1:
        return np.zeros(0, np.int64)
    some = np.arange(len(values))
    if BLOCK * many < len(values):
        tops = np.maximum.reduceat(values, np.arange(0, len(values), BLOCK))
        some = np.flatnonzero(values >= np.partition(tops, len(tops) - many)[len(tops) - many])
    found: Ints = some[np.argsort(-values[some], kind="stable")][:many]
    return found


# -- as a file ---------------------------------------------------------------------------------------


def write(path: Path, served: Served) -> None:
    """Replace the file in one move. Raises ``BadFile`` where it cannot be written."""
    held = {**arrays.packed("items", served.items), **{f"array/{name}": values for name, values in served.arrays.items()}}
    arrays.write(path, FORMAT, held, {"form": served.form, "told": dict(served.told)})


def read(path: Path) -> Served:
    """Raises ``BadFile`` for what is no such file, or of another version."""
    held, told = arrays.read(path, FORMAT)
    own = {name.removeprefix("array/"): values for name, values in held.items() if name.startswith("array/")}
    return Served(told["form"], arrays.unpacked("items", held), own, told["told"])
