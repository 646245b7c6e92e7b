"""Files with many cards: a YAML list of cards, or the JSON of BertNet's authors, whose relations come with paraphrases of theirs.

Their file maps a relation's name to ``init_prompts``, ``seed_ent_tuples`` and ``prompts``; the slots are ``<ENT0>``, ``<ENT1>`` and,
for ternary relations, ``<ENT2>``, which becomes the key qualifier ``third``. Of their paraphrases those are left out that
``kgplatform.templates`` refuses, and ``read`` says which and why.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgplatform.cards import plain, relation_from, text
from kgplatform.errors import BadCard, BadRequest
from kgplatform.templates import why_not
from kgplatform.types import Relation

THIRD = "third"
_PLACES = {"<ENT0>": "{head}", "<ENT1>": "{tail}", "<ENT2>": f"{{{THIRD}}}"}
_PLACE = re.compile(r"<ENT\d+>")
_NUMBER = re.compile(r"^P\d+[_ ]")
_FIELDS = ("init_prompts", "seed_ent_tuples", "prompts")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A paraphrase in a file that is not taken into its card, and why."""

    relation: str
    prompt: str
    why: str


@dataclass(frozen=True, slots=True)
class CardFile:
    """The cards of one file, and what of it is not in them."""

    cards: tuple[Relation, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_cards(path: Path) -> list[Relation]:
    """All cards of a file. Raises ``BadCard`` naming the file and, where it holds many, the card."""
    return list(read(path).cards)


def read(path: Path) -> CardFile:
    """The cards of a YAML file (a card, or a list of cards) or a JSON file (these, or the original's), gzip-compressed or not.

    Raises ``BadCard``.
    """
    raw = _json(path) if path.name.casefold().removesuffix(".gz").endswith(".json") else plain(path)
    if isinstance(raw, Mapping) and raw and all(isinstance(one, Mapping) and "init_prompts" in one for one in raw.values()):
        found = [_original(str(key), one, path) for key, one in raw.items()]
    elif isinstance(raw, list) and raw and all(isinstance(one, Mapping) for one in raw):
        found = [CardFile((_card(one, f"{path}, card {number}"),)) for number, one in enumerate(raw, 1)]
    else:
        found = [CardFile((_card(raw, str(path)),))]
    cards = [card for one in found for card in one.cards]
    if twice := _twice(card.name for card in cards):
        raise BadCard(f"{path}: holds two cards called {twice!r}: give one of them another name")
    return CardFile(tuple(cards), tuple(left for one in found for left in one.left_out))


def as_yaml(card: Relation) -> str:
    """The card as a file of ours has it, without the fields that say nothing; ``read`` gives it back."""
    import yaml

    told = {field: value for field, value in dataclasses.asdict(card).items() if value not in ("", (), False)}
    raw = {field: _listed(value) for field, value in told.items()}
    if card.qualifier_kinds:
        raw["qualifier_kinds"] = dict(card.qualifier_kinds)
    return str(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=140, default_flow_style=None))


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _json(path: Path) -> Any:
    try:
        return json.loads(text(path))
    except json.JSONDecodeError as error:
        raise BadCard(f"{path}, line {error.lineno}: is not JSON ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise BadCard(f"{path}: is not JSON that can be read ({str(error)[:200]})") from None


def _card(raw: Any, where: str) -> Relation:
    try:
        return relation_from(raw)
    except BadRequest as error:
        raise BadCard(f"{where}: {error}") from None


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)  # type: ignore[func-returns-value]


def _original(key: str, raw: Mapping[str, Any], path: Path) -> CardFile:
    where = f"{path}, {key!r}"
    if unknown := sorted(set(map(str, raw)) - set(_FIELDS)):
        raise BadCard(f"{where}: unknown field {unknown[0]!r}: an original card has {', '.join(_FIELDS)}")
    own, others = (_templates(raw.get(field, []), where, field) for field in ("init_prompts", "prompts"))
    ternary = any(f"{{{THIRD}}}" in prompt for prompt in own)
    plain_card = {
        "name": " ".join(_NUMBER.sub("", key).replace("_", " ").split()),
        "key_qualifiers": [THIRD] if ternary else [],
        "prompts": own,
        "seeds": raw.get("seed_ent_tuples", []),
    }
    card = _card(plain_card, where)
    kept, left_out = list(card.prompts), []
    for prompt in others:
        if prompt in kept:
            continue
        if why := why_not(card, prompt, kept):
            left_out.append(LeftOut(card.name, prompt, why))
        else:
            kept.append(prompt)
    return CardFile((_card({**plain_card, "prompts": kept}, where),), tuple(left_out))


def _templates(raw: Any, where: str, field: str) -> list[str]:
    if not isinstance(raw, list) or not all(isinstance(prompt, str) for prompt in raw):
        raise BadCard(f"{where}: {field} must be a list of sentences with <ENT0> and <ENT1>")
    return [_template(prompt) for prompt in raw]


def _template(prompt: str) -> str:
    """``<ENT0> was born in <ENT1> .`` as ``{head} was born in {tail}``, so that the tail is the last that is read."""
    text = _PLACE.sub(lambda place: _PLACES.get(place[0], f"{{{place[0][1:-1]}}}"), " ".join(prompt.split()))
    return re.sub(r"\s+(?=[,;:.!?])", "", text).removesuffix(".").rstrip()
