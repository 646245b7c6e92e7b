"""Who takes part in a harvest, and where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harvest.bertnet.masked import MaskedJudge
from harvest.bertnet.proposing import Decoded, Listed, Nearest, Proposer, Searched
from harvest.bertnet.scoring import CausalJudge, Company, Judge
from kgplatform.errors import BadRequest
from kgplatform.lm.ports import ChatModel, Decoder, Encoder, MaskedModel, TokenScorer

LEAST = 0.5
"""Probability from which a candidate goes into the graph."""


@dataclass(frozen=True, slots=True)
class Models:
    """Who scores: a causal model or, where one is given, a ``masked`` one. And who proposes: ``encoder`` what is near, the masked model or
    ``decoder`` what it says by itself, ``chat``, if there is one, whole lists; that one rewords prompts too.

    What the chat model says amiss is kept in the folder ``quarantine``, prompts with their weights in ``prompts``. A ``free`` decoder
    names things that the graph does not have.
    """

    scorer: TokenScorer | None
    encoder: Encoder
    decoder: Decoder | None = None
    masked: MaskedModel | None = None
    chat: ChatModel | None = None
    quarantine: Path = Path("quarantine")
    prompts: Path | None = None
    free: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What a harvest depends on."""
        return tuple(model.name if model else "" for model in (self.scorer, self.encoder, self.decoder, self.masked, self.chat))

    def judge(self, company: Company) -> Judge:
        """Raises ``BadRequest`` when there is nobody who scores."""
        if self.masked:
            return MaskedJudge(self.masked, company.slots)
        if self.scorer:
            return CausalJudge(self.scorer, company)
        raise BadRequest("a harvest needs a model that scores: give it a scorer or a masked model")

    def proposers(self, note: Callable[[str], None]) -> list[Proposer]:
        """The cheapest first; ``note`` hears what a chat model said amiss."""
        found: list[Proposer] = [Nearest(self.encoder)]
        if self.masked:
            found.append(Searched(self.masked))
        if self.decoder:
            found.append(Decoded(self.decoder, free=self.free))
        if self.chat:
            found.append(Listed(self.chat, self.quarantine, note))
        return found


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a harvest ends, whatever is left: ``size`` candidates that a chat model is asked for, ``minutes``.

    When the minutes are over, the batch or request at hand is the last one: what was judged by then is kept, a round at hand is not.
    Candidates less likely than ``confidence`` are not put. ``held`` puts none: they stand in the outcome, for a person to look at.
    """

    size: int = 200
    minutes: float | None = None
    confidence: float = LEAST
    held: bool = False
