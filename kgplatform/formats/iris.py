"""Ids and words as IRIs below our own, and back: the same in every format of linked data."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

from kgplatform.formats import rows

HOME = "https://kgplatform.org/"
VOCABULARY = f"{HOME}ns#"
BASE = f"{HOME}id/"
"""Ids of entities and sources stand below this."""

_SEGMENT = r"(?:[\w!$&'()*+,;=:@.~-]|%[0-9A-Fa-f]{2})"
_FOREIGN = re.compile(
    rf"(?:https?://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?(?:/{_SEGMENT}*)*(?:\?(?:{_SEGMENT}|[/?])*)?(?:#(?:{_SEGMENT}|[/?])*)?"
    rf"|urn:[a-z0-9][a-z0-9-]+:{_SEGMENT}+)"
)
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def part(id: str) -> str:
    """An id as the last part of an IRI."""
    return _part(id) if len(id) <= rows.SHORT else _quoted(id)


def _quoted(id: str) -> str:
    return quote(id, safe="", errors="replace")


_part = lru_cache(maxsize=20_000)(_quoted)


def unpart(written: str) -> str:
    """The inverse of ``part``."""
    return _unpart(written) if len(written) <= rows.SHORT else unquote(written)


_unpart = lru_cache(maxsize=20_000)(unquote)


def entity(id: str) -> str:
    """The IRI of an entity: its id where that is an IRI that needs no escape, else below ``BASE``."""
    if not id.startswith(HOME) and _FOREIGN.fullmatch(id):
        return id
    written = part(id)
    return BASE + (written if written.strip(".") else written.replace(".", "%2E"))  # "..", as it stands, is a step up


def entity_id(iri: str) -> str:
    """The inverse of ``entity``; a foreign IRI is its own id."""
    return unpart(iri.removeprefix(BASE)) if iri.startswith(BASE) else iri


def name(id: str) -> str:
    """What an entity is called that has no label: ``http://dbpedia.org/resource/Marie_Curie`` → ``Marie Curie``; by an id of ours."""
    return _local(id) if "://" in id or id.startswith("urn:") else id


def _local(iri: str) -> str:
    tail = re.split(r"[/#]|:(?!//)", iri.rstrip("/#"))[-1]
    return unquote(tail).replace("_", " ").strip() or iri


def words(iri: str) -> str:
    """What a class or a property is called that has no label: ``http://schema.org/birthPlace`` → ``birth place``."""
    if iri.startswith(HOME):
        return unquote(iri.removeprefix(HOME).partition("/")[2]) or iri
    return spaced(_local(iri))


def spaced(name: str) -> str:
    """A name of a program in words: ``ChemicalElement``, ``birthPlace`` and ``BORN_IN``; what looks like none stays (``P31``)."""
    name = name.replace("_", " ")
    if name.isupper() and " " in name:
        return name.lower()
    return " ".join(word.lower() if word[1:].islower() else word for word in _CAPITAL.sub(" ", name).split())
