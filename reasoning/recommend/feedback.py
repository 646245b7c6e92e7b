"""What diffusion prunes again and again, and what it would add: for people to look at, as evidence with its scores.

One cleaning of a graph is partly chance, and takes away a set share of every entity's facts whether they are wrong or not. So several are
asked, of different epochs or seeds; what most of them agree on is told, with how far it is less believed than the other facts of its ends.
A pair that would be added has no relation yet: a link predictor says the likeliest, and how likely it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kgplatform.errors import BadRequest
from kgplatform.types import Claim, Evidence, Fact, Source, SourceId
from kgplatform.view import GraphView
from reasoning.candidates import Cards, Room, Weigher
from reasoning.predict import Prediction, Proposal, confidence
from reasoning.recommend.interactions import Ints, Reals

if TYPE_CHECKING:
    from reasoning.calibrate import Calibrated
    from reasoning.recommend.models.diffkg import DiffKG

OFTEN, REPEATED = 0.8, 0.5
"""The share of cleanings that prune a fact, and that propose a pair, for it to be told."""
FEWEST = 2
"""Cleanings, at least."""
MODEL = "diffkg"
OF_CLEANING = f"graph:{MODEL}@"
"""How the id of its source begins; the snapshot follows."""
USUAL, SLOPE, MOST = 0.15, 15.0, 3.0
"""Nats against a fact for each unit that it is further behind than usual, at most ``MOST``.

Measured on ML-100K's graph (entities of four facts or more) with a tenth of false facts put in, two seeds, eight cleanings: of facts that
are pruned again and again and up to .15 behind 8 % were false, no more than of all; at .18 14 %, at .26 46 %, at .4 90 %.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Cleaning:
    """One cleaning: places of the facts that it ``pruned`` and by how much less it believes each than others of its ends, ``(k,)`` each;
    ``pairs`` ``(p, 2)`` that it would add, the lower number first, and how far it believes them."""

    pruned: Ints
    behind: Reals
    pairs: Ints
    belief: Reals

    @classmethod
    def of(cls, model: DiffKG) -> Cleaning:
        """The last of this model. Raises ``BadRequest`` where it has not cleaned yet."""
        if not bool(model.believed.any()):
            raise BadRequest("the model has not cleaned its graph yet: train it first")
        believed, head = model.believed.double().cpu().numpy(), model.edges.head.cpu().numpy()
        counts, sums = np.bincount(head), np.bincount(head, believed)
        others = (sums[head] - believed) / np.maximum(counts[head] - 1, 1)
        behind = np.where(counts[head] > 1, others - believed, 0.0).reshape(2, -1).mean(axis=0)
        pruned = model.pruned().cpu().numpy()
        pairs, belief = (values.cpu().numpy() for values in model.proposed())
        either, place = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
        best = np.full(len(either), -np.inf)
        np.maximum.at(best, place.ravel(), belief)
        return cls(pruned, behind[pruned], either, best)


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """Of several ``cleanings``: ``pruned`` places with the ``share`` that prunes each and how far it is ``behind``, the most behind first;
    ``pairs`` with the share that proposes each (``repeated``) and its mean ``belief``, the most believed first."""

    cleanings: int
    pruned: Ints
    share: Reals
    behind: Reals
    pairs: Ints
    repeated: Reals
    belief: Reals


def feedback(histories: Sequence[Cleaning], *, often: float = OFTEN, repeated: float = REPEATED) -> Feedback:
    """What so large a share of the cleanings agrees on. Raises ``BadRequest`` for a single cleaning, or a share that is none."""
    if len(histories) < FEWEST:
        raise BadRequest(f"what is pruned again and again shows in {FEWEST} cleanings or more, not in {len(histories)}")
    for name, value in (("often", often), ("repeated", repeated)):
        if not 0 < value <= 1:
            raise BadRequest(f"{name} is a share of the cleanings: above 0, at most 1, not {value}")
    parts = [np.concatenate([getattr(one, name) for one in histories]) for name in ("pruned", "behind", "pairs", "belief")]
    pruned, share, behind = _agreed(parts[0], parts[1], len(histories), often)
    pairs, told, belief = _agreed(parts[2], parts[3], len(histories), repeated)
    return Feedback(len(histories), pruned, share, behind, pairs, told, belief)


def _agreed(what: Ints, values: Reals, of: int, least: float) -> tuple[Ints, Reals, Reals]:
    """What comes that often, its share and its mean value, the highest value first."""
    different, place, counts = np.unique(what, axis=0, return_inverse=True, return_counts=True)
    share, mean = counts / of, np.bincount(place.ravel(), values, len(different)) / counts
    chosen = np.flatnonzero(share >= least - 1e-9)
    chosen = chosen[np.argsort(-mean[chosen], kind="stable")]
    return different[chosen], share[chosen], mean[chosen]


# -- what has no relation yet ------------------------------------------------------------------------


def related(pairs: Ints, judged: Calibrated, view: GraphView, cards: Cards, taken: Ints) -> tuple[Ints, Reals]:
    """The likeliest fact of each pair, ``(n, 3)``, and its log-odds as a link predictor was found to be right, the likeliest first.

    A pair between which no relation may stand, in either direction, has none. ``taken`` ``(m, 3)`` are facts not to be proposed.
    """
    weigher = Weigher.of(judged.predictor, view)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    found, odds = [np.zeros((0, 3), np.int64)], [np.zeros(0)]
    for relation in range(len(view.relations)):
        room = Room.of(view, relation, cards, taken)
        rows, columns = room.among(np.insert(both, 1, relation, axis=1))
        if len(rows):
            found.append(room.triples(rows, columns))
            odds.append(judged.log_odds(weigher.features(room, rows, columns), relation))
    triples, value = np.concatenate(found), np.concatenate(odds)
    order = np.argsort(-value, kind="stable")
    _, first = np.unique(np.sort(triples[order][:, [0, 2]], axis=1), axis=0, return_index=True)
    best = order[np.sort(first)]
    return triples[best], value[best]


def prediction(triples: Ints, odds: Reals, judged: Calibrated, view: GraphView) -> Prediction:
    """The same as ``reasoning.predict.to_claims`` takes it: proposals of diffusion, with the relation that the predictor said."""
    proposals = tuple(
        Proposal(view.entities[head], view.relations[relation], view.entities[tail], each, confidence(view.relations[relation], each), ())
        for (head, relation, tail), each in zip(triples.tolist(), odds.tolist(), strict=True)
    )
    model = f"{MODEL}+{judged.predictor.recipe.model}@{view.revision}"
    return Prediction(proposals, model, view.revision, judged.quality)


# -- evidence ----------------------------------------------------------------------------------------


def source_of(snapshot: str) -> SourceId:
    """Whose word it is: ``forget`` takes it back."""
    return SourceId(f"{OF_CLEANING}{snapshot}")


def earlier(sources: Iterable[SourceId], snapshot: str) -> list[SourceId]:
    """Those whose word diffusion gave on other snapshots, to be withdrawn before it is given anew."""
    of_diffusion = (OF_CLEANING, f"graph:{MODEL}+")
    return sorted({source for source in sources if source.startswith(of_diffusion) and not source.endswith(f"@{snapshot}")})


def weights(found: Feedback) -> Reals:
    """What speaks against each pruned fact, in nats. That it was pruned alone does not: every entity loses facts."""
    return np.clip(SLOPE * (found.behind - USUAL), 0.0, MOST)


def to_claims(found: Feedback, facts: Sequence[Fact | None], snapshot: str) -> list[Claim]:
    """What speaks against the pruned facts, if anything does, as evidence of a graph model.

    ``facts`` are those of ``found.pruned``; ``None`` stands for one that has gone.
    """
    if len(facts) != len(found.pruned):
        raise BadRequest(f"{len(found.pruned)} facts were pruned, but {len(facts)} are given")
    source = Source(source_of(snapshot), "graph", "cleaning by diffusion")
    return [
        Claim(
            fact.head,
            fact.relation,
            fact.tail,
            (
                Evidence(
                    "graph",
                    source,
                    score=-round(weight, 3),
                    model=source.id.removeprefix("graph:"),
                    detail=(
                        ("pruned", f"in {round(share * found.cleanings)} of {found.cleanings} cleanings"),
                        ("less believed than other facts of its ends by", f"{behind:.3f}"),
                        ("snapshot", snapshot),
                    ),
                ),
            ),
            fact.qualifiers,
        )
        for fact, share, behind, weight in zip(facts, *(one.tolist() for one in (found.share, found.behind, weights(found))), strict=True)
        if fact is not None and weight > 0
    ]
