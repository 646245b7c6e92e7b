"""What a harvest would take, before anything is asked: no model is run, nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from harvest.bertnet import prompts as wording
from harvest.bertnet.asking import OTHERS, Limits, Models, ends_of
from harvest.bertnet.calibrate import MAX_CORRUPTED
from harvest.bertnet.proposing import Asked, PER_HEAD
from harvest.bertnet.scoring import POOL
from kgplatform.cards import slots
from kgplatform.graph import KnowledgeGraph
from kgplatform.lm.talk import Request
from kgplatform.types import Relation


@dataclass(frozen=True, slots=True)
class Plan:
    """The most that one relation takes: how many of the graph's ``heads`` and ``tails`` fit, ``candidates`` to judge, ``sentences`` to score.

    ``sample`` are sentences to time a scorer by, as (prefix, continuation). ``requests`` go to the chat model first; ``calls`` is how many follow
    at most, of about the same size.
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
