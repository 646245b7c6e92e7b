"""What can be done as a job: a file for each kind of work, with a function ``do`` of what it is given.

The same function runs in the foreground, for a command that waits for it, and in a worker. Its arguments and its result are JSON objects.
Paths in arguments are absolute, since a worker stands in another folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kgplatform.jobs.steps import Steps
    from kgplatform.ports import Progress
    from ui.cli.screen import Screen
    from ui.wire import Wire

KINDS = {
    "harvest documents": "harvest_documents",
    "harvest relation": "harvest_relation",
    "complete": "complete",
    "embed": "embed",
    "import": "importing",
    "export": "exporting",
    "backup": "backing_up",
}
"""The words of the command that does it, and the file here."""
MODELS = {
    "harvest documents": ("KG_SCORER_MODEL", "KG_ENCODER_MODEL"),
    "harvest relation": ("KG_SCORER_MODEL", "KG_ENCODER_MODEL"),
    "embed": ("KG_ENCODER_MODEL",),
}
"""The settings that the outcome of a kind depends on."""
CREATING = ("harvest documents", "harvest relation", "import")
"""Those that make their graph when it is not there."""


KEPT = 20
"""Examples in the result of a job."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One job while it is done: its graph and models, its steps, its arguments; and the screen of who waits for it, if anyone does."""

    wire: Wire
    steps: Steps
    arguments: Mapping[str, Any]
    screen: Screen | None = None

    @property
    def dry_run(self) -> bool:
        """Whether to say what would be done, and write nothing."""
        return bool(self.arguments.get("dry_run"))

    def first(self, lines: Iterable[str]) -> list[str]:
        """All lines of a dry run, of other work the first, since its result is kept."""
        return list(lines if self.dry_run else islice(lines, KEPT))

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """Tells both the ledger and the screen how far ``what`` is."""
        self.steps.stage(what)
        if self.screen is None:
            yield self.steps.progress
            return
        with self.screen.progress(what) as shown:
            self.steps.told(shown)
            try:
                yield self.steps.progress
            finally:
                self.steps.told(None)

    def note(self, line: str) -> None:
        """A line for people beside the result: to the log and to the screen."""
        self.steps.log(line, "warning")
        if self.screen:
            self.screen.note(line)


def do(kind: str, doing: Doing) -> Mapping[str, Any]:
    """Do a job of that kind; what it gives is its result."""
    result: Mapping[str, Any] = import_module(f"ui.tasks.{KINDS[kind]}").do(doing)
    return result
