"""The best missing links of a graph, as claims that say how far they are believed and by what they are supported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgplatform import derivation
from kgplatform.belief import Calibration, probability
from kgplatform.names import digest
from kgplatform.ports import Progress
from kgplatform.types import Claim, Entity, Evidence, Fact, FactKey, Literal, Pairs, Source, SourceId
from kgplatform.view import GraphView, Ints
from reasoning.blend import POOL, Blend, Second
from reasoning.calibrate import Calibrated, Quality, calibrated
from reasoning.candidates import Cards, Room, Weigher
from reasoning.rules import Chains, Rule
from reasoning.train import PLAIN, Learning, Predictor

AUTO = ("complex", "distmult", "rotate")
"""Models that are tried against each other where none is named: of different kinds, and quick."""
TOGETHER = "+ultra"
"""Follows the name of a model that a second one spoke with."""
SUPPORT = 3
"""Facts shown with a prediction."""
_Row = tuple[float, int, int, int]
"""Log-odds, relation, head, tail."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A link that could be missing. ``confidence`` is what the store will say of it while only this model speaks for it."""

    head: Entity
    relation: str
    tail: Entity
    log_odds: float
    confidence: float
    support: tuple[FactKey, ...]
    rules: tuple[str, ...] = ()
    """The chains that connect the two, in words, the most trusted first."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Proposals, best first, with the model's name, its snapshot and its quality; ``note`` says why there are none."""

    proposals: tuple[Proposal, ...]
    model: str
    snapshot: str
    quality: Quality
    note: str = ""
    start: str = ""
    """The model of an earlier graph that this one went on from."""
    blend: Blend | None = None


def confidence(relation: str, log_odds: float) -> float:
    """Belief in a fact for which only graph evidence of this strength speaks."""
    law = Calibration()
    return probability(law.prior_weight(relation) + law.weight("graph", relation, _score(log_odds)))


def _score(log_odds: float) -> float:
    # Belief adds the prior to every fact, and the fitted line has it in already.
    return log_odds - Calibration().prior


def predict(
    view: GraphView,
    cards: Cards,
    taken: Iterable[Fact] = (),
    *,
    top: int = 20,
    relation: str | None = None,
    min_confidence: float,
    learning: Learning = PLAIN,
    second: Second | None = None,
) -> Prediction:
    """The ``top`` most likely missing links, of one relation or of all.

    ``taken`` facts (rejected or merely proposed ones) are not proposed either. A model that cannot tell held-out facts from
    other pairs proposes nothing. A ``second`` model is heard on the likeliest, where that pays. Everything is a function of the
    arguments and of what ``learning`` has kept: asked again about the same graph, it gives the same list.
    """
    closed = np.concatenate([view.triples, rows(view, taken)])
    judged = _best_model(view, cards, closed, learning.part(0, 2) if second else learning)
    start = judged.predictor.recipe.start if judged.predictor.history else ""
    if not judged.quality.enough:
        return Prediction((), _name(judged.predictor, None), view.revision, judged.quality, _why(judged.quality), start)
    wanted = [number for number, known in enumerate(view.relations) if relation in (None, known)]
    weigher = Weigher.of(judged.predictor, view)
    found = [row for number in wanted for row in _best(judged, weigher, Room.of(view, number, cards, closed), 20 * top)]
    found.sort(key=lambda row: (-row[0], row[1:]))
    weighed = len(found)
    blend = judged.with_second(second, cards, learning.part(2, 4).progress) if second else None
    if blend and blend.wins:
        found = _blended(blend, view, cards, closed, found[: max(POOL, 5 * top)], learning.part(3, 4).progress)
    likely = [row for row in found if confidence(view.relations[row[1]], row[0]) >= min_confidence]
    chosen = _spread(view, cards, likely, top)
    proposals = tuple(_proposal(view, weigher.chains, row) for row in chosen)
    note = "" if proposals else f"No missing link reaches the confidence {min_confidence:g}: {weighed} were weighed and lie below it."
    return Prediction(proposals, _name(judged.predictor, blend), view.revision, judged.quality, note, start, blend)


def _best_model(view: GraphView, cards: Cards, closed: Ints, learning: Learning) -> Calibrated:
    """The model that is named; for ``auto`` the one that tells held-out facts of this graph best."""
    tried = AUTO if learning.model == "auto" else (learning.model,)
    ways = [replace(learning.part(number, len(tried)), model=name) for number, name in enumerate(tried)]
    return max((calibrated(view, cards, closed, way) for way in ways), key=lambda one: one.quality.auc)


def _name(predictor: Predictor, blend: Blend | None) -> str:
    """The model's name and revision; of two models that speak together, of both."""
    name = predictor.recipe.revision(predictor.view)
    return f"{predictor.recipe.model}{TOGETHER}@{digest(name, blend.second.name)}" if blend and blend.wins else name


def _blended(blend: Blend, view: GraphView, cards: Cards, closed: Ints, rows: Sequence[_Row], progress: Progress | None) -> list[_Row]:
    """The likeliest rows by what both models say."""
    odds, pairs = np.array([row[0] for row in rows]), np.array([(h, r, t) for _, r, h, t in rows], np.int64).reshape(-1, 3)
    both = blend.log_odds(odds, blend.second.words(view, cards, closed, pairs, progress), pairs[:, 1])
    found = [(value, *row[1:]) for value, row in zip(both.tolist(), rows, strict=True)]
    return sorted(found, key=lambda row: (-row[0], row[1:]))


def source_of(model: str, snapshot: str) -> SourceId:
    """Whose word predictions of that model from that state of the graph are."""
    return SourceId(f"graph:{model}@{snapshot}")


def to_claims(prediction: Prediction) -> list[Claim]:
    """The proposals as claims of the model, which the store keeps as *predicted* facts."""
    source = Source(source_of(prediction.model.partition("@")[0], prediction.snapshot), "graph", prediction.model.partition("@")[0])
    return [
        Claim(
            proposal.head,
            proposal.relation,
            proposal.tail,
            (
                Evidence(
                    "graph",
                    source,
                    score=_score(proposal.log_odds),
                    model=prediction.model,
                    detail=(*derivation.detail(prediction.snapshot, proposal.support), *_rules(proposal)),
                ),
            ),
        )
        for proposal in prediction.proposals
    ]


def _rules(proposal: Proposal) -> Pairs:
    return (("rules", "; ".join(proposal.rules)),) if proposal.rules else ()


def _why(quality: Quality) -> str:
    if not quality.held_out:
        return "Nothing is proposed: every fact is the only one of its entity or relation, so the model cannot be checked. Add facts."
    return (
        f"Nothing is proposed: of {quality.held_out} facts held out to check it, the model told true from other pairs with an AUC of "
        f"{quality.auc:.2f} (.5 is guessing). More facts that connect the same entities would help."
    )


def rows(view: GraphView, facts: Iterable[Fact]) -> Ints:
    """Facts as triples of the view; those with ends that it does not have cannot be candidates anyway."""
    entities = {id_: number for number, id_ in enumerate(view.entity_ids)}
    relations = {name: number for number, name in enumerate(view.relations)}
    rows = [
        (entities[fact.head.id], relations[fact.relation], entities[fact.tail.id])
        for fact in facts
        if not isinstance(fact.tail, Literal) and fact.relation in relations and fact.head.id in entities and fact.tail.id in entities
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _best(judged: Calibrated, weigher: Weigher, room: Room, most: int) -> list[_Row]:
    rows, columns = weigher.likely(room)
    if not len(rows):
        return []
    odds = judged.log_odds(weigher.features(room, rows, columns), room.relation)
    first = np.argsort(-odds, kind="stable")[:most]
    ends = room.heads[rows[first]].tolist(), room.tails[columns[first]].tolist()
    return [(each, room.relation, head, tail) for each, head, tail in zip(odds[first].tolist(), *ends, strict=True)]


def _spread(view: GraphView, cards: Cards, rows: Sequence[_Row], top: int) -> list[_Row]:
    """The first ``top`` rows, but of one relation at most half, of one entity a fifth (at least two), of a functional query one."""
    several = len({row[1] for row in rows}) > 1
    of_relation, of_entity = (max(2, top // 2) if several else top), max(2, top // 5)
    used: Counter[tuple[str, int]] = Counter()
    answered: set[tuple[int, int]] = set()
    chosen_links: set[tuple[int, int, int]] = set()
    chosen: list[_Row] = []
    for row in rows:
        _, relation, head, tail = row
        marks = (("relation", relation), ("entity", head), ("entity", tail))
        if len(chosen) == top or used[marks[0]] >= of_relation or max(used[marks[1]], used[marks[2]]) >= of_entity:
            continue
        card = cards.card(view.relations[relation])
        if card.functional and (relation, head) in answered:
            continue
        if not card.symmetric and (relation, tail, head) in chosen_links:
            continue  # of two that exclude each other as likely as not, the likelier
        answered.add((relation, head))
        chosen_links.add((relation, head, tail))
        used.update(marks)
        chosen.append(row)
    return chosen


def _proposal(view: GraphView, chains: Chains, row: _Row) -> Proposal:
    odds, relation, head, tail = row
    name = view.relations[relation]
    support, rules = _support(view, chains, relation, head, tail)
    return Proposal(view.entities[head], name, view.entities[tail], odds, confidence(name, odds), support, rules)


def _support(view: GraphView, chains: Chains, relation: int, head: int, tail: int) -> tuple[tuple[FactKey, ...], tuple[str, ...]]:
    """The facts that the rules for a proposal run over, then the nearest analogues: facts of the relation that share an end with it."""
    there = chains.between(head, tail)
    rules = [rule for rule in chains.rules(relation) if rule.chain in there][:SUPPORT]
    links = [FactKey(view.keys[fact]) for rule in rules for fact in there[rule.chain][0]]
    keys = list(dict.fromkeys([*links, *_analogues(view, chains, relation, head, tail)]))
    return tuple(keys[: max(SUPPORT, len(links))]), tuple(_told(view, rule) for rule in rules)


def _told(view: GraphView, rule: Rule) -> str:
    count = len(view.relations)
    words = [f"{view.relations[link % count]}{' backwards' if link >= count else ''}" for link in rule.chain]
    return f"{', then '.join(words)}: {rule.facts} of {rule.pairs} such pairs are facts"


def _analogues(view: GraphView, chains: Chains, relation: int, head: int, tail: int) -> list[FactKey]:
    """Facts of the relation that share an end with the proposal, those first whose other end has most neighbours in common."""
    own, others = (chains.facts(end, link) for end, link in ((head, relation), (tail, relation + len(view.relations))))
    near = np.union1d(own, others)
    around = {end: chains.around(end) for end in (head, tail)}

    def common(fact: int) -> int:
        mine, other = (head, view.triples[fact, 0]) if view.triples[fact, 2] == tail else (tail, view.triples[fact, 2])
        return len(np.intersect1d(around[mine], chains.around(int(other)), assume_unique=True))

    # A hub's facts are too many to compare one by one.
    ranked = sorted(near[:200].tolist(), key=lambda fact: (-common(fact), view.keys[fact]))
    return [FactKey(view.keys[fact]) for fact in ranked[:SUPPORT]]
