"""Candidates, round by round, of one proposer after the other. Each round is a step, so that what was proposed is not asked for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from typing import Any

from harvest.bertnet.proposing import Asked, Proposer
from harvest.bertnet.proposing.asked import Fresh
from kgplatform.errors import BudgetExceeded, KgError
from kgplatform.jobs.steps import Steps
from kgplatform.types import Words

ROUND = 500
"""Candidates that are judged and put together."""
BARREN = 2
"""Rounds of a proposer in a row with nothing above what corrupted seeds score, after which it is asked no more."""
Round = tuple[str, list[Words]]
"""Who proposed, and what."""


class Rounds:
    """The rounds of one relation. Iterate, and say of each round whether it was ``barren``.

    ``note`` hears why a proposer gave no more; keys of steps begin with ``revision``.
    """

    def __init__(self, proposers: Sequence[Proposer], asked: Asked, steps: Steps, revision: str, note: Callable[[str], None]) -> None:
        self._proposers, self._asked, self._steps, self._revision, self._note = proposers, asked, steps, revision, note
        self._barren: Counter[str] = Counter()

    def barren(self, by: str, nothing: bool) -> None:
        """Whether a round of that proposer held nothing worth a look."""
        self._barren[by] = self._barren[by] + 1 if nothing else 0

    def __iter__(self) -> Iterator[Round]:
        fresh = Fresh(self._asked)
        for proposer in self._proposers:
            for tuples in self._of(proposer):
                new = fresh.new(tuples)
                for at in range(0, len(new), ROUND):
                    yield proposer.name, new[at : at + ROUND]
                if self._barren[proposer.name] >= BARREN:
                    self._note(f"{proposer.name} is asked no more: its last candidates score no better than corrupted seeds")
                    break

    def _of(self, proposer: Proposer) -> Iterator[list[Words]]:
        source = _Replayed(proposer, self._asked)
        self._steps.stage(f"{self._asked.card.name}: {proposer.name} candidates")
        for number in count():
            key = f"{self._revision}/{proposer.name}/{number}"
            try:
                found = self._steps.step(key, lambda number=number: source.round(number))  # type: ignore[misc]
            except BudgetExceeded as error:
                self._note(f"{proposer.name} is asked no more: {error}")
                return
            if found is None:
                self._note(f"{proposer.name} gave no more candidates: the log says why")
                return
            if not found["tuples"]:
                return
            yield [tuple(words) for words in found["tuples"]]


class _Replayed:
    """A proposer's rounds by number. What it was asked before is asked again where needed, and answered out of the cache."""

    def __init__(self, proposer: Proposer, asked: Asked) -> None:
        self._proposer, self._asked = proposer, asked
        self._source: Iterator[list[Words]] | None = None

    def round(self, number: int) -> dict[str, Any]:
        try:
            self._source = self._source or islice(self._proposer.rounds(self._asked), number, None)
            return {"tuples": [list(words) for words in next(self._source, ())]}
        except KgError:
            self._source = None  # a generator that raised is at its end
            raise
