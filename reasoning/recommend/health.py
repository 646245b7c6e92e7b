"""Whether interactions are such that something can be learned from them: counts, and what a person should know of them beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reasoning.recommend.beside import Kept

FEW, CONCENTRATED, KNOWN = 5, 0.5, 0.5
"""What is few interactions a user; much for the hundredth most taken items, as a share; few items in the graph, as a share."""


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
