"""Train a recommender until the interactions that are watched are recommended no better; repeatable to the bit on one machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kgplatform.errors import BadRequest
from kgplatform.ports import Progress
from reasoning.recommend.interactions import Interactions
from reasoning.recommend.models.registry import FLOORS, candidates, known, make
from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.splitting import Parts

if TYPE_CHECKING:
    from reasoning.recommend.reading import Facts

WIDEST = 4_096
"""Numbers of a user or item, at most."""
Heard = Callable[[int, int, float], None]
"""Told after every look: the epoch, of how many, and the NDCG of the watched interactions."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``dim`` numbers a user or item, ``batch`` interactions a step, ``rate`` the learning rate, ``reg`` the weight of the penalty.

    The watched interactions are ranked every ``look`` epochs; after ``patience`` looks without a gain training ends.
    """

    model: str = "lightgcn"
    dim: int = 64
    epochs: int = 200
    batch: int = 4_096
    rate: float = 0.005
    reg: float = 1e-4
    seed: int = 0
    look: int = 2
    patience: int = 10

    def __post_init__(self) -> None:
        known(self.model)
        for name in ("dim", "epochs", "batch", "look", "patience"):
            if getattr(self, name) < 1:
                raise BadRequest(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.dim > WIDEST or self.seed < 0:
            raise BadRequest(f"dim must be at most {WIDEST:,} and seed 0 or more, not {self.dim:,} and {self.seed}")
        if not 0 < self.rate < math.inf:
            raise BadRequest(f"the learning rate must be above 0, not {self.rate}")
        if not 0 <= self.reg < math.inf:
            raise BadRequest(f"reg must be 0 or more, not {self.reg}")


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A recommender with how it was learned: its best epoch, the NDCG of every look, and seconds an epoch."""

    model: Recommender
    settings: Settings
    epochs: int = 0
    history: tuple[float, ...] = ()
    epoch_seconds: float = 0.0


def train(
    parts: Parts,
    settings: Settings,
    facts: Facts | None = None,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
    heard: Heard | None = None,
    checkpoint: Path | None = None,
    said: Callable[[str], None] | None = None,
) -> Trained:
    """Learn from ``parts.train``, and from the ``facts`` about items where the model reads them, choosing the epoch by ``parts.valid``.

    Nothing of ``parts.test`` is looked at. ``progress`` counts epochs, and what it raises ends the training. A training that was stopped
    goes on from its ``checkpoint``, which whoever named it takes away. What was too large for memory is done in smaller steps, and
    ``said``. Raises ``ModelError`` where the loss is no number or nothing fits, ``BadRequest`` where the model wants facts and there are
    none, ``BadFile`` for a checkpoint of other settings or data.
    """
    if settings.model in FLOORS:
        return Trained(_floor(settings.model, parts.train, device), settings)
    import torch

    from reasoning.recommend.underway import Underway, revision

    model = make(settings.model, parts.train, facts, settings.dim, torch.Generator().manual_seed(settings.seed)).to(device)
    named = revision(parts, settings, facts) if checkpoint else ""
    run = Underway(model, parts.train, settings, device, checkpoint, named, said)
    while not run.over():
        if run.one_epoch(lambda model: _ndcg(model, parts)) and heard is not None:
            heard(run.epoch, settings.epochs, run.history[-1])
        if progress is not None:
            progress(settings.epochs if run.over() else run.epoch, settings.epochs)
    if run.best is not None:
        model.load_state_dict(run.best)
    return Trained(model.eval(), settings, run.kept, tuple(run.history), run.seconds / run.epoch)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The recommender that was best, and the NDCG of the watched interactions by each that was tried."""

    trained: Trained
    watched: Mapping[str, float]


def choose(
    parts: Parts,
    settings: Settings,
    facts: Facts | None = None,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
    trying: Callable[[str], Heard | None] | None = None,
    checkpoint: Path | None = None,
    said: Callable[[str], None] | None = None,
) -> Choice:
    """Train what these data allow, whichever model the ``settings`` name, and take what recommends the watched interactions best.

    ``trying`` is told each name before its training and may give what hears of it; every training has a checkpoint of its own.
    """
    names = candidates(facts)
    best, watched = None, dict[str, float]()
    for number, name in enumerate(names):
        found = train(
            parts,
            replace(settings, model=name),
            facts,
            device=device,
            progress=_part(progress, number, len(names)),
            heard=trying(name) if trying else None,
            checkpoint=checkpoint.with_name(f"{checkpoint.name}.{name}") if checkpoint else None,
            said=said,
        )
        watched[name] = max(found.history) if found.history else _ndcg(found.model, parts)
        if best is None or watched[name] > watched[best.settings.model]:
            best = found
    assert best is not None
    return Choice(best, watched)


def _part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Of progress through several, all equally long, that through one."""
    if progress is None:
        return None
    return lambda done, whole: progress(number * (whole or 0) + done, parts * (whole or 0))


def _ndcg(model: Recommender, parts: Parts) -> float:
    return float(figures(model, parts.valid, parts.train).ndcg.mean())


def _floor(name: str, learned: Interactions, device: str) -> Recommender:
    from reasoning.recommend.models.floors import ItemKNN, Popularity

    return Popularity.of(learned, device) if name == "popularity" else ItemKNN.of(learned)
