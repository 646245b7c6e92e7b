"""A trained model as a file, with the names that its numbers stand for: for the graph that it learned from, and for no other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from kgplatform.errors import BadFile, BadRequest
from kgplatform.names import digest
from kgplatform.view import GraphView
from reasoning.recipe import Recipe
from reasoning.train import Predictor, make, pick_device


def save(predictor: Predictor, path: Path) -> None:
    """Write it whole or not at all. Raises ``BadFile`` when that cannot be."""
    from reasoning.training import checkpoint
    from reasoning.training.checkpoint import Checkpoint

    told = {
        "trained": True,
        "revision": predictor.recipe.revision(predictor.view),
        "names": names(predictor.view),
        "recipe": asdict(predictor.recipe),
        "epochs": predictor.epochs,
        "history": list(predictor.history),
        "epoch_seconds": predictor.epoch_seconds,
    }
    try:
        checkpoint.write(path, Checkpoint(predictor.model.state_dict(), told))
    except OSError as error:
        raise BadFile(f"{path}: cannot be written ({error.strerror or error})") from None


def load(path: Path, view: GraphView, device: str = "cpu") -> Predictor:
    """The trained model, for a view of the same entities and relations; facts may have come and gone since.

    Raises ``BadFile`` for a model of other ones, for a training that is not done, and for what is no such file.
    """
    device = pick_device(device)
    import torch

    from reasoning.models.described import FEATURES
    from reasoning.training import checkpoint

    found = checkpoint.read(path)
    if not found.told.get("trained"):
        raise BadFile(f"{path} is kept of a training that is not done: go on with it by  kg train --resume")
    if found.told["names"] != names(view):
        raise BadFile(
            f"{path} belongs to another graph: its entities or relations are not these {len(view.entities):,} and "
            f"{len(view.relations):,}; train a model on this one"
        )
    try:
        recipe = Recipe(**found.told["recipe"])
        features = found.tensors[FEATURES].numpy() if recipe.features else None
        model = make(recipe, view, torch.Generator().manual_seed(recipe.seed), features)
        model.load_state_dict(dict(found.tensors))
        model.on(view.triples)
    except (BadRequest, KeyError, RuntimeError, TypeError) as error:
        raise BadFile(f"{path} does not fit the models of this version: {' '.join(str(error).split())[:120]}; train it anew") from None
    told = found.told
    return Predictor(model.to(device), view, recipe, device, told["epochs"], tuple(told["history"]), told["epoch_seconds"])


def names(view: GraphView) -> str:
    """A hash of what the numbers of entities and relations stand for."""
    return digest(*view.entity_ids, "", *view.relations)
