"""A question that is answered by no plan of ours, cut by somebody into shorter ones: each is answered from walked facts alone.

Whoever cuts it adds nothing: the parts have the words of the question and no others, and leave none of them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kgplatform.types import Entity, Literal, Path, in_words
from reasoning.agent.answer import Answer
from reasoning.agent.telling import listed
from reasoning.paths.words import FUNCTION_WORDS, stem, words

MOST = 3
"""Parts of a question."""
EACH = 10
"""Answers of a part that the next is asked about."""
_ANSWER = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True)
class _Reached:
    belief: float
    paths: tuple[Path, ...]


_Ends = dict[Entity | Literal, _Reached]


def wrong(question: str, parts: Sequence[str]) -> str | None:
    """What is wrong with the parts, in words for who cut them."""
    asked, said = _content(question), _content(" ".join(parts))
    if added := sorted(said - asked):
        return f"the questions have words that the question has not: {', '.join(added)}"
    if missing := sorted(asked - said):
        return f"the questions leave out: {', '.join(missing)}"
    for number, part in enumerate(parts, 1):
        named = set(map(int, _ANSWER.findall(part)))
        if len(named) > 1 or not named <= set(range(1, number)) or (number > 1 and not named):
            return f"question {number} must hold the mark of one question before it, such as #1"
    return None


def _content(text: str) -> set[str]:
    return {stem(word.text.casefold()) for word in words(_ANSWER.sub(" ", text)) if word.text.casefold() not in FUNCTION_WORDS}


def answered(answer: Callable[[str], Answer], parts: Sequence[str]) -> Answer | None:
    """The answer of the last part, with the walks of all; ``None`` where one is not answered, or leads to too many to go on from."""
    found: list[_Ends] = []
    said: list[str] = []
    topic: Entity | None = None
    for part in parts:
        mark = _ANSWER.search(part)
        befores: _Ends = found[int(mark[1]) - 1] if mark else {}
        if mark and not 0 < len(befores) <= EACH:
            return None
        told = [(answer(_filled(part, in_words(end))), before) for end, before in befores.items()]
        told = [(one, before) for one, before in told or [(answer(part), _Reached(1.0, ()))] if one.supported]
        if len(told) > 1 and any(_made(one) for one, _ in told):
            return None
        topic = topic or next((one.topic for one, _ in told), None)
        found.append(_joined(told))
        said.append(f"{part} {listed(list(found[-1]))}.")
    if not found or not found[-1]:
        return None
    best = sorted(found[-1].items(), key=lambda item: (-item[1].belief, in_words(item[0])))
    ways = {id(one): one for _, one in best}.values()  # ends of one answer share its walks
    walks = tuple(dict.fromkeys(path for one in ways for path in one.paths))
    return Answer(" ".join(said), True, topic=topic, answers=tuple(end for end, _ in best), paths=walks, confidence=best[0][1].belief)


def _made(answer: Answer) -> bool:
    """Whether it is a count or a yes or no, which cannot be put beside others."""
    return bool(answer.members) or any(one.datatype == "boolean" for one in answer.literals)


def _joined(told: Sequence[tuple[Answer, _Reached]]) -> _Ends:
    """What the answers lead to: of several ways to one end that which is believed most."""
    ends: _Ends = {}
    for answer, before in told:
        reached = _Reached(before.belief * answer.confidence, (*before.paths, *answer.paths))
        for end in answer.answers:
            if end not in ends or ends[end].belief < reached.belief:
                ends[end] = reached
    return ends


def _filled(part: str, name: str) -> str:
    """A name is no pattern of replacement: ``AC\\DC`` is put in as it is."""
    return _ANSWER.sub(lambda _: name, part)
