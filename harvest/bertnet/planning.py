"""What a harvest would take at most, before anything is asked: no model is run, nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from harvest.bertnet import prompts as wording
from harvest.bertnet.asking import fitting
from harvest.bertnet.calibrate import MAX_CORRUPTED, OTHERS
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.proposing import Asked
from harvest.bertnet.scoring import POOL, Company
from kgplatform.cards import slots
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.talk import Request
from kgplatform.types import Relation

PER_HEAD = 16
"""Candidates of a head of the graph, at most: those of two proposers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The most that one relation takes: ``heads`` and ``tails`` of the graph that fit, ``candidates`` to judge, ``sentences`` to score.

    ``sample`` are sentences like these, (prefix, continuation), to time a causal scorer by. ``requests`` are those of the chat model that
    are known now; ``calls`` of them and others of about their size are made.
    """

    relation: str
    prompts: int
    heads: int
    tails: int
    candidates: int
    sentences: int
    sample: tuple[tuple[str, str], ...]
    requests: tuple[Request, ...]
    calls: int


def plan(kg: KnowledgeGraph, card: Relation, models: Models, limits: Limits) -> Plan:
    """By the card, the graph and the limits. Raises ``BadCard`` for a card without a usable prompt."""
    ends = fitting(kg, card)
    own = wording.prompt_set(card)
    prompts = max(len(own.prompts), wording.ENOUGH if models.chat else 0)
    asked = Asked(card, tuple(prompt.template for prompt in own.prompts), tuple(ends["head"]), tuple(ends["tail"]), limits.size)
    heads, tails = len(ends["head"]), len(ends["tail"])
    paired = heads * min(PER_HEAD, tails)
    candidates = paired + limits.size * (bool(models.chat) + bool((models.decoder and models.free) or models.masked))
    rests = min(candidates, max(tails, limits.size)) * POOL
    testing = MAX_CORRUPTED + len(card.seeds) + (OTHERS + len(card.seeds)) * POOL
    listing = [request for one in models.proposers(_ignore) for request in one.requests(asked)]
    rewording = wording.requests(card) if models.chat and len(card.prompts) < wording.ENOUGH else []
    return Plan(
        card.name,
        prompts,
        heads,
        tails,
        candidates,
        prompts * (candidates + rests + testing),
        _sample(card, models, asked.prompts),
        (*rewording, *listing),
        len(rewording) + (ceil(limits.size / 10) if listing else 0),
    )


def _ignore(_: str) -> None:
    pass


def _sample(card: Relation, models: Models, prompts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    from harvest.bertnet.scoring import CausalJudge

    if models.masked or not models.scorer:
        return ()
    return tuple(CausalJudge(models.scorer, Company(slots(card), card.seeds)).sentences(prompts, card.seeds))
