"""What a reason is worth: how an item's rank changes without it.

Of a model that reads the graph the items' vectors are worked out again without the facts of the way, and with them whom it takes the user
to be. Of others, which know no facts, the items at which the way begins are taken out of the history instead. The change tells which of the
two was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from kgplatform.errors import BadRequest
from reasoning.recommend.interactions import Ints
from reasoning.recommend.served import Floats, Served, gathered

if TYPE_CHECKING:
    from reasoning.recommend.models.kgat import KGAT


@dataclass(frozen=True, slots=True)
class Change:
    """The item's rank among what was not taken, ``before`` and ``after`` the facts or the ``item`` were left out.

    1 is first; of items that score alike all are last of these. ``lost`` is by how much its score fell.
    """

    left_out: Literal["facts", "item"]
    before: int
    after: int
    lost: float


def without_facts(served: Served, model: KGAT, taken: Ints, item: int, drops: Sequence[Ints]) -> tuple[Change, ...]:
    """For who took these items, without the facts at each of these places of the ``model``'s graph, in either direction."""
    import torch

    _known(served, taken, item)
    history, facts = served.history(taken), len(model.edges.head) // 2
    before = served.scores(history)[0]
    learning, changes = model.training, []
    model.eval()
    try:
        for places in drops:
            stays = torch.ones(facts, dtype=torch.bool, device=model.device)
            stays[torch.from_numpy(places).to(model.device)] = False
            with torch.no_grad():
                items = model.spread(model.user, model.described(torch.nonzero(stays.repeat(2))[:, 0]))[1].float().cpu().numpy()
            after = np.asarray(items @ (gathered(history, items) @ served.arrays["fold"])[0], np.float32)
            changes.append(_change("facts", before, after, taken, item))
    finally:
        model.train(learning)
    return tuple(changes)


def without_items(served: Served, taken: Ints, item: int, drops: Sequence[Ints]) -> tuple[Change, ...]:
    """For who took these items, without each of these groups of them. They are not recommended again: the rank is among the same items.

    Who has nothing left likes everything alike. Raises ``BadRequest`` for a group of which nothing was taken.
    """
    _known(served, taken, item)
    if (bad := next((number for number, some in enumerate(drops, 1) if not np.isin(some, taken).any()), None)) is not None:
        raise BadRequest(f"reason {bad} begins at nothing that was taken")
    before = served.scores(served.history(taken))[0]
    left = (np.setdiff1d(taken, some) for some in drops)
    return tuple(_change("item", before, served.scores(served.history(some))[0], taken, item) for some in left)


def _known(served: Served, taken: Ints, item: int) -> None:
    if not min(item, int(taken.min(initial=item))) >= 0 or max(item, int(taken.max(initial=item))) >= len(served.items):
        raise BadRequest(f"there is no item of such a number: the recommender knows {len(served.items):,}")


def _change(left_out: Literal["facts", "item"], before: Floats, after: Floats, taken: Ints, item: int) -> Change:
    others = np.ones(len(before), np.bool_)
    others[taken] = False
    others[item] = True
    first, then = (int((scores[others] >= scores[item]).sum()) for scores in (before, after))
    return Change(left_out, first, then, float(before[item] - after[item]))
