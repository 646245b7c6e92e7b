"""When a harvest is over, whatever it is at: whoever tells progress hears of it between two batches."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from kgplatform.ports import Progress


class TimeOver(Exception):
    """The time that was given is over. No ``KgError``: nothing failed, so no step is kept as one that did."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Over at ``end``, in seconds of the monotonic clock; never without one."""

    end: float | None = None

    @classmethod
    def after(cls, minutes: float | None) -> Deadline:
        """So many minutes from now; ``None`` is never."""
        return cls(monotonic() + 60 * minutes) if minutes else cls()

    @property
    def over(self) -> bool:
        return self.end is not None and monotonic() > self.end

    def check(self) -> None:
        """Raises ``TimeOver`` when it is."""
        if self.over:
            raise TimeOver

    def heeded(self, progress: Progress) -> Progress:
        """``progress``, which raises ``TimeOver`` too, unless all is done: what is complete is not thrown away."""

        def told(done: int, total: int) -> None:
            progress(done, total)
            if done < total:
                self.check()

        return told
