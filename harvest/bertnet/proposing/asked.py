"""What a proposer is asked, and what it promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kgplatform.errors import BadName
from kgplatform.lm.talk import Request
from kgplatform.names import clean, normalise
from kgplatform.ports import Progress
from kgplatform.types import Relation, Words

LONGEST = 120
"""Letters of a proposed name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A relation, the prompts that it is asked with, and what is known of it.

    ``heads`` and ``tails`` are names of the graph's entities of the domain's and of the range's kinds. About ``size`` tuples are wanted;
    those ``held``, the surest last, and the card's seeds are known.
    """

    card: Relation
    prompts: tuple[str, ...]
    heads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    size: int = 200
    held: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """The tuples of a round, and what its proposer gave each by itself, if it gives anything."""

    tuples: tuple[Words, ...]
    scores: tuple[float, ...] = ()

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"tuples": [list(words) for words in self.tuples], "scores": list(self.scores)}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Proposed:
        """The inverse of ``record``."""
        return cls(tuple(map(tuple, record["tuples"])), tuple(record["scores"]))


class Proposer(Protocol):
    """Names candidates, round after round."""

    @property
    def name(self) -> str:
        """Who proposed, as evidence says it."""
        ...

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        """New tuples in words, none twice, block after block, behind the rounds that it gave ``before``; a block may bring nothing new.

        The same question gives the same rounds, as far as its model does. ``progress`` is told between two batches or requests; what it
        raises ends the round.
        """
        ...

    def requests(self, asked: Asked) -> list[Request]:
        """What a chat model is asked first, to estimate the cost; nothing where there is none."""
        ...


class Told:
    """How far a proposer is: ``done`` of ``total``, told to whoever listens."""

    def __init__(self, progress: Progress | None, total: int, done: int = 0) -> None:
        self._progress, self._total, self._done = progress, total, done

    def __call__(self) -> None:
        """Say it again: between two batches, where whoever listens may want to end it."""
        if self._progress:
            self._progress(self._done, self._total)

    def more(self, count: int) -> None:
        """So many more are done."""
        self._done = min(self._done + count, self._total)
        self()


class Fresh:
    """Lets every tuple pass once: no seed, nothing of the rounds ``before``, no name missing or overlong or both head and tail.

    Spelling does not count, and of a symmetric relation neither does the order of its ends. What the graph holds passes: a model that
    says it too speaks for it.
    """

    def __init__(self, asked: Asked, before: Iterable[Proposed] = ()) -> None:
        self._symmetric = asked.card.symmetric
        self._seen = {self._key(words) for words in (*asked.card.seeds, *(words for one in before for words in one.tuples))}

    def new(self, tuples: Iterable[Words]) -> list[Words]:
        """Those that pass, cleaned."""
        passed = []
        for words in tuples:
            try:
                cleaned = tuple(clean(word) for word in words)
            except BadName:
                continue
            key = self._key(cleaned)
            if key in self._seen or key[0] == key[1] or max(map(len, cleaned)) > LONGEST:
                continue
            self._seen.add(key)
            passed.append(cleaned)
        return passed

    def _key(self, words: Words) -> Words:
        head, tail, *rest = map(normalise, words)
        return (*sorted((head, tail)), *rest) if self._symmetric else (head, tail, *rest)
