"""How long work is cut into steps, whoever keeps them: what harvesters and others are given.

``Work`` keeps steps in the ledger, so that a job which broke off goes on where it was. ``Direct`` keeps nothing: every step is run, and
whatever it raises is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kgplatform.lm.talk import Usage

Result = Mapping[str, Any]
"""What can be written as a JSON object."""
Effect = Callable[[], Result | None]
Holds = Callable[[Result], bool]
"""Whether what a step did is still so: asked with its result, before the step is passed over."""


def always(_: Result) -> bool:
    return True


class Steps(Protocol):
    """One piece of long work, as the code that does it sees it. Threads may share it."""

    @property
    def run(self) -> str:
        """The name to keep with the evidence."""
        ...

    def step(self, key: str, effect: Effect, holds: Holds = always) -> Result | None:
        """Run an effect, unless this work has done so and it still ``holds``; what it gave, or ``None`` when it failed."""
        ...

    def earlier(self, key: str) -> Result | None:
        """What that step gave when the same task was done an earlier time, if it was."""
        ...

    def progress(self, done: int, total: int) -> None: ...

    def inputs(self, hash: str) -> None:
        """Say what the work reads. When that has changed since it began, no step counts as done."""
        ...

    def spent(self, usage: Usage, calls: int = 1) -> None: ...


class Direct:
    """Steps without a ledger. ``progress`` is told how far it is."""

    def __init__(self, run: str = "", progress: Callable[[int, int], None] | None = None) -> None:
        self._run, self._progress = run, progress

    @property
    def run(self) -> str:
        return self._run

    def step(self, key: str, effect: Effect, holds: Holds = always) -> Result | None:  # noqa: ARG002 - as the protocol says
        return effect() or {}

    def earlier(self, key: str) -> Result | None:  # noqa: ARG002 - as the protocol says
        return None

    def progress(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)

    def inputs(self, hash: str) -> None:
        pass

    def spent(self, usage: Usage, calls: int = 1) -> None:
        pass
