"""All that a question names: its topic, further names beside it, dates and numbers, and names that the graph does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kgplatform.names import normalise
from reasoning.paths.topic import Mention, Names, bracketed, spans
from reasoning.paths.values import Value, values
from reasoning.paths.words import ARTICLES, FUNCTION_WORDS, Word, stem, words

SHORTEST = 3
"""Letters of the end of a name in lower case."""
SHORTEST_MISSPELT = 5


@dataclass(frozen=True, slots=True)
class Linked:
    """``mentions`` and ``values`` in the order of the text; ``unknown`` are names that nothing in the graph bears."""

    mentions: tuple[Mention, ...]
    values: tuple[Value, ...] = ()
    unknown: tuple[str, ...] = ()


def link(names: Names, question: str, known: frozenset[str], joining: frozenset[str]) -> Linked:
    """``known`` are stems of words that name no thing by themselves; beside ``joining`` words stands a name in lower case too."""
    if bracketed(question):
        found = [names.exactly(question, [span]) or names.vaguely(question, [span]) for span in bracketed(question)]
        return Linked(tuple(sorted((mention for mention in found if mention), key=lambda mention: mention.start)))
    told = values(question)
    topic = _topic(names, question, known)
    if topic and (longer := names.misspelt(question, _around(question, topic, known))) and _holds(longer, topic):
        topic = longer
    mentions = [topic] if topic and _meant(names, question, topic, known, told) else []
    for start, end in spans(question):
        if _free(start, end, mentions) and _names_more(names, question, (start, end), mentions, known, joining):
            mentions += [more] if (more := names.exactly(question, [(start, end)])) else []
    if not mentions and question.islower():
        mentions += _capitalised(names, question, known)
    unknown = []
    for start, end in _runs(question, mentions, known, joining):
        if any(value.start < end and start < value.end for value in told):  # "7 November 1867"
            continue
        within = [(first, last) for first, last in spans(question) if start <= first and last <= end and _free(first, last, mentions)]
        if more := names.vaguely(question, within):
            mentions.append(more)
        elif question[start].isupper() and (not mentions or start > words(question)[0].start or " " in question[start:end]):
            unknown.append(question[start:end])
    kept = tuple(value for value in told if _free(value.start, value.end, mentions))
    return Linked(tuple(sorted(mentions, key=lambda mention: mention.start)), kept, tuple(unknown))


def _topic(names: Names, question: str, known: frozenset[str]) -> Mention | None:
    """What stands there as it is written; but before a common word ("film") comes what a strange word may be a misspelling of."""
    exact = names.exactly(question, spans(question))
    if exact is None or question[exact.start : exact.end].islower():
        strange = _strange(names, question, known, exact)
        return names.vaguely(question, strange) or exact or names.vaguely(question, spans(question))
    return exact


def _strange(names: Names, question: str, known: frozenset[str], exact: Mention | None) -> list[tuple[int, int]]:
    """Stretches, longest first, that could be a misspelt name: with a word that is not known, and no small one at an end."""
    said = words(question)
    capital = {word.start for at, word in enumerate(said) if not word.text.islower() and (at or not word.text.istitle())}
    told = {word.start for word in said if exact and exact.start <= word.start < exact.end}
    plain = {word.start for word in said if word.text.casefold() in FUNCTION_WORDS or stem(word.text.casefold()) in known}
    odd = {
        word.start
        for word in said
        if word.start not in told | plain and (word.start in capital or normalise(word.text) not in names.vocabulary)
    }
    ending = {word.end: word.start for word in said}
    small = {word.start for word in said if word.text.casefold() in ARTICLES}
    edges = odd | (capital or {word.start for word in said} - plain)
    firsts = edges if capital else edges | small
    return [
        (start, end)
        for start, end in spans(question)
        if start in firsts and ending.get(end, ending.get(end - 1)) in edges and any(start <= one < end for one in odd)
    ]


def _around(question: str, topic: Mention, known: frozenset[str]) -> list[tuple[int, int]]:
    """Longer stretches with a word that is not known: "University fo Groningen" is not about Groningen."""
    odd = [word for word in words(question) if _free(word.start, word.end, [topic]) and stem(word.text.casefold()) not in known]
    around = [span for span in spans(question) if span[0] <= topic.start and topic.end <= span[1]] if odd else []
    return [(start, end) for start, end in around if any(start <= word.start and word.end <= end for word in odd)]


def _holds(longer: Mention, topic: Mention) -> bool:
    """Whether the longer mention is of a thing whose name holds that of the other."""
    return any(
        one.name != other.name and normalise(other.name) in normalise(one.name) for one in longer.entities for other in topic.entities
    )


def _meant(names: Names, question: str, topic: Mention, known: frozenset[str], told: Sequence[Value]) -> bool:
    """Not when it is made of plain words, or of a number, and nothing is called just so."""
    if topic.exact and question[topic.start : topic.end] in names.written:
        return True
    plain = not topic.exact and _plain(question, (topic.start, topic.end), known)
    return not plain and not any(value.start <= topic.start and topic.end <= value.end for value in told)


def _plain(question: str, span: tuple[int, int], known: frozenset[str]) -> bool:
    return all(stem(word.text.casefold()) in known for word in words(question[span[0] : span[1]]))


def _names_more(
    names: Names, question: str, span: tuple[int, int], mentions: Sequence[Mention], known: frozenset[str], joining: frozenset[str]
) -> bool:
    """Whether a stretch beside the topic may be another name: with a capital, of a thing of some kind, or joined to a name."""
    family = names.family(question, *span)
    bearers = family.entities if family else names.written.get(question[span[0] : span[1]], ())
    capital = question[span[0]].isupper()
    # A plain word with a capital in the middle of a question is a name: "named after the Moon".
    if _plain(question, span, known) and not (capital and bearers and span[0] > words(question)[0].start):
        return False
    sure = capital or any(kind != "thing" for bearer in bearers for kind in bearer.kinds)
    return bool(bearers and sure) or _joined(question, span, mentions, joining)


def _joined(question: str, span: tuple[int, int], mentions: Sequence[Mention], joining: frozenset[str]) -> bool:
    """Whether a joining word that is no part of a name stands right beside, but for small words."""
    outside = [word for word in words(question) if _free(word.start, word.end, mentions)]
    before = [word.text.casefold() for word in outside if word.end <= span[0]]
    after = [word.text.casefold() for word in outside if word.start >= span[1]]
    while before and before[-1] in FUNCTION_WORDS and before[-1] not in joining:
        before.pop()
    return not joining.isdisjoint((*before[-1:], *after[:1]))


def _capitalised(names: Names, question: str, known: frozenset[str]) -> Iterator[Mention]:
    """The end of a name in a question all in lower case."""
    for start, end in spans(question):
        if end - start >= SHORTEST and not any(stem(word.text) in known for word in words(question[start:end])):
            written = f"{question[:start]}{question[start].upper()}{question[start + 1 :]}"
            if found := names.vaguely(written, [(start, end)]):
                yield found
                return


def _free(start: int, end: int, mentions: Sequence[Mention]) -> bool:
    return all(end <= mention.start or mention.end <= start for mention in mentions)


def _runs(question: str, mentions: Sequence[Mention], known: frozenset[str], joining: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Stretches that are no mention and look like a name: words with a capital, or joined to a name, that are not known."""
    run: list[Word] = []
    for word in words(question):
        odd = stem(word.text.casefold()) not in known and word.text.casefold() not in FUNCTION_WORDS and not word.text[0].isdigit()
        long = len(word.text) >= SHORTEST_MISSPELT and _joined(question, (word.start, word.end), mentions, joining)
        if not (odd and (word.text[0].isupper() or long)) or not _free(word.start, word.end, mentions):
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
