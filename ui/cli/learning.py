"""``kg learn``: what to learn, in which order, to come to a goal."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kgplatform.errors import BadFile, BadRequest, NotFound
from ui import shapes
from ui.cli.command import Run, add
from ui.cli.screen import percent

if TYPE_CHECKING:
    from kgplatform.types import Entity
    from reasoning.recommend.learning import Before, End, LearningPath, Prerequisites

MIN_CONFIDENCE = 0.5
CONCEPT, RIGHT = ("concept", "item", "skill"), {"1": True, "0": False, "right": True, "wrong": False, "true": True, "false": False}
"""What the first column of answers may be called, and what stands in the second."""


def register(app: typer.Typer) -> None:
    """Add the command to ``kg``."""
    add(app, "learn", example='kg learn "expectation maximization algorithm" --known probabilities,"loss function=0.7"')(learn)


def learn(
    run: Run,
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What is to be learned: a name or an id.")],
    known: Annotated[list[str] | None, typer.Option(metavar="A,B", help="What is known, surely or as NAME=0.7; may come again.")] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Answers in time order, with the columns concept and right (1 or 0), to tell what is known."),
    ] = None,
    relation: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A relation whose head is learned before its tail.")] = None,
    requires: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A relation whose tail is learned before its head.")] = None,
    min_confidence: Annotated[float, typer.Option(min=0.0, max=1.0, help="Facts that are believed less are left out.")] = MIN_CONFIDENCE,
) -> None:
    """List what to learn to come to a goal: all that is needed and not known, everything after what it needs.

    By default it follows the relations whose names say what comes first, as "is a prerequisite of" or "requires". What is known with a
    probability of 95 % and more is known.
    """
    from reasoning.recommend.learning import Prerequisites

    prerequisites = Prerequisites.of(run.graph, _relations(relation or (), requires or ()), min_confidence)
    wanted = prerequisites.find(goal)
    mastery = _answered(run, prerequisites, answers) if answers else {}
    mastery |= {entity.id: probability for told in known or () for entity, probability in _known(prerequisites, told)}
    found = prerequisites.path(wanted, mastery)
    run.screen.emit(_shape(found))
    _show(run, found)


def _relations(first: Sequence[str], last: Sequence[str]) -> dict[str, End] | None:
    """Which end of which relation comes first; a name that itself says which is believed. None where none is named."""
    from reasoning.recommend.learning import direction

    told: dict[str, End] = {name: direction(name) or "head" for name in first}
    told |= dict.fromkeys(last, "tail")
    return told or None


def _known(prerequisites: Prerequisites, told: str) -> Iterator[tuple[Entity, float]]:
    """What one ``--known`` names: an entity whose name may have commas in it, else several between commas."""
    try:
        yield prerequisites.find(told), 1.0
    except NotFound:
        for part in filter(None, map(str.strip, next(csv.reader([told], skipinitialspace=True)))):
            name, sign, probability = part.rpartition("=")
            yield (prerequisites.find(name), _probability(part, probability)) if sign else (prerequisites.find(part), 1.0)


def _probability(part: str, told: str) -> float:
    try:
        found = float(told)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise BadRequest(f"--known {part}: {told!r} is no probability from 0 to 1")
    return found


def _answered(run: Run, prerequisites: Prerequisites, path: Path) -> dict[str, float]:
    """What the answers of a file tell of concepts; those that the graph lacks are told of and left out."""
    told, missing = list[tuple["Entity", bool]](), dict[str, None]()
    for name, right in _rows(path):
        try:
            told.append((prerequisites.find(name), right))
        except NotFound:
            missing[name] = None
    if missing:
        run.screen.note(f"{path}: {shapes.many(len(missing), 'concept')} that the graph lacks: {', '.join(list(missing)[:5])}")
    return prerequisites.mastery(told)


def _rows(path: Path) -> Iterator[tuple[str, bool]]:
    """Concept and right or wrong, line by line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadFile(f"{path}: is not UTF-8") from None
    except OSError as error:
        raise BadFile(f"{path}: cannot be read ({error.strerror})") from None
    rows = list(csv.reader(lines, delimiter="\t" if lines and "\t" in lines[0] else ","))
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((head.index(name) for name in CONCEPT if name in head), -1)
    if column < 0 or "right" not in head:
        raise BadFile(f"{path}: has no columns concept and right in its first line, only {', '.join(head) or 'nothing'}")
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        right = RIGHT.get(row[head.index("right")].strip().lower()) if len(row) == len(head) else None
        if right is None or not row[column].strip():
            raise BadFile(f"{path}, line {number}: expected a concept and 1 for a right or 0 for a wrong answer")
        yield row[column].strip(), right


def _shape(found: LearningPath) -> shapes.Shape:
    steps = [
        {
            **shapes.end(step.concept),
            "mastery": step.mastery,
            "unlocks": step.unlocks,
            "because": _fact(step.because) if step.because else None,
        }
        for step in found.steps
    ]
    return {
        "goal": shapes.end(found.goal),
        "steps": steps,
        "known": [shapes.end(one) for one in found.known],
        "left_out": [_fact(one) for one in found.left_out],
        "relations": {name: f"{end} first" for name, end in found.relations.items()},
    }


def _fact(one: Before) -> shapes.Shape:
    return {"key": one.key, "words": one.words, "confidence": one.confidence}


def _show(run: Run, found: LearningPath) -> None:
    say = run.screen.say
    if not found.steps:
        say(f"{found.goal.name} is known already: there is nothing to learn for it")
    for number, step in enumerate(found.steps, 1):
        say(f"{number:>3}. {step.concept.name}" + (f"  (mastery {percent(step.mastery)})" if step.mastery else ""))
        if step.because:
            say(f"       {step.because.words}  ({percent(step.because.confidence)})")
    if len(found.steps) == 1:
        say("nothing else has to be learned first" if found.known else "the graph names nothing that has to be learned first")
    for one in found.left_out:
        run.screen.note(f"left out, for it closes a circle of what others say:  {one.words}  ({percent(one.confidence)})")
