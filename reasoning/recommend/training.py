"""Train a recommender until the interactions that are watched are recommended no better; repeatable to the bit on one machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.errors import BadRequest, ModelError
from kgplatform.numbered import stands_in
from kgplatform.ports import Progress
from reasoning.recommend.interactions import Interactions, Ints
from reasoning.recommend.models.registry import FLOORS, known, make
from reasoning.recommend.ranking import Recommender, figures
from reasoning.recommend.splitting import Parts

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

    from reasoning.recommend.models.factors import Factors
    from reasoning.recommend.reading import Facts

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
    batch: int = 2_048
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
) -> Trained:
    """Learn from ``parts.train``, and from the ``facts`` about items where the model reads them, choosing the epoch by ``parts.valid``.

    Nothing of ``parts.test`` is looked at. ``progress`` counts epochs, and what it raises ends the training. Raises ``ModelError`` where
    the loss is no number, ``BadRequest`` where the model wants facts and there are none.
    """
    import torch

    if settings.model in FLOORS:
        return Trained(_floor(settings.model, parts.train, device), settings)
    model = make(settings.model, parts.train, facts, settings.dim, torch.Generator().manual_seed(settings.seed)).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.rate)
    history: list[float] = []
    best, kept, seconds = None, 0, 0.0
    for epoch in range(1, settings.epochs + 1):
        began = time.monotonic()
        _one_epoch(model, optimiser, parts.train, settings, epoch, device)
        seconds += time.monotonic() - began
        if epoch % settings.look == 0 or epoch == settings.epochs:
            history.append(float(figures(model.eval(), parts.valid, parts.train).ndcg.mean()))
            if history[-1] >= max(history):
                best, kept = {name: value.clone() for name, value in model.state_dict().items()}, epoch
            if heard is not None:
                heard(epoch, settings.epochs, history[-1])
        over = len(history) - 1 - int(np.argmax(history)) >= settings.patience if history else False
        if progress is not None:
            progress(settings.epochs if over else epoch, settings.epochs)
        if over:
            break
    if best is not None:
        model.load_state_dict(best)
    return Trained(model.eval(), settings, kept, tuple(history), seconds / epoch)


def _floor(name: str, learned: Interactions, device: str) -> Recommender:
    from reasoning.recommend.models.floors import ItemKNN, Popularity

    return Popularity.of(learned, device) if name == "popularity" else ItemKNN.of(learned)


def _one_epoch(model: Factors, optimiser: Optimizer, learned: Interactions, settings: Settings, epoch: int, device: str) -> None:
    import torch

    model.train()
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):  # what is left to chance follows from seed and epoch alone
        torch.manual_seed(settings.seed * 1_000_003 + epoch)
        model.epoch_begins(epoch)
        _steps(model, optimiser, learned, settings, epoch, device)


def _steps(model: Factors, optimiser: Optimizer, learned: Interactions, settings: Settings, epoch: int, device: str) -> None:
    import torch

    for number, batch in enumerate(_batches(learned, settings, epoch, device)):
        optimiser.zero_grad(set_to_none=True)
        loss = model.loss(*batch, settings.reg)
        if not bool(torch.isfinite(loss)):
            raise ModelError(
                f"the loss is no number at epoch {epoch}, batch {number + 1}: try a smaller learning rate than {settings.rate:g}"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _batches(learned: Interactions, settings: Settings, epoch: int, device: str) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Users, items that they took, and others that they did not, batch after batch in random order."""
    import torch

    draw = np.random.default_rng((settings.seed, epoch))
    order = draw.permutation(len(learned))
    others = untaken(learned, learned.pairs[order, 0], draw)
    told = [torch.from_numpy(values).to(device) for values in (learned.pairs[order, 0], learned.pairs[order, 1], others)]
    for start in range(0, len(order), settings.batch):
        user, taken, other = (values[start : start + settings.batch] for values in told)
        yield user, taken, other


def untaken(learned: Interactions, users: Ints, draw: np.random.Generator) -> Ints:
    """For each user an item at random that the user did not take; for one who took nearly all of them, perhaps one that was."""
    count = len(learned.items)
    codes = learned.pairs[:, 0] * count + learned.pairs[:, 1]
    found = draw.integers(count, size=len(users))
    wrong = np.arange(len(users))
    for _ in range(20):
        wrong = wrong[stands_in(users[wrong] * count + found[wrong], codes)]
        if not len(wrong):
            break
        found[wrong] = draw.integers(count, size=len(wrong))
    return found
