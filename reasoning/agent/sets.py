"""Sets of answers and what is done with them. Every member keeps the walks that put it there, and how far they are believed.

What two sets both say is believed as far as both are; what either says, as far as they are not both wrong. Absence is
only what the graph does not say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from kgplatform.types import Literal, Path
from reasoning.paths.values import order

ABSENT = 0.5
"""How far it is believed of what the graph says nothing of that it is not so."""


@dataclass(frozen=True, slots=True)
class Member:
    """How far it is believed that something belongs to a set, and by which walks."""

    belief: float
    walks: tuple[Path, ...]


Members = Mapping[int, Member]


def both(one: Members, other: Members) -> dict[int, Member]:
    """What is in both."""
    return {
        node: Member(member.belief * other[node].belief, (*member.walks, *other[node].walks))
        for node, member in one.items()
        if node in other
    }


def either(one: Members, other: Members) -> dict[int, Member]:
    """What is in one or the other."""
    joined = dict(one)
    for node, member in other.items():
        held = joined.get(node)
        joined[node] = Member(1 - (1 - held.belief) * (1 - member.belief), (*held.walks, *member.walks)) if held else member
    return joined


def without(one: Members, other: Iterable[int]) -> dict[int, Member]:
    """What is in the first and, as far as the graph says, not in the other."""
    left = frozenset(other)
    return {node: member for node, member in one.items() if node not in left}


def foremost(
    members: Members, values: Mapping[int, tuple[Literal, Path]], highest: bool, rank: int = 1, many: int = 1
) -> dict[int, Member] | None:
    """The members with the highest or lowest value, each with the walk to it; ``None`` when values cannot be told apart.

    Or those with the ``rank``-th value, or the first ``many``, in their order; who shares the last value is one of them. What is behind
    others is so only as far as the value of one of each of these is believed.
    """
    left = {node for node in members if node in values}
    chosen: list[int] = []
    ahead: list[Path] = []
    while left and (rank > 0 or len(chosen) < many):
        best: list[int] = []
        for node in left:
            told = order(values[node][0], values[best[0]][0]) if best else 0
            if told is None:
                return None
            if not best or told == (1 if highest else -1):
                best = [node]
            elif told == 0:
                best.append(node)
        left.difference_update(best)
        rank -= 1
        if rank > 0:
            ahead.append(max((values[node][1] for node in best), key=belief))
        else:
            chosen += sorted(best)
    return {node: reduce(also, (values[node][1], *ahead), members[node]) for node in chosen}


def whole(members: Members) -> Member:
    """A set as one: no surer than its least believed member, with all walks."""
    return Member(min((one.belief for one in members.values()), default=0.0), tuple(walk for one in members.values() for walk in one.walks))


def ranked(members: Members, name: Callable[[int], str]) -> list[tuple[int, Member]]:
    """The most believed first, then by name."""
    return sorted(members.items(), key=lambda item: (-item[1].belief, name(item[0])))


def belief(path: Path) -> float:
    """How far a walk is believed: all its facts together, so never more than the weakest."""
    return math.prod(step.fact.confidence for step in path.steps)


def also(member: Member, walk: Path) -> Member:
    """A member for which one more walk is needed."""
    return Member(member.belief * belief(walk), (*member.walks, walk))
