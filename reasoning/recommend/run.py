"""Learn a recommender from the interactions beside a graph, and keep it there, ready to be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.names import digest
from kgplatform.ports import Progress
from kgplatform.texts import Texts, places
from reasoning.recommend import ground as grounds
from reasoning.recommend import reviewing
from reasoning.recommend import served as files
from reasoning.recommend.beside import Beside, Items, Kept
from reasoning.recommend.cold import About, untaken
from reasoning.recommend.ground import Ground
from reasoning.recommend.health import telling
from reasoning.recommend.reading import Facts
from reasoning.recommend.reviewing import Reviewed
from reasoning.recommend.served import TOP, Floats, Served
from reasoning.recommend.splitting import Parts, held_out

if TYPE_CHECKING:
    from kgplatform.view import GraphView
    from reasoning.recommend.models.diffkg import DiffKG
    from reasoning.recommend.ranking import Recommender
    from reasoning.recommend.training import Heard, Settings, Trained


class Graph(reviewing.Graph, Protocol):
    """What learning needs of ``kgplatform.graph.KnowledgeGraph``."""

    def view(self) -> GraphView: ...


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A recommender that is kept; how it was learned and how good it is stands in what it tells of itself."""

    served: Served
    reviewed: Reviewed | None = None

    @property
    def recall(self) -> float:
        """Of the interactions that it was not shown, the share among the first ``TOP``."""
        return float(self.served.told[f"recall@{TOP}"])

    def shape(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**self.served.told, "reviewed": asdict(self.reviewed) if self.reviewed else None}


@dataclass(frozen=True, slots=True)
class Way:
    """How a training goes: on which device, who hears of it, and from which checkpoint one that was stopped goes on.

    ``progress`` counts epochs; ``trying`` is told each model's name before its training and gives what hears of that; ``said`` is told
    what had to be done in smaller steps, and what a person should doubt. Where ``encode`` makes vectors of texts, ``(n,) -> (n, width)``,
    items that nobody took are recommended too, by what is told of them.
    """

    device: str = "cpu"
    progress: Progress | None = None
    trying: Callable[[str], Heard | None] = lambda _: None
    checkpoint: Path | None = None
    said: Callable[[str], None] | None = None
    encode: Callable[[Sequence[str]], Floats] | None = None


def learn(
    kg: Graph,
    beside: Beside,
    settings: Settings,
    kept: Kept | None = None,
    *,
    auto: bool = False,
    review: bool = False,
    way: Way | None = None,
) -> Learned:
    """Learn from all interactions but one of each user, which are watched meanwhile, and replace what was learned before.

    ``kept`` is what is beside the graph, where it has been read already. Models that read the graph are given its current facts, and
    how sure they are. With ``auto`` several are tried and the best is kept. With ``review`` what a model that cleans the graph says of
    its facts is put to review. Raises ``NotFound`` where there are no interactions, ``BadRequest`` where a model cannot learn from these.
    """
    from reasoning.recommend.ranking import figures
    from reasoning.recommend.serving import Asked, served

    way, kept = way or Way(), kept or beside.read()
    fit, watched = held_out(kept.interactions, settings.seed)
    if not len(watched):
        raise BadRequest("no user has two interactions, so nothing tells good recommendations from bad: add more by  kg interactions add")
    view = kg.view()
    facts = facts_of(view, kept.items)
    if way.said and (doubt := telling(fit, facts).doubt):
        way.said(doubt)
    data = digest(kept.revision, view.revision)
    if way.checkpoint:  # one of other interactions or of another state of the graph is left aside
        way = replace(way, checkpoint=way.checkpoint.with_name(f"{data}.safetensors"))
    found, tried = _trained(Parts(fit, watched, watched), settings, facts, auto, way)
    revision = digest(data, json.dumps(asdict(found.settings)))
    told = {"model": found.settings.model, "settings": asdict(found.settings), "interactions": len(kept.interactions), "revision": revision}
    new = untaken(kept.interactions)
    about = About(way.encode(words(kept.items)), facts) if way.encode and new.any() and not new.all() else None
    made = served(found.model, fit, told, about)
    tested = figures(Asked(made, fit), watched, fit, k=TOP).shape()
    good = {
        "users_tested": tested.pop("users"),
        **tested,
        "epochs": found.epochs,
        "tried": dict(tried),
        "new_items": int(new.sum()) if about else 0,
    }
    taken_by = np.bincount(kept.interactions.pairs[:, 1], minlength=len(kept.items.ids)).astype(np.int64)
    made = replace(made, told={**told, **good}, arrays={**made.arrays, "taken_by": taken_by})
    with beside.alone():
        _still_there(beside, kept)
        grounds.write(beside.ground, Ground.of(view, facts.of_item, fit, found.model), revision)
        files.write(beside.recommender, made)
    return Learned(made, reviewing.review(kg, view, found.model, way.progress) if review and cleans(found.model) else None)


def _still_there(beside: Beside, kept: Kept) -> None:
    """Raises ``BadRequest`` where somebody who was learned from has been forgotten meanwhile."""
    now = beside.read().interactions.users if beside else Texts.of(())
    if gone := sum(now.find(user) < 0 for user in kept.interactions.users):
        raise BadRequest(f"{gone:,} of the users were forgotten while this was learned, so it is not kept: learn anew")


def _trained(parts: Parts, settings: Settings, facts: Facts, auto: bool, way: Way) -> tuple[Trained, Mapping[str, float]]:
    """The model that the settings name, or the best of several with the NDCG of each."""
    from reasoning.recommend.training import choose, train

    shared: dict[str, Any] = {"device": way.device, "progress": way.progress, "checkpoint": way.checkpoint, "said": way.said}
    if not auto:
        return train(parts, settings, facts, heard=way.trying(settings.model), **shared), {}
    choice = choose(parts, settings, facts, trying=way.trying, **shared)
    return choice.trained, choice.watched


def cleans(model: Recommender) -> TypeGuard[DiffKG]:
    """Whether a model cleans the graph while it learns."""
    from reasoning.recommend.models.diffkg import DiffKG

    return isinstance(model, DiffKG)


def words(items: Items) -> list[str]:
    """What an encoder is given of each item: its name, or its id, and what is told of it."""
    known = zip(items.ids, items.names, items.texts, strict=True)
    return [text if name and text.startswith(name) else ", ".join(filter(None, (name or item, text))) for item, name, text in known]


def facts_of(view: GraphView, items: Items) -> Facts:
    """The graph as recommenders read it; items whose entity has no fact are none of it."""
    of_item = places(view.entity_ids, items.entities)
    return Facts(view.triples, len(view.entity_ids), view.relations, of_item, view.confidence.astype(np.float64))
