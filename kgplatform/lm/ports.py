"""What the platform asks of a language model, in its own words; what is said to one and comes back stands in
``talk`` and ``cloze``.

Each port has several implementations and one contract suite (``tests/contract``) that runs over all of them. Any model
may stand behind wrappers of the same port: ``cached(retrying(limited(metered(model))))``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from kgplatform.lm.cloze import Cloze, Partial, Pieces, Span
from kgplatform.lm.talk import Reply, Request
from kgplatform.ports import Progress


class ChatModel(Protocol):
    """A model that answers. Threads may share one."""

    @property
    def name(self) -> str:
        """``provider:model``, with a revision behind ``@`` where it is known: answers of two names are never mixed."""
        ...

    @property
    def context(self) -> int | None:
        """Tokens that request and answer may have together, where it is known."""
        ...

    def count(self, text: str) -> int:
        """About how many tokens a text has; rather too many than too few."""
        ...

    def reply(self, request: Request) -> Reply:
        """One answer. Raises ``ModelError``, whose class says whether asking again helps."""
        ...


class TokenScorer(Protocol):
    """A causal language model read as a judge of given words."""

    @property
    def name(self) -> str:
        """``model@revision``: scores of two names are never compared."""
        ...

    def logprobs(self, items: Sequence[tuple[str, str]], progress: Progress | None = None) -> npt.NDArray[np.float64]:
        """log p(continuation | prefix) in nats for each (prefix, continuation), summed over the continuation's tokens: ``(items,)``."""
        ...


Tokens = tuple[int, ...]
"""A text as a causal model reads it, from its start token on."""


@runtime_checkable
class Decoder(TokenScorer, Protocol):
    """A causal language model asked for what comes next. Threads may share one.

    The chain rule holds: ``following``, summed over a continuation, is its ``logprobs``.
    """

    def tokens(self, items: Sequence[tuple[str, str]]) -> list[tuple[Tokens, int]]:
        """Each (prefix, continuation) as the model reads it, and the place of the first token that is the continuation's."""
        ...

    def text(self, tokens: Tokens, first: int) -> str:
        """What the tokens from place ``first`` (at least 1) on say; half a letter is ``\ufffd``, and control tokens say nothing."""
        ...

    def following(self, sequences: Sequence[Tokens], wanted: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float64]]:
        """log p(token | sequence) in nats of the ``wanted`` tokens of each sequence, ``(wanted,)`` each.

        Of a sequence longer than the model's window the beginning is left out.
        """
        ...

    def likeliest(self, sequences: Sequence[Tokens], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The ``count`` likeliest next tokens of each sequence, best first, and log p: ``(sequences, count)`` each.

        Fewer where the model has fewer tokens.
        """
        ...


class MaskedModel(Protocol):
    """A masked language model: read as a judge of given words, and asked for words that fit. Threads may share one."""

    @property
    def name(self) -> str:
        """``model@revision``: scores of two names are never compared."""
        ...

    @property
    def pieces(self) -> Pieces:
        """What its tokens are good for in a name."""
        ...

    def entity_logprobs(
        self, items: Sequence[tuple[str, tuple[Span, ...]]], progress: Progress | None = None
    ) -> list[tuple[npt.NDArray[np.float64], ...]]:
        """For each text, for each of its entities (spans of letters): log p of token i with tokens i.. of the entity masked, ``(tokens,)``.

        The tokens of an entity are those that its letters touch. An entity without any, or with one that the model does not
        know, has the one value -inf. Raises ``BadRequest`` for a text longer than the model's window.
        """
        ...

    def fill(self, cloze: Cloze, partial: Sequence[Partial]) -> npt.NDArray[np.float32]:
        """The weighted mean over prompts of log p(token), for each partial tuple at its first unknown token: ``(partial, vocabulary)``.

        All unknown tokens are masked, also those of later slots.
        """
        ...

    def spell(self, names: Sequence[tuple[int, ...]]) -> list[str | None]:
        """The words that tokens stand for in mid-sentence; ``None`` where the model would have met those words as other tokens."""
        ...


class Encoder(Protocol):
    """A sentence encoder."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors, ``(texts, dimension)``."""
        ...
