"""Harvest a relation out of a language model's memory, over entities that the graph already has.

For every entity of the card's domain the encoder picks the likeliest tails among the entities of its
range; the language model scores those pairs; the card's seeds turn scores into log-odds. What the model does
not know by its own seeds is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np

from harvest.bertnet.calibrate import MIN_AUC, MIN_SEEDS, Knowledge, knowledge
from harvest.bertnet.scoring import filled, openings, slot_pmi
from harvest.rivals import Floats, leads
from kgplatform import names
from kgplatform.belief import PRIOR
from kgplatform.cards import datatype, fits
from kgplatform.difference import Before, Difference
from kgplatform.errors import BadCard
from kgplatform.graph import KnowledgeGraph
from kgplatform.jobs.steps import Direct, Steps
from kgplatform.lm.ports import Encoder, TokenScorer
from kgplatform.ports import Progress
from kgplatform.types import Claim, Entity, Evidence, Kind, Receipt, Relation, Source, SourceId

TAILS_PER_HEAD = 8
MIN_LOG_ODDS = -PRIOR
"""Weaker than this and the fact would stand below one half with nothing else speaking for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one relation. ``note`` says why nothing was found."""

    relation: str
    scored: int
    claims: tuple[Claim, ...]
    auc: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a harvest out of the model did; in a dry run ``receipt`` is empty. ``outcomes`` are of what this call asked itself."""

    outcomes: tuple[Outcome, ...]
    receipt: Receipt
    changed: Difference = field(default_factory=Difference)

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for outcome in self.outcomes for claim in outcome.claims)


def harvest(
    kg: KnowledgeGraph,
    cards: Sequence[Relation],
    *,
    scorer: TokenScorer,
    encoder: Encoder,
    progress: Progress | None = None,
    dry_run: bool = False,
    run: str = "",
    steps: Steps | None = None,
) -> Report:
    """Ask the model for each relation over the graph's entities, and put what it finds likely; each relation is one of the ``steps``.

    Raises ``BadCard`` for a relation whose tails are values, or without a prompt that ends with its tail.
    """
    for card in cards:
        openings(card)
        if datatype(card):
            raise BadCard(f"{card.name!r} leads to values of type {datatype(card)}: a model's memory is asked for entities only")
    if not dry_run:
        kg.learn(cards)
    steps = steps or Direct(run, progress)
    entities, kinds = _entities(kg), kg.kinds()
    steps.inputs(names.digest(*(entity.id for entity in entities)))
    outcomes: list[Outcome] = []
    before, receipt = Before(kg, steps), Receipt()

    def ask(card: Relation) -> Outcome:
        outcomes.append(_ask(card, entities, kinds, scorer, encoder, steps.progress, steps.run))
        return outcomes[-1]

    def put(asked: Callable[[], Outcome]) -> dict[str, int]:
        claims = asked().claims
        done = Receipt() if dry_run else kg.put(claims)
        return {"new": done.new, "merged": done.merged, "unchanged": done.unchanged}

    for card in cards:
        key, asked = f"{card.name}@{names.digest(scorer.name, encoder.name, repr(card))}", cache(partial(ask, card))
        if not dry_run:
            before.look(key, lambda asked=asked: asked().claims)  # type: ignore[misc]
        done = steps.step(key, partial(put, asked))
        receipt += Receipt(**done) if done else Receipt()
    return Report(tuple(outcomes), receipt, before.difference())


def _entities(kg: KnowledgeGraph) -> list[Entity]:
    ends = {end.id: end for fact in kg.facts() for end in (fact.head, fact.tail) if isinstance(end, Entity)}
    return [ends[identity] for identity in sorted(ends)]


def _ask(
    card: Relation,
    entities: Sequence[Entity],
    kinds: Mapping[str, Kind],
    scorer: TokenScorer,
    encoder: Encoder,
    progress: Progress | None,
    run: str,
) -> Outcome:
    learnt = knowledge(card, scorer)
    if not learnt.known:
        why = (
            f"it has fewer than {MIN_SEEDS} seeds" if len(card.seeds) < MIN_SEEDS else f"AUC {learnt.auc:.2f} on its seeds, below {MIN_AUC}"
        )
        return Outcome(card.name, 0, (), learnt.auc, f"the model does not know {card.name!r} well enough: {why}")
    heads = [entity for entity in entities if any(fits(kind, card.domain, kinds) for kind in entity.kinds)]
    tails = [entity for entity in entities if any(fits(kind, card.range, kinds) for kind in entity.kinds)]
    pairs = preselect(card, heads, tails, encoder)
    if not pairs:
        wanted = f"{' or '.join(card.domain) or 'thing'} and {' or '.join(card.range) or 'thing'}"
        return Outcome(card.name, 0, (), learnt.auc, f"the graph holds no two entities of the kinds {wanted} for {card.name!r}")
    scores = slot_pmi(card, [(head.name, tail.name) for head, tail in pairs], scorer, progress)
    return Outcome(card.name, len(pairs), tuple(_claims(card, pairs, scores, learnt, scorer.name, run)), learnt.auc)


def preselect(card: Relation, heads: Sequence[Entity], tails: Sequence[Entity], encoder: Encoder) -> list[tuple[Entity, Entity]]:
    """For each head the tails nearest to the opened sentence, at most ``TAILS_PER_HEAD``."""
    if not heads or not tails:
        return []
    asked = encoder.encode([filled(openings(card)[0], head.name) for head in heads])
    near = asked @ encoder.encode([tail.name for tail in tails]).T
    best = np.argsort(-near, axis=1, kind="stable")
    return [
        (head, tails[column])
        for row, head in enumerate(heads)
        for column in [c for c in best[row] if tails[c].id != head.id][:TAILS_PER_HEAD]
    ]


def _claims(card: Relation, pairs: Sequence[tuple[Entity, Entity]], scores: Floats, learnt: Knowledge, model: str, run: str) -> list[Claim]:
    """One claim a head: its best tail, if the log-odds carry it; where a tail has one head only, its best.

    Seeds are half right, candidates are not: one in ``TAILS_PER_HEAD`` at best. The difference to the prior that
    belief adds by itself is taken off.
    """
    heads, tails = [head.id for head, _ in pairs], [tail.id for _, tail in pairs]
    rivals = max(1, round(len(pairs) / len(set(heads))) - 1)
    ahead = leads(scores, heads)
    odds = learnt.log_odds(scores, ahead) - np.log(rivals) - PRIOR
    told = Counter(heads)
    best = (ahead > 0) | np.array([told[head] == 1 for head in heads])
    if card.inverse_functional:
        best &= leads(np.where(best, scores, scores.min() - 1), tails) >= 0
    family = model.partition("@")[0]
    source = Source(SourceId(f"model:{family}"), "model", title=family)
    claims = []
    for index in np.flatnonzero(best & (odds >= MIN_LOG_ODDS)).tolist():
        head, tail = pairs[index]
        detail = (("lead", f"{ahead[index]:.2f}"), ("pmi", f"{scores[index]:.2f}"), ("prompts", " / ".join(openings(card))))
        score = round(float(odds[index]), 3)
        evidence = Evidence("memory", source, score, model, head_words=head.name, tail_words=tail.name, run=run, detail=detail)
        claims.append(Claim(head, card.name, tail, (evidence,)))
    return claims
