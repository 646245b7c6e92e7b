"""From what a model says of a pair to log-odds, fitted to facts that the model was not shown.

Facts are held out, a model learns from the rest, and the pairs that it could then have proposed are labelled
by whether they are held-out facts; ``curves`` learns from that and from ``candidates.Weigher.features``. A small graph is held out
several times over, each time from a fresh model; a large one once, and the model that was judged is the model that is used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgplatform.numbered import among
from kgplatform.ports import Progress
from kgplatform.view import GraphView, Ints
from reasoning.blend import Blend, Judged, Second, blended
from reasoning.candidates import FEATURES, Cards, Reals, Room, Weigher, mirrored
from reasoning.curves import Curves, Line, Sample, area, curves, line
from reasoning.recipe import Recipe
from reasoning.split import removable
from reasoning.train import PLAIN, Learning, Predictor, learnable, train

if TYPE_CHECKING:
    from reasoning.training.before import Before

LARGE = 5_000
"""From so many facts on, one model is trained and judged; below, ``FOLDS`` are judged and one more learns everything."""
FOLDS = 5
SHARE, MOST_HELD = 0.15, 1_000
SAMPLE, LEAST_SAMPLE = 10_000, 500
"""Pairs of one relation that are looked at because they are likely, and so many again that stand for all others; at least where these
are many. On CoDEx-S the confidences of 500 are those of 10,000, of 25 they are too high."""
LOOKED, LEAST_LOOKED = 1 << 30, 1 << 24
"""Pairs that are looked at to find those: of all relations, and of one at least. Where a relation has more, some heads stand for all."""
LEAST_HELD = 20
"""Fewer different held-out facts say nothing about a model."""
MISSING = 0.1
"""The prior of a prediction: for so many facts that the graph has, one is taken to be missing. Other shares are held out to learn from."""
STALE = 86_400.0
"""Seconds after which what is left of a training that was killed goes."""
LEAST_AUC = 0.65
"""Random guessing gives .5, with a spread of about .05 on the smallest graphs: below this nothing is proposed."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How well held-out facts were told from other pairs that their relations allow: .5 is guessing, 1 is perfect."""

    auc: float
    held_out: int
    relations: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    """The same of each relation: its AUC, and how many of its facts were held out."""

    @property
    def enough(self) -> bool:
        return self.held_out >= LEAST_HELD and self.auc >= LEAST_AUC


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A model with what makes log-odds of its features."""

    predictor: Predictor
    line: Line
    curves: Curves
    quality: Quality
    folds: tuple[Judged, ...] = ()
    missing: float = 1.0
    """What it was judged by, and how many facts are missing for one of these."""

    def log_odds(self, features: Reals, relation: int) -> Reals:
        """``(pairs, features) -> (pairs,)``, of one relation."""
        return self.curves(self.line(features), relation)

    def odds(self, sample: Sample) -> Reals:
        """The log-odds of every pair of a sample."""
        return self.curves.each_of(self.line(sample.values), sample.relations)

    def with_second(self, second: Second, cards: Cards, progress: Progress | None = None) -> Blend:
        """What makes log-odds of these and of a second model's word."""
        return blended(second, self.folds, self.odds, cards, self.missing, progress)


def calibrated(view: GraphView, cards: Cards, taken: Ints, learning: Learning = PLAIN) -> Calibrated:
    """Train on the view and find out how far the model can be believed. ``taken`` are pairs known not to be candidates.

    A large graph is learned from where it was left the last time, and what was learned then is not held out.
    """
    learnable(view)
    recipe = Recipe.fitting(view, learning.model)
    learned = partial(train, recipe=recipe, device=learning.device, heard=learning.heard)
    rounds = 1 if len(view) >= LARGE else FOLDS
    stages = rounds + (rounds > 1)
    kept = _Kept.of(learning.kept, view, cards, recipe, learning) if rounds == 1 and learning.kept else _Kept()
    fresh = ~kept.before.knew(view) if kept.before else None
    folds: list[Judged] = []
    shown: set[int] = set()
    shares = []
    for fold in range(rounds):
        held = removable(view, min(MOST_HELD, round(SHARE * len(view))), seed=fold, among=fresh)
        shown |= set(held.tolist())
        shares.append(len(held) / len(view))
        rest = view.only(np.setdiff1d(np.arange(len(view)), held))
        valid = view.triples[held] if rounds == 1 else None
        with kept.on(both := mirrored(rest, cards), recipe) as files:
            predictor = learned(both, valid=valid, progress=learning.part(fold, stages).progress, **files)
        others = _without(taken, view.triples[held])
        folds.append(Judged(_sample(Weigher.of(predictor, rest), view.triples[held], others, cards), rest, others))
    if rounds > 1:
        predictor = learned(mirrored(view, cards), progress=learning.part(rounds, stages).progress)
    samples = [fold.sample for fold in folds]
    every = Sample.joined(samples, FEATURES)
    straight, missing = line(every), MISSING / max(1e-9, float(np.mean(shares)))
    curved = curves(every, straight(every.values), missing)
    return Calibrated(predictor, straight, curved, _measured(samples, len(shown), view.relations), tuple(folds), missing)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the last training on this graph left, and the file of what this one leaves; nothing by default."""

    before: Before | None = None
    file: Path | None = None
    keeps: bool = False

    @classmethod
    def of(cls, folder: Path, view: GraphView, cards: Cards, recipe: Recipe, learning: Learning) -> _Kept:
        from reasoning.training import before

        file = folder / f"{learning.model}.safetensors"
        return cls(before.read(file, mirrored(view, cards), recipe), file, learning.keeps)

    @contextmanager
    def on(self, view: GraphView, recipe: Recipe) -> Iterator[dict[str, Any]]:
        """What a training on the view is told of this. One that is killed goes on from a checkpoint, which goes when it is done."""
        if self.file is None:
            yield {}
            return
        revision = (self.before.recipe_on(view, recipe) if self.before else recipe).revision(view)
        yield {"before": self.before, "keep": self.file if self.keeps else None, "checkpoint": self.file.with_name(f"{revision}.part")}
        for part in self.file.parent.glob(f"{recipe.model}@*.part"):
            if time.time() - part.stat().st_mtime > STALE:  # of a graph that has changed since; a fresh one is another's
                part.unlink(missing_ok=True)


def _measured(samples: Sequence[Sample], held: int, names: Sequence[str]) -> Quality:
    """The area under the curve of each fold by a line that was fitted to the others; of one fold by its own."""
    odds = [np.zeros(0)]
    for number, sample in enumerate(samples):
        others = [one for place, one in enumerate(samples) if place != number or len(samples) == 1]
        odds.append(line(Sample.joined(others, FEATURES))(sample.values))
    every, said = Sample.joined(samples, FEATURES), np.concatenate(odds)
    each = {}
    for number in np.unique(every.relations[every.true]).tolist():
        own = every.relations == number
        each[names[number]] = area(said[own], every.of(own)), int(every.true[own].sum())
    return Quality(area(said, every), held, each)


def _without(taken: Ints, held: Ints) -> Ints:
    """The rows of one that the other does not have."""
    rest: Ints = taken[~among(taken, held)]
    return rest


def _sample(weigher: Weigher, held: Ints, taken: Ints, cards: Cards) -> Sample:
    """The held-out facts, the pairs that a model would rather propose, and some that stand for all others."""
    parts = []
    relations = np.unique(held[:, 1]).tolist()
    for relation in relations:
        room = Room.of(weigher.view, relation, cards, taken)
        hidden = room.numbers(*room.among(held))
        near, values, counts, far = _others(weigher, room, hidden, max(LEAST_LOOKED, LOOKED // len(relations)))
        stand_for = max(0, room.openings - len(hidden) - counts.sum()) / max(1, len(far))
        for numbers, told, each in ((hidden, None, 1.0), (near, values, counts), (far, None, stand_for)):
            places = room.places(numbers)
            told = weigher.features(room, *places) if told is None else told
            true = np.full(len(numbers), numbers is hidden)
            parts.append(Sample(told, true, np.full(len(numbers), each), room.triples(*places)))
    return Sample.joined(parts, FEATURES)


def _others(weigher: Weigher, room: Room, hidden: Ints, cells: int) -> tuple[Ints, Reals, Reals, Ints]:
    """Likely pairs but those ``hidden``, their features, for how many pairs each stands, and some pairs at random.

    Of a room of more than so many ``cells`` some heads stand for all. Each pair then asks a question of its own, so they are few: the
    likeliest, and of the others the fewer the further down.
    """
    if room.size <= cells:
        near = np.setdiff1d(room.numbers(*weigher.partners(room)), hidden)
        values = weigher.features(room, *room.places(near))
        likeliest = np.argsort(-values[:, 0], kind="stable")[:SAMPLE]
        near, values = near[likeliest], values[likeliest]
        far = room.numbers(*room.some(SAMPLE, seed=0))
        return near, values, np.ones(len(near)), np.setdiff1d(far, np.concatenate([hidden, near]))
    heads, few = room.some_heads(cells, seed=0), min(SAMPLE, max(LEAST_SAMPLE, cells // max(len(room.heads), len(room.tails))))
    near = np.setdiff1d(weigher.tails_of(room, heads), hidden)
    far = np.setdiff1d(room.numbers(*room.some(few, seed=0, heads=heads)), np.concatenate([hidden, near]))
    ranked = near[np.argsort(-weigher.shares(room, *room.places(near)), kind="stable")]
    places = np.unique(np.geomspace(1, len(near) + 1, few, endpoint=False).astype(np.int64))[: len(near)] - 1
    counts = np.diff(places, append=len(near)) * len(room.heads) / len(heads)
    return ranked[places], weigher.features(room, *room.places(ranked[places])), counts, far
