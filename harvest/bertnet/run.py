"""Harvest a relation out of a language model: some propose candidates, a model says how well they fit, the graph gets the likely ones.

What a harvest is made of: the prompts of a relation (``prompts``), candidates round by round (``proposing``, ``rounds``), what the model
knows of it by the card's seeds (``calibrate``), and a probability for each candidate, which is linked and put (``asking``, ``candidates``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from harvest.bertnet.asking import Asking, Outcome, known_entities
from harvest.bertnet.deadline import Deadline
from harvest.bertnet.means import Limits, Models
from harvest.bertnet.prompts import check
from harvest.bertnet.scoring import Company
from kgplatform import names
from kgplatform.difference import Before, Difference
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Steps
from kgplatform.ports import Progress
from kgplatform.types import Receipt, Relation


@dataclass(frozen=True, slots=True)
class Report:
    """What a harvest out of a model did."""

    outcomes: tuple[Outcome, ...]
    receipt: Receipt
    changed: Difference = field(default_factory=Difference)


def harvest(
    kg: KnowledgeGraph,
    cards: Relation | Sequence[Relation],
    models: Models,
    *,
    limits: Limits | None = None,
    run: str = "",
    progress: Progress | None = None,
    steps: Steps | None = None,
) -> Report:
    """Ask the model for each relation, and put what it finds likely. Raises ``BadCard`` for a relation whose tails are values, or
    whose prompts all hold words of its seeds."""
    asked = [cards] if isinstance(cards, Relation) else list(cards)
    for card in asked:
        check(card)
    given = limits or Limits()
    if not given.held:
        kg.check(asked)  # before anything is paid for
    models.judge(Company(()))  # says so at once when there is nobody who scores
    steps = steps or Direct(run, progress)
    steps.inputs(names.digest(*map(repr, asked), *models.names))
    before, deadline = Before(kg, steps), Deadline.after(given.minutes)
    entities = cache(partial(known_entities, kg))  # read once, and only by a harvest that begins
    outcomes = [Asking(kg, card, models, given, steps, before).go(entities, deadline) for card in asked]
    return Report(tuple(outcomes), sum((outcome.receipt for outcome in outcomes), Receipt()), before.difference())
