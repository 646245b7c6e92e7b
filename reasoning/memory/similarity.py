"""The text baseline: the nearest end by a sentence encoder. It learns nothing from the facts, so all it knows is in the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kgplatform.lm.ports import Encoder
from kgplatform.view import Floats
from reasoning.memory.texts import Texts

if TYPE_CHECKING:
    from torch import Tensor

LAST = -2.0
"""Below every cosine."""


class Similarity:
    """Ranks ends by the cosine of "head relation", or "relation tail", and their own names and descriptions.

    The words of a query are nearest to the entity they name: it comes last, since few facts lead from a thing to itself.
    """

    def __init__(self, texts: Texts, encoder: Encoder) -> None:
        self._texts, self._encoder = texts, encoder
        self._vectors = vectors(texts, encoder)

    def score(self, heads: Tensor, relations: Tensor) -> Tensor:
        """As ``reasoning.evaluate.Scorer`` says."""
        import torch

        starts = heads.cpu().numpy()
        asked = [self._query(start, relation) for start, relation in zip(starts.tolist(), relations.tolist(), strict=True)]
        scores = self._encoder.encode(asked) @ self._vectors.T
        scores[np.arange(len(starts)), starts] = LAST
        return torch.from_numpy(scores)

    def _query(self, entity: int, relation: int) -> str:
        name, relations = self._texts.names[entity], self._texts.relations
        return f"{name} {relations[relation]}" if relation < len(relations) else f"{relations[relation - len(relations)]} {name}"


def vectors(texts: Texts, encoder: Encoder) -> Floats:
    """Of what is said of each entity, ``(entities, dimension)``: what a link predictor takes as ``features``."""
    return encoder.encode([described(texts, number) for number in range(len(texts.names))])


def described(texts: Texts, entity: int) -> str:
    """``Warsaw: the capital of Poland``; the name alone where there is no description."""
    return f"{texts.names[entity]}: {texts.descriptions[entity]}" if texts.descriptions[entity] else texts.names[entity]
