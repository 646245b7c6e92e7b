"""What a reason is worth: how an item's rank for a user changes without it.

A model that reads the graph is asked again without the facts of the way. Of others, which know no facts, the user's item at which the way
begins is taken away instead, and the user's vector is made anew from the rest. The change tells which of the two was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Interactions, Ints
from reasoning.recommend.reasons import Reason

if TYPE_CHECKING:
    from torch import Tensor

    from reasoning.recommend.models.factors import Factors
    from reasoning.recommend.models.kgat import KGAT

Fold = Callable[[Ints], "Tensor"]
"""From the numbers of items that somebody has to a vector ``(dim,)`` like those of the model's users."""


@dataclass(frozen=True, slots=True)
class Change:
    """The item's rank among what the user does not have, ``before`` and ``after`` the facts or the ``item`` were taken away.

    1 is first; of items that score alike all are last of these. ``lost`` is by how much its score fell.
    """

    taken: Literal["facts", "item"]
    before: int
    after: int
    lost: float


def without(
    model: Factors,
    known: Interactions,
    user: int,
    item: int,
    reasons: Sequence[Reason],
    *,
    of_item: Ints,
    fold: Fold | None = None,
) -> tuple[Change, ...]:
    """What each of the reasons is worth to the ``item`` as recommended to the ``user``, in a model that learned from ``known``.

    ``of_item`` ``(items,)`` are their entities. Raises ``BadRequest`` where the model reads no graph and there is no ``fold``, or for a
    reason that begins at nothing that the user has.
    """
    from reasoning.recommend.models.kgat import KGAT

    if isinstance(model, KGAT):
        return without_facts(model, known, user, item, [reason.places for reason in reasons])
    if fold is None:
        raise BadRequest("this model reads no graph: to see what a reason is worth, say how a user's vector is made from items")
    own = _own(known, user, item)
    dropped = [own[of_item[own] == reason.start] for reason in reasons]
    return without_items(model, known, user, item, dropped, fold=fold)


def without_facts(model: KGAT, known: Interactions, user: int, item: int, drops: Sequence[Ints]) -> tuple[Change, ...]:
    """The same without the facts at each of these places of the graph, in either direction."""
    import torch

    own, facts = _own(known, user, item), len(model.edges.head) // 2

    def scores(which: Tensor | None) -> Tensor:
        users, items = model.spread(model.user, model.described(which))
        return items @ users[user]

    with _asked(model):
        before, changes = scores(None), []
        for places in drops:
            stays = torch.ones(facts, dtype=torch.bool, device=before.device)
            stays[torch.from_numpy(places).to(before.device)] = False
            changes.append(_change("facts", before, scores(torch.nonzero(stays.repeat(2))[:, 0]), own, item))
    return tuple(changes)


def without_items(model: Factors, known: Interactions, user: int, item: int, drops: Sequence[Ints], *, fold: Fold) -> tuple[Change, ...]:
    """The same without each of these groups of the user's items. They are not recommended again: the rank is among the same items.

    Who has nothing left likes everything alike.
    """
    import torch

    own = _own(known, user, item)
    if (bad := next((place for place, some in enumerate(drops, 1) if not np.isin(some, own).any()), None)) is not None:
        raise BadRequest(f"reason {bad} begins at nothing that {known.users[user]} has")
    with _asked(model):
        of_items = model.vectors()[1]

        def scores(items: Ints) -> Tensor:
            return of_items @ fold(items).to(of_items) if len(items) else torch.zeros_like(of_items[:, 0])

        before = scores(own)
        return tuple(_change("item", before, scores(np.setdiff1d(own, some)), own, item) for some in drops)


def _own(known: Interactions, user: int, item: int) -> Ints:
    """The user's items."""
    for name, number, there in (("user", user, len(known.users)), ("item", item, len(known.items))):
        if not 0 <= number < there:
            raise BadRequest(f"there is no {name} {number}: the model knows {there:,}")
    own: Ints = known.pairs[known.pairs[:, 0] == user, 1]
    return own


@contextmanager
def _asked(model: Factors) -> Iterator[None]:
    """Nothing is left to chance, and nothing learned."""
    import torch

    learning = model.training
    try:
        with torch.no_grad():
            model.eval()
            yield
    finally:
        model.train(learning)


def _change(taken: Literal["facts", "item"], before: Tensor, after: Tensor, own: Ints, item: int) -> Change:
    import torch

    others = torch.ones(len(before), dtype=torch.bool, device=before.device)
    others[torch.from_numpy(own).to(before.device)] = False
    others[item] = True
    first, then = (int((scores[others] >= scores[item]).sum()) for scores in (before, after))
    return Change(taken, first, then, float(before[item] - after[item]))
