"""The prompts of a relation: the card's own, a chat model's paraphrases of them, and what grammar alone makes of them.

A paraphrase is asked for with a seed's words in the slots, as in BertNet (Hao et al., 2023), and the slots are put back. What
``kgplatform.templates`` refuses is told with its reason, and so is an answer that could not be used; the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harvest.bertnet.rewording import built_in
from kgplatform.cards import datatype, filled, slots
from kgplatform.errors import AnswerUnusable, BadCard, TextTooLong
from kgplatform.lm import structured
from kgplatform.lm.ports import ChatModel
from kgplatform.lm.talk import Message, Request
from kgplatform.templates import contaminated, why_not
from kgplatform.types import Relation, Words

__all__ = ["Prompt", "PromptSet", "Refused", "built_in", "paraphrases", "prompt_set", "requests", "unfilled", "why_not"]

Origin = Literal["card", "built in", "paraphrase"]
KEPT = 10
"""Paraphrases at most, besides the card's own prompts."""
ENOUGH = 5
"""Other wordings are added until there are so many prompts: more add nothing but cost (``benchmarks/bertnet``)."""
REFUSED = 20
"""So many useless candidates in a row, and the model has nothing more to say."""
_AT_ONCE = 5
_SCHEMA = {
    "title": "paraphrases",
    "type": "object",
    "properties": {"sentences": {"type": "array", "items": {"type": "string", "maxLength": 400}, "maxItems": 4 * _AT_ONCE}},
    "required": ["sentences"],
    "additionalProperties": False,
}
_TASK = (
    "You reword sentences. Say the same in other words, in {count} different ways: turn the sentence round, make it active or passive, "
    "use other verbs and nouns. Write every name exactly as it is given, and once. Add nothing that the sentence does not say: no places, "
    "no dates, no descriptions. Answer in JSON."
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One wording of a relation, where it comes from, and how much it counts."""

    template: str
    origin: Origin = "card"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Refused:
    """A wording that is not used, or a question whose answer was not usable, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What a relation is asked with, the card's own first, and what was refused on the way."""

    prompts: tuple[Prompt, ...]
    refused: tuple[Refused, ...] = ()


def prompt_set(card: Relation, model: ChatModel | None = None, quarantine: Path | None = None) -> PromptSet:
    """The card's prompts; where they are few, paraphrases of the model; where these are few, built-in ones. The same card and answers give
    the same.

    Raises ``BadCard`` when each of the card's own prompts holds a word of a seed, and what the model raises besides unusable answers:
    an outage makes no poor set that would stay. ``quarantine`` is the folder for unusable answers; a model needs one.
    """
    own, refused = _own(card)
    prompts = [Prompt(template) for template in own]
    if model is not None:
        if quarantine is None:
            raise ValueError("a model's unusable answers need a folder: give  quarantine")
        said = paraphrases(card, model, quarantine)
        while len(prompts) < ENOUGH and (one := next(said, None)):
            prompts.append(one) if isinstance(one, Prompt) else refused.append(one)
    for template in built_in(card):
        if len(prompts) >= ENOUGH:
            break
        if why := why_not(card, template, [prompt.template for prompt in prompts]):
            refused.append(Refused(template, why))
        else:
            prompts.append(Prompt(template, "built in"))
    return PromptSet(tuple(prompts), tuple(refused))


def check(card: Relation) -> None:
    """Raises ``BadCard`` for a card that has no prompt to ask with, and for one whose tails are values."""
    _own(card)
    if datatype(card):
        raise BadCard(f"{card.name!r} leads to values of type {datatype(card)}: a model's memory is asked for entities only")


def _own(card: Relation) -> tuple[list[str], list[Refused]]:
    """The card's prompts that hold no word of a seed, and the others. Raises ``BadCard`` when all are others."""
    found = {prompt: contaminated(card, prompt) for prompt in dict.fromkeys(card.prompts)}
    own, refused = [prompt for prompt, why in found.items() if not why], [Refused(prompt, why) for prompt, why in found.items() if why]
    if not own:
        of = f"of {refused[0].text[:200]!r}, {refused[0].why}" if refused else "it has none"
        raise BadCard(f"{card.name!r} has no prompt that it can be asked with ({of}): word one that fits every seed alike")
    return own, refused


def requests(card: Relation) -> list[Request]:
    """What ``paraphrases`` asks in its first round: each of the card's prompts with each seed."""
    return [_request(card, prompt, seed) for prompt in _own(card)[0] for seed in card.seeds]


def _request(card: Relation, template: str, seed: Words) -> Request:
    sentence = filled(template, dict(zip(slots(card), seed, strict=True)))
    named = "; ".join(seed)
    text = f"Names: {named}\nSentence: {sentence[:1].upper() + sentence[1:]}"
    return Request((Message("system", _TASK.format(count=_AT_ONCE)), Message("user", text)), _SCHEMA, max_tokens=100 * _AT_ONCE)


def paraphrases(card: Relation, model: ChatModel, quarantine: Path) -> Iterator[Prompt | Refused]:
    """A model's wordings, each beside those that came before it; new ones are reworded in their turn.

    Ends at ``KEPT`` kept, after ``REFUSED`` useless candidates in a row (an empty or unusable answer is one), or when nothing is new.
    """
    kept, told, useless = list(card.prompts), set[Prompt | Refused](), 0
    for one in _candidates(card, model, quarantine, kept):
        if isinstance(one, Prompt):
            kept.append(one.template)
            useless = 0
        else:
            useless += 1
        if one not in told:
            told.add(one)
            yield one
        if len(kept) >= len(card.prompts) + KEPT or useless >= REFUSED:
            return


def _candidates(card: Relation, model: ChatModel, quarantine: Path, kept: Sequence[str]) -> Iterator[Prompt | Refused]:
    """All that the model has to say of the card's prompts, and of those that are ``kept`` meanwhile."""
    waiting = [(template, seed) for template in _own(card)[0] for seed in card.seeds]
    for template, seed in waiting:  # it grows
        known = len(kept)
        try:
            value, _ = structured.ask(model, _request(card, template, seed), quarantine)
        except (AnswerUnusable, TextTooLong) as error:
            yield Refused(template, str(error))
            continue
        for sentence in value["sentences"]:
            yield _candidate(card, sentence, seed, kept)
        if not value["sentences"]:
            yield Refused(template, f"{model.name} has no other words for it")
        waiting += [(new, other) for new in kept[known:] for other in card.seeds]


def _candidate(card: Relation, sentence: str, seed: Words, kept: Iterable[str]) -> Prompt | Refused:
    template, why = unfilled(card, sentence, seed)
    if why := why or why_not(card, template, kept) or "":
        return Refused(template or sentence, why)
    return Prompt(template, "paraphrase")


def unfilled(card: Relation, sentence: str, seed: Words) -> tuple[str, str]:
    """The sentence with slots in the place of the seed's words, or why that cannot be: each must stand there once, as a word."""
    text = " ".join(re.sub(r"[\x00-\x1f]", " ", sentence).split()).strip("\"“”' ").rstrip(".").rstrip()
    places = sorted(enumerate(seed), key=lambda place: -len(place[1]))
    for number, name in places:  # the longest first: a name may hold another
        found = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        if (times := len(found.findall(text))) != 1:
            return "", f"it names {name!r} {'not at all' if not times else f'{times} times'}"
        text = found.sub(chr(1 + number), text)
    return "".join(f"{{{slots(card)[ord(c) - 1]}}}" if c < " " else c for c in text), ""
