"""Judged words: what was found out about them, which of them are chosen, and what goes into the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kgplatform.belief import PRIOR
from kgplatform.cards import slots
from kgplatform.types import Candidate, Evidence, Mention, Relation, Source, SourceId, Words

SUREST = 1e-4
"""A candidate is believed no nearer to certain, either way: that far a record keeps a probability."""
Kinds = Mapping[str, Mapping[str, str]]
"""For ``head`` and for ``tail`` by word the kind of the graph's entities of that name."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate in ``words``: its ``probability``, its ``score`` and lead, who proposed it, and the prompts that speak for it, (prompt,
    nats).
    """

    words: Words
    probability: float
    score: float
    lead: float
    by: str
    prompts: tuple[tuple[str, float], ...] = ()

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "words": list(self.words),
            "probability": round(self.probability, 4),
            "score": round(self.score, 3),
            "lead": round(self.lead, 3),
            "by": self.by,
            "prompts": [[prompt, round(nats, 2)] for prompt, nats in self.prompts],
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Judged:
        """The inverse of ``record``."""
        prompts = tuple((str(prompt), float(nats)) for prompt, nats in record["prompts"])
        return cls(tuple(record["words"]), record["probability"], record["score"], record["lead"], record["by"], prompts)


def chosen(found: Iterable[Judged], card: Relation, least: float, before: Iterable[Judged] = ()) -> list[Judged]:
    """Those that are likely enough; of a functional relation one tail a head, of an inverse functional one head a tail, the best.

    Of a transitive relation that is not symmetric no two hold each other, or both would hold themselves. What was chosen ``before`` has
    its place already.
    """
    single = [place for place, only in enumerate((card.functional, card.inverse_functional)) if only]
    earlier = list(before)
    taken = {(place, one.words[place]): one.words[1 - place] for one in earlier for place in single}
    one_way = card.transitive and not card.symmetric
    turned = {one.words[1::-1] for one in earlier}
    kept = []
    for one in sorted(found, key=lambda one: -one.probability):
        ends = {(place, one.words[place]): one.words[1 - place] for place in single}
        against = one_way and one.words[:2] in turned
        if one.probability >= least and not against and all(taken.get(end, other) == other for end, other in ends.items()):
            taken |= ends
            turned.add(one.words[1::-1])
            kept.append(one)
    return kept


def candidate(one: Judged, card: Relation, kinds: Kinds, model: str, run: str) -> Candidate:
    """What is linked and put; words that ``kinds`` does not have are new things of the card's first kind.

    Belief adds its own prior to a score, so it is taken off here.
    """
    family = model.partition("@")[0]
    likely = min(max(one.probability, SUREST), 1 - SUREST)
    odds = float(np.log(likely / (1 - likely))) - PRIOR
    detail = (
        ("lead", f"{one.lead:.2f}"),
        ("probability", f"{one.probability:.3f}"),
        ("prompts", " / ".join(f"{prompt} ({nats:+.1f} nats)" for prompt, nats in one.prompts)),
        ("proposed by", one.by),
        ("score", f"{one.score:.2f}"),
    )
    evidence = Evidence(
        "memory",
        Source(SourceId(f"model:{family}"), "model", title=family),
        round(odds, 3),
        model,
        head_words=one.words[0],
        tail_words=one.words[1],
        run=run,
        detail=detail,
    )
    wanted = dict(card.qualifier_kinds)
    others = zip(slots(card)[2:], one.words[2:], strict=True)
    qualifiers = tuple((name, Mention(word, wanted[name]) if name in wanted else word) for name, word in others)
    head, tail = (
        Mention(word, kinds.get(end, {}).get(word, first_kind(wanted)))
        for end, word, wanted in zip(("head", "tail"), one.words[:2], (card.domain, card.range), strict=True)
    )
    return Candidate(head, card.name, tail, evidence, qualifiers)


def first_kind(wanted: Sequence[str]) -> str:
    """The kind of a new thing where a card asks for ``wanted``."""
    return wanted[0] if wanted else "thing"
