"""What is said to a chat model, and what comes back: frozen values that know no provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """All that an answer depends on. ``sample`` tells apart several answers to the same words: each is asked for and kept by itself.

    ``schema`` is a JSON schema that the answer must be bound to; its ``title`` names it. ``max_tokens`` bounds the answer.
    ``sources`` are the ids of the sources whose text stands in it: no answer depends on them, and it goes when one of them is forgotten.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 1024
    temperature: float = 0.0
    sample: int = 0
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of request and answer, as the provider counts them; ``usd`` is filled in by the meter."""

    prompt: int = 0
    completion: int = 0
    usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``id`` is the provider's name for it, which evidence keeps; ``cut`` says that it ended for want of tokens.

    ``cached`` ones were given before: their ``usage`` is what they took then, and nothing was spent on them now.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    id: str = ""
    cut: bool = False
    cached: bool = False
