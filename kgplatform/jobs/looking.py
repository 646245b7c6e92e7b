"""Look at a job again and again: only steps that are new are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kgplatform.jobs.ledger import Ledger
from kgplatform.jobs.types import Step

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What the steps of a job came to when it was last looked at; ``times`` are theirs, by key."""

    found: T
    times: Mapping[str, int]


def look(
    ledger: Ledger, job: str, parts: Collection[str], read: Callable[[Sequence[Step], T | None], T], before: Look[T] | None = None
) -> Look[T]:
    """What the steps whose keys hold one of ``parts`` come to: ``read`` adds new ones to what was found, and leaves that as it is.

    All are read once more where one that was seen is gone, or was done again.
    """
    there = {key: time for part in parts for key, time in ledger.times(job, part).items()}
    if before and before.times == there:
        return before
    if before and not before.times.items() <= there.items():
        before = None
    seen = before.times if before else {}
    new = {step.key: step for part in parts for step in ledger.results(job, part, seen)}
    return Look(read(list(new.values()), before.found if before else None), {**seen, **{key: step.time for key, step in new.items()}})
