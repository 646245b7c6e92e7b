"""Link prediction for people: train, evaluate, and complete a graph with what is probably missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kgplatform.errors import BadRequest, NotFound
from kgplatform.ports import Progress
from kgplatform.types import Claim, Fact, Forgotten, Kind, Receipt, Relation, SourceId, Status
from kgplatform.view import GraphView

# Modules of this package import torch only inside functions, so that the command line starts without it.
from reasoning.blend import Blend, Second
from reasoning.calibrate import Quality
from reasoning.candidates import Cards
from reasoning.evaluate import Metrics
from reasoning.evaluate import evaluate as _evaluate
from reasoning.models.registry import MODELS, known
from reasoning.predict import TOGETHER, Prediction, Proposal, predict, source_of, to_claims
from reasoning.recipe import Recipe
from reasoning.split import Split, split
from reasoning.train import Heard, Learning, Predictor, pick_device, train
from reasoning.trained import load, save

__all__ = ["MODELS", "Metrics", "Predictor", "Recipe", "Report", "Split", "complete", "evaluate", "load", "save", "split", "train"]


class Graph(Protocol):
    """What completion needs of ``kgplatform.graph.KnowledgeGraph``."""

    def view(self) -> GraphView: ...

    def facts(self, *, status: Status = "current") -> Iterable[Fact]: ...

    def relations(self) -> Mapping[str, Relation]: ...

    def kinds(self) -> Mapping[str, Kind]: ...

    def put(self, claims: Sequence[Claim]) -> Receipt: ...

    def forget(self, source: str) -> Forgotten: ...


@dataclass(frozen=True, slots=True)
class Report:
    """What a completion proposed. ``receipt`` is ``None`` in a dry run; ``note`` says why nothing was proposed.

    ``start`` names the model that this one went on from, where it did not learn the graph anew.
    """

    proposals: tuple[Proposal, ...]
    model: str
    snapshot: str
    facts: int
    quality: Quality
    note: str = ""
    start: str = ""
    blend: Blend | None = None
    receipt: Receipt | None = None


def evaluate(predictor: Predictor, split: Split, *, progress: Progress | None = None) -> Metrics:
    """Filtered metrics of a predictor on the test facts of a split. Raises ``BadRequest`` when it has none."""
    return _evaluate(predictor, split, device=predictor.device, epoch_seconds=predictor.epoch_seconds, progress=progress)


def complete(
    kg: Graph,
    top: int = 20,
    relation: str | None = None,
    min_confidence: float = 0.1,
    model: str = "complex",
    *,
    device: str = "auto",
    progress: Progress | None = None,
    heard: Heard | None = None,
    dry_run: bool = False,
    kept: Path | None = None,
    ultra: Path | None = None,
) -> Report:
    """Learn from the current facts and put the ``top`` most likely missing links as predicted facts.

    Where a folder is named by ``kept``, a large graph is not learned anew every time: what was learned of it is kept there, and gone on
    from. With ``ultra``, a file of its authors' parameters, that model is heard too on the likeliest links, where it tells held-out facts
    better. ``model`` is one of ``MODELS``, or ``auto``: the one of a few that tells held-out facts of this graph best.
    What graph models predicted of an earlier state of the graph is withdrawn, unless only one ``relation`` is asked for.
    Nothing that is rejected or proposed comes again. Raises ``NotFound`` for
    a relation that no fact has, ``BadFile`` for what are no such parameters,
    ``BadRequest`` for a model that is not there or a graph without facts.
    """
    if model != "auto":
        known(model)
    if top < 1:
        raise BadRequest(f"top must be at least 1, not {top}")
    device = pick_device(device)
    second = Second.load(ultra, device) if ultra else None
    view = kg.view()
    if relation is not None and relation not in view.relations:
        raise NotFound(f"no current fact between entities has the relation {relation!r}: there are {', '.join(view.relations) or 'none'}")
    taken = [fact for status in _CLOSED for fact in kg.facts(status=status)]
    cards = Cards(kg.relations(), kg.kinds())
    learning = Learning(model, device, progress, heard, kept, keeps=not dry_run)
    found = predict(view, cards, taken, top=top, relation=relation, min_confidence=min_confidence, learning=learning, second=second)
    if dry_run:
        return _report(view, found, None)
    if relation is None:
        for old in _earlier(kg, found.snapshot):
            kg.forget(old)
    return _report(view, found, kg.put(to_claims(found)))


def _earlier(kg: Graph, snapshot: str) -> list[SourceId]:
    """The sources of what was predicted from other snapshots."""
    sources = {source for fact in kg.facts(status="all") for source in fact.sources}
    return sorted(source for source in sources for model in _NAMES if _of_another(source, model, snapshot))


def _of_another(source: SourceId, model: str, snapshot: str) -> bool:
    return source.startswith(source_of(model, "")) and source != source_of(model, snapshot)


_NAMES = (*MODELS, *(f"{model}{TOGETHER}" for model in MODELS))
_CLOSED: tuple[Status, ...] = ("rejected", "proposed")


def _report(view: GraphView, found: Prediction, receipt: Receipt | None) -> Report:
    return Report(found.proposals, found.model, found.snapshot, len(view), found.quality, found.note, found.start, found.blend, receipt)
