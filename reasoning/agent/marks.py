"""Questions whose right answer somebody told, kept beside a graph as walks by the names of relations: no name of a thing is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from kgplatform import jsonlines
from kgplatform.errors import BadFile, BadRequest, NotFound
from kgplatform.names import digest, normalise
from kgplatform.types import Entity, in_words
from reasoning.agent.walker import CONSIDERED, Walker
from reasoning.paths.learning import Mark
from reasoning.paths.question import Asked


def marked(walker: Walker, asked: Asked, topics: Mapping[int, Entity | None], right: Collection[str] = ()) -> Mark:
    """The walks that the question might ask for, and which of them lead to just what is right: without ``right``, to its answer now."""
    walked = sorted((one for one in walker.walked(asked, topics) if one.reached), key=lambda one: -one.score)[:CONSIDERED]
    if right:
        wanted = frozenset(name.casefold() for name in right)
        good = [frozenset(in_words(walker.node(end)).casefold() for end in one.reached) == wanted for one in walked]
    else:
        chosen = walker.chosen(walker.readings(asked, topics))
        good = [chosen is not None and one.reached == chosen.reached for one in walked]
    if not any(good):
        what = f"just {', '.join(right)}" if right else "an answer"
        raise BadRequest(f"no walk of at most three facts leads from {_named(topics)} to {what}: put its facts right to learn from it")
    routes = tuple(walker.aligner.route(one.hops) for one in walked)
    learned = walker.aligner.learned
    gain = learned.worth(asked.said, routes) if learned else np.zeros(len(routes))
    scores = tuple(round(one.score - own, 3) for one, own in zip(walked, gain.tolist(), strict=True))
    return Mark(asked.said, routes, scores, tuple(np.flatnonzero(good).tolist()))


def _named(topics: Mapping[int, Entity | None]) -> str:
    return next((entity.name for entity in topics.values() if entity), "there")


def of(question: str) -> str:
    """What tells a question from others, and what it was by nothing."""
    return digest(normalise(question).rstrip(" ?!."))


class Marks:
    """The marks of one graph, a line each in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> list[Mark]:
        """All, the oldest first. Raises ``BadFile`` for a file that is damaged."""
        try:
            return list(map(_mark, jsonlines.read(self.file)))
        except (OSError, ValueError, KeyError, TypeError):
            raise BadFile(f"{self.file}: not the marks of answers that were kept there: delete it, and mark anew") from None

    def add(self, mark: Mark) -> int:
        """Keep one more, or what is said of a question now; how many there are."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.file}.lock"):
            kept = [*(one for one in self.read() if not mark.of or one.of != mark.of), mark]
            jsonlines.write(self.file, map(asdict, kept))
        return len(kept)

    def drop(self, question: str) -> int:
        """Forget what is said of a question; how many are left. Raises ``NotFound`` where nothing is."""
        if self.file.exists():
            with FileLock(f"{self.file}.lock"):
                told = self.read()
                kept = [one for one in told if one.of != of(question)]
                if len(kept) < len(told):
                    jsonlines.write(self.file, map(asdict, kept))
                    return len(kept)
        raise NotFound("nothing was said to be right of this question: ask it in the words in which it was marked")


def _mark(told: Any) -> Mark:
    routes = tuple(tuple(map(str, route)) for route in told["routes"])
    scores, right = tuple(map(float, told["scores"])), tuple(map(int, told["right"]))
    mark = Mark(tuple(map(str, told["said"])), routes, scores, right, str(told.get("of", "")))
    if not mark.right or len(mark.scores) != len(routes) or not all(routes) or not all(0 <= one < len(routes) for one in mark.right):
        raise ValueError(told)
    return mark
