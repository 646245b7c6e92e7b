"""What requests would take, before any is asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Request, Usage

_TURN = 8
"""Tokens that a provider puts around a message, at most: its role, its beginning and its end."""


def most(model: ChatModel, request: Request) -> Usage:
    """The tokens of a request, counted rather too high than too low, and the most that its answer may have."""
    texts = [message.text for message in request.messages]
    if request.schema is not None:
        texts.append(json.dumps(request.schema))
    return Usage(sum(model.count(text) + _TURN for text in texts), request.max_tokens)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The most that requests may take. ``cached`` are answered already and cost nothing; ``calls``, the others, are of different words.

    ``priced`` is False when the model has no known price; ``seconds``, one after another, is None when nothing was measured of the model.
    """

    calls: int
    cached: int
    usage: Usage
    priced: bool
    seconds: float | None

    def __str__(self) -> str:
        money = f"{self.usage.usd:,.4f} USD" if self.priced else "money that is not known"
        time = "" if self.seconds is None else f", about {self.seconds:,.0f} s one after another"
        kept = f"; {self.cached:,} more are answered already" if self.cached else ""
        return f"{self.calls:,} requests, at most {self.usage.tokens:,} tokens and {money}{time}{kept}"


def total(model: ChatModel, requests: Iterable[Request]) -> Usage:
    """The most that all of them may take."""
    return sum((most(model, request) for request in requests), Usage())
