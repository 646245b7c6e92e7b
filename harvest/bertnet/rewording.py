"""Other wordings of a card's prompts without a chat model: a few transformations that surely are English, or nothing.

Each rule looks for one form of sentence; where it does not apply it says nothing. Kinds come from the card's domain and range, so
that "{head} was born in {tail}" also reads "The city in which {head} was born is {tail}".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from kgplatform.cardform import SLOT, slots
from kgplatform.cards import datatype
from kgplatform.types import Relation

_A, _B = r"(?P<a>\{(?:head|tail)\})", r"(?P<b>\{(?:head|tail)\})"
_NOUN = r"(?P<noun>[^\W\d][^{},.?!]*?)"
_IS_THE = re.compile(rf"{_A} (?P<be>is|was) the {_NOUN} of {_B}")
_THE_OF = re.compile(rf"The {_NOUN} of {_B} (?P<be>is|was) {_A}")
_IS_A = re.compile(rf"{_A} (?P<be>is|was) an? {_NOUN} of {_B}")
_HAS = re.compile(rf"{_B}['’]s {_NOUN} (?P<be>is|was) {_A}")
_PASSIVE = re.compile(rf"{_A} (?:was|were) (?P<verb>[a-z]+) by {_B}(?P<rest>(?: [^.?!]*)?)")
_PASSIVE_NOW = re.compile(rf"{_A} (?:is|are) (?P<verb>[a-z]+) by {_B}(?P<rest>(?: [^.?!]*)?)")
_ACTIVE = re.compile(rf"{_A} (?P<verb>[a-z]+) {_B}(?P<rest>(?: [^.?!]*)?)")
_ENDS_WITH_PREPOSITION = re.compile(rf"(?P<said>{_A} .*) (?P<by>in|on|at|from|to|for|with|by|near|after) {_B}")
_VERB_PHRASE = re.compile(rf"{_A} (?P<said>(?:is|was|has|had|[a-z]+ed|[a-z]+s) .*{_B}.*)")
_ARTICLES = frozenset("a an the its his her their very".split())
_ASKABLE = re.compile(r"(?:in|on|at|of|from|to|for|with|by|near|after|into|is|was|are|were|can|[a-z]+ed|[a-z]+s)$")
"""Last words behind which a bare "what" is surely English."""

_IRREGULAR = dict(
    pair.split(":")
    for pair in "begun:began built:built bought:bought chosen:chose drawn:drew driven:drove fought:fought found:found given:gave held:held "
    "kept:kept known:knew led:led lost:lost made:made met:met overthrown:overthrew run:ran seen:saw sent:sent shot:shot shown:showed "
    "sold:sold sung:sang sunk:sank taken:took taught:taught told:told thrown:threw understood:understood won:won worn:wore "
    "written:wrote".split()
)
"""Participle → past; of regular verbs both end in -ed."""
_PRESENT = dict(
    pair.split(":")
    for pair in "owned:owns caused:causes made:makes used:uses led:leads governed:governs produced:produces published:publishes run:runs "
    "caught:catches eaten:eats prevented:prevents treated:treats operated:operates sold:sells employed:employs followed:follows "
    "influenced:influences manufactured:manufactures developed:develops managed:manages needed:needs required:requires".split()
)
_ONE_WAY = frozenset("married died lived resembled lacked turned aged based located situated named called dated resided belonged".split())
"""Words in -ed that no passive with "by" is made of."""


def built_in(card: Relation) -> list[str]:
    """Wordings made of the card's own prompts, name and definition, best first; none that the card has."""
    own = [prompt.strip().rstrip(".").rstrip() for prompt in card.prompts]
    found = [form for prompt in own for rule in _RULES for form in rule(prompt)]
    for asking in (_which, _one, _question):
        found += _first_of_each_slot([form for prompt in own for form in asking(card, prompt)])
    return [form for form in dict.fromkeys([*found, *_definitional(card)]) if form not in card.prompts]


def _first_of_each_slot(forms: Sequence[str]) -> list[str]:
    """Of forms that end with their slot, one that asks for each."""
    firsts: dict[str, str] = {}
    for form in forms:
        firsts.setdefault(form[form.rindex("{") :], form)
    return list(firsts.values())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _turned(prompt: str) -> Iterator[str]:
    """Between "{head} is the capital of {tail}", "The capital of {tail} is {head}" and "One city of {tail} is {head}"."""
    if found := _IS_THE.fullmatch(prompt):
        yield f"The {found['noun']} of {found['b']} {found['be']} {found['a']}"
    elif found := _THE_OF.fullmatch(prompt) or _HAS.fullmatch(prompt):
        yield f"{found['a']} {found['be']} the {found['noun']} of {found['b']}"
    elif found := _IS_A.fullmatch(prompt):
        yield f"One {found['noun']} of {found['b']} {found['be']} {found['a']}"


def _possessive(prompt: str) -> Iterator[str]:
    if (found := _IS_THE.fullmatch(prompt) or _THE_OF.fullmatch(prompt)) and " of " not in found["noun"]:
        yield f"{found['b']}'s {found['noun']} {found['be']} {found['a']}"


def _active(prompt: str) -> Iterator[str]:
    """ "{tail} designed {head}" of "{head} was designed by {tail}"."""
    if found := _PASSIVE.fullmatch(prompt):
        verb = found["verb"]
        if past := _IRREGULAR.get(verb) or (verb if verb.endswith("ed") and verb not in _ONE_WAY else ""):
            yield f"{found['b']} {past} {found['a']}{found['rest']}"
    elif (found := _PASSIVE_NOW.fullmatch(prompt)) and (now := _PRESENT.get(found["verb"])):
        yield f"{found['b']} {now} {found['a']}{found['rest']}"


def _passive(prompt: str) -> Iterator[str]:
    """ "{tail} was designed by {head}" of "{head} designed {tail}"."""
    if not (found := _ACTIVE.fullmatch(prompt)):
        return
    verb = found["verb"]
    pasts = {past: participle for participle, past in _IRREGULAR.items()}
    if participle := pasts.get(verb) or (verb if verb.endswith("ed") and verb not in _ONE_WAY else ""):
        yield f"{found['b']} was {participle} by {found['a']}{found['rest']}"
    elif participle := {now: participle for participle, now in _PRESENT.items()}.get(verb, ""):
        yield f"{found['b']} is {participle} by {found['a']}{found['rest']}"


_RULES: tuple[Callable[[str], Iterator[str]], ...] = (_turned, _active, _passive, _possessive)


def _kind(card: Relation, slot: str) -> str:
    """What stands in the slot, as a word that follows "which"; empty when the card does not say one kind, or says only "thing"."""
    if slot == "{tail}" and (typed := datatype(card)):
        return typed if typed in ("date", "year") else ""
    kinds = (
        card.domain
        if slot == "{head}"
        else card.range
        if slot == "{tail}"
        else tuple(v for k, v in card.qualifier_kinds if slot == f"{{{k}}}")
    )
    return kinds[0] if len(kinds) == 1 and kinds[0] != "thing" else ""


def _which(card: Relation, prompt: str) -> Iterator[str]:
    """ "The city in which {head} was born is {tail}"."""
    if len(slots(card)) > 2 or not (found := _ENDS_WITH_PREPOSITION.fullmatch(prompt)) or not (kind := _kind(card, found["b"])):
        return
    said, by = found["said"], found["by"]
    if by == "by" and not (said.endswith("ed") or said.rsplit(" ", 1)[-1] in _IRREGULAR):
        return
    yield f"The {kind} {by} {'whom' if kind == 'person' else 'which'} {said} is {found['b']}"


def _one(card: Relation, prompt: str) -> Iterator[str]:
    """ "One person that was born in {tail} is {head}"."""
    if len(slots(card)) > 2 or not (found := _VERB_PHRASE.fullmatch(prompt)) or not (kind := _kind(card, found["a"])):
        return
    if kind not in found["said"].split() and not re.match(r"(?:is|was) (?:the|where|when) ", found["said"]):
        yield f"One {kind} that {found['said']} is {found['a']}"


def _question(card: Relation, prompt: str) -> Iterator[str]:
    """ "Question: {head} was born in which city? Answer: {tail}", of a prompt that ends with a slot."""
    slot = next((f"{{{name}}}" for name in slots(card) if prompt.endswith(f" {{{name}}}")), "")
    asked = prompt.removesuffix(slot).rstrip()
    last = asked.rsplit(" ", 1)[-1]
    if not slot or "?" in prompt or not last.isalpha() or last.casefold() in _ARTICLES:
        return
    if kind := _kind(card, slot):
        if last != kind:
            yield f"Question: {_capital(asked)} which {kind}? Answer: {slot}"
    elif _ASKABLE.match(last):
        yield f"Question: {_capital(asked)} what? Answer: {slot}"


def _definitional(card: Relation) -> Iterator[str]:
    """From the name and the definition; and the bare list, which models know from tables."""
    name = SLOT.sub("", card.name).strip("{} ")
    listed: Sequence[str] = [f"{{{slot}}}" for slot in slots(card)]
    definition = re.split(r"(?<=[^.]{3})[.;](?:\s|$)", card.definition.strip())[0].rstrip(".")
    if definition and not set("{}") & set(definition):
        yield f"“{name}” means: {definition}. Example: {', '.join(listed)}"
    yield f"In the relation “{name}”, {listed[0]} goes with {' and '.join(listed[1:])}"
    yield f"{_capital(name)}: {' – '.join(listed)}"
