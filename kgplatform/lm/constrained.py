"""Words that a causal model may choose from: the likeliest names of a list after each beginning, by beam search over a trie of tokens.

Constrained decoding as in KID (Liu et al., 2022). A name is scored by log p(name, end | beginning): the end is one of a few
tokens that close a name (".", ",", …), so that "York" and "York City" compete fairly, and a name that asks for more words is no answer.
Contrastive decoding takes off the score that the same name has after neutral beginnings, which leaves pointwise mutual information.
The beam is exact when it is at least as wide as the trie. ``kgplatform.lm.beam`` decodes without a list.

Names begin with a space, as words in a text do. The tokens of a name are taken to be the same after every beginning, as they
are for all tokenizers that cut before a space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.errors import BadRequest
from kgplatform.lm.ports import Decoder, Tokens

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ENDS = (".", ",", "\n", ";")
LONGEST = 32
"""Tokens of a name; a longer one is left out."""
_BEFORE = "This is"
_CHUNK = 512
"""Sequences that a model is given at once: bounds the memory that their answers take."""


class Vocabulary:
    """Names as one model reads them, in a trie.

    Node 0 is the root; nodes stand level by level, the children of one node side by side. ``token`` and ``parent`` are ``(nodes,)``;
    the children of node ``i`` are ``first[i]`` to ``first[i + 1] - 1``; ``entry[i]`` is the number of the name that ends there, or -1.
    ``left_out`` are names that cannot be chosen: empty, longer than ``LONGEST`` tokens, or to this model the same as an earlier one.
    """

    def __init__(self, model: Decoder, names: Sequence[str], ends: Sequence[str] = ENDS) -> None:
        self.names = tuple(dict.fromkeys(f" {name.strip()}" for name in names))
        read = model.tokens([(_BEFORE, name) for name in self.names])
        spelled = [tokens[first:] for tokens, first in read]
        fit = [number for number, tokens in enumerate(spelled) if 0 < len(tokens) <= LONGEST and self.names[number] != " "]
        matrix, numbers = _sorted([spelled[number] for number in fit], fit)
        self.token, self.parent, self.entry, self.width = _trie(matrix, numbers)
        self.first = np.searchsorted(self.parent, np.arange(len(self.token) + 1)).astype(np.int64)
        closing = model.tokens([(_BEFORE, end) for end in ends])
        self.ends = np.array(sorted({tokens[first] for tokens, first in closing if first < len(tokens)}), np.int64)
        self._paths: dict[int, Tokens] = {0: ()}
        reached = set(self.entry.tolist())
        self.left_out = tuple(name for number, name in enumerate(self.names) if number not in reached)

    def __len__(self) -> int:
        return len(self.names) - len(self.left_out)

    def path(self, node: int) -> Tokens:
        """The tokens from the root to a node."""
        known = self._paths
        if node not in known:
            known[node] = (*self.path(int(self.parent[node])), int(self.token[node]))
        return known[node]

    def offered(self, node: int) -> Ints:
        """The tokens that are asked for after a node: its children's, and the ends where a name ends there."""
        below = self.token[self.first[node] : self.first[node + 1]]
        return np.concatenate((below, self.ends)) if self.entry[node] >= 0 else below

    def folded(self, node: int, values: Floats) -> Floats:
        """Of the log-probabilities of what is ``offered`` those of the children, and behind them, where a name ends, that of any end."""
        if self.entry[node] < 0:
            return values
        below = int(self.first[node + 1] - self.first[node])
        return np.append(values[:below], np.logaddexp.reduce(values[below:]) if len(self.ends) else 0.0)


def _sorted(spelled: Sequence[Tokens], numbers: Sequence[int]) -> tuple[Ints, Ints]:
    """The names in lexicographic order of their tokens, ``(names, longest)``, filled up with -1; of equal ones the first only."""
    lengths = np.fromiter(map(len, spelled), np.int64, len(spelled))
    matrix = np.full((len(spelled), int(lengths.max(initial=0))), -1, np.int64)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = np.fromiter((token for tokens in spelled for token in tokens), np.int64)
    if not matrix.size:
        return matrix, np.zeros(0, np.int64)
    order = np.lexsort(matrix.T[::-1])
    matrix = matrix[order]
    distinct = np.append(True, (matrix[1:] != matrix[:-1]).any(1))
    return matrix[distinct], np.asarray(numbers, np.int64)[order][distinct]


def _trie(matrix: Ints, numbers: Ints) -> tuple[Ints, Ints, Ints, int]:
    """Token, parent and entry of each node, and how many nodes the widest level has, from names in order."""
    token, parent, entry = [np.array([-1])], [np.array([-1])], [np.array([-1])]
    above, total, width = np.zeros(len(matrix), np.int64), 1, 1
    differs = np.zeros(len(matrix), bool)
    differs[:1] = True
    for level in range(matrix.shape[1]):
        column = matrix[:, level]
        differs[1:] |= column[1:] != column[:-1]
        here = column >= 0
        begins = here & differs
        node = total + np.cumsum(begins) - 1
        ends = here & (matrix[:, level + 1] < 0 if level + 1 < matrix.shape[1] else True)
        names = np.full(int(begins.sum()), -1, np.int64)
        names[node[ends] - total] = numbers[ends]
        token.append(column[begins])
        parent.append(above[begins])
        entry.append(names)
        above = np.where(here, node, above)
        total += len(names)
        width = max(width, len(names))
    return np.concatenate(token), np.concatenate(parent), np.concatenate(entry), width


class Against:
    """Log-probabilities of a vocabulary's names after neutral beginnings, a mean over them; a node is computed when it is first needed."""

    def __init__(self, model: Decoder, vocabulary: Vocabulary, neutral: Sequence[str]) -> None:
        if not neutral:
            raise BadRequest("contrastive decoding needs at least one neutral beginning")
        self._model, self._vocabulary = model, vocabulary
        self._before = beginnings(model, neutral)
        self._known: dict[int, Floats] = {}

    def of(self, nodes: Ints, between: Callable[[], None] | None = None) -> list[Floats]:
        """For each node the mean log-probabilities of its children, and of an end: as ``Vocabulary.folded`` puts them."""
        new = [node for node in dict.fromkeys(nodes.tolist()) if node not in self._known]
        sequences = [(*before, *self._vocabulary.path(node)) for node in new for before in self._before]
        values = _offers(self._model, self._vocabulary, sequences, [node for node in new for _ in self._before], between)
        size = len(self._before)
        self._known.update((node, np.mean(values[at * size : (at + 1) * size], axis=0)) for at, node in enumerate(new))
        return [self._known[node] for node in nodes.tolist()]


@dataclass(frozen=True, slots=True)
class _Beam:
    """What is still looked at, one row each: whose beginning it follows, its node, and its score so far."""

    owner: Ints
    node: Ints
    score: Floats


def decode(
    model: Decoder,
    prefixes: Sequence[str],
    vocabulary: Vocabulary,
    *,
    beam: int = 32,
    best: int = 8,
    against: Against | None = None,
    between: Callable[[], None] | None = None,
) -> list[list[tuple[str, float]]]:
    """For each beginning the ``best`` names with their scores, best first; names without spaces at their ends.

    ``beam`` nodes a beginning are kept at every level. With a vocabulary without ends the score is log p(name | beginning), a
    ``TokenScorer``'s. A space at the end of a beginning is left out. ``between`` is called before each batch; what it raises ends the
    search.
    """
    before = beginnings(model, prefixes)
    found: list[list[tuple[float, int]]] = [[] for _ in prefixes]
    held = _Beam(np.arange(len(prefixes)), np.zeros(len(prefixes), np.int64), np.zeros(len(prefixes)))
    while len(held.node):
        nodes = held.node.tolist()
        sequences = [(*before[owner], *vocabulary.path(node)) for owner, node in zip(held.owner.tolist(), nodes, strict=True)]
        gains = _offers(model, vocabulary, sequences, nodes, between)
        if against:
            gains = [own - usual for own, usual in zip(gains, against.of(held.node, between), strict=True)]
        for row in np.flatnonzero(vocabulary.entry[held.node] >= 0).tolist():
            found[held.owner[row]].append((float(held.score[row] + gains[row][-1]), int(vocabulary.entry[held.node[row]])))
        held = _widened(vocabulary, held, gains, beam)
    ranked = [sorted(one, key=lambda pair: (-pair[0], pair[1]))[:best] for one in found]
    return [[(vocabulary.names[number][1:], score) for score, number in one] for one in ranked]


def _widened(vocabulary: Vocabulary, held: _Beam, gains: Sequence[Floats], beam: int) -> _Beam:
    """The children of all that is held, of each beginning the ``beam`` best."""
    counts = vocabulary.first[held.node + 1] - vocabulary.first[held.node]
    if not counts.sum():
        return _Beam(counts[:0], counts[:0], np.zeros(0))
    owner = np.repeat(held.owner, counts)
    node = np.concatenate([np.arange(vocabulary.first[at], vocabulary.first[at + 1]) for at in held.node.tolist()])
    score = np.repeat(held.score, counts) + np.concatenate([gain[:count] for gain, count in zip(gains, counts.tolist(), strict=True)])
    order = np.lexsort((node, -score, owner))
    owner, node, score = owner[order], node[order], score[order]
    begins = np.searchsorted(owner, owner)
    kept = np.arange(len(owner)) - begins < beam
    return _Beam(owner[kept], node[kept], score[kept])


def beginnings(model: Decoder, prefixes: Sequence[str]) -> list[Tokens]:
    """The tokens of texts that words are to follow: without the space at their ends, which belongs to the words."""
    return [tokens for tokens, _ in model.tokens([(prefix.rstrip(), "") for prefix in prefixes])]


def _offers(
    model: Decoder,
    vocabulary: Vocabulary,
    sequences: Sequence[Tokens],
    nodes: Sequence[int],
    between: Callable[[], None] | None = None,
) -> list[Floats]:
    """For each sequence, which ends at the node, the log-probabilities of what the vocabulary offers there, ``folded``.

    Sequences that share their beginning stand side by side in one chunk.
    """
    wanted = [vocabulary.offered(node) for node in nodes]
    order = sorted((number for number, ids in enumerate(wanted) if len(ids)), key=lambda number: sequences[number])
    found: list[Floats] = [np.zeros(0)] * len(sequences)
    for start in range(0, len(order), _CHUNK):
        chunk = order[start : start + _CHUNK]
        if between:
            between()
        for number, values in zip(chunk, model.following([sequences[n] for n in chunk], [wanted[n] for n in chunk]), strict=True):
            found[number] = values
    return [vocabulary.folded(node, values) for node, values in zip(nodes, found, strict=True)]
