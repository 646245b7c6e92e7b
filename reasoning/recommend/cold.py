"""Vectors for items that nobody has taken yet, in the space of a recommender that is learned already.

What an item's text says, and the graph about it where there is one, is mapped to the vectors of the items that were taken (the fusion of
text with the collaborative signal is the idea of PRORec); the map is a kernel ridge regression, in closed form. All that is left open in
it is chosen by items that were taken and are held out. A map draws to the mean, so that new items would never be recommended beside
others: their distance from the mean is stretched until held-out items come among the first as often as by their own vectors. Vectors of
texts come in; nothing here encodes, reads or writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Flags, Interactions, Ints, Reals

if TYPE_CHECKING:
    from scipy import sparse

    from reasoning.recommend.models.factors import Fixed
    from reasoning.recommend.reading import Facts

RIDGES = (0.1, 0.3, 1.0, 3.0)
"""Weights of the penalty, where an item is as like itself as 1."""
GRAPH = (0.0, 0.3, 1.0)
"""How far apart items lie for what the graph tells of them, where 1 is the scale of their texts; 0 leaves it aside."""
FOLDS, LEAST = 5, 10
"""Parts of the taken items that are held out in turn; fewer items than these teach no map."""
LANDMARKS, LISTENERS = 2_000, 2_000
"""The most items that others are compared with, and users by whom the distance is stretched."""
CELLS = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """What is known of items besides who took them: ``texts`` ``(items, n)`` as vectors, and the graph."""

    texts: npt.NDArray[np.float32]
    facts: Facts | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """``items`` ``(items, dim)`` as they were learned, but made for those that are ``cold`` ``(items,)``; and what was chosen for it.

    ``unexplained`` is the share of the variance of held-out vectors that the map leaves; ``stretch`` is by how much it falls short.
    """

    items: Reals
    cold: Flags
    ridge: float
    graph: float
    stretch: float
    unexplained: float


def untaken(taken: Interactions) -> Flags:
    """The items with no interaction, ``(items,)``."""
    found: Flags = np.bincount(taken.pairs[:, 1], minlength=len(taken.items)) == 0
    return found


def filled(users: Reals, items: Reals, taken: Interactions, about: About, *, first: int = 20, seed: int = 0) -> Filled:
    """Vectors for the items that are not in ``taken``, from learned ``users`` ``(users, dim)`` and ``items`` ``(items, dim)``.

    They are stretched so as to be fair among the ``first``. Raises ``BadRequest`` where too few items were taken to learn from.
    """
    cold = untaken(taken)
    warm = np.flatnonzero(~cold)
    if len(warm) < LEAST:
        raise BadRequest(f"only {len(warm)} items were taken by anyone: from fewer than {LEAST} nothing is learned about new ones")
    users, items = users.astype(np.float64), items.astype(np.float64)
    draw = np.random.default_rng((seed, 3))
    fold = draw.permutation(len(warm)) % FOLDS
    known = _Known(about.texts, None if about.facts is None else _links(about.facts, len(items)))
    weights = GRAPH if about.facts is not None else GRAPH[:1]
    tried = {(weight, ridge): told for weight in weights for ridge, told in _held_out(items, warm, fold, known, weight, draw).items()}
    mean = items[warm].mean(axis=0)
    spread = np.square(items[warm] - mean).sum()
    left = {setting: float(np.square(told - items[warm]).sum() / spread) if spread else 1.0 for setting, told in tried.items()}
    weight, ridge = min(left, key=left.__getitem__)
    some = draw.permutation(len(users))[:LISTENERS]
    stretch = _stretch(users, items, _Held(warm, fold, tried[weight, ridge]), taken, np.sort(some), first)
    made = items.copy()
    told = next(_maps(items, warm, np.flatnonzero(cold), known, weight, (ridge,), draw))
    made[cold] = mean + stretch * (told - mean)
    return Filled(made, cold, ridge, weight, stretch, left[weight, ridge])


# -- the map -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is known of items, and which entities stand beside them, ``(items, entities)``."""

    texts: npt.NDArray[np.float32]
    links: sparse.csr_matrix | None


def _held_out(items: Reals, warm: Ints, fold: Ints, known: _Known, graph: float, draw: np.random.Generator) -> dict[float, Reals]:
    """For each weight of the penalty the vectors ``(warm, dim)`` that items get when they are held out."""
    found = {ridge: np.zeros((len(warm), items.shape[1])) for ridge in RIDGES}
    for part in range(FOLDS):
        out = fold == part
        for ridge, told in zip(RIDGES, _maps(items, warm[~out], warm[out], known, graph, RIDGES, draw), strict=True):
            found[ridge][out] = told
    return found


def _maps(
    items: Reals, warm: Ints, asked: Ints, known: _Known, graph: float, ridges: tuple[float, ...], draw: np.random.Generator
) -> Iterator[Reals]:
    """For each weight of the penalty the vectors of the items that are ``asked``, learned from those of the ``warm`` ones.

    A Gaussian kernel between places, by landmarks (Nyström): with all of the warm as landmarks it is the whole kernel ridge regression.
    """
    from scipy.linalg import cholesky, solve_triangular

    place = _places(items, warm, known, graph)
    marks = place[np.sort(draw.permutation(warm)[:LANDMARKS])]
    half = cholesky(_alike(marks, marks) + 1e-9 * np.eye(len(marks)), lower=True)
    learned, wanted = (solve_triangular(half, _alike(marks, place[some]), lower=True).T for some in (warm, asked))
    mean = items[warm].mean(axis=0)
    sizes, turned = np.linalg.eigh(learned.T @ learned)
    towards = turned.T @ (learned.T @ (items[warm] - mean))
    for ridge in ridges:
        yield mean + wanted @ (turned @ (towards / (np.maximum(sizes, 0.0) + ridge)[:, None]))


def _alike(ones: Reals, others: Reals) -> Reals:
    """``(ones, others)``: 1 for the same place, less the farther apart."""
    apart = np.square(ones).sum(axis=1)[:, None] + np.square(others).sum(axis=1) - 2 * ones @ others.T
    found: Reals = np.exp(-np.maximum(apart, 0.0))
    return found


def _places(items: Reals, warm: Ints, known: _Known, graph: float) -> Reals:
    """Where each item lies, ``(items, n)``: by its text, how much the graph tells of it, and the vectors of its warm neighbours there."""
    texts = known.texts.astype(np.float64)
    texts = texts - texts[warm].mean(axis=0)
    parts = [texts / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-12)]
    if known.links is not None and graph:
        count = np.log1p(np.diff(known.links.indptr))[:, None]
        around = _neighbours(known.links, items, warm)
        parts.append(graph * _standard(np.hstack([count, count > 0]), warm))
        parts.append(graph * around / max(float(np.sqrt(np.square(around[warm]).sum(axis=1).mean())), 1e-12))
    return np.hstack(parts)


def _standard(values: Reals, warm: Ints) -> Reals:
    found: Reals = (values - values[warm].mean(axis=0)) / np.maximum(values[warm].std(axis=0), 1e-12)
    return found


def _links(facts: Facts, items: int) -> sparse.csr_matrix:
    """Which entities stand in a fact with which item, ``(items, entities)``."""
    from scipy import sparse

    ends, shape = facts.triples[:, [0, 2]], (facts.entities, facts.entities)
    both = np.concatenate([ends, ends[:, ::-1]])
    beside = sparse.coo_matrix((np.ones(len(both)), both.T), shape=shape).tocsr()
    beside.data[:] = 1.0
    there = np.flatnonzero(facts.of_item >= 0)
    which = sparse.csr_matrix((np.ones(len(there)), (there, facts.of_item[there])), shape=(items, facts.entities))
    return (which @ beside).tocsr()


def _neighbours(links: sparse.csr_matrix, items: Reals, warm: Ints) -> Reals:
    """Of each item the mean of the vectors of warm items that share an entity with it, less of the mean of all, ``(items, dim)``.

    An entity counts the less the more items it has, and a mean of few is drawn to that of all. No item is its own neighbour.
    """
    from scipy import sparse

    counts = np.asarray(links.sum(axis=0)).ravel()
    shared = links @ sparse.diags(np.where(counts > 1, 1.0 / np.sqrt(np.maximum(counts, 1.0)), 0.0))
    own = np.zeros(len(items))
    own[warm] = np.asarray(shared.multiply(shared).sum(axis=1)).ravel()[warm]
    apart = items - items[warm].mean(axis=0)
    total = shared @ (shared[warm].T @ apart[warm]) - own[:, None] * apart
    weight = shared @ np.asarray(shared[warm].sum(axis=0)).ravel() - own
    found: Reals = total / (weight + max(float(np.median(weight[warm])), 1e-12))[:, None]
    return found


# -- fair among others -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """The ``warm`` items, the part in which each is held out, and the vectors they get then, ``(warm, dim)``."""

    warm: Ints
    fold: Ints
    told: Reals


def _stretch(users: Reals, items: Reals, held: _Held, taken: Interactions, some: Ints, first: int) -> float:
    """By what factor the distance of made vectors from the mean must grow, for held-out items to come among the ``first`` as often as by
    their own vectors.

    A user's held-out items keep their order whatever the factor, so the j-th of them comes among the first k from the factor on at
    which it passes the (k - j + 1)-th of the others: the factor is one of these, counted off.
    """
    mean = items[held.warm].mean(axis=0)
    told = items.copy()
    told[held.warm] = held.told
    wanted, passes = 0, []
    few = max(1, CELLS // len(items))
    for start in range(0, len(some), few):
        ask = users[some[start : start + few]]
        gone = _taken(taken, some[start : start + few])
        own, base, away = np.where(gone, -np.inf, ask @ items.T), ask @ mean, np.where(gone, -np.inf, ask @ (told - mean).T)
        for part in range(FOLDS):
            out, rest = held.warm[held.fold == part], held.warm[held.fold != part]
            places = min(first, len(out), len(rest))
            others, best, theirs = _best(own[:, rest], places), _best(own[:, out], places), _best(away[:, out], places)
            wanted += int((best > others[:, ::-1]).sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                needed = (others[:, ::-1] - base[:, None]) / theirs
            passes.append(np.where(theirs > 0, needed, np.inf).ravel())
    every = np.sort(np.concatenate(passes))
    factor = every[min(wanted, int(np.isfinite(every).sum())) - 1] if wanted and np.isfinite(every).any() else 1.0
    return float(max(factor, 1.0))


def _taken(taken: Interactions, users: Ints) -> Flags:
    """``(users, items)``: what each of some users (ascending) took."""
    found = np.zeros((len(users), len(taken.items)), dtype=np.bool_)
    pairs = taken.pairs[np.isin(taken.pairs[:, 0], users)]
    found[np.searchsorted(users, pairs[:, 0]), pairs[:, 1]] = True
    return found


def _best(scores: Reals, count: int) -> Reals:
    """The highest of each row, the highest first."""
    found: Reals = -np.sort(np.partition(-scores, count - 1, axis=1)[:, :count], axis=1)
    return found


# -- what it is compared with ------------------------------------------------------------------------


def fixed(users: Reals, items: Reals) -> Fixed:
    """Recommends by the inner product of ``users`` ``(users, dim)`` with ``items`` ``(items, dim)``."""
    import torch

    from reasoning.recommend.models.factors import Fixed

    return Fixed(*(torch.from_numpy(part.astype(np.float32)) for part in (users, items)))


def by_text(taken: Interactions, texts: npt.NDArray[np.float32], *, centred: bool = True) -> Fixed:
    """Text alone: a user is the sum of the texts of what the user took; ``centred``, of how they differ from the mean of all."""
    from scipy import sparse

    apart = (texts - centred * texts[~untaken(taken)].mean(axis=0)).astype(np.float64)
    shape = (len(taken.users), len(taken.items))
    return fixed(sparse.csr_matrix((np.ones(len(taken)), taken.pairs.T), shape=shape) @ apart, apart)


def by_guess(taken: Interactions, texts: npt.NDArray[np.float32]) -> Fixed:
    """How popular an item will be, guessed from its text: the same for every user."""
    counts = np.bincount(taken.pairs[:, 1], minlength=len(taken.items)).astype(np.float64)
    cold, draw = counts == 0, np.random.default_rng(0)
    warm = np.flatnonzero(~cold)
    logs = np.log1p(counts)[:, None]
    logs[cold] = next(_maps(logs, warm, np.flatnonzero(cold), _Known(texts, None), 0.0, (1.0,), draw))
    return fixed(np.ones((len(taken.users), 1)), logs)


def by_count(taken: Interactions, seed: int = 0) -> Fixed:
    """How popular an item is; those equally popular, as all new ones are, in an order drawn at random."""
    counts = np.bincount(taken.pairs[:, 1], minlength=len(taken.items)).astype(np.float64)
    order = np.random.default_rng((seed, 4)).permutation(len(counts)) / len(counts)
    return fixed(np.ones((len(taken.users), 1)), (counts + order)[:, None])
