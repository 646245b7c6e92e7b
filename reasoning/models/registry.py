"""The link predictors by name. Their modules import torch and are imported when one is made."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kgplatform.errors import BadRequest

if TYPE_CHECKING:
    import torch

    from reasoning.models.base import Model

MODELS = {
    "compgcn": "compgcn:CompGCN",
    "complex": "complex:ComplEx",
    "conve": "conve:ConvE",
    "distmult": "distmult:DistMult",
    "hake": "hake:HAKE",
    "house": "house:HousE",
    "nbfnet": "nbfnet:NBFNet",
    "rescal": "rescal:RESCAL",
    "rotate": "rotate:RotatE",
    "transe": "transe:TransE",
}
"""Module and class. Each class is made of entities, relations, dim, a generator and what else its settings are."""


def known(name: str) -> str:
    """The name. Raises ``BadRequest`` when no model has it."""
    if name not in MODELS:
        raise BadRequest(f"{name!r} is no link-prediction model: there are {', '.join(MODELS)}")
    return name


def make(name: str, entities: int, relations: int, dim: int, generator: torch.Generator, **settings: Any) -> Model:
    """A model with random parameters. Raises ``BadRequest`` for an unknown name."""
    module, _, kind = MODELS[known(name)].partition(":")
    made: Model = getattr(import_module(f"reasoning.models.{module}"), kind)(entities, relations, dim, generator, **settings)
    return made
