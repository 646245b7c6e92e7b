"""How long work is cut into steps, whoever keeps them: what harvesters and others are given.

``Work`` keeps steps in the ledger, so that a job which broke off goes on where it was. ``Direct`` keeps nothing: every step is run, and
whatever it raises is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from kgplatform.lm.talk import Usage

if TYPE_CHECKING:
    from kgplatform.ports import Progress

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
        """What that step gave in an earlier piece of work of this kind on this graph, if it was done."""
        ...

    def progress(self, done: int, total: int) -> None:
        """Tell how far it is, as often as it likes: a ``kgplatform.ports.Progress``."""
        ...

    def told(self, listener: Progress | None) -> None:
        """Whom to tell of progress besides, from now on."""
        ...

    def stage(self, what: str) -> None:
        """Say what is done now, in a few words; progress counts from the beginning."""
        ...

    def words(self, what: str) -> None:
        """Say what is done now in other words; progress goes on."""
        ...

    def log(self, line: str, level: str = "info") -> None: ...

    def inputs(self, hash: str) -> None:
        """Say what the work reads. When that has changed since it began, no step counts as done."""
        ...

    def spent(self, usage: Usage, calls: int = 1) -> None: ...


class Direct:
    """Steps without a ledger."""

    def __init__(self, run: str = "", progress: Progress | None = None) -> None:
        self._run, self._listener = run, progress

    @property
    def run(self) -> str:
        return self._run

    def step(self, key: str, effect: Effect, holds: Holds = always) -> Result | None:  # noqa: ARG002 - as the protocol says
        return effect() or {}

    def earlier(self, key: str) -> Result | None:  # noqa: ARG002 - as the protocol says
        return None

    def progress(self, done: int, total: int) -> None:
        if self._listener:
            self._listener(done, total)

    def told(self, listener: Progress | None) -> None:
        self._listener = listener

    def stage(self, what: str) -> None:
        pass

    def words(self, what: str) -> None:
        pass

    def log(self, line: str, level: str = "info") -> None:
        pass

    def inputs(self, hash: str) -> None:
        pass

    def spent(self, usage: Usage, calls: int = 1) -> None:
        pass
