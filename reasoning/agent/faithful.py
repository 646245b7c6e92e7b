"""Whether an answer rests on the walk that is shown for it: the walk's facts are taken away, and the question is asked again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reasoning.agent.answer import Answer
from reasoning.agent.ask import Guide


@dataclass(frozen=True, slots=True)
class Check:
    """What is answered without the facts of the walks; ``flips`` where that is another answer, or none."""

    flips: bool
    facts: int
    without: Answer


def check(guide: Guide, question: str, answer: Answer, means: Collection[str] = ()) -> Check | None:
    """Ask again without the facts that the answer rests on; ``None`` where it rests on no walk."""
    facts = {step.fact.key: step.fact for path in answer.paths for step in path.steps}
    if not answer.supported or not facts:
        return None
    again = guide.without(facts.values()).answer(question, means)
    return Check(not again.supported or set(again.answers) != set(answer.answers), len(facts), again)
