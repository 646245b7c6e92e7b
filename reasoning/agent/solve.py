"""Carry out a plan: walk each clause, and do with the sets what the question says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from kgplatform.types import Entity, Path, in_words
from reasoning.agent import measures, sets
from reasoning.agent.foremost import Foremost
from reasoning.agent.found import Found, Topic, Unsaid
from reasoning.agent.plan import Clause, Plan
from reasoning.agent.sets import Member, Members
from reasoning.agent.walker import TEMPERATURE, Reading, Walker
from reasoning.paths.question import read
from reasoning.paths.topic import Mention
from reasoning.paths.values import Compare, Value
from reasoning.paths.words import stem

Ints = npt.NDArray[np.int64]

BEARERS = 5
SHOWN = 10


class Solver:
    """What is done with the sets that a walker finds."""

    def __init__(self, walker: Walker, scale: Callable[[Value, Compare], Ints]) -> None:
        self.walker, self.scale, self.number = walker, scale, walker.network.numbers
        self.foremost = Foremost(walker, scale).of

    def gathered(self, plan: Plan, topics: Sequence[Topic]) -> Found:
        """The set that the clauses make of each other, then its first or last."""
        kind = self.walker.kind_of(plan.noun)
        found = self._together(plan, topics, kind)
        return self.foremost(plan, found, topics) if plan.extreme else found

    def _together(self, plan: Plan, topics: Sequence[Topic], kind: str) -> Found:
        members: Members | None = None
        said, share = "", 1.0
        parts: list[Found] = []
        for clause in plan.clauses:
            part = self.clause(clause, topics, self._fitting(kind, members), clause.negative)
            parts.append(part)
            share *= part.share
            if members is None and clause.negative:
                members, said = self._all(kind, sets.ABSENT), f"{plan.noun}"
            if members is None:
                members, said = part.members, part.said
            elif clause.negative:
                members, said = sets.without(members, part.members), f"{said}, but not {part.said}, as far as the graph says"
            elif clause.union:
                members, said = sets.either(members, part.members), f"{said}, or {part.said}"
            else:
                members, said = sets.both(members, part.members), f"{said}, and {part.said}"
        if members is None:
            members, said = self._all(kind), plan.noun
        if not members and self._each(plan):
            members = parts[0].members
            for part in parts[1:]:
                members = sets.either(members, part.members)
            said = "; ".join(f"{part.said}: {self.names(part.members)}" for part in parts)
        if not members:
            raise Unsaid(f"The graph says of nothing that it is {said}. It says: {self._each_said(parts)}.")
        return Found(members, said, share, parts[0].reading if len(parts) == 1 else None)

    def _each(self, plan: Plan) -> bool:
        """Whether "A and B" may mean each by itself: no "both", and no other condition."""
        plain = not any(clause.negative or clause.union for clause in plan.clauses)
        return plain and not plan.strict and len({clause.text for clause in plan.clauses}) == 1

    def _each_said(self, parts: Sequence[Found]) -> str:
        return "; ".join(f"{part.said}: {self.names(part.members) or 'nothing'}" for part in parts)

    def _all(self, kind: str, believed: float = 1.0) -> dict[int, Member]:
        """Everything of a kind."""
        if kind not in self.walker.of_kind:
            raise Unsaid("The graph does not say: the question does not tell of which kind of things it asks.")
        return {int(node): Member(believed, ()) for node in self.walker.of_kind[kind]}

    def _fitting(self, kind: str, members: Members | None) -> Callable[[int], bool]:
        """Whether a last hop leads to the kind asked for, and to what the set so far is made of."""
        wanted = [{stem(kind)}] if kind else []
        if members:
            nodes = [self.walker.node(node) for node in members]
            wanted.append({stem(own) for node in nodes for own in (node.kinds if isinstance(node, Entity) else (node.datatype,))})
        ends = self.walker.aligner.wording.ends
        return lambda hop: all(kinds & ends[hop] for kinds in wanted)

    def clause(self, clause: Clause, topics: Sequence[Topic], fits: Callable[[int], bool], denied: bool = False) -> Found:
        """Where the clause's topic leads. What is denied may lead nowhere."""
        topic = topics[clause.slot]
        if isinstance(topic, Value):
            value = Value(topic.start, topic.end, topic.low, self._until(clause, topics)) if clause.until >= 0 else topic
            return self._from_value(clause, value, fits, denied)
        if clause.compare != "=":
            return self._beyond(clause, topic, fits)
        asked = read(clause.text, clause.start, clause.end)
        readings = self.walker.readings(asked, self.bearers(topic), fits, together=topic.family)
        best = self.walker.chosen(readings)
        if best is None and not denied and (wider := self._inside(clause, topic, fits)):
            return wider
        if best is None and (not denied or not readings or readings[0].worst < self.walker.floor):
            raise self.unsaid(topic)
        if best is None:
            return Found({}, self._route(readings[0]), readings[0].share, readings[0])
        ambiguous(readings)
        return Found(self.walker.members(best), self._route(best), best.share, best)

    def bearers(self, topic: Mention) -> dict[int, Entity | None]:
        """What a name may mean, or all that it means."""
        return {self.number[entity.id]: entity for entity in topic.entities[: None if topic.family else BEARERS]}

    def _until(self, clause: Clause, topics: Sequence[Topic]) -> str:
        end = topics[clause.until]
        return end.high if isinstance(end, Value) else ""

    def _from_value(self, clause: Clause, value: Value, fits: Callable[[int], bool], denied: bool) -> Found:
        starts = self.scale(value, clause.compare)
        words = _worded(value, clause.compare)
        if not len(starts) and not denied:
            raise Unsaid(f"The graph does not say: it has no date or number that is {words}.")
        asked = read(clause.text, clause.start, clause.end)
        readings = self.walker.readings(asked, dict.fromkeys(starts.tolist()), fits, together=True) if len(starts) else []
        best = self.walker.chosen(readings)
        if best is None:
            if denied and not len(starts):
                return Found({}, words, 1.0)
            raise Unsaid(f"The graph does not say: nothing that leads from {words} fits the question.")
        return Found(self.walker.members(best), f"{words} – {' – '.join(self.walker.route(best.hops))}", best.share, best)

    def _beyond(self, clause: Clause, topic: Mention, fits: Callable[[int], bool]) -> Found:
        """What has a date or number that stands so to the topic's own."""
        start = self.number[topic.entities[0].id]
        own = np.array([start], dtype=np.int64)
        said = clause.about or _rest(clause)
        hop = measures.attribute(self.walker, own, said)
        if hop is None:
            raise Unsaid(f"The graph has no date or number of {topic.entities[0].name} to compare with.", topic=topic.entities[0])
        mark, walk = measures.values(self.walker, own, hop)[start]
        nodes = self.scale(Value(0, 0, mark.value, mark.value), clause.compare)
        back = hop + self.walker.count
        if not fits(back):
            raise self.unsaid(topic)
        walks = self.walker.network.walks(nodes, (back,)) if len(nodes) else {}
        members = {end: Member(sets.belief(path) * sets.belief(walk), (path, walk)) for end, path in walks.items() if end != start}
        name = self.walker.route((hop,))[0]
        return Found(members, f"{name} {_SIGNS[clause.compare]} that of {topic.entities[0].name} ({in_words(mark)})", 1.0)

    def _inside(self, clause: Clause, topic: Mention, fits: Callable[[int], bool]) -> Found | None:
        """What holds of the things that lie in the topic: "born in Poland" of who was born in Warsaw."""
        start = self.number[topic.entities[0].id]
        parts = self.walker.inside(start)
        if not parts:
            return None
        asked = read(clause.text, clause.start, clause.end)
        best = self.walker.chosen(self.walker.readings(asked, dict.fromkeys(parts), fits, together=True))
        if best is None or not self.walker.passes(best.hops):
            return None
        members = {}
        for end, member in self.walker.members(best).items():
            first = member.walks[0].steps[0].start
            led = parts[self.number[first.id if isinstance(first, Entity) else first]]
            walk = Path((*led.steps, *member.walks[0].steps))
            members[end] = Member(sets.belief(walk), (walk,))
        route = " – ".join(self.walker.route(best.hops))
        return Found(members, f"what lies in {topic.entities[0].name} – {route}", best.share)

    def names(self, members: Members) -> str:
        shown = [in_words(self.walker.node(node)) for node, _ in sets.ranked(members, self.name)]
        return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")

    def name(self, node: int) -> str:
        return in_words(self.walker.node(node))

    def _route(self, reading: Reading) -> str:
        name = reading.topic.name if reading.topic else ""
        return f"{name} – {' – '.join(self.walker.route(reading.hops))}"

    def unsaid(self, topic: Mention) -> Unsaid:
        """That nothing of the topic fits, and what the graph knows of it."""
        entity = topic.entities[0]
        known = self.walker.known(self.number[entity.id])
        text = f"The graph does not say: nothing that it says of {entity.name} fits the question. It knows: {', '.join(known[:SHOWN])}."
        return Unsaid(text, topic=entity)


_SIGNS = {"=": "the same as", "<": "before", "<=": "at most", ">": "beyond", ">=": "at least"}


def _worded(value: Value, compare: str) -> str:
    span = value.low if value.low == value.high else f"{value.low} to {value.high}"
    return span if compare == "=" else f"{_SIGNS[compare]} {span}"


def _rest(clause: Clause) -> str:
    return f"{clause.text[: clause.start]} {clause.text[clause.end :]}"


def ambiguous(readings: Sequence[Reading]) -> None:
    """Refuse to guess which bearer of a name is meant when two answer nearly as well, and differently."""
    best = next(one for one in readings if one.reached)
    near = [one for one in readings if one.reached and one.score > best.score - TEMPERATURE and one.hops == best.hops]
    meant = {one.topic.id: one.topic for one in near if one.topic}
    if len(meant) > 1:
        names = [entity.name for entity in meant.values()]
        said = names if len(set(names)) == len(names) else [f"{entity.name} ({entity.id})" for entity in meant.values()]
        raise Unsaid(f"{len(meant)} things may be meant: {', '.join(said)}. Say which.", choices=tuple(meant.values()))
