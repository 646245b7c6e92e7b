"""Learn a recommender from the interactions beside a graph, and keep it there, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.names import digest
from kgplatform.ports import Progress
from reasoning.recommend import ground as grounds
from reasoning.recommend import served as files
from reasoning.recommend.beside import Beside, Items
from reasoning.recommend.ground import Ground
from reasoning.recommend.reading import Facts
from reasoning.recommend.served import Served
from reasoning.recommend.splitting import Parts, held_out

if TYPE_CHECKING:
    from kgplatform.view import GraphView
    from reasoning.recommend.training import Heard, Settings

TOP = 20


class Graph(Protocol):
    """What learning needs of ``kgplatform.graph.KnowledgeGraph``."""

    def view(self) -> GraphView: ...


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A recommender that is kept: what it says, and how well it found the interactions that it was not shown.

    ``tried`` holds the NDCG of each that was tried, where it is the best of several.
    """

    served: Served
    recall: float
    ndcg: float
    users: int
    epochs: int
    tried: Mapping[str, float]

    def shape(self) -> dict[str, Any]:
        """As JSON holds it."""
        return dict(self.served.told)


def learn(
    kg: Graph,
    beside: Beside,
    settings: Settings,
    *,
    device: str = "cpu",
    auto: bool = False,
    progress: Progress | None = None,
    heard: Heard | None = None,
    trying: Callable[[str], Heard | None] | None = None,
    checkpoint: Path | None = None,
    said: Callable[[str], None] | None = None,
) -> Learned:
    """Learn from all interactions but one of each user, which are watched meanwhile, and replace what was kept.

    Models that read the graph are given its current facts, and how sure they are. With ``auto`` several are tried, each told to ``trying``,
    and the best is kept. What was stopped goes on from its ``checkpoint``. Raises ``NotFound`` where there are no interactions,
    ``BadRequest`` where a model cannot learn from these.
    """
    from reasoning.recommend.ranking import figures
    from reasoning.recommend.serving import Asked, served
    from reasoning.recommend.training import choose, train

    kept = beside.read()
    fit, watched = held_out(kept.interactions, settings.seed)
    if not len(watched):
        raise BadRequest("no user has two interactions, so nothing tells good recommendations from bad: add more by  kg interactions add")
    view = kg.view()
    facts = facts_of(view, kept.items)
    parts = Parts(fit, watched, watched)
    if auto:
        choice = choose(parts, settings, facts, device=device, progress=progress, trying=trying, checkpoint=checkpoint, said=said)
        found, tried = choice.trained, choice.watched
    else:
        found = train(parts, settings, facts, device=device, progress=progress, heard=heard, checkpoint=checkpoint, said=said)
        tried = {}
    settings = found.settings
    revision = digest(kept.revision, view.revision, json.dumps(asdict(settings)))
    told = {"model": settings.model, "settings": asdict(settings), "interactions": len(kept.interactions), "revision": revision}
    made = served(found.model, fit, told)
    tested = figures(Asked(made, fit), watched, fit, k=TOP)
    recall, ndcg, users = float(tested.recall.mean()), float(tested.ndcg.mean()), len(tested.users)
    good = {f"recall@{TOP}": recall, f"ndcg@{TOP}": ndcg, "users_tested": users, "epochs": found.epochs, "tried": dict(tried)}
    made = replace(made, told={**told, **good})
    grounds.write(beside.ground, Ground.of(view, facts.of_item, fit, found.model), revision)
    files.write(beside.recommender, made)
    return Learned(made, recall, ndcg, users, found.epochs, tried)


def facts_of(view: GraphView, items: Items) -> Facts:
    """The graph as recommenders read it; items whose entity has no fact are none of it."""
    places = [view.entity_ids.find(entity) if entity else -1 for entity in items.entities]
    return Facts(view.triples, len(view.entity_ids), view.relations, np.array(places, dtype=np.int64), view.confidence.astype(np.float64))
