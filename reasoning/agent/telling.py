"""An answer in words: what is listed, where it was walked to, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from kgplatform.types import Entity, Fact, Literal, Path, in_words
from reasoning.agent.found import Topic
from reasoning.agent.solve import SHOWN
from reasoning.paths.topic import Mention


def years(ends: Sequence[Entity | Literal]) -> list[Entity | Literal]:
    """Dates as their years, when only dates were found."""
    told = [Literal(end.value[:4], "year") for end in ends if isinstance(end, Literal) and end.datatype in ("date", "year")]
    return list(told) if len(told) == len(ends) else list(ends)


def one_date(facts: Sequence[Fact]) -> bool:
    """Whether the tails are one date, told more and less precisely: that is no disagreement."""
    dates = [fact.tail.value for fact in facts if isinstance(fact.tail, Literal) and fact.tail.datatype in ("date", "year")]
    return len(dates) == len(facts) and all(max(dates, key=len).startswith(date) for date in dates)


def listed(ends: Sequence[Entity | Literal], paths: Sequence[Path] = ()) -> str:
    """The first of them; with the path to each, those that a predicted fact leads to are marked."""
    shown = [in_words(end) + (" (predicted)" if _predicted(paths[at : at + 1]) else "") for at, end in enumerate(ends[:SHOWN])]
    return ", ".join(shown) + (f" and {len(ends) - SHOWN} more" if len(ends) > SHOWN else "")


def _predicted(paths: Sequence[Path]) -> bool:
    return any(step.fact.origin == ("predicted",) for path in paths for step in path.steps)


def vague(topics: Sequence[Topic]) -> str:
    """What a name that is spelt otherwise, or is of several, was taken for."""
    taken = [_any_of(topic) if topic.family else topic.entities[0].name for topic in topics if _is_vague(topic)]
    return "".join(f" I took one name to be {name}." for name in taken)


def _is_vague(topic: Topic) -> TypeGuard[Mention]:
    return isinstance(topic, Mention) and (topic.family or not topic.exact)


def _any_of(mention: Mention) -> str:
    return f"any of {listed(mention.entities)}"


def walked(
    topic: Entity,
    route: Sequence[str],
    answers: Sequence[Entity | Literal],
    paths: Sequence[Path],
    conflicts: Sequence[Sequence[Fact]],
    mention: Mention,
) -> str:
    """Where the walk led, what disagrees on the way, and what the names were taken for."""
    parts = [f"{topic.name} – {' – '.join(route)}: {listed(answers, paths)}."]
    parts += [
        f"The sources disagree: {facts[0].head.name} has {len(facts)} values of {facts[0].relation!r}"
        f" ({', '.join(in_words(fact.tail) for fact in facts)}), and one at most can be true."
        for facts in conflicts
    ]
    if _is_vague(mention):
        parts.append(f"I took the topic to be {_any_of(mention) if mention.family else topic.name}.")
    if len(mention.entities) > 1 and not mention.family:
        parts.append(f"{len(mention.entities)} things bear that name; this is {topic.id}.")
    return " ".join(parts)
