"""One training under way: batch after batch of distinct questions, repeatable to the bit on one machine, and resumable in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.parametrize import cached

from kgplatform.errors import ModelError
from kgplatform.ports import Progress
from kgplatform.view import Ints
from reasoning.halving import kept_small
from reasoning.models.base import Bilinear, Factored, Model
from reasoning.queries import Batch, Queries
from reasoning.recipe import Recipe
from reasoning.train import Heard
from reasoning.training import checkpoint
from reasoning.training.checkpoint import Checkpoint
from reasoning.training.objectives import against_some, one_vs_all, which_relation
from reasoning.training.parallel import ALONE, Group

CELLS = 1 << 26
"""Scores of one batch that are held at once where a model cannot do without: bounds memory on graphs of many entities."""
LOOKS, PATIENCE = 20, 4
"""How often the watched facts are ranked in a whole training, and how many looks in a row that fall behind the best one end it."""
FIRST = 15.0
"""Seconds after which a training is kept for the first time, at the latest."""
SLACK = 0.01
"""A look falls behind when it is worse by this part: the MRR of a thousand facts wavers by as much, and more training is better."""
Watch = Callable[[Model], float]
"""The MRR of the watched facts."""


@dataclass(frozen=True, slots=True)
class Saving:
    """Where a training is kept while it runs, how often, and under what name it may go on."""

    path: Path
    revision: str
    minutes: float = 5.0


@dataclass(slots=True, eq=False)
class Run:
    """``history`` holds the MRR of every look, ``best`` the state at the last that did not fall behind, of epoch ``kept``.

    ``seconds`` is what the epochs took, without looks. Of a ``group`` of processes every one has the same model and takes its share of
    every batch.
    """

    model: Model
    recipe: Recipe
    asked: Queries
    device: str
    saving: Saving | None = None
    group: Group = ALONE
    epoch: int = 0
    done: int = 0
    """Batches of this epoch that are done."""
    history: list[float] = field(default_factory=list)
    kept: int = 0
    best: dict[str, Tensor] | None = None
    seconds: float = 0.0
    few: int = 0
    """Questions of a batch that are worked on at once; 0: all of them."""
    optimiser: torch.optim.Optimizer = field(init=False)
    _order: torch.Generator = field(init=False)
    _began: Tensor = field(init=False)
    _saved: float = field(init=False)

    def __post_init__(self) -> None:
        often = 60 * self.saving.minutes if self.saving else 0.0
        self._saved = time.monotonic() - often + min(FIRST, often)
        self._order = torch.Generator().manual_seed(self.recipe.seed)
        self._began = self._order.get_state()
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]  # said, or the optimiser's own tensors bring a warning
        parameters = list(self.model.parameters())
        if self.recipe.optimiser == "adagrad":
            self.optimiser = torch.optim.Adagrad(parameters, lr=self.recipe.rate)
        else:
            self.optimiser = torch.optim.Adam(parameters, lr=self.recipe.rate)
        if self.saving and self.saving.path.exists():
            self._restore(checkpoint.read(self.saving.path, self.saving.revision))

    def through(self, watch: Watch | None, progress: Progress | None = None, heard: Heard | None = None) -> None:
        """All epochs, or until the watched facts get no better; the model is left as it was at its best.

        Progress is told of every batch; what it raises ends the training there. ``forget`` takes away what was kept meanwhile.
        """
        look = max(1, self.recipe.epochs // LOOKS)
        if watch is not None and self.recipe.start and not (self.epoch or self.done):
            self._look(self.group.agreed(watch(self.model) if self.group.first else None))
        while self.epoch < self.recipe.epochs and not self._over():
            self._one_epoch(progress)
            if watch is not None and self.epoch % look == 0:
                self._look(self.group.agreed(watch(self.model) if self.group.first else None))
            if heard is not None:
                heard(self.epoch, self.recipe.epochs, self.history[-1] if self.history else None)
        if progress is not None and self.epoch < self.recipe.epochs:  # it ended early
            progress(self._batches * self.recipe.epochs, self._batches * self.recipe.epochs)
        if self.best is not None:
            self.model.load_state_dict(self.best)
        else:
            self.kept = self.epoch

    def forget(self) -> None:
        """Take away what was kept of a training that is done."""
        if self.saving and self.group.first:
            self.saving.path.unlink(missing_ok=True)

    def _look(self, mrr: float) -> None:
        self.history.append(mrr)
        if not self._behind(mrr):
            self.kept = self.epoch
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}

    def _over(self) -> bool:
        return len(self.history) > PATIENCE and all(map(self._behind, self.history[-PATIENCE:]))

    def _behind(self, mrr: float) -> bool:
        return mrr < (1 - SLACK) * max(self.history)

    def _one_epoch(self, progress: Progress | None) -> None:
        self.model.train()
        order = torch.randperm(len(self.asked), generator=self._order).numpy()
        mean = float(self.asked.weights.sum()) / len(self.asked)
        starts = range(0, len(order), self._size())
        for number in range(self.done, len(starts)):
            began = time.monotonic()
            self._step(order[starts[number] : starts[number] + self._size()], mean, number)
            self.done, self.seconds = number + 1, self.seconds + time.monotonic() - began
            if self.saving and self.group.first and time.monotonic() - self._saved > 60 * self.saving.minutes:
                self.save()
            if progress is not None:
                progress(self.epoch * self._batches + self.done, self.recipe.epochs * self._batches)
        self.epoch, self.done = self.epoch + 1, 0
        self._began = self._order.get_state()

    @property
    def _batches(self) -> int:
        """Of an epoch."""
        return -(-len(self.asked) // self._size())

    def _size(self) -> int:
        if self.recipe.objective == "all" and not isinstance(self.model, Bilinear):
            return max(1, min(self.recipe.batch, CELLS // self.model.entities))
        return self.recipe.batch

    def _step(self, which: Ints, mean: float, number: int) -> None:
        """One step down the slope of a batch: of this process's share, in pieces that fit into memory, and of the others'."""
        self.optimiser.zero_grad(set_to_none=True)
        if len(mine := self.group.share(which)):
            most = min(self.few or len(mine), len(mine))
            with self._chance(number):
                _, few = kept_small(partial(self._slopes, mine, mean * len(which), number), most, "a batch", "questions")
            if few < most:
                self.few = few
        self.group.add_up(self.model)
        self.optimiser.step()

    @contextmanager
    def _chance(self, number: int) -> Iterator[None]:
        """What a model leaves to chance while it learns follows from seed, epoch and batch, and from nothing before."""
        with torch.random.fork_rng(devices=[] if self.device == "cpu" else None):
            torch.manual_seed(((self.recipe.seed * 1_000_003 + self.epoch) * 1_000_003 + number) % (1 << 63))
            yield

    def _slopes(self, mine: Ints, whole: float, number: int, few: int) -> None:
        """Gradients of the loss of some questions, as their part of a batch whose answers weigh ``whole``."""
        self.optimiser.zero_grad(set_to_none=True)
        for start in range(0, len(mine), few):
            batch = self.asked.batch(mine[start : start + few], self.device)
            # By the mean weight of a question, not this batch's, so that every fact pulls alike in every batch.
            with cached():  # entities that are also what is said of them are made once
                loss = self._loss(batch, number) / whole
            if not bool(torch.isfinite(loss)):
                raise ModelError(
                    f"the loss is no number at epoch {self.epoch + 1}, batch {number + 1}: "
                    f"try a smaller learning rate than {self.recipe.rate:g}, or more norm than {self.recipe.norm:g}"
                )
            loss.backward()  # type: ignore[no-untyped-call]

    def _loss(self, batch: Batch, number: int) -> Tensor:
        loss = self._fit(batch, number)
        if self.recipe.relation_weight and isinstance(self.model, Bilinear):
            loss = loss + self.recipe.relation_weight * which_relation(self.model, batch)
        if self.recipe.norm:
            loss = loss + self.recipe.norm * self.model.penalty(batch.heads, batch.relations, batch.tails, batch.mass, batch.weights)
        return loss

    def _fit(self, batch: Batch, number: int) -> Tensor:
        if self.recipe.objective == "all" or not isinstance(self.model, Factored):
            return one_vs_all(self.model, batch)
        sample = self._sample(number).to(self.device)
        return against_some(self.model, batch, sample, margin=self.recipe.margin, temperature=self.recipe.temperature)

    def _sample(self, number: int) -> Tensor:
        """Different entities, by seed, epoch and batch alone."""
        draw = np.random.default_rng((self.recipe.seed, self.epoch, number))
        few = min(self.recipe.negatives, self.model.entities)
        return torch.from_numpy(np.sort(draw.choice(self.model.entities, few, replace=False, shuffle=False)))

    def save(self) -> None:
        """Keep all that the rest of the training depends on."""
        assert self.saving
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"best/{name}": value for name, value in (self.best or {}).items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{name}": value for name, value in state.items()}
        tensors["order"] = self._began
        told = {"revision": self.saving.revision, "epoch": self.epoch, "done": self.done, "history": self.history, "kept": self.kept}
        told |= {"seconds": self.seconds, "few": self.few}
        checkpoint.write(self.saving.path, Checkpoint(tensors, told))
        self._saved = time.monotonic()

    def _restore(self, found: Checkpoint) -> None:
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimiser": {}}
        for name, tensor in found.tensors.items():
            kind, _, rest = name.partition("/")
            if rest:
                parts[kind][rest] = tensor
        self.model.load_state_dict(parts["model"])
        state = self.optimiser.state_dict()
        state["state"] = {}
        for name, tensor in parts["optimiser"].items():
            number, _, rest = name.partition("/")
            state["state"].setdefault(int(number), {})[rest] = tensor
        self.optimiser.load_state_dict(state)
        self.best = {name: tensor.to(self.device) for name, tensor in parts["best"].items()} or None
        self._order.set_state(found.tensors["order"].to(torch.uint8))
        self._began = self._order.get_state()
        self.epoch, self.done, self.kept, self.few = (int(found.told[name]) for name in ("epoch", "done", "kept", "few"))
        self.seconds = float(found.told["seconds"])
        self.history = [float(value) for value in found.told["history"]]
