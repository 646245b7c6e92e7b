"""What a training leaves for the next one on the same graph: it goes on from there, entities that are new begin as always.

A graph of which something was taken back is learned anew: nothing of that may stay in what is said.

Kept are the model's tables with the names of their rows, the optimiser's state, and which facts were learned from, so that the next
training is judged by facts that it has not seen either.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from kgplatform.errors import BadFile, BadRequest
from kgplatform.numbered import among
from kgplatform.texts import Texts, places
from kgplatform.view import GraphView, Ints
from reasoning.models.base import Model
from reasoning.recipe import Recipe
from reasoning.train import Predictor
from reasoning.training import checkpoint
from reasoning.training.checkpoint import Checkpoint

SHAPE = ("model", "dim", "optimiser", "objective", "features")
"""Settings by which a training can only go on as it began."""
FEWER = 4
"""A training that goes on from another takes at most this part of its epochs."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The training before this one. ``snapshot`` is the graph that it learned, ``triples`` ``(n, 3)`` its facts, by its own numbers."""

    revision: str
    snapshot: str
    recipe: Recipe
    entities: Sequence[str]
    relations: Sequence[str]
    triples: Ints
    tensors: Mapping[str, Tensor]

    def recipe_on(self, view: GraphView, recipe: Recipe) -> Recipe:
        """How this view is learned: as it was, if it is the same; otherwise by fewer epochs, under a name of its own."""
        if self.snapshot == view.revision:
            return self.recipe
        return replace(recipe, epochs=-(-recipe.epochs // FEWER), start=self.revision)

    def suits(self, model: Model) -> bool:
        """Whether it has a value for each of the model's."""
        return {f"model/{name}" for name in model.state_dict()} == {name for name in self.tensors if name.startswith("model/")}

    def knew(self, view: GraphView) -> npt.NDArray[np.bool_]:
        """Which facts of a view it has learned from, ``(facts,)``."""
        ends, links = (places(*names) for names in ((self.entities, view.entity_ids), (self.relations, view.relations)))
        head, relation, tail = ends[view.triples[:, 0]], links[view.triples[:, 1]], ends[view.triples[:, 2]]
        return among(np.stack([head, relation, tail], axis=1), self.triples)

    def carry(self, model: Model, optimiser: torch.optim.Optimizer, view: GraphView) -> None:
        """Give a fresh model what is known of its entities and relations, and its optimiser the state that goes with it."""
        ends, links = (torch.from_numpy(places(*names)) for names in ((self.entities, view.entity_ids), (self.relations, view.relations)))

        def carried(name: str, fresh: Tensor, held: Tensor) -> Tensor:
            if name in model.entity_tables:
                return _moved(fresh, held, ends, len(self.entities))
            if name in model.relation_tables:
                return _moved(fresh, held, links, len(self.relations))
            return held

        state = model.state_dict()
        model.load_state_dict({name: carried(name, value, self.tensors[f"model/{name}"]) for name, value in state.items()})
        slots = optimiser.state_dict()
        for number, (name, parameter) in enumerate(model.named_parameters()):
            for key, held in self.tensors.items():
                if key.startswith(prefix := f"optimiser/{name}/"):
                    fresh = torch.zeros(parameter.shape)
                    slots["state"].setdefault(number, {})[key.removeprefix(prefix)] = carried(name, fresh, held) if held.dim() else held
        optimiser.load_state_dict(slots)


def _moved(fresh: Tensor, held: Tensor, places: Tensor, count: int) -> Tensor:
    """The rows where their names stand now: ``places[n]`` is where row ``n`` stood, or -1. Relations may have rows for both directions."""
    sides = 1 if held.shape[0] == count else 2
    old, new = held.reshape(sides, count, -1), fresh.detach().cpu().reshape(sides, len(places), -1).clone()
    new[:, places >= 0] = old[:, places[places >= 0]]
    return new.reshape(fresh.shape)


def read(path: Path, view: GraphView, recipe: Recipe) -> Before | None:
    """What is kept there, if it suits view and recipe; what does not, or cannot be read, is left aside and said."""
    if not path.exists():
        return None
    try:
        held = checkpoint.read(path)
        told = held.told
        before = Before(
            told["revision"],
            told["snapshot"],
            Recipe(**told["recipe"]),
            _texts(held.tensors["entities"], held.tensors["lengths"]),
            told["relations"],
            held.tensors["triples"].numpy().astype(np.int64),
            held.tensors,
        )
    except (BadFile, BadRequest) as error:
        _LOG.warning("%s cannot be gone on from, so the graph is learned anew: %s", path, error)
        return None
    except (KeyError, TypeError, ValueError):
        _LOG.warning("%s is of another version and cannot be gone on from, so the graph is learned anew", path)
        return None
    if any(getattr(before.recipe, name) != getattr(recipe, name) for name in SHAPE):
        _LOG.warning("the graph is learned anew: by now it wants other settings than those of %s", before.revision)
        return None
    if before.knew(view).sum() < len(before.triples):
        _LOG.warning("the graph is learned anew: not all that %s learned is a fact still", before.revision)
        return None
    return before


def keep(path: Path, predictor: Predictor, optimiser: torch.optim.Optimizer, learned: Ints) -> None:
    """Write down what the next training goes on from, whole or not at all; ``learned`` ``(n, 3)`` are the facts it was shown.

    Where that cannot be, it is said, and the next one begins anew: this one is done all the same.
    """
    model, view, recipe = predictor.model, predictor.view, predictor.recipe
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    names = [name for name, _ in model.named_parameters()]
    for number, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{names[number]}/{slot}": value for slot, value in state.items()}
    data, lengths = b"".join(view.entity_ids.pieces()), view.entity_ids.lengths
    tensors["entities"] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    tensors["lengths"] = torch.from_numpy(np.array(lengths))
    tensors["triples"] = torch.from_numpy(learned.astype(np.int32))
    told = {"revision": recipe.revision(view), "snapshot": view.revision, "recipe": asdict(recipe), "relations": list(view.relations)}
    try:
        checkpoint.write(path, Checkpoint(tensors, told))
    except OSError as error:
        _LOG.warning("%s cannot be written (%s), so the graph will be learned anew the next time", path, error.strerror or error)


def _texts(data: Tensor, lengths: Tensor) -> Texts:
    many = lengths.numpy()
    return Texts(data.numpy().tobytes(), np.concatenate([[0], np.cumsum(many, dtype=np.int64)[:-1]]).astype(np.int64), many)
