"""A relation's prompts with their weights, kept on the disk for the next run.

They belong to a card as it is and to the models that made and weighed them: another card or model is another file. What cannot be
read is as good as not there: the prompts are made again.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from harvest.bertnet.prompts import Origin, Prompt
from kgplatform.cardform import SLOT
from kgplatform.cards import slots
from kgplatform.errors import BadFile
from kgplatform.names import digest, slug
from kgplatform.types import Relation
from kgplatform.wholefile import whole


@dataclass(frozen=True, slots=True)
class PromptFile:
    """Where the prompts of a card are kept; ``models`` are the names of the scorer and, where one worded them, of the chat model."""

    folder: Path
    card: Relation
    models: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.folder / f"{slug(self.card.name)[:50]}-{digest(repr(self.card), *self.models)}.json"

    def read(self) -> tuple[Prompt, ...] | None:
        """The prompts as they were kept; ``None`` when there is no file, or a damaged one."""
        try:
            raw = json.loads(self.path.read_bytes())
            prompts = tuple(Prompt(**one) for one in raw["prompts"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return prompts if prompts and all(map(self._sound, prompts)) else None

    def _sound(self, prompt: Prompt) -> bool:
        weight: Any = prompt.weight
        return (
            isinstance(prompt.template, str)
            and Counter(SLOT.findall(prompt.template)) == Counter(slots(self.card))
            and prompt.origin in get_args(Origin)
            and isinstance(weight, int | float)
            and math.isfinite(weight)
        )

    def keep(self, prompts: Sequence[Prompt]) -> Path:
        """Write them, whole or not at all. Raises ``BadFile`` when that cannot be."""
        record = {"relation": self.card.name, "models": self.models, "prompts": [asdict(prompt) for prompt in prompts]}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadFile(f"{self.folder}: cannot be made ({error.strerror or error})") from None
        with whole(self.path) as file:
            file.write(json.dumps(record, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
        return self.path
