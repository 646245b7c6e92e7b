"""The likeliest words that a causal model goes on with, up to a stop: beam search without a list of names.

A continuation is scored by log p(its words, a stop | beginning): of several stops, and of several ways to write the words in tokens,
the probabilities are summed, as far as the beam has seen them. ``kgplatform.lm.constrained`` chooses from a list instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from kgplatform.lm.constrained import beginnings
from kgplatform.lm.ports import Decoder, Tokens

STOPS = (".", ",", ";", ":", "!", "?", "\n", "(", ")", '"', "“", "”", " and", " or", " which", " who", " that", " is", " was")
_CHUNK = 256
_BROKEN = "\ufffd"


@dataclass(frozen=True, slots=True)
class Free:
    """How far it looks: ``beam`` continuations a beginning, of at most ``longest`` tokens, until one of ``stops``.

    A stop that is a mark ends a continuation where a token begins with it, one that is a word where it is a token (" and").
    """

    beam: int = 8
    longest: int = 10
    stops: tuple[str, ...] = STOPS


@dataclass(slots=True)
class _Found:
    """What is known of one beginning: unfinished tokens with their scores, best first, and finished words with theirs."""

    held: list[tuple[float, Tokens]]
    done: dict[str, float] = field(default_factory=dict)

    def finish(self, words: str, score: float) -> None:
        self.done[words] = float(np.logaddexp(self.done[words], score)) if words in self.done else score


def beam(
    model: Decoder, prefixes: Sequence[str], *, best: int = 8, how: Free | None = None, between: Callable[[], None] | None = None
) -> list[list[tuple[str, float]]]:
    """For each beginning the ``best`` distinct continuations with their scores, best first, without spaces at their ends.

    Continuations without a letter or digit are left out, and so are those that reach no stop. ``between`` is called before each batch; what
    it raises ends the search.
    """
    search = how or Free()
    before = beginnings(model, prefixes)
    found = [_Found([(0.0, tokens)]) for tokens in before]
    spelled: dict[int, str] = {}
    for _ in range(search.longest + 1):
        asked = [(number, score, tokens) for number, one in enumerate(found) for score, tokens in one.held]
        for one in found:
            one.held = []
        for start in range(0, len(asked), _CHUNK):
            part = asked[start : start + _CHUNK]
            if between:
                between()
            ids, logs = model.likeliest([tokens for _, _, tokens in part], 2 * search.beam + len(search.stops))
            for (number, score, tokens), row, gains in zip(part, ids.tolist(), logs.tolist(), strict=True):
                for token, gain in zip(row, gains, strict=True):
                    place = len(before[number])
                    if token not in spelled:
                        spelled[token] = model.text((*tokens[max(0, place - 1) : place], token), 1)
                    _go_on(model, found[number], (score + gain, (*tokens, token)), place, _stops(spelled[token], search.stops))
        for one in found:
            _prune(one, search.beam, best)
    return [sorted(one.done.items(), key=lambda pair: (-pair[1], pair[0]))[:best] for one in found]


def _stops(piece: str, stops: Sequence[str]) -> bool:
    """Whether a token ends what came before; a control token, which says nothing, does."""
    words = {stop for stop in stops if stop.strip()[:1].isalnum()}
    return not piece or piece in words or piece.lstrip(" ").startswith(tuple(set(stops) - words))


def _go_on(model: Decoder, found: _Found, longer: tuple[float, Tokens], place: int, stops: bool) -> None:
    score, tokens = longer
    if not stops:
        found.held.append(longer)
        return
    words = model.text(tokens[:-1], place).strip()
    if any(letter.isalnum() for letter in words) and _BROKEN not in words:
        found.finish(" ".join(words.split()), score)


def _prune(found: _Found, beam: int, best: int) -> None:
    """Keep the ``beam`` best of what is unfinished, without what can no longer come among the ``best``: scores only fall."""
    least = sorted(found.done.values(), reverse=True)[best - 1] if len(found.done) >= best else -np.inf
    found.held = [one for one in sorted(found.held, key=lambda one: (-one[0], one[1]))[:beam] if one[0] > least]
