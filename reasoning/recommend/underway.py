"""One training under way: stopped at any time, it goes on to the same bits; what does not fit into memory is begun again smaller."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from kgplatform.errors import ModelError
from kgplatform.names import digest
from kgplatform.numbered import stands_in
from reasoning.halving import kept_small
from reasoning.recommend.interactions import Interactions, Ints
from reasoning.recommend.models.factors import Factors
from reasoning.recommend.splitting import Parts
from reasoning.training import checkpoint
from reasoning.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from reasoning.recommend.reading import Facts
    from reasoning.recommend.training import Settings

SECONDS = 10.0
"""Of work after which a training is kept."""


def revision(parts: Parts, settings: Settings, facts: Facts | None) -> str:
    """Other settings or other data have another."""
    seen = hashlib.blake2b(digest_size=8)
    arrays: list[np.ndarray] = [part.pairs for part in (parts.train, parts.valid)]
    if facts is not None:
        arrays += [facts.triples, facts.of_item, *([] if facts.confidence is None else [facts.confidence])]
    for array in arrays:
        seen.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return f"{settings.model}@{digest(seen.hexdigest(), repr(sorted(asdict(settings).items())))}"


@dataclass(slots=True, eq=False)
class Underway:
    """``history`` holds the NDCG of every look, ``best`` the state at the highest, of epoch ``kept``; ``seconds`` is what epochs took.

    ``batch`` interactions make a step. What is left to chance follows from seed and epoch, so that the end of an epoch is all there is to
    keep.
    """

    model: Factors
    learned: Interactions
    settings: Settings
    device: str
    path: Path | None = None
    revision: str = ""
    said: Callable[[str], None] | None = None
    epoch: int = 0
    batch: int = 0
    history: list[float] = field(default_factory=list)
    kept: int = 0
    best: dict[str, Tensor] | None = None
    seconds: float = 0.0
    optimisers: Sequence[Optimizer] = field(init=False)
    _saved: float = field(init=False)

    def __post_init__(self) -> None:
        torch.sparse.check_sparse_tensor_invariants.disable()  # type: ignore[no-untyped-call]  # said, or sparse tensors bring a warning
        self.batch, self._saved = self.settings.batch, time.monotonic()
        self.optimisers = (Adam(self.model.parameters(), lr=self.settings.rate, fused=True), *self.model.optimisers())
        if self.path is not None and self.path.exists():
            found = checkpoint.read(self.path, self.revision)
            self._restore(found.tensors)
            self.best = _under("best", found.tensors, self.device) or None
            self.epoch, self.batch, self.kept = (int(found.told[name]) for name in ("epoch", "batch", "kept"))
            self.history, self.seconds = [float(value) for value in found.told["history"]], float(found.told["seconds"])

    def over(self) -> bool:
        """Whether all epochs are done, or too many looks in a row brought nothing."""
        waited = len(self.history) - 1 - int(np.argmax(self.history)) if self.history else 0
        return self.epoch >= self.settings.epochs or waited >= self.settings.patience

    def one_epoch(self, watch: Callable[[Factors], float]) -> bool:
        """Learn from all interactions once; whether it was looked how well by ``watch``. The training is kept when it is time, or over."""
        began = time.monotonic()
        before = {name: tensor.detach().to("cpu", copy=True) for name, tensor in self._state().items()}

        def steps(batch: int) -> None:
            if batch < self.batch:  # not the first time
                self.model.work_on_less()
                self._restore(before)
            self._steps(batch)

        _, batch = kept_small(steps, self.batch, f"epoch {self.epoch + 1}", "interactions")
        if batch < self.batch:
            self.batch = batch
            if self.said is not None:
                self.said(f"epoch {self.epoch + 1} did not fit into memory: it was begun again with {batch:,} interactions at a time")
        self.epoch, self.seconds = self.epoch + 1, self.seconds + time.monotonic() - began
        looked = self.epoch % self.settings.look == 0 or self.epoch == self.settings.epochs
        if looked:
            self.history.append(watch(self.model.eval()))
            if self.history[-1] >= max(self.history):
                self.best, self.kept = {name: value.clone() for name, value in self.model.state_dict().items()}, self.epoch
        if self.path is not None and (self.over() or time.monotonic() - self._saved >= SECONDS):
            self.save(self.path)
        return looked

    def _steps(self, size: int) -> None:
        self.model.train()
        with torch.random.fork_rng(devices=[] if self.device == "cpu" else None):
            torch.manual_seed(self.settings.seed * 1_000_003 + self.epoch + 1)
            self.model.epoch_begins(self.epoch + 1)
            for number, batch in enumerate(_batches(self.learned, self.settings.seed, self.epoch + 1, size, self.device)):
                self._step(number, *batch)

    def _step(self, number: int, users: Tensor, taken: Tensor, others: Tensor) -> None:
        self.optimisers[0].zero_grad(set_to_none=True)
        loss = self.model.loss(users, taken, others, self.settings.reg)
        if not bool(torch.isfinite(loss)):
            raise ModelError(
                f"the loss is no number at epoch {self.epoch + 1}, batch {number + 1}: "
                f"try a smaller learning rate than {self.settings.rate:g}"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimisers[0].step()

    # -- keeping -----------------------------------------------------------------------------------

    def _state(self) -> dict[str, Tensor]:
        """All that the next epoch depends on."""
        tensors = {f"model/{name}": value for name, value in self.model.state_dict().items()}
        for place, optimiser in enumerate(self.optimisers):
            for number, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser{place}/{number}/{name}": value for name, value in state.items()}
        return tensors

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.model.load_state_dict(_under("model", tensors))
        for place, optimiser in enumerate(self.optimisers):
            told, held = optimiser.state_dict(), dict[int, dict[str, Tensor]]()
            for name, tensor in _under(f"optimiser{place}", tensors).items():
                number, _, rest = name.partition("/")
                held.setdefault(int(number), {})[rest] = tensor
            optimiser.load_state_dict({**told, "state": held})

    def save(self, path: Path) -> None:
        """Keep the training as it is, whole or not at all."""
        tensors = self._state() | {f"best/{name}": value for name, value in (self.best or {}).items()}
        told = {name: getattr(self, name) for name in ("revision", "epoch", "batch", "history", "kept", "seconds")}
        checkpoint.write(path, Checkpoint(tensors, told))
        self._saved = time.monotonic()


def _under(kind: str, tensors: Mapping[str, Tensor], device: str | None = None) -> dict[str, Tensor]:
    return {name.removeprefix(f"{kind}/"): tensor.to(device) for name, tensor in tensors.items() if name.startswith(f"{kind}/")}


def _batches(learned: Interactions, seed: int, epoch: int, size: int, device: str) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Users, items that they took, and others that they did not, batch after batch in random order."""
    draw = np.random.default_rng((seed, epoch))
    order = draw.permutation(len(learned))
    others = untaken(learned, learned.pairs[order, 0], draw)
    every = [torch.from_numpy(values).to(device) for values in (learned.pairs[order, 0], learned.pairs[order, 1], others)]
    return zip(*(torch.split(values, size) for values in every), strict=True)


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
