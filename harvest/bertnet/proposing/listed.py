"""Candidates that a chat model lists, bound to a schema: whole tuples, about twenty an answer, so that small models finish.

It is asked about the graph's entities, then for any more that are not among the last ones, and, when it repeats itself, for names
of the kind letter by letter, and about these: even a small model lists names and says one thing of each. Where names are asked about, the
schema has a place for each of them, since small models else answer about what they like. An answer that is broken, empty or known
already for the most part is a dry one; after two in a row the next way of asking is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from harvest.bertnet.proposing.asked import Asked, Fresh, Proposed, Told
from kgplatform.cards import filled, slots
from kgplatform.errors import AnswerUnusable, BadName, TextTooLong
from kgplatform.lm import text
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.structured import ask
from kgplatform.lm.talk import Message, Request
from kgplatform.names import normalise
from kgplatform.ports import Progress
from kgplatform.types import Relation, Words

_EACH = 20
"""Tuples in an answer."""
_NAMES = 8
"""Names that a request asks about."""
_LISTED = 10
"""Names in an answer that is names only; small models repeat themselves after a few."""
_HELD = 40
"""Known tuples that a request names."""
_LONGEST = 60
"""Letters of a name."""
_TOKENS = 14
"""Tokens that a name takes in an answer, with its key and marks: rather too many than too few."""
_REPEATS = 0.25
"""Share of what is new in an answer up to which it counts as dry."""
_DRY = 2
"""Dry answers in a row, after which a way of asking is given up."""
_QUIET = 4
"""Answers in a row that list known names only or cannot be used, after which no more letters are tried."""
_SEEDS = 4
_SEVERAL = 3
"""Facts about one name, where a relation allows for more than one."""
_WARM = 0.8
_SYSTEM = "You list facts for a knowledge graph. Give only facts you are sure of, names only, without remarks."
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Question:
    """``size`` facts about each of the ``names`` in the place of ``key`` are asked for, or ``size`` of any kind."""

    key: str = ""
    names: tuple[str, ...] = ()
    size: int = _EACH


class Listed:
    """Asks ``model``; ``note`` is told in words what could not be used, and the folder ``quarantine`` keeps it."""

    name = "listed"

    def __init__(self, model: ChatModel, quarantine: Path, note: Note) -> None:
        self._model, self._quarantine, self._note = model, quarantine, note

    def requests(self, asked: Asked) -> list[Request]:
        """As the port says."""
        first = next(chain(_of_the_graph(asked), [_Question()]))
        return [_request(asked.card, first, asked.held)]

    def rounds(self, asked: Asked, before: Sequence[Proposed] = (), progress: Progress | None = None) -> Iterator[Proposed]:
        """As the port says; a round is an answer, ``progress`` counts tuples.

        Ends with ``Asked.size`` tuples, or when no way of asking brings anything new. What led to the rounds ``before`` is asked again,
        and answered out of the cache.
        """
        return islice(self._rounds(asked, Told(progress, asked.size)), len(before), None)

    def _rounds(self, asked: Asked, told: Told) -> Iterator[Proposed]:
        fresh, known, left = Fresh(asked), [*asked.card.seeds, *asked.held], asked.size
        for way in (_of_the_graph(asked), repeat(_Question()), self._by_letters(asked.card, known, told)):
            dry = 0
            for question in way:
                said = self._answer(asked.card, question, known, dry, told)
                new = fresh.new(said)[:left]
                dry = 0 if _brings(asked.card, question, new, known) > len(said) * _REPEATS else dry + 1
                known.extend(new)
                left -= len(new)
                told.more(len(new))
                if new:
                    yield Proposed(tuple(new))
                if not left:
                    return
                if dry >= _DRY:
                    break

    def _by_letters(self, card: Relation, known: Sequence[Words], told: Told) -> Iterator[_Question]:
        """Questions about names that the model lists itself."""
        place, waiting, quiet = _asked_about(card), list[str](), 0
        had = {normalise(words[place]) for words in known}
        for letter in ascii_uppercase:
            value = self._asked(_request_names(card, letter), told)
            listed = {normalise(name): name for name in map(_bare, value["names"]) if name} if value else {}
            new = [name for normal, name in listed.items() if normal not in had]
            had.update(listed)
            waiting += new
            quiet = 0 if new else quiet + bool(listed or not value)
            if quiet >= _QUIET:
                break
            if len(waiting) >= _NAMES:
                yield from _about(card, place, waiting)
                waiting = []
        yield from _about(card, place, waiting)

    def _answer(self, card: Relation, question: _Question, known: list[Words], sample: int, told: Told) -> list[Words]:
        value = self._asked(_request(card, question, known, sample), told)
        if not value:
            return []
        if question.names:
            return list(_told(card, question, value))
        return [tuple(_bare(item[key]) for key in _keys(card)) for item in value["facts"]]

    def _asked(self, request: Request, told: Told) -> Any:
        told()
        try:
            value, _ = ask(self._model, request, self._quarantine)
        except (AnswerUnusable, TextTooLong) as error:
            self._note(str(error))
            return None
        return value


def _told(card: Relation, question: _Question, value: Mapping[str, Any]) -> Iterator[Words]:
    """The tuples of an answer that says the rest by name; what is left empty is none."""
    place, rest = _asked_about(card), [key for key in _keys(card) if key != question.key]
    for name in question.names:
        for said in value[name]:
            others = tuple(map(_bare, (said[key] for key in rest) if isinstance(said, dict) else [said]))
            if all(others):
                yield (*others[:place], name, *others[place:])


def _bare(said: str) -> str:
    """Empty where it is no name."""
    try:
        return text.name(said.strip(" \t\n\"'“”,;"))
    except BadName:
        return ""


def _brings(card: Relation, question: _Question, new: Sequence[Words], known: Sequence[Words]) -> int:
    """How much new there is in an answer: facts about names that were asked about, else names, lest a model say all of one thing."""
    if question.names:
        return len(new)
    place = _asked_about(card)
    return len({normalise(words[place]) for words in new} - {normalise(words[place]) for words in known})


def _of_the_graph(asked: Asked) -> Iterator[_Question]:
    place = _asked_about(asked.card)
    return _about(asked.card, place, list(dict.fromkeys((asked.heads, asked.tails)[place])))


def _about(card: Relation, place: int, names: Sequence[str]) -> Iterator[_Question]:
    for start in range(0, len(names), _NAMES):
        yield _Question(_keys(card)[place], tuple(names[start : start + _NAMES]), 1 if _single(card) else _SEVERAL)


def _single(card: Relation) -> bool:
    """Whether there is one fact about a name that is asked about."""
    return (card.functional, card.inverse_functional)[_asked_about(card)]


def _asked_about(card: Relation) -> int:
    """The place of the slot that is asked about: the tail, where each has one head at most, as a country its capital; else the head."""
    return 1 if card.inverse_functional else 0


def _keys(card: Relation) -> tuple[str, ...]:
    """What the slots are called in an answer: a model keeps "city" and "country" apart better than "head" and "tail"."""
    called = [{"head": card.domain, "tail": card.range}.get(slot, (slot,)) for slot in slots(card)]
    found = tuple(kinds[0] if len(kinds) == 1 else slot for slot, kinds in zip(slots(card), called, strict=True))
    return found if len(set(found)) == len(found) else slots(card)


def _shown(card: Relation, question: _Question, known: Sequence[Words]) -> list[Words]:
    """What is known already, without seeds, the last of it: about the names of a question, if it has any.

    Where a name has but one fact nothing is told: that would be the answer.
    """
    if question.names and _single(card):
        return []
    names, place = {normalise(name) for name in question.names}, _asked_about(card)
    about = [words for words in known if words not in card.seeds and not (names and normalise(words[place]) not in names)]
    return about[-_HELD:]


def _request(card: Relation, question: _Question, known: Sequence[Words], sample: int = 0) -> Request:
    """The question, colder first; ``sample`` counts the dry answers before."""
    lines, name = _described(card), {"type": "string", "minLength": 0 if question.names else 1, "maxLength": _LONGEST}
    keys = _keys(card)
    shown = [" – ".join(words) for words in _shown(card, question, known)]
    lines += [f"Known already, do not repeat: {'; '.join(shown)}."] if shown else []
    if question.names:
        rest = [key for key in keys if key != question.key]
        wanted = " and the ".join(rest) if _single(card) else f"up to {question.size} facts, each with the {' and the '.join(rest)}"
        lines.append(f"For each {question.key} say the {wanted}; leave it empty where you are not sure: {'; '.join(question.names)}.")
        schema, facts = _by_name(question, rest, name), question.size * len(question.names)
    else:
        lines.append(f"List {question.size} more facts, each about another {keys[_asked_about(card)]}.")
        schema, facts = _schema("facts", _object(keys, name), question.size), question.size
    return Request(_messages(lines), schema, 40 + facts * len(keys) * _TOKENS, _WARM if sample else 0.0, sample)


def _request_names(card: Relation, letter: str) -> Request:
    """Only names, which costs a quarter of what facts cost."""
    place = _asked_about(card)
    key = _keys(card)[place]
    if key == slots(card)[place]:
        lines = [
            *_described(card),
            f"List only names for [{key}], up to {_LISTED}, that begin with the letter {letter}.",
        ]
    else:
        such = f" such as {', '.join(dict.fromkeys(seed[place] for seed in card.seeds[:_SEEDS]))}," if card.seeds else ""
        lines = [f"List up to {_LISTED} names, each of a {key}{such} that begin with the letter {letter}."]
    name = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
    return Request(_messages(lines), _schema("names", name, _LISTED), 40 + _LISTED * _TOKENS)


def _messages(lines: Sequence[str]) -> tuple[Message, ...]:
    return (Message("system", _SYSTEM), Message("user", "\n".join(lines)))


def _described(card: Relation) -> list[str]:
    """The relation, the sentence that a fact says, examples."""
    keys, places = _keys(card), slots(card)
    called = filled(card.prompts[0], {slot: f"[{key}]" for slot, key in zip(places, keys, strict=True)})
    examples = [filled(card.prompts[0], dict(zip(places, seed, strict=True))) for seed in card.seeds[:_SEEDS]]
    lines = [f"Relation: {card.name}. {card.definition}".strip(), f"Each fact says: {called}."]
    return [*lines, f"For example: {'; '.join(examples)}."] if examples else lines


def _object(keys: Sequence[str], name: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(keys, name), "required": list(keys), "additionalProperties": False}


def _by_name(question: _Question, rest: Sequence[str], name: dict[str, Any]) -> dict[str, Any]:
    """For each name a list of what else its facts say."""
    item = name if len(rest) == 1 else _object(rest, name)
    listed = {"type": "array", "minItems": 1, "maxItems": question.size, "items": item}
    return {"title": "facts_by_name", **_object(question.names, listed)}


def _schema(what: str, item: dict[str, Any], size: int) -> dict[str, Any]:
    items = {"type": "array", "maxItems": size, "items": item}
    return {"title": what, "type": "object", "properties": {what: items}, "required": [what], "additionalProperties": False}
