"""How well words fit a relation, as a causal language model reads them: slot pointwise mutual information.

A prompt is read left to right. Given what stands before its second slot, how likely is the rest, against other words of the
kind in the first slot?

    PMI(first, rest) = log p(rest | first) − mean over other firsts of log p(rest | other first)

The second term takes out how frequent the words of the rest are, and how well they follow *any* first word of the kind; a bare neutral
word ("This") does so less well, for after it a rare name is a surprise whatever the relation. Prompts that end with the head are read
the other way round, so both directions count. The seeds stand before the sentence as examples of the relation, less those that share
a word with what is judged.

After BertNet (Hao et al., 2023), whose score is for masked models (``harvest.bertnet.masked``); what each part adds is measured in
``benchmarks/bertnet``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, islice
from operator import eq
from typing import Protocol

import numpy as np
import numpy.typing as npt

from harvest.bertnet.sentences import Template, template
from kgplatform import names
from kgplatform.lm.ports import TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Words

Floats = npt.NDArray[np.float64]
NEUTRAL = ("This", "It", "Something", "The following", "The thing")
"""What stands in the first slot where no other word of its kind is known."""
POOL = 4
"""Words of a slot that others are compared with."""
FEW = 3
"""Fewer other words of the kind are no fair sample of it."""
SHOTS = 3
"""Seeds before a sentence at most."""


class Judge(Protocol):
    """A language model that says how well words fit a relation."""

    @property
    def name(self) -> str:
        """``model@revision``."""
        ...

    def scores(self, prompts: Sequence[str], tuples: Sequence[Words], progress: Progress | None = None) -> Floats:
        """``(prompts, tuples)``, higher is better. Scores of one prompt can be compared among tuples."""
        ...


@dataclass(frozen=True, slots=True)
class Company:
    """What words are judged among: the card's ``slots`` and ``seeds``, and for each slot a ``pool`` of words of the kind, true or not.

    ``shots`` seeds stand before a sentence; 0 for none. With ``neutral`` words these stand in the first slot instead of others of the kind.
    """

    slots: tuple[str, ...]
    seeds: tuple[Words, ...] = ()
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shots: int = SHOTS
    neutral: tuple[str, ...] = ()


def sample(words: Iterable[str], size: int) -> tuple[str, ...]:
    """``size`` different words, the same ones whatever their order."""
    return tuple(sorted(set(words), key=names.digest)[:size])


def pools(slots: Sequence[str], known: Sequence[Words], size: int = POOL) -> dict[str, tuple[str, ...]]:
    """For each slot ``size`` of the words that stand there in ``known``."""
    return {slot: sample((words[at] for words in known), size) for at, slot in enumerate(slots)}


class CausalJudge:
    """Slot PMI with a causal model."""

    def __init__(self, scorer: TokenScorer, company: Company) -> None:
        self._scorer, self._company = scorer, company

    @property
    def name(self) -> str:
        return self._scorer.name

    def scores(self, prompts: Sequence[str], tuples: Sequence[Words], progress: Progress | None = None) -> Floats:
        """As the protocol says, in nats; ``progress`` counts sentences."""
        read = [_Reading(template(prompt), self._company, tuples) for prompt in prompts]
        values = self._scorer.logprobs([item for reading in read for item in reading.items], progress)
        parts = np.split(values, np.cumsum([len(reading.items) for reading in read])[:-1])
        return np.array([reading.scores(part) for reading, part in zip(read, parts, strict=True)]).reshape(len(read), len(tuples))

    def sentences(self, prompts: Sequence[str], tuples: Sequence[Words]) -> list[tuple[str, str]]:
        """What ``scores`` would ask the model for: (prefix, continuation), to say beforehand what it costs."""
        return [item for prompt in prompts for item in _Reading(template(prompt), self._company, tuples).items]


class _Reading:
    """The sentences of one prompt that tuples are judged by, each once, and where each stands.

    A *row* is a tuple in the order of the prompt's slots; its *rest* is all but the first word.
    """

    def __init__(self, prompt: Template, company: Company, tuples: Sequence[Words]) -> None:
        self._prompt, self._shots = prompt, company.shots
        order = [company.slots.index(slot) for slot in prompt.slots]
        self._seeds = [tuple(seed[place] for place in order) for seed in company.seeds]
        self._told = [tuple(map(_normal, seed)) for seed in self._seeds]
        firsts = self._against(company, prompt.slots[0])
        rows = [tuple(words[place] for place in order) for words in tuples]
        rests = _numbered(row[1:] for row in rows)
        others = [self._beside(rest, firsts) for rest in rests]
        place = _numbered([*rows, *(row for rest in others for row in rest)])
        self.items = [self._item(row) for row in place]
        self._own = _ints(place[row] for row in rows)
        self._rest = _ints(rests[row[1:]] for row in rows)
        self._others = _ints(place[row] for rest in others for row in rest)
        self._owner = np.repeat(np.arange(len(rests)), [len(rest) for rest in others])

    def _against(self, company: Company, slot: str) -> Sequence[str]:
        """What else stands in the first slot: others of the kind; where these are few the seeds' too; where there are none neutral words.

        Each word of a seed takes that seed from the examples, so that less of what is read is shared.
        """
        if company.neutral:
            return company.neutral
        told = list(dict.fromkeys(seed[0] for seed in self._seeds))
        others = [word for word in company.pools.get(slot, ()) if word not in told]
        found = others if len(others) >= FEW else [*others, *told]
        return found if len(found) > 1 else NEUTRAL

    def _beside(self, rest: Words, firsts: Sequence[str]) -> list[Words]:
        """The rows with other firsts before the rest, none of them a seed; where none is left, neutral words."""
        found = [row for first in firsts if (row := (first, *rest)) not in self._seeds]
        return found if len(found) > 1 else [(first, *rest) for first in NEUTRAL]

    def scores(self, values: Floats) -> Floats:
        """From log-probabilities of the sentences, ``(items,)``, the PMI of each tuple."""
        count = int(self._rest.max(initial=-1)) + 1
        sums = np.bincount(self._owner, values[self._others], count)
        counts = np.bincount(self._owner, minlength=count)
        itself = np.isin(self._own * count + self._rest, self._others * count + self._owner)
        mine = values[self._own]
        usual = (sums[self._rest] - np.where(itself, mine, 0)) / np.maximum(counts[self._rest] - itself, 1)
        return np.asarray(mine - usual, np.float64)

    def _item(self, row: Words) -> tuple[str, str]:
        """The sentence where a model is asked, behind those of the seeds that share no slot's word with it, however that is spelled."""
        known = tuple(map(_normal, row))
        apart = (not any(map(eq, told, known)) for told in self._told)
        shown = list(islice(compress(self._seeds, apart), self._shots))
        before, rest = self._prompt.parted(row)
        return "".join(f"{self._prompt.sentence(seed)}\n" for seed in shown) + before, rest


_normal = lru_cache(maxsize=2**16)(names.normalise)


def _numbered(rows: Iterable[Words]) -> dict[Words, int]:
    return {row: number for number, row in enumerate(dict.fromkeys(rows))}


def _ints(values: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.fromiter(values, np.int64)
