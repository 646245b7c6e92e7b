"""Entities that also are what is said of them: to the row that is learnt of each comes a learnt map of the vector of its texts.

    entity = table + texts · map

Where many facts are known of an entity, its row decides; of one with few facts or none, the map says what it has learnt from others that
are described alike. Scores, norms and slopes are those of the sum, so it goes with every model that keeps a table of entities.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from kgplatform.errors import BadRequest
from kgplatform.view import Floats
from reasoning.models.base import Model, start

FEATURES = "parametrizations.entity.0.features"
"""What the vectors are called among a model's tensors, with which they are kept."""

DROPPED = 0.5
"""Share of rows that are left out of a batch while learning, so that the map learns to tell of an entity alone."""


class Described(nn.Module):
    """``features`` ``(entities, width)``, and the map from them, which begins so that entities are spread as the table's rows were."""

    features: Tensor

    def __init__(self, features: Tensor, table: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("features", features)
        # By the width of a unit vector, so that one step of the map moves an entity about as far as one step of its row.
        self.scale = features.shape[1] ** -0.5
        self.map = start(features.shape[1], table.shape[1], float(table.std()) / self.scale, generator)

    def forward(self, table: Tensor) -> Tensor:
        if self.training and table.requires_grad:
            table = table * (torch.rand(len(table), 1, device=table.device) >= DROPPED)
        entities: Tensor = table + self.features @ (self.scale * self.map)
        return entities


def describe(model: Model, features: Floats, generator: torch.Generator) -> None:
    """Let the entities of a fresh model also be their ``features`` ``(entities, width)``, float32, rows of length about 1.

    Rows begin at zero, so that an entity without facts is what is said of it and nothing else. Raises ``BadRequest`` for vectors of
    another number of entities, and for a model that keeps nothing of single entities.
    """
    table = getattr(model, "entity", None)
    if table is None:
        raise BadRequest("this model learns nothing of single entities, so texts cannot tell it of them: take another model, as complex")
    if features.ndim != 2 or len(features) != len(table):
        raise BadRequest(f"features must be a vector for each of {len(table):,} entities, not of the shape {features.shape}")
    added = Described(torch.from_numpy(np.array(features, np.float32)), table.data, generator)
    table.data.zero_()
    parametrize.register_parametrization(model, "entity", added)
