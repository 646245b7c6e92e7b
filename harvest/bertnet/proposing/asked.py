"""What a proposer is asked, and what it promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from kgplatform.errors import BadName
from kgplatform.lm.talk import Request
from kgplatform.names import clean, normalise
from kgplatform.types import Relation, Words

LONGEST = 120
"""Letters of a proposed name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A relation, the prompts that it is asked with, and what is known of it.

    ``heads`` and ``tails`` are names of the graph's entities of the domain's and of the range's kinds. About ``size`` tuples are wanted;
    those ``held`` and the card's seeds are known.
    """

    card: Relation
    prompts: tuple[str, ...]
    heads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    size: int = 200
    held: frozenset[Words] = frozenset()


class Proposer(Protocol):
    """Names candidates, round after round."""

    @property
    def name(self) -> str:
        """Who proposed, as evidence says it."""
        ...

    def rounds(self, asked: Asked) -> Iterator[list[Words]]:
        """New tuples in words, some in each round and none twice. The same question gives the same rounds, as far as its model does."""
        ...

    def requests(self, asked: Asked) -> list[Request]:
        """What a chat model is asked first, to estimate the cost; nothing where there is none."""
        ...


class Fresh:
    """Lets every tuple pass once: no seed, nothing held, nothing with a name missing or overlong, or with one name as head and tail.

    Spelling does not count, and of a symmetric relation neither does the order of its ends.
    """

    def __init__(self, asked: Asked) -> None:
        self._symmetric = asked.card.symmetric
        self._seen = {self._key(words) for words in (*asked.card.seeds, *asked.held)}

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
