"""Candidates, round by round, of one proposer after the other.

Each round is a step under a key made from the question, so that what was proposed is not asked for again: not by this work when it was cut
off, nor by another that asks the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harvest.bertnet.proposing import Asked, Proposed, Proposer
from harvest.bertnet.proposing.asked import Fresh
from kgplatform import names
from kgplatform.errors import BudgetExceeded, KgError
from kgplatform.jobs.steps import Steps
from kgplatform.ports import Progress
from kgplatform.types import Words

ROUND = 500
"""Candidates that are judged and put together."""
BARREN = 100
"""Candidates of a proposer in a row, whole rounds of them, of which none scores above 95 of 100 corrupted seeds, after which it is asked
no more. Of so many that are no better than corrupted seeds none would by a chance of 1 in 170."""
Round = tuple[str, list[Words]]
"""Who proposed, and what."""


class Rounds:
    """The rounds of one relation. Iterate, and say of each round whether it was ``barren``.

    ``note`` hears why a proposer gave no more; keys of steps begin with ``revision``. ``progress`` is told how far a round is, and may
    raise what ends it. They are ``cut`` when a budget ended them.
    """

    def __init__(
        self,
        proposers: Sequence[Proposer],
        asked: Asked,
        steps: Steps,
        revision: str,
        note: Callable[[str], None],
        *,
        progress: Progress | None = None,
    ) -> None:
        self._proposers, self._asked, self._steps, self._note = proposers, asked, steps, note
        self._progress = progress or steps.progress
        self._revision = f"{revision}/{_digest(asked)}"
        self._barren: Counter[str] = Counter()
        self.cut = False

    def barren(self, by: str, candidates: int, nothing: bool) -> None:
        """Whether a round of that proposer, of so many candidates, held nothing worth a look."""
        self._barren[by] = self._barren[by] + candidates if nothing else 0

    def __iter__(self) -> Iterator[Round]:
        fresh = Fresh(self._asked)
        for proposer in self._proposers:
            for new in self._parts(proposer, fresh):
                yield proposer.name, new
                if self._barren[proposer.name] >= BARREN:
                    self._note(f"{proposer.name} is asked no more: its last candidates score no better than corrupted seeds")
                    break

    def _parts(self, proposer: Proposer, fresh: Fresh) -> Iterator[list[Words]]:
        for round in self._of(proposer):
            new = fresh.new(round.tuples)
            yield from (new[at : at + ROUND] for at in range(0, len(new), ROUND))

    def _of(self, proposer: Proposer) -> Iterator[Proposed]:
        source = _Source(proposer, self._asked, self._progress)

        def effect() -> dict[str, Any]:
            key = f"{self._revision}/{proposer.name}/{len(source.given)}"
            if (earlier := self._steps.earlier(key)) is not None:
                return dict(earlier)
            self._steps.stage(f"{self._asked.card.name}: {proposer.name} candidates")
            return source.next()

        while True:
            try:
                found = self._steps.step(f"{self._revision}/{proposer.name}/{len(source.given)}", effect)
            except BudgetExceeded as error:
                self._note(f"{proposer.name} is asked no more: {error}")
                self.cut = True
                return
            if found is None:
                self._note(f"{proposer.name} gave no more candidates: the log says why")
                return
            if found["ends"]:
                return
            yield source.took(Proposed.read(found))


class _Source:
    """What a proposer ``given`` so far, by whomever, goes on with."""

    def __init__(self, proposer: Proposer, asked: Asked, progress: Progress) -> None:
        self._proposer, self._asked, self._progress = proposer, asked, progress
        self._coming: Iterator[Proposed] | None = None
        self._behind = 0
        self.given: list[Proposed] = []

    def next(self) -> dict[str, Any]:
        """The round behind those that were given, as a record."""
        if self._behind != len(self.given):  # some were not of this generator
            self._coming = None
        try:
            self._coming = self._coming or self._proposer.rounds(self._asked, tuple(self.given), self._progress)
            found = next(self._coming, None)
            self._behind = len(self.given) + 1
        except KgError:
            self._coming = None  # a generator that raised is at its end
            raise
        return {"ends": found is None, **(found or Proposed(())).record()}

    def took(self, one: Proposed) -> Proposed:
        self.given.append(one)
        return one


def _digest(asked: Asked) -> str:
    """Of all that a proposer is asked with, but the card and its prompts, which the revision says."""
    return names.digest(str(asked.size), *(names.digest(*map(str, part)) for part in (asked.heads, asked.tails, asked.held)))
