"""What a run would ask, before anything is asked: its first question as it is, and for each that may follow one as long as they may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice

from harvest.expand import grounding, years
from harvest.expand.answering import NAME, candidates, request
from harvest.expand.grown import Question
from harvest.expand.limits import Limits, Way
from harvest.expand.strategies import QUOTED
from kgplatform import names
from kgplatform.lm.talk import Request
from kgplatform.types import Candidate, Passage


def requests(question: str, way: Way, limits: Limits, passages: Sequence[Passage] | None = None) -> Iterator[Request]:
    """As many as it asks at most; ``passages`` are those that the first answer quotes from."""
    topic = names.clean(question)
    calls = len(way.years) or 1 + (limits.iterations - 1) * way.fan_out
    first = years.question(topic, way.years[0], ()) if way.years else Question(topic)
    yield request(first, topic, way.seed, passages)
    if way.years:
        later = years.question(topic, way.years[-1], _statements(topic))
    else:
        later = Question(f"It was said: {_words(topic, QUOTED)} What would have to be otherwise if this were not so?")
    longest = request(later, topic, way.seed, _longest(passages) if passages else passages)
    for number in range(1, min(calls, limits.calls or calls)):
        yield replace(longest, sample=way.seed + number)


def _words(some: str, many: int) -> str:
    """So many letters in these words."""
    return (f"{some} " * (many // len(some) + 1))[:many]


def _longest(passages: Sequence[Passage]) -> list[Passage]:
    return [replace(one, text=_words(one.text, grounding.LONGEST)) for one in islice(cycle(passages), grounding.SHOWN)]


def _statements(topic: str) -> list[Candidate]:
    """As many and as long as a span of years is told of the one before."""
    edges = [{end: f"{number} {_words(topic, NAME - 3)}" for end in ("source", "relation")} for number in range(years.TOLD)]
    where = dict.fromkeys(("iteration", "model", "run", "response"), "planned")
    return candidates({"edges": [{**one, "target": f"{one['source'][:-1]}x"} for one in edges]}, Question(topic), where)
