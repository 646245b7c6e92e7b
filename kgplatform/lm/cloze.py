"""What is said to a masked language model: sentences whose entities are masked, as rows of tokens.

A *row* is one sentence with some of its tokens masked, read at one masked place. Here is what the rows are, whatever model
reads them: nothing here knows a library, and the masks of an implementation are tested against this page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kgplatform.cardform import SLOT
from kgplatform.errors import BadRequest

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Span = tuple[int, int]
"""Where an entity begins, and where it has ended."""
Partial = tuple[tuple[int, ...], ...]
"""For each slot its tokens, of which those still unknown are ``MASK``."""

MASK = -1
NOWHERE = (0, 0)


@dataclass(frozen=True, slots=True)
class Cloze:
    """Wordings of one relation and the weight of each; every prompt holds each of the ``slots`` once, as ``{slot}``.

    Raises ``BadRequest`` for a prompt that does not, and for weights that are no weights.
    """

    prompts: tuple[str, ...]
    weights: tuple[float, ...]
    slots: tuple[str, ...]

    def __post_init__(self) -> None:
        for prompt in self.prompts:
            if sorted(SLOT.findall(prompt)) != sorted(self.slots):
                raise BadRequest(f"the prompt {prompt!r} must hold each of {', '.join(f'{{{slot}}}' for slot in self.slots)} once")
        if len(self.weights) != len(self.prompts) or min(self.weights, default=0) < 0 or not sum(self.weights) > 0:
            raise BadRequest(f"{len(self.prompts)} prompts need as many weights, none negative and not all zero, not {self.weights}")

    def shares(self) -> Floats:
        """The weights, summing to one: ``(prompts,)``."""
        return np.array(self.weights) / sum(self.weights)

    def order(self, prompt: str) -> tuple[int, ...]:
        """The numbers of the slots as they stand in that prompt."""
        return tuple(map(self.slots.index, SLOT.findall(prompt)))


def sentence(prompt: str, slots: Sequence[str], words: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    """The prompt with its slots filled, and the letters where the words stand, in the order of ``slots``."""
    said = dict(zip(slots, words, strict=True))
    text, spans = "", dict[str, Span]()
    parts = SLOT.split(prompt)
    for before, slot in zip(parts[::2], [*parts[1::2], ""], strict=True):
        text += before
        if slot:
            spans[slot] = (len(text), len(text) + len(said[slot]))
            text += said[slot]
    return text, tuple(spans[slot] for slot in slots)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokens that names are made of, ``(vocabulary,)`` each: ``opens`` begins a word, ``continues`` goes on with one.

    Neither holds for a model's control tokens, its unknown word, punctuation, and parts of letters. ``texts`` is what a token reads as.
    """

    texts: tuple[str, ...]
    opens: npt.NDArray[np.bool_]
    continues: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sentence as a model reads it, with control tokens; ``entities`` are spans of tokens, ``NOWHERE`` if no tokens can stand for one."""

    ids: list[int]
    entities: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Masked sentences, the short ones first, each with the place it is read at: ``(rows,)``."""

    ids: list[Ints] = field(default_factory=list)
    at: list[int] = field(default_factory=list)

    def batches(self, tokens: int, rows: int) -> Iterator[tuple[slice, Ints, npt.NDArray[np.bool_]]]:
        """Slices of at most that many tokens, padding included, and rows (or of one row): their ids padded with 0, and where ids are."""
        start = 0
        while start < len(self.ids):
            stop = start + 1
            while stop < min(len(self.ids), start + rows) and len(self.ids[stop]) * (stop + 1 - start) <= tokens:
                stop += 1
            lengths = np.array([len(row) for row in self.ids[start:stop]])
            there = np.arange(lengths.max()) < lengths[:, None]
            padded = np.zeros(there.shape, np.int64)
            padded[there] = np.concatenate(self.ids[start:stop])
            yield slice(start, stop), padded, there
            start = stop


@dataclass(frozen=True, slots=True)
class Questions:
    """What entities ask, token by token: how likely in ``row`` is ``wanted``, ``(tokens,)``; ``sizes``: the tokens of each entity."""

    rows: Rows
    row: Ints
    wanted: Ints
    sizes: Ints

    def answers(self, values: Floats, texts: Sequence[Tokens]) -> list[tuple[Floats, ...]]:
        """Log-probabilities ``(tokens,)`` as arrays by text and entity; one -inf for an entity that is ``NOWHERE``."""
        parts = iter(np.split(values, np.cumsum(self.sizes)[:-1]))
        found = [tuple(next(parts) for _ in text.entities) for text in texts]
        return [tuple(part if len(part) else np.array([-np.inf]) for part in entities) for entities in found]


def touched(offsets: Sequence[Span], spans: Sequence[Span]) -> list[Span]:
    """For each span of letters the tokens that it touches; tokens are given by their letters, an empty pair for a control token."""
    if not offsets:
        return [NOWHERE] * len(spans)
    begin, end = np.array(offsets).T
    found = [np.flatnonzero((begin < stop) & (end > start) & (end > begin) & (start < stop)) for start, stop in spans]
    return [(int(tokens[0]), int(tokens[-1]) + 1) if len(tokens) else NOWHERE for tokens in found]


def questions(texts: Sequence[Tokens], mask: int) -> Questions:
    """For each token of each entity the row in which it and the rest of the entity are masked; equal rows are one.

    So a pair of names asks for the likelihood of ``Egypt`` and of ``Peru`` in the one row ``Cairo is the capital of [MASK]``.
    """
    spans = np.array([(number, *span) for number, text in enumerate(texts) for span in text.entities], np.int64).reshape(-1, 3)
    sizes = spans[:, 2] - spans[:, 1]
    owner = np.repeat(np.arange(len(spans)), sizes)
    text, stop = spans[owner, 0], spans[owner, 2]
    at = spans[owner, 1] + np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    lengths = np.array([len(one.ids) for one in texts], np.int64)
    rows, row, wanted = Rows(), np.zeros(len(owner), np.int64), np.zeros(len(owner), np.int64)
    for length in np.unique(lengths[text]):
        asked = np.flatnonzero(lengths[text] == length)
        ids = np.array([texts[number].ids for number in text[asked]])
        wanted[asked] = ids[np.arange(len(asked)), at[asked]]
        place = np.arange(length)
        ids[(place >= at[asked, None]) & (place < stop[asked, None])] = mask
        distinct, which = np.unique(np.column_stack([ids, at[asked]]), axis=0, return_inverse=True)
        row[asked] = len(rows.ids) + which.reshape(-1)
        rows.ids.extend(distinct[:, :-1])
        rows.at.extend(distinct[:, -1].tolist())
    return Questions(rows, row, wanted, sizes)


def filled(parts: Sequence[Sequence[int]], order: Sequence[int], partial: Partial, mask: int) -> tuple[list[int], int]:
    """A prompt given as the tokens between its slots, with what is known of the slots in them; and its place that is asked.

    That is the first unknown token of the first slot that has one, whatever order the prompt says the slots in. ``mask`` is the
    model's own token.
    """
    asked = next(number for number, tokens in enumerate(partial) if MASK in tokens)
    ids, at = list(parts[0]), 0
    for number, after in zip(order, parts[1:], strict=True):
        if number == asked:
            at = len(ids) + partial[number].index(MASK)
        ids.extend(mask if token == MASK else token for token in partial[number])
        ids.extend(after)
    return ids, at


def around(ids: Sequence[int], spans: Sequence[Span]) -> list[list[int]]:
    """The tokens before, between and behind those spans of tokens."""
    ends = [0, *(place for span in sorted(spans) for place in span), len(ids)]
    return [list(ids[start:stop]) for start, stop in zip(ends[::2], ends[1::2], strict=True)]


def by_length(sentences: Sequence[tuple[list[int], int]]) -> tuple[Rows, list[int]]:
    """Filled prompts as rows, and for each row the number of its prompt."""
    order = sorted(range(len(sentences)), key=lambda number: len(sentences[number][0]))
    return Rows([np.array(sentences[number][0]) for number in order], [sentences[number][1] for number in order]), order
