"""The first or last of a set: by a date, by a number, or by how many things a relation leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
from reasoning.paths.words import FUNCTION_WORDS, content, stem

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
            if (
                hop is not None
                and extreme.about
                and not topics
                and not measures.means(self.walker, BORN, hop)
                and (odd := self._roles(plan))
            ):
                raise Unsaid(f"The graph does not say: the {extreme.word} is told of what is asked for itself, not of its {odd[0]}.")
        if hop is None:
            raise Unsaid(f"The graph does not say by what the {extreme.word} of {found.said or plan.noun} is to be told.")
        values = measures.values(self.walker, nodes, hop)
        best = sets.foremost(members, values, extreme.highest, extreme.rank, extreme.many)
        if not best:
            raise Unsaid(f"The graph does not say which is the {extreme.word}: what it has of {found.said} cannot be put in an order.")
        mark = ", ".join(dict.fromkeys(in_words(values[node][0]) for node in best))
        name = self.walker.route((hop,))[0]
        known = len(values) if len(values) == len(members) else f"{len(values)} of {len(members)}"
        said = f"{extreme.word} by {name!r} ({mark}) of {known}: {found.said}"
        return Found(best, said, found.share)

    def _roles(self, plan: Plan) -> list[str]:
        """The words by which "the oldest discoverer" is of somebody else than what is asked for."""
        roles = set(map(stem, self.walker.roles))
        return [word for word in content(plan.attribute) if stem(word) in roles and word not in FUNCTION_WORDS and word != BORN]

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
        told = measures.most(self.walker, nodes, plan.attribute, kept, self._kind(extreme.noun))
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

    def _kind(self, noun: str) -> Callable[[int], bool]:
        """Whether a hop leads to things of the kind that a noun names, or to any where it names none."""
        kind, ends = self.walker.kind_of(noun), self.walker.aligner.wording.ends
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
