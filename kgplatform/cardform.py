"""A relation card from plain data, as YAML or JSON give it: every field checked, every mistake one sentence.

A card's prompts hold ``{head}``, ``{tail}`` and, for ternary and wider relations, slots named like its key qualifiers; each seed
has one word for each of them, in the order of ``slots``.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kgplatform import names
from kgplatform.errors import BadCard, BadName
from kgplatform.literals import DATATYPES
from kgplatform.types import Pairs, Relation, Words

SLOT = re.compile(r"\{([^{}]*)\}")
ENDS = ("head", "tail")
_FIELDS = {f.name for f in dataclasses.fields(Relation)}


def slots(card: Relation) -> tuple[str, ...]:
    """``head``, ``tail``, and the key qualifiers that stand in the card's prompts, in the order of ``key_qualifiers``."""
    standing = {name for prompt in card.prompts for name in SLOT.findall(prompt)}
    return (*ENDS, *(name for name in card.key_qualifiers if name in standing))


def filled(template: str, words: Mapping[str, str]) -> str:
    """A prompt with words in its slots; in one pass, so that a name that looks like a slot stays a name."""
    return SLOT.sub(lambda slot: words.get(slot[1], slot[0]), template)


def relation_from(raw: Any) -> Relation:
    """A checked card. Raises ``BadCard`` with the field that is wrong."""
    if not isinstance(raw, dict):
        raise BadCard("a card is a mapping with at least  name  and  prompts")
    if unknown := sorted(set(map(str, raw)) - _FIELDS):
        raise BadCard(f"unknown field {unknown[0]!r}: a card has {', '.join(sorted(_FIELDS))}")
    name = raw.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadCard("the card has no  name")
    card = Relation(
        name=names.clean(name),
        definition=str(raw.get("definition", "")),
        domain=_strings(raw.get("domain", []), "domain"),
        range=_strings(raw.get("range", []), "range"),
        inverse=str(raw.get("inverse", "")),
        functional=_flag(raw, "functional"),
        inverse_functional=_flag(raw, "inverse_functional"),
        symmetric=_flag(raw, "symmetric"),
        transitive=_flag(raw, "transitive"),
        key_qualifiers=_strings(raw.get("key_qualifiers", []), "key_qualifiers"),
        qualifier_kinds=_kinds(raw.get("qualifier_kinds", {})),
        prompts=_strings(raw.get("prompts", []), "prompts"),
        seeds=_seeds(raw.get("seeds", [])),
    )
    check(card)
    return card


def check(card: Relation) -> None:
    """Raise ``BadCard`` for a card whose fields, prompts and seeds do not go together."""
    _check_marks(card)
    _check_prompts(card)
    _check_seeds(card)


def _strings(value: Any, what: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(item, str) and item.strip() for item in listed):
        raise BadCard(f"{what} must be a list of words, not {value!r}")
    return tuple(listed)


def _flag(raw: dict[str, Any], name: str) -> bool:
    if not isinstance(value := raw.get(name, False), bool):
        raise BadCard(f"{name} is true or false, not {value!r}")
    return value


def _kinds(raw: Any) -> Pairs:
    if not isinstance(raw, dict) or not all(isinstance(word, str) and word.strip() for pair in raw.items() for word in pair):
        raise BadCard(f"qualifier_kinds must say a kind for each of some qualifiers, as  place: city, not {raw!r}")
    return tuple(sorted(raw.items()))


def _seeds(raw: Any) -> tuple[Words, ...]:
    if not isinstance(raw, list) or not all(isinstance(seed, list) for seed in raw):
        raise BadCard("seeds must be a list of lists of words, as  [[Warsaw, Poland], [Paris, France]]")
    return tuple(tuple(_word(word, seed) for word in seed) for seed in raw)


def _word(word: Any, seed: list[Any]) -> str:
    if isinstance(word, bool):
        raise BadCard(f"the seed {_shown(seed)} holds {word!r}, as YAML reads the words yes and no: put them in quotes")
    if not isinstance(word, str | int | float | datetime.date):
        raise BadCard(f"the seed {_shown(seed)} has an empty place: give words for every slot")
    try:
        return names.given_name(str(word))
    except BadName as error:
        raise BadCard(f"a seed cannot be used: {error}") from None


def _shown(seed: Sequence[Any]) -> str:
    return f"[{', '.join('' if word is None else str(word)[:40] for word in seed)[:120]}]"


def _listed(found: Sequence[str]) -> str:
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def _check_marks(card: Relation) -> None:
    if card.symmetric and card.inverse:
        raise BadCard(f"{card.name!r} is symmetric, so it cannot have an inverse")
    if len(card.range) > 1 and (typed := DATATYPES.intersection(card.range)):
        raise BadCard(f"{card.name!r}: a range is kinds or one datatype, not {min(typed)!r} among others")
    if wrong := [name for name in card.key_qualifiers if name in ENDS or set("{}") & set(name)]:
        raise BadCard(f"{card.name!r}: no key qualifier can be called {wrong[0]!r}, which is taken or has braces: give it another name")


def _check_prompts(card: Relation) -> None:
    if not card.prompts:
        raise BadCard(f"{card.name!r} has no prompts: give at least one, such as '{{head}} {card.name} {{tail}}'")
    allowed = (*ENDS, *card.key_qualifiers)
    wanted = slots(card)
    for prompt in card.prompts:
        counts, begin = Counter(SLOT.findall(prompt)), f"{card.name!r}: the prompt {prompt[:200]!r}"
        if unknown := [slot for slot in counts if slot not in allowed]:
            hint = "" if card.key_qualifiers else "; a third one is named in  key_qualifiers"
            raise BadCard(f"{begin} has the unknown slot {{{unknown[0]}}}: slots are {_listed([f'{{{s}}}' for s in allowed])}{hint}")
        if any(counts[end] != 1 for end in ENDS) or max(counts.values()) > 1:
            raise BadCard(f"{begin} must hold {_listed([f'{{{slot}}} once' for slot in wanted])}")
        if missing := [slot for slot in wanted if slot not in counts]:
            raise BadCard(f"{begin} has no {{{missing[0]}}}, which others have: all prompts of a card hold the same slots")


def _check_seeds(card: Relation) -> None:
    wanted = slots(card)
    seen: set[Words] = set()
    for seed in card.seeds:
        if len(seed) != len(wanted):
            raise BadCard(
                f"{card.name!r}: the seed {_shown(seed)} has {len(seed)} of the {len(wanted)} words that are wanted: [{', '.join(wanted)}]"
            )
        key = _key(card, seed)
        if key in seen:
            raise BadCard(f"{card.name!r}: the seed {_shown(seed)} is given twice")
        seen.add(key)
    if card.functional:
        _check_one(card, "functional", 1, "tail", "head")
    if card.inverse_functional:
        _check_one(card, "inverse_functional", 0, "head", "tail")


def _key(card: Relation, seed: Words) -> Words:
    head, tail, *others = map(names.normalise, seed)
    return (*(sorted((head, tail)) if card.symmetric else (head, tail)), *others)


def _check_one(card: Relation, mark: str, place: int, what: str, of: str) -> None:
    """Raise ``BadCard`` where seeds that are else the same differ in the place of which the card allows one."""
    known: dict[Words, Words] = {}
    turned = [(seed[1], seed[0], *seed[2:]) for seed in card.seeds] if card.symmetric else []
    for seed in dict.fromkeys((*card.seeds, *turned)):
        fixed = tuple(names.normalise(word) for slot, word in enumerate(seed) if slot != place)
        other = known.setdefault(fixed, seed)
        if names.normalise(other[place]) != names.normalise(seed[place]):
            raise BadCard(
                f"{card.name!r} is {mark}, one {what} for each {of}, but its seeds contradict each other: "
                f"{_shown(other)} and {_shown(seed)}"
            )
