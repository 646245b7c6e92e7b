"""Yes or no: yes only when it is walked, no only when a relation that has one value has another; else the graph does not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kgplatform.types import Entity, Literal, Path, in_words
from reasoning.agent import measures, sets
from reasoning.agent.found import Topic, Unsaid
from reasoning.agent.plan import Clause, Plan
from reasoning.agent.solve import Solver, ambiguous
from reasoning.agent.walker import TEMPERATURE, Reading
from reasoning.paths.question import read
from reasoning.paths.topic import Mention
from reasoning.paths.values import Compare, Value
from reasoning.paths.words import stem, words

_OPPOSITE: dict[Compare, Compare] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "="}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is so, by which walks, in words, and how surely."""

    true: bool
    walks: tuple[Path, ...]
    said: str
    confidence: float


def judged(solver: Solver, plan: Plan, topics: Sequence[Topic]) -> Verdict:
    """The verdict on all that is asked at once. Raises ``Unsaid`` when the graph does not say."""
    if not plan.clauses:
        raise Unsaid("The graph does not say: the question is not one that a walk from one name to another can answer.")
    pairs = [(clause, target) for clause in plan.clauses for target in plan.targets or (-1,)]
    verdicts, unsaid = [], None
    for clause, target in pairs:
        try:
            verdicts.append(_one(solver, plan, clause, topics, target))
        except Unsaid as error:
            unsaid = error
    if unsaid and not (plan.either and any(one.true for one in verdicts)):
        raise unsaid
    true = any(one.true for one in verdicts) if plan.either else all(one.true for one in verdicts)
    kept = [one for one in verdicts if one.true == true]
    denied = plan.clauses[0].negative
    confidence = (max if plan.either == true else min)(one.confidence for one in kept)
    return Verdict(true != denied, tuple(walk for one in kept for walk in one.walks), "; ".join(one.said for one in kept), confidence)


def _one(solver: Solver, plan: Plan, clause: Clause, topics: Sequence[Topic], target: int) -> Verdict:
    subject, goal = topics[clause.slot], topics[target] if target >= 0 else None
    if isinstance(subject, Value):
        if not isinstance(goal, Mention):
            raise Unsaid("The graph does not say: the question names nothing that is in the graph.")
        subject, goal = goal, subject
    if goal is not None and plan.compare != "=":
        return _compared(solver, plan, clause, subject, goal)
    asked = read(clause.text, clause.start, clause.end)
    kinds, ends = set() if goal else _kinds(solver, clause), solver.walker.aligner.wording.ends
    readings = solver.walker.readings(
        asked, solver.bearers(subject), lambda hop: not kinds or bool(kinds & ends[hop]), together=subject.family
    )
    if not readings or readings[0].worst < solver.walker.floor:
        raise solver.unsaid(subject)
    if goal is None:
        return _exists(solver, readings, subject)
    return _led(solver, readings, goal, subject)


def _kinds(solver: Solver, clause: Clause) -> set[str]:
    """Stems of the kinds of things that a question names: "an element"."""
    kinds = {stem(kind) for kind in solver.walker.of_kind}
    return {form for word in words(clause.text) if (form := stem(word.text.casefold())) in kinds}


def _exists(solver: Solver, readings: Sequence[Reading], subject: Mention) -> Verdict:
    best = readings[0]
    if not best.reached:
        raise solver.unsaid(subject)
    ambiguous(readings)
    members = solver.walker.members(best)
    return Verdict(True, sets.whole(members).walks, _said(solver, best), best.share * max(one.belief for one in members.values()))


def _led(solver: Solver, readings: Sequence[Reading], goal: Topic, subject: Mention) -> Verdict:
    """Yes when a walk that the question means leads to the goal, or to what lies in it; as sure as that any such walk is meant."""
    nodes = _nodes(solver, goal)
    alike = [_alike(solver, one, goal) for one in readings]
    # The goal tells that none of the others was asked for.
    whole = sum(one.share for one, fits in zip(readings, alike, strict=True) if fits)
    readings = [replace(one, share=one.share / whole) if fits else one for one, fits in zip(readings, alike, strict=True)]
    fitting = [one for one, fits in zip(readings, alike, strict=True) if fits]
    sure = sum(one.share for one in fitting if not nodes.isdisjoint(one.reached))
    near = [one for one in readings if one.worst >= solver.walker.floor and one.score > readings[0].score - TEMPERATURE]
    for reading in [*fitting[:1], *near]:
        if reading.worst < solver.walker.floor:
            continue
        members = solver.walker.members(reading)
        if hit := [members[node] for node in sorted(nodes) if node in members]:
            said = f"{_route(solver, reading)} – {in_words(hit[0].walks[0].steps[-1].end)}"
            if others := _against(solver, reading, nodes):
                said += f", though others say {others}, and one at most can be true"
            return Verdict(True, hit[0].walks, said, max(sure, reading.share) * hit[0].belief)
        around = solver.walker.around(sorted(members))
        if places := [node for node in sorted(nodes) if node in around]:
            rest = around[places[0]]
            start = rest.steps[0].start
            led = members[solver.number[start.id if isinstance(start, Entity) else start]].walks[0]
            walk = Path((*led.steps, *rest.steps))
            said = f"{_said(solver, reading)}, which lies in {solver.name(places[0])}"
            return Verdict(True, (walk,), said, reading.share * sets.belief(walk))
    return _denied(solver, fitting, subject, near)


def _denied(solver: Solver, fitting: Sequence[Reading], subject: Mention, near: Sequence[Reading]) -> Verdict:
    """No when the relation asked for has one value at most, and it is another."""
    best = fitting[0] if fitting and fitting[0].worst >= solver.walker.floor else None
    if best and best.reached and len(best.hops) == 1 and _single(solver, best.hops[0]):
        member = next(iter(solver.walker.members(best).values()))
        return Verdict(False, member.walks, f"{_said(solver, best)}, and one at most can be true", best.share * member.belief)
    told = next((one for one in [*([best] if best else []), *near] if one.reached), None)
    if told is None:
        raise solver.unsaid(subject)
    raise Unsaid(f"The graph does not say so. It says: {_said(solver, told)}.", topic=told.topic)


def _against(solver: Solver, reading: Reading, nodes: set[int]) -> str:
    """What else is said by a relation that has one value at most."""
    if len(reading.hops) > 1 or not _single(solver, reading.hops[0]):
        return ""
    ends = [solver.walker.node(node) for node in reading.reached]
    dates = [end for end in ends if isinstance(end, Literal)]
    hit = [solver.walker.node(node) for node in nodes]
    whole = max((end.value for end in dates), key=len, default="")
    if len(dates) == len(ends) and all(whole.startswith(date.value) for date in dates):
        return ""  # one date, told more and less precisely
    return ", ".join(in_words(end) for end in ends if end not in hit)


def _single(solver: Solver, hop: int) -> bool:
    card = solver.walker.cards.get(solver.walker.network.relations[hop % solver.walker.count])
    return card is not None and (card.functional if hop < solver.walker.count else card.inverse_functional)


def _nodes(solver: Solver, goal: Topic) -> set[int]:
    if isinstance(goal, Value):
        return set(solver.scale(goal, "=").tolist())
    return {solver.number[entity.id] for entity in goal.entities}


def _alike(solver: Solver, reading: Reading, goal: Topic) -> bool:
    """Whether the reading ends in things of the goal's kind."""
    ends = solver.walker.aligner.wording.ends[reading.hops[-1]]
    if isinstance(goal, Value):
        return bool(ends & _VALUES)
    return any(stem(kind) in ends for entity in goal.entities for kind in entity.kinds)


_VALUES = frozenset(map(stem, ("date", "year", "integer", "decimal")))


def _compared(solver: Solver, plan: Plan, clause: Clause, subject: Mention, goal: Topic) -> Verdict:
    """Whether the subject's date or number stands to the goal, or to the goal's, as asked."""
    said = plan.about or f"{clause.text[: clause.start]} {clause.text[clause.end :]}"
    mine, mark, name = _value(solver, subject, said)
    walks: tuple[Path, ...] = (mine,)
    if isinstance(goal, Mention):
        theirs, ref, _ = _value(solver, goal, said)
        walks, other = (mine, theirs), f", {goal.entities[0].name} – {name}: {in_words(ref)}"
        value = Value(0, 0, ref.value, ref.value)
    else:
        value, other = goal, ""
    node = solver.number[mark]
    for true, compare in ((True, plan.compare), (False, _OPPOSITE[plan.compare])):
        if node in solver.scale(value, compare):
            belief = float(np.prod([sets.belief(walk) for walk in walks]))
            return Verdict(true, walks, f"{subject.entities[0].name} – {name}: {in_words(mark)}{other}", belief)
    raise Unsaid(f"The graph does not say: {in_words(mark)} cannot be compared with that.", topic=subject.entities[0])


def _value(solver: Solver, mention: Mention, said: str) -> tuple[Path, Literal, str]:
    entity = mention.entities[0]
    nodes = np.array([solver.number[entity.id]], dtype=np.int64)
    hop = measures.attribute(solver.walker, nodes, said)
    found = measures.values(solver.walker, nodes, hop) if hop is not None else {}
    if hop is None or not found:
        raise solver.unsaid(mention)
    value, walk = found[int(nodes[0])]
    return walk, value, solver.walker.route((hop,))[0]


def _route(solver: Solver, reading: Reading) -> str:
    return f"{reading.topic.name if reading.topic else ''} – {' – '.join(solver.walker.route(reading.hops))}"


def _said(solver: Solver, reading: Reading) -> str:
    return f"{_route(solver, reading)}: {solver.names(solver.walker.members(reading))}"
