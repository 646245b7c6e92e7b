"""What a clause of a question leads to: a set, or that the graph does not say it."""

from __future__ import annotations

from dataclasses import dataclass

from kgplatform.types import Entity
from reasoning.agent.sets import Members
from reasoning.agent.walker import Reading
from reasoning.paths.topic import Mention
from reasoning.paths.values import Value

Topic = Mention | Value


class Unsaid(Exception):
    """The graph does not say it; the message says what it does say."""

    def __init__(
        self, text: str, near: tuple[str, ...] = (), topic: Entity | None = None, choices: tuple[Entity, ...] = (), unknown: str = ""
    ) -> None:
        super().__init__(text)
        self.near, self.topic, self.choices, self.unknown = near, topic, choices, unknown


@dataclass(frozen=True, slots=True)
class Found:
    """A set, in words where it comes from, and how likely that is what was meant."""

    members: Members
    said: str
    share: float
    reading: Reading | None = None
