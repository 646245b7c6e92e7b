"""What a harvest would take at most, before anything is asked: nothing is written, and a model only timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from harvest.bertnet import prompts as wording
from harvest.bertnet.asking import apart, fitting, known_entities
from harvest.bertnet.calibrate import MAX_CORRUPTED, OTHERS
from harvest.bertnet.judging import RIVALS
from harvest.bertnet.masked import MaskedJudge
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.proposing import Asked
from harvest.bertnet.scoring import POOL, CausalJudge, Company
from kgplatform.cards import slots
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.talk import Request
from kgplatform.types import Entity, Relation

PER_END = 8
"""Candidates of a head or tail of the graph, of one proposer at most."""
_PROMPTS, _SENTENCES = 4, 64
"""Prompts that a masked model is timed by, and sentences that a causal one is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The most that one relation takes: ``heads`` and ``tails`` of the graph that fit, ``candidates`` to judge, ``sentences`` to score.

    ``requests`` are those of the chat model that are known now; about ``calls`` of them and others of their size are made.
    """

    relation: str
    prompts: int
    heads: int
    tails: int
    candidates: int
    sentences: int
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
    named = limits.size * (bool(models.chat) + bool((models.decoder and models.free) or models.masked))
    candidates = paired + named
    ways = 1 if card.symmetric or apart(card, kg.kinds()) else 2
    rests = min(candidates, tails + limits.size + (ways - 1) * (heads + limits.size)) * POOL
    beside = named * RIVALS if models.masked else rests + (OTHERS + len(card.seeds)) * POOL
    listing = [request for one in models.proposers(_ignore) for request in one.requests(asked)]
    rewording = wording.requests(card) if models.chat and len(card.prompts) < wording.ENOUGH else []
    return Plan(
        card.name,
        prompts,
        heads,
        tails,
        candidates,
        prompts * (candidates * ways + beside + MAX_CORRUPTED + len(card.seeds)),
        (*rewording, *listing),
        len(rewording) + (ceil(limits.size / 10) if listing else 0),
    )


def _ignore(_: str) -> None:
    pass


def rate(card: Relation, models: Models) -> float | None:
    """Sentences a second, by some with the card's seeds that are scored now; ``None`` where there is nobody or nothing to tell it by."""
    prompts, places = [prompt.template for prompt in wording.prompt_set(card).prompts], slots(card)
    if models.masked:
        judge, seeds = MaskedJudge(models.masked, places), card.seeds[:PER_END]
        tuples = [(one[0], *other[1:]) for one in seeds for other in seeds]  # so that as many share a masked sentence as candidates do
        return _timed(len(prompts[:_PROMPTS]) * len(tuples), lambda: judge.scores(prompts[:_PROMPTS], tuples))
    if models.decoder is None or models.scorer is None:
        return None
    bare, some = models.decoder, CausalJudge(models.scorer, Company(places, card.seeds)).sentences(prompts, card.seeds)[:_SENTENCES]
    return _timed(len(some), lambda: bare.logprobs(some))


def _timed(many: int, score: Callable[[], object]) -> float | None:
    if not many:
        return None
    start = time.perf_counter()
    score()
    return many / (time.perf_counter() - start)
