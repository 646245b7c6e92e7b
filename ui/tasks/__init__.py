"""What can be done as a job: a file for each kind of work, with a function ``do`` of what it is given.

The same function runs in the foreground, for a command that waits for it, and in a worker. Its arguments and its result are JSON objects.
Paths in arguments are absolute, since a worker stands in another folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kgplatform.jobs.steps import Steps
    from ui.cli.screen import Screen, Shown
    from ui.wire import Wire


class Means(NamedTuple):
    """How a kind of work is done: the file here, the settings of the models that its outcome depends on, whether it makes its graph."""

    file: str
    models: tuple[str, ...] = ()
    creates: bool = False


_READING = ("KG_SCORER_MODEL", "KG_ENCODER_MODEL")
KINDS = {
    "harvest documents": Means("harvest_documents", _READING, creates=True),
    "harvest relation": Means("harvest_relation", (*_READING, "KG_CHAT_MODEL"), creates=True),
    "harvest expand": Means("harvest_expand", ("KG_CHAT_MODEL", "KG_ENCODER_MODEL"), creates=True),
    "complete": Means("complete"),
    "train": Means("training"),
    "denoise": Means("denoise"),
    "interactions mirror": Means("mirroring"),
    "interactions learn": Means("recommending", ("KG_ENCODER_MODEL",)),
    "embed": Means("embed", ("KG_ENCODER_MODEL",)),
    "import": Means("importing", creates=True),
    "export": Means("exporting"),
    "backup": Means("backing_up"),
    "snapshot": Means("snapshot"),
}
"""By the words of the command that does it."""
NAMING = {"KG_CHAT_MODEL": ("chat", "proposer"), "KG_SCORER_MODEL": ("scorer",)}
"""The arguments that name a model in the place of a setting."""
LOGGED = ("kgplatform", "harvest", "reasoning", "ui")
"""The loggers whose words belong to a job."""
KEPT = 20
"""Examples in the result of a job."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A ``Progress`` of a job, to its ledger and to the screen of who waits for it."""

    steps: Steps
    shown: Shown | None

    def __call__(self, done: int, total: int) -> None:
        self.steps.progress(done, total)

    def words(self, what: str) -> None:
        """Say it in other words; progress goes on."""
        self.steps.words(what)
        if self.shown:
            self.shown.words(what)


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
    def progress(self, what: str) -> Iterator[Telling]:
        """Tells both the ledger and the screen how far ``what`` is."""
        self.steps.stage(what)
        with self.screen.progress(what) if self.screen else nullcontext() as shown:
            self.steps.told(shown)
            yield Telling(self.steps, shown)
        self.steps.told(None)

    def note(self, line: str) -> None:
        """A line for people beside the result: to the log and to the screen."""
        self.steps.log(line, "warning")
        if self.screen:
            self.screen.note(line)


def do(kind: str, doing: Doing) -> Mapping[str, Any]:
    """Do a job of that kind; what it gives is its result. Who waits for it hears what the program warns of."""
    with doing.screen.warnings(LOGGED) if doing.screen else nullcontext():
        result: Mapping[str, Any] = import_module(f"ui.tasks.{KINDS[kind].file}").do(doing)
    return result
