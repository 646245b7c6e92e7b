"""The graph as a recommender learned it, kept beside it, so that why something is recommended is told in milliseconds.

Facts are kept by their keys: what is believed of them now, and their evidence, the graph itself says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadFile
from kgplatform.texts import Texts
from kgplatform.view import GraphView
from reasoning.recommend import arrays
from reasoning.recommend.interactions import Interactions, Ints, Reals
from reasoning.recommend.reasons import Adjacency

if TYPE_CHECKING:
    from reasoning.recommend.beside import Beside
    from reasoning.recommend.ranking import Recommender

FORMAT = "kgplatform.ground.1"
_ADJACENCY = ("begins", "edges", "others", "degree")


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """``triples`` ``(facts, 3)`` by the numbers of ``entities``, each with its key and confidence; ``of_item``: each item's entity, or -1.

    ``attention`` ``(2 · facts,)`` is what a model heeds, where it reads the graph; ``model`` what it has learned of ``relations``, and from
    the ``pairs`` of so many ``users`` with items.
    """

    entities: Texts
    relations: Texts
    keys: Texts
    triples: Ints
    confidence: Reals
    of_item: Ints
    adjacency: Adjacency
    users: int
    pairs: Ints
    attention: Reals | None = None
    model: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, view: GraphView, of_item: Ints, learned: Interactions, model: Recommender) -> Ground:
        """Of what ``model`` learned from these interactions and this view."""
        from reasoning.recommend.models.kgat import KGAT
        from reasoning.recommend.reasons import heeded

        graph = Adjacency.of(view.triples, len(view.entity_ids))
        confidence = view.confidence.astype(np.float64)
        relations, users = Texts.of(view.relations), len(learned.users)
        read = cls(view.entity_ids, relations, view.keys, view.triples, confidence, of_item, graph, users, np.zeros((0, 2), np.int64))
        if not isinstance(model, KGAT):
            return read
        state = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
        return replace(read, pairs=learned.pairs, attention=heeded(model), model=state)


def write(path: Path, ground: Ground, revision: str) -> None:
    """Replace the file in one move. Raises ``BadFile``."""
    held = {
        **arrays.packed("entities", ground.entities),
        **arrays.packed("relations", ground.relations),
        **arrays.packed("keys", ground.keys),
        "triples": ground.triples,
        "confidence": ground.confidence,
        "of_item": ground.of_item,
        **{f"adjacency/{name}": getattr(ground.adjacency, name) for name in _ADJACENCY},
        "pairs": ground.pairs,
        **({} if ground.attention is None else {"attention": ground.attention}),
        **{f"model/{name}": values for name, values in ground.model.items()},
    }
    arrays.write(path, FORMAT, held, {"revision": revision, "users": ground.users, "learned": bool(ground.model)})


def forget(beside: Beside) -> None:
    """Take away what is kept of the graph, of which something was taken back, and the recommender, where it was learned from that too.

    What cannot be read goes as well.
    """
    with beside.alone():
        try:
            learned = arrays.told(beside.ground, FORMAT)["learned"] if beside.ground.is_file() else False
        except BadFile:
            learned = True
        beside.ground.unlink(missing_ok=True)
        if learned:
            beside.recommender.unlink(missing_ok=True)


def read(path: Path, revision: str) -> Ground | None:
    """The one of the recommender with this revision; ``None`` where that has none. Raises ``BadFile`` for a file that is damaged."""
    if not path.is_file():
        return None
    held, told = arrays.read(path, FORMAT)
    if told["revision"] != revision:
        return None
    return Ground(
        arrays.unpacked("entities", held),
        arrays.unpacked("relations", held),
        arrays.unpacked("keys", held),
        held["triples"],
        held["confidence"],
        held["of_item"],
        Adjacency(len(held["triples"]), *(held[f"adjacency/{name}"] for name in _ADJACENCY)),
        told["users"],
        held["pairs"],
        held.get("attention"),
        {name.removeprefix("model/"): values for name, values in held.items() if name.startswith("model/")},
    )
