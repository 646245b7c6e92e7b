"""All that a question names: its topic, further names beside it, dates and numbers, and names that the graph does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reasoning.paths.topic import Mention, Names, bracketed, spans
from reasoning.paths.values import Value, values
from reasoning.paths.words import FUNCTION_WORDS, Word, stem, words

SHORTEST_MISSPELT = 5


@dataclass(frozen=True, slots=True)
class Linked:
    """``mentions`` and ``values`` in the order of the text; ``unknown`` are names that nothing in the graph bears."""

    mentions: tuple[Mention, ...]
    values: tuple[Value, ...] = ()
    unknown: tuple[str, ...] = ()


def link(names: Names, question: str, known: Collection[str], joined: bool) -> Linked:
    """``known`` are stems of words that name no thing by themselves. In a question with ``joined`` names, a name may be in lower case."""
    if bracketed(question):
        found = [mention for span in bracketed(question) if (mention := names.exactly(question, [span]) or names.vaguely(question, [span]))]
        return Linked(tuple(sorted(found, key=lambda mention: mention.start)))
    told = values(question)
    topic = names.mention(question)
    if topic and not topic.exact and all(stem(word.text.casefold()) in known for word in words(question[topic.start : topic.end])):
        topic = None
    if topic and any(value.start <= topic.start and topic.end <= value.end for value in told) and not _written(names, question, topic):
        topic = None
    mentions = [topic] if topic else []
    for start, end in spans(question):
        plain = all(stem(word.text.casefold()) in known for word in words(question[start:end]))
        bearers = names.written.get(question[start:end], [])
        sure = question[start].isupper() or any(kind != "thing" for bearer in bearers for kind in bearer.kinds)
        if _free(start, end, mentions) and not plain and (joined or (bearers and sure)) and (more := names.exactly(question, [(start, end)])):
            mentions.append(more)
    unknown = []
    for start, end in _runs(question, mentions, known, joined):
        within = [(first, last) for first, last in spans(question) if start <= first and last <= end and _free(first, last, mentions)]
        if more := names.vaguely(question, within):
            mentions.append(more)
        elif question[start].isupper():
            unknown.append(question[start:end])
    kept = tuple(value for value in told if _free(value.start, value.end, mentions))
    return Linked(tuple(sorted(mentions, key=lambda mention: mention.start)), kept, tuple(unknown))


def _written(names: Names, question: str, topic: Mention) -> bool:
    return question[topic.start : topic.end] in names.written


def _free(start: int, end: int, mentions: Sequence[Mention]) -> bool:
    return all(end <= mention.start or mention.end <= start for mention in mentions)


def _runs(question: str, mentions: Sequence[Mention], known: Collection[str], joined: bool) -> Iterator[tuple[int, int]]:
    """Stretches of words that are no mention and look like a name: capitals, or in a question with joined names words that are not known."""
    run: list[Word] = []
    for word in words(question):
        odd = stem(word.text.casefold()) not in known and word.text.casefold() not in FUNCTION_WORDS and not word.text[0].isdigit()
        named = odd and (word.text[0].isupper() or (joined and len(word.text) >= SHORTEST_MISSPELT))
        if not named or not _free(word.start, word.end, mentions):
            yield from _whole(run)
            run = []
        elif run and (word.start - run[-1].end > 1 or run[-1].text[0].isupper() != word.text[0].isupper()):
            yield from _whole(run)
            run = [word]
        else:
            run.append(word)
    yield from _whole(run)


def _whole(run: Sequence[Word]) -> Iterator[tuple[int, int]]:
    if run:
        yield run[0].start, run[-1].end

