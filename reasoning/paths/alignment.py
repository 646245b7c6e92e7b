"""Explain a question by a relation path: every hop by a stretch of its words, in the order of the walk.

A stretch fits a hop when its sentence vector is nearer to the hop's wording than ordinary words are, and when it shares
words with it; what fits every hop alike counts less. Words that are left over cost what they would have
explained. Nothing is learned, and no language model is asked: the weights were set on questions about
films (``benchmarks/paths``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kgplatform.lm.ports import Encoder
from kgplatform.types import Kind, Relation
from reasoning.paths.cuts import LONGEST, Stretches, best_cuts, turning
from reasoning.paths.direction import Direction
from reasoning.paths.learning import AGAINST, Learned, Route
from reasoning.paths.question import Asked, Unrolled
from reasoning.paths.search import Hops, Network
from reasoning.paths.wording import Wording
from reasoning.paths.words import LIGHT, singular, stem

Reals = npt.NDArray[np.float64]

LEARNED = 4.0
"""How much surer than by its likeness a hop may be, for what was learned of a word."""
COMMON = 0.5
"""The share of what a hop leads to that must have the next for nothing to speak against the two: a film's year is hardly ever a film."""
RAREST = 5.0
SURELY = 1.0
"""How much surer of its last hop a path is for the right kind of end: a year tells when, but not of what ("when did she retire")."""
STRANGE = 2.4
"""A word that has less to do with every hop of a path asks for something else ("which prize did she refuse"); where there are cards."""
NAMING, BESIDES = 9.0, 0.35
"""A word that names a relation by so much asks for that one: what has less than this part to do with it is something else."""
OF = 4.0
"""The same of what is "of" something, beside other words: "when was the *dog* of X born" is not asked of X."""
CLOSE, CALLED = 0.8, 2.0
"""What part of the nearest likeness, and how much at all, makes a name mean what a word calls."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the score is worth, in standard deviations of likeness over ordinary words.

    ``ceiling`` of one fit; ``lexical``: all of a wording's words are there; ``likeness``: most that likeness to a wording is worth;
    ``profile``: most that likeness to what an inverse leads to is; ``flatten``: share of the mean over other relations that is taken
    off. Costs: ``skip`` (share of what the word explains best), ``cut`` inside a phrase, ``hop``, ``inverse``, ``turn`` to the unlikelier
    unrolling, ``returns`` when a return is asked for and not made, ``unsaid`` when a path ends with one that is not, ``astray`` when a
    hop against a direction is of another relation than the one before, ``rare`` when hardly anything that one hop leads to has the next.
    ``kind``: the end is of the kind asked for, twice that when the question names it; as much is taken off when it is not, and others
    are. ``lean``: the words beside the topic make it that end of the first relation; as much is taken off when they make it the other.
    """

    ceiling: float = 18.0
    lexical: float = 10.0
    likeness: float = 9.0
    profile: float = 6.0
    flatten: float = 0.9
    skip: float = 0.4
    cut: float = 1.0
    hop: float = 5.0
    inverse: float = 0.5
    turn: float = 4.0
    returns: float = 7.0
    unsaid: float = 3.5
    astray: float = 1.0
    rare: float = 2.0
    kind: float = 2.5
    lean: float = 3.0


class Aligner:
    """What every question about one network shares."""

    def __init__(
        self,
        network: Network,
        cards: Mapping[str, Relation],
        kinds: Mapping[str, Kind],
        encoder: Encoder,
        weights: Weights | None = None,
    ) -> None:
        self.names = (*network.relations, *(AGAINST + name for name in network.relations))
        self.learned: Learned | None = None
        self.weights, self.relations = weights or Weights(), len(network.relations)
        self.wording = Wording(network, cards, kinds, encoder)
        self.carded = any(cards[name].prompts for name in network.relations if name in cards)
        self.direction = Direction(network.relations, cards)
        self.follows = np.log(np.clip(network.followed() / COMMON, np.exp(-RAREST), 1.0))

    def scores(self, asked: Asked, paths: Sequence[Hops]) -> tuple[Reals, Reals]:
        """How well each path explains the question, higher is better; ``(paths,)`` twice.

        Second, how well its worst hop is explained, and how well its end is of the kind asked for.
        """
        score, worst = np.full(len(paths), -np.inf), np.full(len(paths), -np.inf)
        orders = [self._stretches(order) for order in asked.orders]
        lean = self._lean(asked, {path[0] for path in paths})
        alone, wanted = self._alone(asked, orders[0].alone)
        # "Which Rust packages": nothing but the kind of the end is asked for.
        kindred = SURELY if {stem(singular(word)) for word in asked.orders[0].words} - self.wording.kinds else self.weights.kind
        for length in {len(path) for path in paths}:
            rows = [row for row, path in enumerate(paths) if len(path) == length]
            hops = np.array([paths[row] for row in rows], dtype=np.int64)
            manner = self._manner(asked, hops) + lean[hops[:, 0]]
            for stretches, turn in zip(orders, (0.0, self.weights.turn if asked.sure else 0.0), strict=False):
                found, least = best_cuts(stretches, hops, asked.returns)
                better = found - turn + manner > score[rows]
                score[rows] = np.where(better, found - turn + manner, score[rows])
                surely = least + np.minimum(self._kind(asked, sure=True)[hops[:, -1]], kindred)
                worst[rows] = np.where(better, surely, worst[rows])
            if self.carded and len(alone):
                covered = alone[:, hops].max(axis=2)
                worst[rows] = np.where((covered < wanted).any(axis=0), np.minimum(STRANGE, worst[rows]), worst[rows])
        gain = self.learned.worth(asked.said, [self.route(path) for path in paths]) if self.learned else 0.0
        return score + gain, worst

    def _alone(self, asked: Asked, alone: Reals) -> tuple[Reals, Reals]:
        """What each word that asks for something has to do with each relation, or with what it leads to; ``(words, hops)``.

        And how much it must have to do with a path, ``(words, 1)``: more when it names a relation.
        """
        order, ends = asked.orders[0], self.wording.ends
        meant = [{stem(singular(word))} | (asked.named if word in asked.nouns else set()) for word in order.words]
        kinds = np.array([[bool(named & end) for end in ends] for named in meant], dtype=np.bool_).reshape(alone.shape)
        either = np.where(kinds, self.weights.ceiling, alone)
        either = np.maximum(either, np.roll(either, self.relations, axis=1))
        apposed = order.beside and len(order.words) > 1 and order.words[0] not in asked.owned
        telling = [row for row, word in enumerate(order.words) if word not in LIGHT and not (apposed and row == 0)]
        most = alone[telling].max(axis=1, initial=0.0)[:, None]
        held = [[OF if len(telling) > 1 and order.words[row] in asked.owned else STRANGE] for row in telling]
        return either[telling], np.maximum(np.array(held).reshape(most.shape), np.where(most >= NAMING, BESIDES * most, 0.0))

    def route(self, path: Hops) -> Route:
        """The hops by the names under which marks keep them."""
        return tuple(self.names[hop] for hop in path)

    def _stretches(self, order: Unrolled) -> Stretches:
        w, count = self.weights, len(order.words)
        fit, naming, sure, back = (np.full((count, LONGEST, 2 * self.relations), -np.inf) for _ in range(4))
        alone = np.zeros((count, 2 * self.relations))
        at = [(start, more) for start in range(count) for more in range(min(LONGEST, count - start))]
        if at:
            vectors = self.wording.encoder.encode([order.phrase(start, start + more + 1) for start, more in at])
            profile = self.wording.profile(vectors)
            shared = w.lexical * np.array([self.wording.shared(order.words[start : start + more + 1]) for start, more in at])
            named = np.minimum(w.likeness, self.wording.named(vectors))
            near, inverse = named.copy(), slice(self.relations, None)
            leads = np.minimum(w.profile, profile[:, inverse])
            near[:, inverse] = np.maximum(near[:, inverse], leads)
            place = tuple(np.array(at).T)
            fit[place], naming[place] = self._flat(near + shared), self._flat(named + shared)
            untold = np.array([self.wording.untold(order.words[start : start + more + 1]) for start, more in at])
            fit[place] = np.where(untold, np.minimum(fit[place], 0.0), fit[place])
            taught = self._taught(order.words)
            told = np.array([taught[start : start + more + 1].max(axis=0) for start, more in at])
            single = [row for row, (_, more) in enumerate(at) if not more]
            alone = np.maximum(np.maximum(named, profile), shared)[single] + taught
            sure[place] = back[place] = np.maximum(fit[place], shared) + told
            back[(*place, inverse)] = np.maximum(sure[(*place, inverse)], leads)
        skip = w.skip * np.maximum(fit[:, 0].max(axis=1, initial=0.0), 0.0)
        if order.beside:
            skip[0] = 0.0
        return Stretches(fit, naming, sure, back, alone, skip, np.array([0.0 if free else w.cut for free in order.free]))

    def _taught(self, said: Sequence[str]) -> Reals:
        """How sure what was learned makes each word to mean each hop; ``(words, hops)``."""
        if self.learned is None:
            return np.zeros((len(said), 2 * self.relations))
        return LEARNED * self.learned.meant([stem(word) for word in said], self.names)

    def _flat(self, value: Reals) -> Reals:
        """Fits ``(stretches, hops)`` under the ceiling, less a share of what the stretch is worth to the other relations."""
        value = np.minimum(value, self.weights.ceiling)
        if self.relations == 1:
            return value
        both = value[:, : self.relations] + value[:, self.relations :]
        others = (value.sum(axis=1, keepdims=True) - both) / (2 * self.relations - 2)
        return value - self.weights.flatten * np.tile(others, 2)

    def _manner(self, asked: Asked, hops: npt.NDArray[np.int64]) -> Reals:
        """What speaks for a path as a whole: few hops, few inverses, a return where one is asked for, the kind of its end."""
        w = self.weights
        against = (hops >= self.relations).sum(axis=1)
        back = turning(hops, self.relations)
        returns = np.where(back.any(axis=1), 0.0, w.returns) if asked.returns else np.where(back[:, -1], w.unsaid, 0.0)
        astray = w.astray * ((hops[:, 1:] >= self.relations) & ~back[:, 1:]).sum(axis=1)
        rare = w.rare * self.follows[hops[:, :-1], hops[:, 1:]].sum(axis=1)
        manner: Reals = self._kind(asked)[hops[:, -1]] - w.hop * hops.shape[1] - w.inverse * against - returns - astray + rare
        return manner

    def _lean(self, asked: Asked, first: set[int]) -> Reals:
        """What the words beside the topic say for and against each first hop, where it could go either way."""
        both = [hop in first and (hop + self.relations) % (2 * self.relations) in first for hop in range(2 * self.relations)]
        lean: Reals = self.weights.lean * self.direction.lean(asked.beside) * np.array(both)
        return lean

    def _kind(self, asked: Asked, sure: bool = False) -> Reals:
        """What the kind of answer asked for says of each hop as the last: nothing when no hop leads to such.

        Where things are of no kind, what the answer is called stands for it; for ``sure`` only by a word of the relation.
        """
        value = np.zeros(2 * self.relations)
        for kinds, worth in ((asked.wanted, self.weights.kind), (asked.named, 2.0 * self.weights.kind)):
            fitting = np.array([bool(kinds & held) for held in self.wording.ends])
            if kinds is asked.named and not fitting.any():
                fitting = self._called(asked.called, sure)
            value += worth * np.where(fitting, 1.0, -1.0) * fitting.any()
        return value

    def _called(self, word: str, sure: bool) -> npt.NDArray[np.bool_]:
        """The hops whose ends a word may mean where things are of no kind: the nearest to it by what their ends are called."""
        if self.wording.called is None or not word:
            return np.zeros(2 * self.relations, dtype=np.bool_)
        shared = self.weights.lexical * self.wording.titled(word)
        if sure and not shared.any():
            return np.zeros(2 * self.relations, dtype=np.bool_)
        near = self.wording.called(self.wording.encoder.encode([word]))[0] + shared
        fitting: npt.NDArray[np.bool_] = near >= max(CLOSE * near.max(), CALLED)
        return fitting
