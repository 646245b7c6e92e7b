"""What a harvest found out, read from its steps: while it runs, and for as long as they are kept.

The keys of the steps are those of ``asking``: the relation's name and a hash, then what the step is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from harvest.bertnet.calibrate import Knowledge
from harvest.bertnet.candidates import Judged, Kinds

ENTITIES, PROMPTS, KNOWN, PUT = "/entities", "/prompts", "/known", "/put "
LOOKED = (PROMPTS, KNOWN, PUT)
"""What is looked at while it runs: not what words name, which are many."""


class Done(Protocol):
    """A step that is done."""

    @property
    def key(self) -> str: ...

    @property
    def result(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of one relation so far. ``judged`` are the candidates, best first, of so many ``rounds``; ``kinds`` those of words that
    name entities of the graph; ``model`` is the one that judged.
    """

    relation: str
    prompts: tuple[str, ...] = ()
    learnt: Knowledge | None = None
    judged: tuple[Judged, ...] = ()
    rounds: int = 0
    kinds: Kinds = field(default_factory=dict)
    model: str = ""

    @property
    def weighed(self) -> tuple[tuple[str, float], ...]:
        """Prompts with their weights, which sum to 1, the most trusted first; before the seeds were tested none has any."""
        weights = self.learnt.weights if self.learnt else (0.0,) * len(self.prompts)
        return tuple(sorted(zip(self.prompts, weights, strict=False), key=lambda one: -one[1]))


def read(steps: Iterable[Done], before: Mapping[str, Held] | None = None) -> dict[str, Held]:
    """By relation what the steps of a harvest found, in the order in which it began; with what was read ``before``."""
    found = dict(before or {})
    for step in steps:
        revision, part = _parted(step.key)
        if part and not (part == PUT and "judged" not in step.result):  # what was believed before a put is looked at under a like key
            name = revision.rpartition("@")[0]
            found[name] = _with(found.get(name, Held(name)), part, step.result)
    return {name: replace(one, judged=tuple(sorted(one.judged, key=_order))) for name, one in found.items()}


def _parted(key: str) -> tuple[str, str]:
    """The revision and what the step is; nothing for what is only a proposer's round."""
    for part in (ENTITIES, PROMPTS, KNOWN):
        if key.endswith(part):
            return key.removesuffix(part), part
    before, part, after = key.rpartition(PUT)
    return (before, part) if part and "/" not in after else ("", "")


def _with(one: Held, part: str, result: Mapping[str, Any]) -> Held:
    if part == ENTITIES:
        return replace(one, kinds=result)
    if part == PROMPTS:
        return replace(one, prompts=tuple(str(prompt) for prompt, _ in result["prompts"]))
    if part == KNOWN:
        return replace(one, learnt=Knowledge.read(result))
    judged = tuple(Judged.read(record) for record in result["judged"])
    return replace(one, judged=one.judged + judged, rounds=one.rounds + 1, model=result.get("model", one.model))


def _order(one: Judged) -> tuple[float, float]:
    return -one.probability, -one.score
