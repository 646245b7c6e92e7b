"""A first prompt from nothing but a relation's name, by rules that a person can foresee; where none applies the name stands as it is.

``first_prompt("capital of", one=True) == "{head} is the capital of {tail}"``.
"""

from __future__ import annotations

import re

_PREPOSITIONS = frozenset("in on at by to from for with of after near under as into against about between within".split())
_ACTIVE = frozenset(
    "appeared belonged collaborated competed died fought graduated lectured lived moved occurred participated performed played ran "
    "resided retired served starred stayed studied taught trained traveled travelled worked wrote".split()
)
"""Pasts that stand before a preposition without having been done to anybody."""
_LASTING = frozenset(
    "affiliated associated based called caused composed connected dedicated derived employed formed found known linked listed located "
    "made married measured named owned related situated spoken used".split()
)
"""Participles that say what is, not what was."""
_IRREGULAR = frozenset(
    "begun born bought built chosen cut drawn driven found given held kept known led lost made overthrown put run seen sent set shot "
    "shown sold spoken sung taken taught told thrown won worn written".split()
)
_NOUNS = frozenset(
    "author capital child colour composer continent country currency designer developer director employer father field founder genre "
    "head home husband instrument king language leader manufacturer mayor mother name number occupation owner parent place population "
    "president producer profession publisher religion sister spouse successor symbol title type wife year".split()
)
_NOUN_ENDINGS = ("tion", "ment", "ness", "ship", "ency", "ity", "hood")
_LEADS = frozenset("is was are were has had can may does".split())


def words(name: str) -> str:
    """A relation's name as words: ``/people/birth_place``, ``birthPlace``, ``BIRTH_PLACE`` and ``Birth Place`` are ``birth place``."""
    plain = re.sub(r"[{}]", " ", name)
    if plain.startswith("/"):
        plain = plain.strip("/ ").rsplit("/", 1)[-1]
    split = re.sub(r"(?<=[a-z])[A-Z](?=[a-z])", lambda letter: f" {letter[0].lower()}", plain)
    said = " ".join(split.replace("_", " ").replace("-", " ").split())
    loud = (said.istitle() and said.replace(" ", "").isalpha()) or (said.isupper() and (" " in said or len(said) > 4))
    return said.lower() if loud else said[:1].lower() + said[1:] if said[1:2].islower() else said


def first_prompt(name: str, one: bool = False) -> str:
    """A sentence with ``{head}`` and ``{tail}``; ``one`` says that a tail has one head, so that it is *the* capital, not *a* one."""
    said = words(name) or "goes with"
    parts = said.split()
    first, last = parts[0], parts[-1]
    if first in _LEADS or len(parts) == 1:
        return f"The {said} of {{head}} is {{tail}}" if _noun(parts) else f"{{head}} {said} {{tail}}"
    if _participle(first, last if last in _PREPOSITIONS else parts[1]):
        return f"{{head}} {'is' if first in _LASTING else 'was'} {said} {{tail}}"
    if last == "of" and (not first.endswith(("ed", "s")) or first.endswith("ss")):
        return f"{{head}} is {_article(first, one)}{said} {{tail}}"
    return f"The {said} of {{head}} is {{tail}}" if _noun(parts) else f"{{head}} {said} {{tail}}"


def _participle(first: str, by: str) -> bool:
    """Whether the first word, before this preposition, says what was done to the head."""
    if by not in _PREPOSITIONS:
        return False
    passive = first.endswith("ed") or first in _IRREGULAR | _LASTING
    return passive and (by == "by" or first not in _ACTIVE)


def _noun(parts: list[str]) -> bool:
    """Whether the name is surely a noun phrase, such as ``place of birth``, ``native language`` or ``nationality``."""
    if parts[0] in _LEADS or parts[0].endswith("ed") or (_PREPOSITIONS - {"of"}).intersection(parts):
        return False
    head = parts[parts.index("of") - 1] if "of" in parts[1:-1] else parts[-1]
    return head in _NOUNS or head.endswith(_NOUN_ENDINGS)


def _article(first: str, one: bool) -> str:
    if first == "part":
        return ""
    return "the " if one else "an " if first[0] in "aeiou" else "a "
