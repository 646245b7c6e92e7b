"""Train a link predictor on a view, repeatable to the bit on one machine.

Settings follow from the size of the graph unless they are given. A graph large enough to spare some facts
is watched on them, and training stops when it no longer gets better there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.errors import BadRequest, MissingExtra, ModelError
from kgplatform.ports import Progress
from kgplatform.view import Floats, GraphView, Ints
from reasoning.evaluate import Ranking
from reasoning.halving import is_shortage
from reasoning.models import registry
from reasoning.queries import queries
from reasoning.recipe import DISTANCES, LARGE, WATCHED, Recipe
from reasoning.split import split

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from reasoning.models.base import Model
    from reasoning.training.before import Before
    from reasoning.training.parallel import Group
    from reasoning.training.run import Watch


CELLS = 1 << 22
"""Scores of all entities that are held at once where only some are wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A trained model with what it was trained on.

    ``history`` holds the watched facts' MRR, ``epochs`` says when it was best, ``epoch_seconds`` how long one took.
    """

    model: Model
    view: GraphView
    recipe: Recipe
    device: str
    epochs: int
    history: tuple[float, ...] = ()
    epoch_seconds: float = 0.0

    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        """``(batch,), (batch,) -> (batch, entities)``; see ``Model.score``."""
        import torch

        with torch.no_grad():
            return self.model.eval().score(heads, relations)

    def among(self, heads: Tensor, relations: Tensor, tails: Tensor) -> Tensor:
        """Scores of these tails alone: ``(batch,), (batch,), (some,) -> (batch, some)``."""
        import torch

        from reasoning.models.base import Factored

        if isinstance(self.model, Factored):
            with torch.no_grad():
                return self.model.eval().score_some(heads, relations, tails)
        few = max(1, CELLS // len(self.view.entities))
        return torch.cat([self.score(*asked)[:, tails] for asked in zip(torch.split(heads, few), torch.split(relations, few), strict=True)])


Heard = Callable[[int, int, float | None], None]
"""Told after every epoch: its number, of how many, and the latest MRR of the watched facts."""


@dataclass(frozen=True, slots=True)
class Learning:
    """By which model something is learned, where, and who hears how far it is."""

    model: str = "complex"
    device: str = "cpu"
    progress: Progress | None = None
    heard: Heard | None = None
    kept: Path | None = None
    """The folder of what trainings on this graph leave for the next one."""
    keeps: bool = True
    """Whether this one leaves something too."""

    def part(self, number: int, count: int) -> Learning:
        """One of ``count`` parts whose progress is told as one."""
        if (progress := self.progress) is None:
            return self
        return replace(self, progress=lambda done, total: progress(number * total + done, count * total))


PLAIN = Learning()


def pick_device(wanted: str) -> str:
    """``auto`` is the graphics card where there is one. Raises ``MissingExtra`` without torch, ``BadRequest`` without the device."""
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="reasoning", need="link prediction") from None
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if present["cuda"] else "cpu"
    kind, _, number = wanted.partition(":")
    if not present.get(kind, False) or (number and not (number.isdecimal() and int(number) < torch.cuda.device_count())):
        raise BadRequest(f"the device {wanted!r} is not there: use cpu or auto")
    return wanted


def train(
    view: GraphView,
    recipe: Recipe | None = None,
    *,
    valid: Ints | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    heard: Heard | None = None,
    checkpoint: Path | None = None,
    minutes: float = 5.0,
    out: Path | None = None,
    group: Group | None = None,
    features: Floats | None = None,
    before: Before | None = None,
    keep: Path | None = None,
) -> Predictor:
    """Learn from ``view``, watching ``valid`` (by default a slice of the view, which is then not learned from).

    ``progress`` counts batches, and what it raises ends the training; ``heard`` is told of every epoch.
    Every so many ``minutes`` the training is kept in ``checkpoint``; where that file is there, it goes on from it, to the same result.
    The trained model is written to ``out``. Every process of a ``group`` calls this alike. With ``features`` ``(entities, width)``, vectors
    of what is said of each entity, it also learns from texts, which tell of entities with few facts or none.
    It goes on from a training ``before``, in fewer epochs, and leaves in ``keep`` what the next one goes on from.
    Raises ``BadRequest`` when the view holds no fact between entities, ``BadFile`` for a checkpoint of something else.
    """
    device = pick_device(device)
    import torch

    from reasoning import trained
    from reasoning.training import before as earlier
    from reasoning.training.parallel import ALONE
    from reasoning.training.run import Run, Saving

    learnable(view)
    recipe = replace(recipe or Recipe.fitting(view), features=_hash(features))
    learned = view
    if valid is None and len(view) >= WATCHED:
        learned, valid = watched(view, recipe.seed)
    try:
        model = make(recipe, view, torch.Generator().manual_seed(recipe.seed), features).to(device)
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        raise ModelError(f"a model with {recipe.dim:,} coordinates an entity does not fit into memory: take a smaller dim") from None
    before = before if before and before.suits(model) else None
    recipe = before.recipe_on(view, recipe) if before else recipe
    model.on(learned.triples)
    asked = queries(learned.triples, len(view.relations), learned.confidence)
    saving = Saving(checkpoint, recipe.revision(view), minutes) if checkpoint else None
    with _threads(1 if len(view) < LARGE else torch.get_num_threads()):
        run = Run(model, recipe, asked, device, saving, group or ALONE)
        if before and not (run.epoch or run.done):
            before.carry(model, run.optimiser, view)
        if not before or before.snapshot != view.revision:
            run.through(_watching(view, valid, device), progress, heard)
    model.on(view.triples)
    predictor = Predictor(model, view, recipe, device, run.kept, tuple(run.history), run.seconds / max(1, run.epoch))
    if out and run.group.first:
        trained.save(predictor, out)
    if keep and run.group.first:
        earlier.keep(keep, predictor, run.optimiser, learned.triples)
    run.forget()  # only now, so that a kill on the way loses nothing
    return predictor


def learnable(view: GraphView) -> None:
    """Raises ``BadRequest`` when there is nothing to learn from."""
    if not len(view):
        raise BadRequest("the graph has no facts between entities, so there is nothing to learn from: import or harvest some first")


def watched(view: GraphView, seed: int, least: int = 0) -> tuple[GraphView, Ints]:
    """The facts to learn from, and a twentieth of them, at most about a thousand, that is watched instead; no fewer than ``least``."""
    share = max(min(0.05, 1_000 / len(view)), least / len(view))
    held = split(view, valid=share, test=0.0, seed=seed)
    return held.train, held.valid


def make(recipe: Recipe, view: GraphView, generator: torch.Generator, features: Floats | None = None) -> Model:
    """The recipe's model for the view, with random parameters; entities also are their ``features``, where there are any."""
    more = {"margin": recipe.margin} if recipe.model in DISTANCES else {}
    model = registry.make(recipe.model, len(view.entities), len(view.relations), recipe.dim, generator, **more)
    model.sparse = recipe.objective == "some" and recipe.optimiser == "adagrad"
    if features is not None:
        from reasoning.models.described import describe

        describe(model, features, generator)
    return model


def _hash(features: Floats | None) -> str:
    return "" if features is None else hashlib.blake2b(np.ascontiguousarray(features, "<f4").tobytes(), digest_size=8).hexdigest()


def _watching(view: GraphView, facts: Ints | None, device: str) -> Watch | None:
    """How facts are ranked, filtered by them and by the whole view."""
    if facts is None or not len(facts):
        return None
    ranking = Ranking.of(facts, view.triples, len(view.relations), len(view.entities))

    def mrr(model: Model) -> float:
        return float((1.0 / ranking.ranks(model.eval(), device)).mean())

    return mrr


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    torch.set_flush_denormal(True)  # shares too small to count would make a product forty times slower
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)
