"""Train a link predictor on a view: Adagrad over batches of distinct queries, repeatable to the bit on one machine.

Settings follow from the size of the graph unless they are given. A graph large enough to spare some facts
is watched on them, and training stops when it no longer gets better there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.errors import BadRequest, MissingExtra
from kgplatform.names import digest
from kgplatform.ports import Progress
from kgplatform.view import GraphView, Ints
from reasoning.evaluate import filtered_ranks
from reasoning.queries import Queries, queries
from reasoning.split import split

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from reasoning.models.complex import ComplEx

CELLS = 1 << 26
"""Scores of one batch that are held at once: bounds memory on graphs of many entities."""
WATCHED = 1_000
"""A graph of so many facts spares some for watching; on a smaller one they are worth more as facts."""
LARGE = 30_000
"""Below so many facts the matrices are so small that a second thread only waits (UMLS: 14 s on one, 97 s on two busy cores)."""
LOOKS, PATIENCE = 20, 4
"""How often the watched facts are ranked in a whole training, and how many looks without a gain end it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything besides the facts that decides what is learned. ``norm`` weighs N3; ``batch`` counts queries."""

    rank: int
    norm: float
    epochs: int
    rate: float = 0.1
    batch: int = 500
    seed: int = 0

    @classmethod
    def fitting(cls, view: GraphView, seed: int = 0) -> Recipe:
        """Settings by size, from measurements of graphs of 200 to 300,000 facts (``benchmarks/links``)."""
        if len(view) < WATCHED:
            return cls(rank=128, norm=0.1, epochs=40, batch=50, seed=seed)
        if len(view) < LARGE:
            return cls(rank=500, norm=0.01, epochs=40, batch=100, seed=seed)
        return cls(rank=200, norm=0.05, epochs=50, batch=1_000, seed=seed)

    def model_name(self, view: GraphView) -> str:
        """``complex@`` and a hash of snapshot and settings: scores of two names are never compared."""
        return f"complex@{digest(view.revision, repr(sorted(asdict(self).items())))}"


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A trained model with what it was trained on; ``history`` holds the watched facts' MRR."""

    model: ComplEx
    view: GraphView
    recipe: Recipe
    device: str
    epochs: int
    history: tuple[float, ...] = field(default=())

    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        """``(batch,), (batch,) -> (batch, entities)``; see ``ComplEx.score``."""
        import torch

        with torch.no_grad():
            return self.model.score(heads, relations)


def pick_device(wanted: str) -> str:
    """``auto`` is the graphics card where there is one. Raises ``MissingExtra`` without torch, ``BadRequest`` without the device."""
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="reasoning", need="link prediction") from None
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if present["cuda"] else "cpu"
    if not present.get(wanted.split(":")[0], False):
        raise BadRequest(f"the device {wanted!r} is not there: use cpu or auto")
    return wanted


def train(
    view: GraphView,
    recipe: Recipe | None = None,
    *,
    valid: Ints | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Predictor:
    """Learn ComplEx from ``view``, watching ``valid`` (by default a slice of the view, which is then not learned from).

    Raises ``BadRequest`` when the view holds no fact between entities.
    """
    device = pick_device(device)
    import torch

    from reasoning.models.complex import ComplEx

    if not len(view):
        raise BadRequest("the graph has no facts between entities, so there is nothing to learn from: import or harvest some first")
    recipe = recipe or Recipe.fitting(view)
    learned = view
    if valid is None and len(view) >= WATCHED:
        held = split(view, valid=min(0.05, 1_000 / len(view)), test=0.0, seed=recipe.seed)
        learned, valid = held.train, held.valid
    generator = torch.Generator().manual_seed(recipe.seed)
    model = ComplEx(len(view.entities), len(view.relations), recipe.rank, generator).to(device)
    run = _Run(model, recipe, queries(learned.triples, len(view.relations), learned.confidence), generator, device)
    with _threads(1 if len(view) < LARGE else torch.get_num_threads()):
        history, epochs = run.through(_Watch(view, valid), progress)
    return Predictor(model, view, recipe, device, epochs, history)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """The facts that training is watched on, filtered by them and by the whole view."""

    view: GraphView
    facts: Ints | None

    def mrr(self, model: ComplEx, device: str) -> float:
        assert self.facts is not None
        known = np.concatenate([self.view.triples, self.facts])
        ranks, _ = filtered_ranks(model, self.facts, known, len(self.view.relations), len(self.view.entities), device)
        return float((1.0 / ranks).mean())


@dataclass(slots=True, eq=False)
class _Run:
    """One training under way."""

    model: ComplEx
    recipe: Recipe
    asked: Queries
    generator: torch.Generator
    device: str

    def through(self, watch: _Watch, progress: Progress | None) -> tuple[tuple[float, ...], int]:
        """All epochs, or until the watched facts get no better; the model is left as it was at its best."""
        import torch

        optimiser = torch.optim.Adagrad(self.model.parameters(), lr=self.recipe.rate)
        history: list[float] = []
        best, kept, state = 0, self.recipe.epochs, None
        look = max(1, self.recipe.epochs // LOOKS)
        for epoch in range(1, self.recipe.epochs + 1):
            self.epoch(optimiser)
            if progress is not None:
                progress(epoch, self.recipe.epochs)
            if watch.facts is None or not len(watch.facts) or epoch % look:
                continue
            history.append(watch.mrr(self.model, self.device))
            if len(history) == 1 or history[-1] > history[best]:
                best, kept = len(history) - 1, epoch
                state = {name: value.clone() for name, value in self.model.state_dict().items()}
            elif len(history) - 1 - best >= PATIENCE:
                break
        if state is not None:
            self.model.load_state_dict(state)
        return tuple(history), kept

    def epoch(self, optimiser: torch.optim.Optimizer) -> None:
        import torch

        order = torch.randperm(len(self.asked), generator=self.generator).numpy()
        size = max(1, min(self.recipe.batch, CELLS // len(self.model.entity)))
        mean = float(self.asked.weights.sum()) / len(self.asked)
        for start in range(0, len(order), size):
            batch = self.asked.batch(order[start : start + size], self.device)
            optimiser.zero_grad(set_to_none=True)
            # By the mean weight of a query, not this batch's, so that every fact pulls alike in every batch.
            loss = self.model.loss(batch, self.recipe.norm) / (mean * len(batch.heads))
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
