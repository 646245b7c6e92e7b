"""The first or last of a set: by a date, by a number, or by how many things a relation leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from kgplatform.types import Entity, in_words
from reasoning.agent import measures, sets
from reasoning.agent.cues import BORN, Extreme
from reasoning.agent.found import Found, Topic, Unsaid
from reasoning.agent.plan import Plan
from reasoning.agent.sets import Member, Members
from reasoning.agent.walker import Walker
from reasoning.paths.values import Compare, Value
from reasoning.paths.words import FUNCTION_WORDS, LIGHT, content, stem

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Foremost:
    """Puts sets that a walker finds in order; ``scale`` gives the nodes that stand to a value as asked."""

    walker: Walker
    scale: Callable[[Value, Compare], Ints]

    def of(self, plan: Plan, found: Found, topics: Sequence[Topic]) -> Found:
        """The first or last of a set, or what leads to the most."""
        extreme = plan.extreme
        assert extreme is not None
        members, hop = self._before_the_value(found)
        found = replace(found, members=members)
        nodes = np.array(sorted(members), dtype=np.int64)
        if extreme.scale == "count":
            if not extreme.single:
                raise Unsaid(f"The graph does not say: by a count only the most or the fewest are told, and not the {extreme.word}.")
            hop = self._amount(extreme.noun, nodes)
            if hop is None or extreme.slot >= 0:
                return self._most(plan, found, nodes, topics) if hop is None else self._as_much(extreme, found, nodes, hop, topics)
        if hop is None:
            hop = measures.attribute(self.walker, nodes, extreme.about or plan.attribute, extreme.scale)
            if hop is not None and extreme.about and not topics and (odd := self._odd(plan, hop)):
                raise Unsaid(f"The graph does not say: the {extreme.word} is told of what is asked for itself, not of its {odd[0]}.")
        if hop is None:
            raise Unsaid(f"The graph does not say by what the {extreme.word} of {found.said or plan.noun} is to be told.")
        values = measures.values(self.walker, nodes, hop)
        best = sets.foremost(members, values, extreme.highest, extreme.rank, extreme.many)
        if not best:
            raise Unsaid(f"The graph does not say which is the {extreme.word}: what it has of {found.said} cannot be put in an order.")
        if plan.form == "choice":
            if lacking := [in_words(self.walker.node(node)) for node in members if node not in values]:
                raise Unsaid(f"The graph does not say which is the {extreme.word}: it has nothing of {lacking[0]} to compare.")
            best = {node: reduce(sets.also, (values[one][1] for one in members if one not in best), own) for node, own in best.items()}
        mark = ", ".join(dict.fromkeys(in_words(values[node][0]) for node in best))
        name = self.walker.route((hop,))[0]
        known = len(values) if len(values) == len(members) else f"{len(values)} of {len(members)}"
        said = f"{extreme.word} by {name!r} ({mark}) of {known}: {found.said}"
        return Found(best, said, found.share)

    def _odd(self, plan: Plan, hop: int) -> list[str]:
        """The words by which "the oldest discoverer" or "plumber" is not just of what is asked for."""
        said = [word for word in content(plan.attribute) if word not in FUNCTION_WORDS | LIGHT and word != BORN]
        roles = set(map(stem, self.walker.roles))
        if odd := [word for word in said if stem(word) in roles and not measures.means(self.walker, BORN, hop)]:
            return odd
        return [word for word in said if plan.noun == "who" and stem(word) not in roles and not self.walker.kind_of(word)]

    def _before_the_value(self, found: Found) -> tuple[Members, int | None]:
        """A set of dates or numbers is put in order by what leads to them: the set before the last hop."""
        reading = found.reading
        if reading is None or len(reading.hops) < 2 or any(isinstance(self.walker.node(node), Entity) for node in found.members):
            return found.members, None
        walks = self.walker.network.walks(np.array(reading.starts, dtype=np.int64), reading.hops[:-1])
        return {node: Member(sets.belief(path), (path,)) for node, path in walks.items()}, reading.hops[-1]

    def _amount(self, noun: str, nodes: Ints) -> int | None:
        """The hop to a number that "the most stars" means where stars are no things but a number of them is told."""
        return None if self.walker.kind_of(noun) else measures.attribute(self.walker, nodes, noun, "number")

    def _as_much(self, extreme: Extreme, found: Found, nodes: Ints, hop: int, topics: Sequence[Topic]) -> Found:
        """Those whose number by a hop stands to the one asked for as it says."""
        value = topics[extreme.slot]
        assert isinstance(value, Value)
        fitting = frozenset(self.scale(value, extreme.compare).tolist())
        told = measures.values(self.walker, nodes, hop)
        numbers = self.walker.network.numbers
        best = {node: sets.also(found.members[node], walk) for node, (mark, walk) in told.items() if numbers[mark] in fitting}
        said = f"{self.walker.route((hop,))[0]} {extreme.word} {value.low}: {found.said}"
        if not best:
            raise Unsaid(f"The graph does not say: it has nothing that is {said}.")
        return Found(best, said, found.share)

    def _most(self, plan: Plan, found: Found, nodes: Ints, topics: Sequence[Topic]) -> Found:
        extreme = plan.extreme
        assert extreme is not None
        value = topics[extreme.slot] if extreme.slot >= 0 else None
        kept = _as_many(extreme.highest, value if isinstance(value, Value) else None, extreme.compare)
        kind = self.walker.kind_of(extreme.noun)
        told = measures.most(self.walker, nodes, plan.attribute, kept, self._leading(kind), kind)
        if told is None:
            raise Unsaid(f"The graph does not say: nothing that leads from {found.said} to {extreme.noun} fits the question.")
        hop, counted = told
        best = {}
        for node, members in counted.items():
            whole, own = sets.whole(members), found.members[node]
            best[node] = Member(own.belief * whole.belief, (*own.walks, *whole.walks))
        if not best:
            raise Unsaid(f"The graph does not say: of {found.said}, nothing leads to {extreme.word} {_low(value)} {extreme.noun}.")
        sizes = "–".join(str(size) for size in sorted({min(map(len, counted.values())), max(map(len, counted.values()))}))
        word = extreme.word if value else "most" if extreme.highest else "fewest"
        told_by = " ".join([word, *([_low(value)] if value else [])])
        return Found(best, f"{told_by} by {self.walker.route((hop,))[0]!r} ({sizes}): {found.said}", found.share)

    def _leading(self, kind: str) -> Callable[[int], bool]:
        """Whether a hop leads to things of a kind, or to any where it is none."""
        ends = self.walker.aligner.wording.ends
        return lambda hop: not kind or stem(kind) in ends[hop]


def _as_many(highest: bool, value: Value | None, compare: Compare) -> Callable[[Ints], npt.NDArray[np.bool_]]:
    """Which of some counts are the most, or the fewest, or stand to a number as asked."""
    if value is None or not value.low.isdecimal():
        return lambda sizes: sizes == (sizes.max() if highest else sizes[sizes > 0].min())
    number = int(value.low)
    return {
        "<": lambda sizes: sizes < number,
        "<=": lambda sizes: sizes <= number,
        ">": lambda sizes: sizes > number,
        ">=": lambda sizes: sizes >= number,
        "=": lambda sizes: sizes == number,
    }[compare]


def _low(topic: Topic | None) -> str:
    return topic.low if isinstance(topic, Value) else ""
