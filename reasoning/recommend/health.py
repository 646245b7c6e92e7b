"""Whether interactions are such that something can be learned from them: counts, and what a person should know of them beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reasoning.recommend.beside import Kept
from reasoning.recommend.interactions import Interactions, Ints, Reals
from reasoning.recommend.reading import Facts

FEW, CONCENTRATED, KNOWN = 5, 0.5, 0.5
"""What is few interactions a user; much for the hundredth most taken items, as a share; few items in the graph, as a share."""

PAIRS, FEWEST_PAIRS, SPECIFIC, SURE, MORE = 20_000, 100, 20, 2.0, 1.1
"""Pairs of items that are compared at most, and at least; items of an entity by which two are linked, at most;
by how many standard errors, and how many times, those that are linked must be more alike."""


@dataclass(frozen=True, slots=True)
class Health:
    """``density``: of all pairs, the share that is there; ``head_share``: of interactions, the share of the hundredth most taken items."""

    users: int
    items: int
    interactions: int
    density: float
    median: float
    single_users: int
    untaken_items: int
    head_share: float
    entities: int
    times: tuple[float, float] | None
    ratings: tuple[float, float] | None
    doubts: tuple[str, ...]

    @classmethod
    def of(cls, kept: Kept) -> Health:
        whole = kept.interactions
        by_user = np.bincount(whole.pairs[:, 0], minlength=len(whole.users))
        by_item = np.bincount(whole.pairs[:, 1], minlength=len(whole.items))
        hundredth = max(1, len(whole.items) // 100)
        head = float(np.sort(by_item)[-hundredth:].sum() / max(1, len(whole)))
        entities = int((kept.items.entities.lengths > 0).sum())
        median, single = float(np.median(by_user)) if len(by_user) else 0.0, int((by_user == 1).sum())
        told = {
            f"half of the users took {median:.0f} items or fewer, so little is known of most": median < FEW,
            f"{single:,} of {len(whole.users):,} users took one item only: by them nothing can be tested": single > 0,
            f"the most taken hundredth of items has {head:.0%} of all interactions": head > CONCENTRATED,
            "all users took the same items, so nothing can be learned about one that does not hold for all": _alike(kept, by_item),
            f"only {entities:,} of {len(whole.items):,} items are entities of the graph, so it explains little": entities
            < KNOWN * len(whole.items),
        }
        span = [None if values is None or np.isnan(values).all() else _span(values) for values in (whole.times, whole.ratings)]
        return cls(
            users=len(whole.users),
            items=len(whole.items),
            interactions=len(whole),
            density=len(whole) / max(1, len(whole.users) * len(whole.items)),
            median=median,
            single_users=single,
            untaken_items=int((by_item == 0).sum()),
            head_share=head,
            entities=entities,
            times=span[0],
            ratings=span[1],
            doubts=tuple(sentence for sentence, holds in told.items() if holds),
        )


def _alike(kept: Kept, by_item: np.ndarray) -> bool:
    """Whether all users took the same items."""
    return len(kept.interactions.users) > 1 and bool(np.isin(by_item, (0, len(kept.interactions.users))).all())


def _span(values: np.ndarray) -> tuple[float, float]:
    return float(np.nanmin(values)), float(np.nanmax(values))


@dataclass(frozen=True, slots=True)
class Telling:
    """How far the graph tells who takes what: how alike items are in who took them (mean cosine), for ``pairs`` that the graph links by
    an entity of few items, and for the same items paired at random; ``sure`` is by how many standard errors the former is more.
    """

    linked: float
    apart: float
    pairs: int
    sure: float

    @property
    def doubt(self) -> str:
        """What a person should know; nothing where the graph does tell, or too few pairs say anything."""
        if self.pairs < FEWEST_PAIRS or (self.sure > SURE and self.linked > MORE * self.apart):
            return ""
        alike = f"cosine {self.linked:.3f} and {self.apart:.3f}"
        return f"items that the graph links are taken together no more often than any two ({alike}): are they the right entities?"


def telling(taken: Interactions, facts: Facts, seed: int = 0) -> Telling:
    """Of up to ``PAIRS`` pairs of items, drawn at random."""
    from scipy import sparse

    draw = np.random.default_rng(seed)
    one, other = _linked(facts, draw)
    user, item = taken.pairs.T
    of_items = sparse.csr_matrix((np.ones(len(taken)), (item, user)), shape=(len(taken.items), len(taken.users)))
    size = np.sqrt(np.maximum(np.diff(of_items.indptr), 1))

    def alike(first: Ints, second: Ints) -> Reals:
        both = np.asarray(of_items[first].multiply(of_items[second]).sum(axis=1)).ravel()
        return np.asarray(both / (size[first] * size[second]), np.float64)

    if len(one) < FEWEST_PAIRS:
        return Telling(0.0, 0.0, len(one), 0.0)
    together, at_random = alike(one, other), alike(one, other[draw.permutation(len(other))])
    more = together - at_random
    sure = float(more.mean() / max(float(more.std()) / len(more) ** 0.5, 1e-12))
    return Telling(float(together.mean()), float(at_random.mean()), len(one), sure)


def _linked(facts: Facts, draw: np.random.Generator) -> tuple[Ints, Ints]:
    """Pairs of different items that share an entity of few items, ``(pairs,)`` each."""
    item_of = np.full(facts.entities, -1, dtype=np.int64)
    there = np.flatnonzero(facts.of_item >= 0)
    item_of[facts.of_item[there]] = there
    ends = np.concatenate([facts.triples[:, [0, 2]], facts.triples[:, [2, 0]]])
    ends = np.unique(np.stack([ends[:, 1], item_of[ends[:, 0]]], axis=1)[item_of[ends[:, 0]] >= 0], axis=0)
    many = np.bincount(ends[:, 0], minlength=facts.entities)
    ends = ends[(many[ends[:, 0]] > 1) & (many[ends[:, 0]] <= SPECIFIC)]
    begins = np.searchsorted(ends[:, 0], ends[:, 0])
    partner = begins + draw.integers(0, many[ends[:, 0]])  # one for each item of each entity
    pairs = np.stack([ends[:, 1], ends[partner, 1]], axis=1)
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    chosen = pairs[draw.permutation(len(pairs))[:PAIRS]]
    return chosen[:, 0], chosen[:, 1]
