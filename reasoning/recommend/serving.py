"""From a trained recommender to what is served: its vectors, or what else it scores by, with the names that numbers stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch

from kgplatform.errors import BadFile, BadRequest
from kgplatform.texts import Texts
from reasoning.recommend.cold import filled
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.factors import Factors
from reasoning.recommend.models.floors import ItemKNN
from reasoning.recommend.models.registry import make
from reasoning.recommend.reading import Facts
from reasoning.recommend.served import RIDGE, Floats, Form, Served, gathered, standard

if TYPE_CHECKING:
    from scipy import sparse

    from reasoning.recommend.cold import About
    from reasoning.recommend.ground import Ground
    from reasoning.recommend.models.kgat import KGAT
    from reasoning.recommend.ranking import Recommender


def served(model: Recommender, learned: Interactions, told: Mapping[str, Any], about: About | None = None) -> Served:
    """What a model that was learned from these interactions says, as arrays; ``told`` is kept with it.

    Where something is known ``about`` items, those that nobody took get vectors by that (``cold``), and can be recommended.
    """
    form, arrays = _arrays(model, learned)
    if about is not None and isinstance(model, Factors):
        with torch.no_grad():
            users = model.vectors()[0].float().cpu().numpy()
        arrays["item"] = filled(users, arrays["item"], learned, about).items.astype(np.float32)
    arrays["counts"] = np.bincount(learned.pairs[:, 1], minlength=len(learned.items)).astype(np.int64)
    arrays["popular"] = standard(np.log1p(arrays["counts"]).astype(np.float32))
    return Served(form, learned.items, arrays, told)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is served, as it is measured: for users by number, who took what ``known`` holds."""

    served: Served
    known: Interactions

    @property
    def device(self) -> str:
        return "cpu"

    def score(self, users: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.served.scores(rows(self.known)[users.numpy()]))


def rows(known: Interactions) -> sparse.csr_matrix:
    """Who took what, ``(users, items)``."""
    from scipy import sparse

    user, item = known.pairs.T
    return sparse.csr_matrix((np.ones(len(known), np.float32), (user, item)), shape=(len(known.users), len(known.items)))


def _arrays(model: Recommender, learned: Interactions) -> tuple[Form, dict[str, npt.NDArray[Any]]]:
    if isinstance(model, Factors):
        with torch.no_grad():
            user, item = (part.float().cpu().numpy() for part in model.vectors())
        return "factors", {"item": item, "fold": folding(user, item, learned)}
    if isinstance(model, ItemKNN):
        alike = model.alike.tocsr()
        return "near", {
            "begins": alike.indptr.astype(np.int64),
            "others": alike.indices.astype(np.int64),
            "alike": alike.data.astype(np.float32),
        }
    return "counts", {}


def restored(ground: Ground, settings: Mapping[str, Any]) -> KGAT | None:
    """The model that read the graph, as it was learned; ``None`` of one that reads none. Raises ``BadFile`` for one of another version."""
    if not ground.model:
        return None
    users, items = (Texts.of([""] * size) for size in (ground.users, len(ground.of_item)))
    facts = Facts(ground.triples, len(ground.entities), tuple(ground.relations), ground.of_item)
    try:
        model = make(settings["model"], Interactions(users, items, ground.pairs), facts, settings["dim"], torch.Generator())
        model.load_state_dict({name: torch.from_numpy(values) for name, values in ground.model.items()})
    except (BadRequest, KeyError, RuntimeError) as error:
        why = " ".join(str(error).split())[:120]
        raise BadFile(f"the recommender is of another version ({why}): learn it anew by  kg interactions learn") from None
    return cast("KGAT", model.eval())


def folding(user: Floats, item: Floats, learned: Interactions) -> Floats:
    """``(dim, dim)``: the least-squares map from what users took (``gathered``) to what they were learned to be like."""
    told = gathered(rows(learned), item)
    square = told.T @ told
    ridge = RIDGE * max(float(np.trace(square)) / len(square), 1e-9) * np.eye(len(square), dtype=np.float32)
    found: Floats = np.linalg.solve(square + ridge, told.T @ user).astype(np.float32)
    return found
