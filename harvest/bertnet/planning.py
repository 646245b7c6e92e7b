"""What a harvest would take at most, before anything is asked: no model is run, nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from harvest.bertnet import prompts as wording
from harvest.bertnet.asking import apart, fitting, known_entities
from harvest.bertnet.calibrate import MAX_CORRUPTED, OTHERS
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.proposing import Asked
from harvest.bertnet.scoring import POOL, CausalJudge, Company
from kgplatform.cards import slots
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.talk import Request
from kgplatform.types import Entity, Relation

PER_END = 8
"""Candidates of a head or tail of the graph, of one proposer at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The most that one relation takes: ``heads`` and ``tails`` of the graph that fit, ``candidates`` to judge, ``sentences`` to score.

    ``sample`` are sentences like these, (prefix, continuation), to time a causal scorer by. ``requests`` are those of the chat model that
    are known now; about ``calls`` of them and others of their size are made.
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


def plan(kg: KnowledgeGraph, card: Relation, models: Models, limits: Limits, entities: Sequence[Entity] | None = None) -> Plan:
    """By the card, the graph and the limits; ``entities`` are the graph's (``known_entities``), where they have been read already.

    Raises ``BadCard`` for a card without a usable prompt.
    """
    ends = fitting(known_entities(kg) if entities is None else entities, card, kg.kinds())
    own = wording.prompt_set(card)
    prompts = max(len(own.prompts), wording.ENOUGH if models.chat else 0)
    asked = Asked(card, tuple(prompt.template for prompt in own.prompts), tuple(ends["head"]), tuple(ends["tail"]), limits.size)
    heads, tails = len(ends["head"]), len(ends["tail"])
    paired = heads * min(PER_END, tails) * (2 if models.decoder else 1) + tails * min(PER_END, heads) * bool(models.decoder)
    candidates = paired + limits.size * (bool(models.chat) + bool((models.decoder and models.free) or models.masked))
    ways = 1 if card.symmetric or apart(card, kg.kinds()) else 2
    rests = min(candidates, tails + limits.size + (ways - 1) * (heads + limits.size)) * POOL
    testing = MAX_CORRUPTED + len(card.seeds) + (OTHERS + len(card.seeds)) * POOL
    listing = [request for one in models.proposers(_ignore) for request in one.requests(asked)]
    rewording = wording.requests(card) if models.chat and len(card.prompts) < wording.ENOUGH else []
    return Plan(
        card.name,
        prompts,
        heads,
        tails,
        candidates,
        prompts * (candidates * ways + rests + testing),
        _sample(card, models, asked.prompts),
        (*rewording, *listing),
        len(rewording) + (ceil(limits.size / 10) if listing else 0),
    )


def _ignore(_: str) -> None:
    pass


def _sample(card: Relation, models: Models, prompts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if models.masked or not models.scorer:
        return ()
    return tuple(CausalJudge(models.scorer, Company(slots(card), card.seeds)).sentences(prompts, card.seeds))
