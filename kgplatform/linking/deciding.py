"""From how likely pairs are to what is done: merge, ask a person, or leave apart. Pure functions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal as OneOf

from kgplatform.linking import scoring
from kgplatform.linking.scoring import Named
from kgplatform.types import Entity, EntityId

REVISION = 1
"""Of the weights and rules: it stands in ``by`` of every merge."""
NEAR = 0.9
"""The cosine from which on a person is asked though the words differ."""
_MARGIN = 0.02
"""Two that fit almost equally well are a question."""
_WHY: Mapping[str, str] = {
    "initial": "initials", "middle": "a middle name more", "acronym": "its first letters", "letters": "its first letters",
    "inflected": "another ending", "respelt": "another spelling", "sounds": "it sounds alike", "transcribed": "another alphabet",
    "abbreviated": "abbreviated", "shortened": "shortened", "cut": "a word cut off",
    "order": "another order", "legal": "a legal form more", "article": "an article more",
    "placed": "one says where it is", "extra": "a word more",
    "replaced": "near in meaning",
    "neighbours": "neighbours in common", "contradicting": "but their facts contradict",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """An entity and another that it may be: the probability, and by what; ``batch`` when both are new.

    ``rival`` is another one that it is as likely.
    """

    entity: Entity
    other: Entity
    score: float
    found: tuple[tuple[str, float], ...] = ()
    batch: bool = False
    rival: str = ""

    @staticmethod
    def of(entity: Entity, other: Entity, cosine: float, about: str = "", batch: bool = False) -> Pair:
        """The pair by that name of each which fits best."""
        scored = [
            (scoring.total(found), dict(found))
            for name in (entity.name, *entity.aliases)
            for called in (other.name, *other.aliases)
            for found in [scoring.compared(Named(name, entity.kinds, about), Named(called, other.kinds, other.description))]
        ]
        total, found = max(scored, key=lambda one: one[0])
        score = scoring.probability(total)
        if cosine >= NEAR and scoring.unopposed(found):
            score = max(score, 0.5)
        return Pair(entity, other, score, tuple(sorted((name, count) for name, count in found.items() if count)), batch)

    def beside(self, shared: int, same: float) -> Pair:
        """The pair with as many neighbours in common. They make one thing (``same``) only of names that differ as one thing's do."""
        found = dict(self.found)
        if not scoring.unopposed(found):
            return self
        lifted = self._also("neighbours", shared)
        return replace(lifted, score=min(lifted.score, max(self.score, same - _MARGIN))) if scoring.doubtful(found) else lifted

    def contradicting(self, relations: int) -> Pair:
        """The pair with as many relations of which each has another value, though one thing has only one."""
        return self._also("contradicting", relations)

    def _also(self, name: str, count: int) -> Pair:
        if not count:
            return self
        odds = math.log(max(1e-12, self.score) / max(1e-12, 1 - self.score)) + scoring.total({name: count})
        return replace(self, score=scoring.probability(odds), found=(*self.found, (name, count)))

    @property
    def why(self) -> str:
        why = ", ".join(_WHY[name] for name, _ in self.found if name in _WHY) or "the same words"
        return f"{why}; as likely {self.rival}" if self.rival else why

    @property
    def by(self) -> str:
        """Who merges: this linker, with its score and reason."""
        return f"linker@{REVISION} {self.score:.2f} {self.why}"


@dataclass(frozen=True, slots=True)
class Decision:
    """That the entity of a pair is the same as the other, or may be (*ask*)."""

    pair: Pair
    verdict: OneOf["same", "ask"]


def decided(new: Iterable[Entity], pairs: Iterable[Pair], same: float, ask: float) -> Iterator[Decision]:
    """What is decided of each new entity, at most one thing: of two new ones the fuller name is kept."""
    fitting: dict[EntityId, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.score >= ask:
            turned = (
                replace(pair, entity=pair.other, other=pair.entity) if pair.batch and fuller(pair.entity) > fuller(pair.other) else pair
            )
            fitting[turned.entity.id].append(turned)
    for one in new:
        best = sorted(fitting[one.id], key=lambda pair: (-pair.score, pair.batch, pair.other.id))
        if not best:
            continue
        rivals = [pair for pair in best[1:] if pair.score > best[0].score - _MARGIN and not pair.batch and not best[0].batch]
        verdict: OneOf["same", "ask"] = "same" if best[0].score >= same and not rivals else "ask"
        yield Decision(replace(best[0], rival=rivals[0].other.id) if rivals else best[0], verdict)


def fuller(entity: Entity) -> tuple[int, str]:
    """Of two names the fuller one is kept."""
    return len(entity.name), entity.id
