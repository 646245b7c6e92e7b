"""What a token costs: by what a person says, else by the table that ships."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

from kgplatform.errors import BadSetting
from kgplatform.lm.talk import Usage
from kgplatform.settings import Settings

PICO = 10**12
REMEDY = "set KG_PRICE_PROMPT and KG_PRICE_COMPLETION (USD per million tokens)"
"""What makes an unknown price known."""
_VERSION = re.compile(r"(-\d{4}-\d\d-\d\d|-\d{8}|-latest)?(@.*)?$", re.DOTALL)
"""What may stand behind a model's name: the date of a version, a revision."""


@dataclass(frozen=True, slots=True)
class Price:
    """Whole picodollars a token, so that sums are exact."""

    prompt: int = 0
    completion: int = 0

    def of(self, usage: Usage) -> int:
        """In picodollars."""
        return self.prompt * usage.prompt + self.completion * usage.completion


def price(model: str, settings: Settings) -> Price | None:
    """The price of ``provider:model``; None when it is not known. Raises ``BadSetting`` when only half of one is set."""
    own = settings["KG_PRICE_PROMPT"], settings["KG_PRICE_COMPLETION"]
    if all(own):
        return _price(*own)
    if any(own):
        raise BadSetting("KG_PRICE_PROMPT and KG_PRICE_COMPLETION: only one of them is set, a price needs both")
    name = _VERSION.sub("", model, count=1)
    return next((one for pattern, one in _table() if fnmatchcase(name, pattern)), None)


def check(model: str, settings: Settings, limit: str) -> None:
    """Raises ``BadSetting`` for a ``limit`` of money on a model whose price is not known."""
    if price(model, settings) is None:
        raise unheld(model, limit)


def unheld(model: str, limit: str) -> BadSetting:
    """That a ``limit`` of money cannot be held, and what to do."""
    return BadSetting(f"{limit}: the price of {model} is not known, so this limit cannot be held: {REMEDY}")


@functools.cache
def _table() -> tuple[tuple[str, Price], ...]:
    import yaml

    rows = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text("utf-8"))["usd_per_million_tokens"]
    return tuple((pattern, _price(*map(str, both))) for pattern, both in rows.items())


def _price(prompt: str, completion: str) -> Price:
    """From USD per million tokens."""
    return Price(*(int(Decimal(one) * PICO / 10**6) for one in (prompt, completion)))
