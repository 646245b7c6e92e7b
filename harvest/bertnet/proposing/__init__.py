"""Who names candidates of a relation: each proposer is a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harvest.bertnet.sentences import template
from kgplatform.lm.ports import Encoder
from kgplatform.types import Relation, Words


@dataclass(frozen=True, slots=True)
class Asked:
    card: Relation
    prompts: tuple[str, ...]
    heads: tuple[str, ...]
    tails: tuple[str, ...]
    size: int


class Proposer(Protocol):
    @property
    def name(self) -> str: ...
    def rounds(self, asked: Asked) -> Iterator[list[Words]]: ...


class Nearest:
    name = "nearest"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def rounds(self, asked: Asked) -> Iterator[list[Words]]:
        if not asked.heads or not asked.tails or len(template(asked.prompts[0]).slots) > 2:
            return
        prompt = next((p for p in asked.prompts if template(p).slots == ("head", "tail")), asked.prompts[0])
        near = self._encoder.encode([template(prompt).parted([h, ""])[0] for h in asked.heads]) @ self._encoder.encode(asked.tails).T
        best = np.argsort(-near, axis=1, kind="stable")
        yield [(head, asked.tails[c]) for row, head in enumerate(asked.heads) for c in [c for c in best[row] if asked.tails[c] != head][:8]]
