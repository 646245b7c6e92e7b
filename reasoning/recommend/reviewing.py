"""What cleaning a graph by diffusion says of its facts, put to review: doubts of what is pruned again and again, and likely links.

It is all evidence of a source that names the state of the graph, so that ``kg forget`` takes it back; a later look withdraws the earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kgplatform.ports import Progress
from kgplatform.types import Claim, Fact, FactKey, Forgotten, Kind, Receipt, Relation, SourceId, Status
from kgplatform.view import GraphView
from reasoning import predict
from reasoning.calibrate import calibrated
from reasoning.candidates import Cards
from reasoning.recommend.feedback import Cleaning, earlier, feedback, prediction, related, to_claims

if TYPE_CHECKING:
    from reasoning.recommend.models.diffkg import DiffKG

CLEANINGS, LATER = 8, 1_000_000
"""How often the graph is cleaned for it, and the number of the first of these epochs, far from those of training."""
LEAST, LINKS = 0.5, 20
"""Links that are put are believed so far at least, and at most so many."""


class Graph(Protocol):
    """What this needs of ``kgplatform.graph.KnowledgeGraph``."""

    def facts(self, *, status: Status = "current") -> Iterable[Fact]: ...

    def facts_at(self, keys: Collection[FactKey]) -> dict[FactKey, Fact]: ...

    def relations(self) -> Mapping[str, Relation]: ...

    def kinds(self) -> Mapping[str, Kind]: ...

    def put(self, claims: Sequence[Claim]) -> Receipt: ...

    def forget(self, source: str) -> Forgotten: ...


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How many facts were pruned again and again, how many of these are doubted now, how many links were put, and whose word it is."""

    pruned: int
    doubted: int
    links: int
    sources: tuple[SourceId, ...]


def review(kg: Graph, view: GraphView, model: DiffKG, progress: Progress | None = None) -> Reviewed:
    """Clean the graph anew several times, and put what all of that says. The ``model`` learns on meanwhile what facts usually are."""
    found = []
    for number in range(CLEANINGS):
        model.epoch_begins(LATER + number)
        found.append(Cleaning.of(model))
        if progress is not None:
            progress(number + 1, CLEANINGS)
    told = feedback(found)
    keys = [FactKey(view.keys[place]) for place in told.pruned.tolist()]
    facts = kg.facts_at(keys)
    doubts = to_claims(told, [facts.get(key) for key in keys], view.revision)
    links = _links(kg, view, told.pairs) if len(told.pairs) else []
    for old in earlier((source for fact in kg.facts(status="all") for source in fact.sources), view.revision):
        kg.forget(old)
    kg.put([*doubts, *links])
    sources = dict.fromkeys(piece.source.id for claim in (*doubts, *links) for piece in claim.evidence)
    return Reviewed(len(told.pruned), len(doubts), len(links), tuple(sources))


def _links(kg: Graph, view: GraphView, pairs: np.ndarray) -> list[Claim]:
    """The pairs that would be linked, by the relation that a link predictor says, where it is sure enough."""
    cards = Cards(kg.relations(), kg.kinds())
    closed = [fact for status in ("rejected", "proposed") for fact in kg.facts(status=status)]
    taken = np.concatenate([view.triples, predict.rows(view, closed)])
    judged = calibrated(view, cards, taken)
    if not judged.quality.enough:
        return []
    told = prediction(*related(pairs, judged, view, cards, taken), judged, view)
    likely = tuple(one for one in told.proposals if one.confidence >= LEAST)[:LINKS]
    return predict.to_claims(replace(told, proposals=likely))
