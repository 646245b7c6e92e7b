"""Ids, keys, labels and types: every name that a database, a file or a URL sees is made here.

Pure functions of their arguments, so two writers who never met agree. Whatever a person or a model
calls a thing goes in safely: ids are bounded and free of separators, labels and relationship types are
identifiers of a fixed alphabet, and the original words are kept beside them as plain values.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

import orjson

from kgplatform.errors import BadName, BadRequest, NotFound
from kgplatform.types import Entity, EntityId, Evidence, EvidenceId, FactKey, Literal, Pairs, Qualifiers

T = TypeVar("T")
ID_BYTES = 200
"""Longest name part of an id that we make; a longer one is cut and ends in a hash of the whole."""
GIVEN_ID_BYTES = 1_000
"""Longest id that an import may bring (Neo4j's index holds about 8,000 bytes)."""
NAME_LENGTH = 1_000
"""Characters of the longest name that an entity may have."""

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,119}")
_LABEL = re.compile(r"[A-Z][A-Za-z0-9]{0,119}")
_OURS = frozenset("id name name_key aliases alias_keys alias_marks aliases_text kinds description also merged redirect rev emb".split())
_OUR_BEGINNINGS = ("kg_", "emb_", "embedding")
"""Properties of entities that are the platform's own."""
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ESCAPED = re.compile(r"[:|/\\%_=#?&\"'<>`\x00-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"%([0-9A-F]{2})")


def digest(*parts: str, size: int = 8) -> str:
    """A hash of the parts as a database holds them, that no joining of other parts can give; ``2 * size`` hex digits."""
    try:
        told = orjson.dumps(parts)
    except orjson.JSONEncodeError:  # a lone surrogate
        told = orjson.dumps([part.encode("utf-8", "replace").decode() for part in parts])
    return hashlib.blake2b(told, digest_size=size).hexdigest()


def storable(text: str) -> str:
    """Text of the same length without lone surrogates, which no database can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def text(given: object, what: str) -> str:
    """What was given, where it is text. Raises ``BadRequest``, which says ``what`` should be."""
    if isinstance(given, str):
        return given
    raise BadRequest(f"{what} must be text, not {repr(given)[:60]}")


def count(given: object, what: str, least: int = 0, most: int | None = None) -> int:
    """What was given, where it is a whole number from ``least`` on. Raises ``BadRequest``, which says ``what`` should be."""
    if isinstance(given, int) and not isinstance(given, bool) and least <= given <= (given if most is None else most):
        return given
    raise BadRequest(f"{what} must be a whole number from {least} {'on' if most is None else f'to {most}'}, not {repr(given)[:60]}")


def callable_or_none(given: object, what: str) -> None:
    """Raises ``BadRequest`` for what was given where a function, or none, should be."""
    if not (given is None or callable(given)):
        raise BadRequest(f"{what} must be a function, not {repr(given)[:60]}")


def listed(given: object, of: type[T], what: str) -> Iterator[T]:
    """What was given one by one, each ``of`` that type. Raises ``BadRequest``, with ``what`` is done with such a list."""
    if not isinstance(given, Iterable):
        raise BadRequest(f"{repr(given)[:60]} is no list: {what} a list of  {of.__module__}.{of.__name__}")
    for one in given:
        if not isinstance(one, of):
            raise BadRequest(f"{repr(one)[:60]} is no {of.__name__.lower()}: {what} a list of  {of.__module__}.{of.__name__}")
        yield one


def normalise(name: str) -> str:
    """The form in which two spellings of one name are equal: NFKC, casefold, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def clean(name: str) -> str:
    """A name as it is kept: no control or lone surrogate characters, nothing that turns the direction of writing, no space at its ends.

    Right-to-left names need no such mark. Raises ``BadName`` when nothing is left.
    """
    if name and name.isascii() and name.isprintable() and "  " not in name and name[0] != " " != name[-1]:
        return name
    name = "".join(" " if c in "\n\r\t\v\f" else c for c in name if c not in _TURNING)
    kept = "".join(c for c in name if unicodedata.category(c) not in ("Cc", "Cs"))
    kept = " ".join(kept.split())
    if all(unicodedata.category(c) == "Cf" for c in kept):
        raise BadName(f"{name!r} is not a name: it has no visible character")
    return kept


def _bounded(text: str, limit: int = ID_BYTES) -> str:
    raw = text.encode()
    return text if len(raw) <= limit else f"{raw[: limit - 20].decode(errors='ignore')}~{digest(text)}"


def _escaped(text: str) -> str:
    return _ESCAPED.sub(lambda m: f"%{ord(m.group()):02X}", text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text)


def slug(words: str) -> str:
    """Words as one lower-case file-name part: ``slug("Born in") == "born_in"``."""
    return re.sub(r"\W+", "_", normalise(words)).strip("_") or digest(words)


def entity_id(kind: str, name: str, disambiguator: str = "") -> EntityId:
    """The id of a new entity: ``entity_id("city", "New York") == "city:new_york"``."""
    parts = [_escaped(normalise(kind)).replace(" ", "_"), _bounded(_escaped(normalise(clean(name))).replace(" ", "_"))]
    if disambiguator:
        parts.append(_bounded(_escaped(normalise(disambiguator)).replace(" ", "_")))
    return EntityId(":".join(parts))


def given_id(text: str) -> EntityId:
    """An id that a file brings, kept as it is. Raises ``BadName`` when the graph could not hold it."""
    if len(text.encode("utf-8", "replace")) > GIVEN_ID_BYTES or text != clean(text) or text.startswith("="):
        raise BadName(
            f"{text[:60]!r} cannot be an id: at most {GIVEN_ID_BYTES} bytes, no control characters, no space at its ends, no '=' first"
        )
    return EntityId(text)


def given_name(text: str) -> str:
    """A name of an entity as it is kept. Raises ``BadName`` for one that is too long, or of which nothing is left."""
    name = clean(text)
    if len(name) > NAME_LENGTH:
        raise BadName(f"{name[:60]!r} and more cannot be a name: it has {len(name):,} characters, at most {NAME_LENGTH:,} are kept")
    return name


@lru_cache(maxsize=10_000)
def relationship_type(relation: str) -> str:
    """``relationship_type("born in") == "BORN_IN"``; what does not fit the alphabet gets a hash."""
    plain = re.sub(r"[^A-Z0-9]+", "_", unicodedata.normalize("NFKD", relation).encode("ascii", "ignore").decode().upper()).strip("_")
    same = normalise(relation) == plain.lower().replace("_", " ") and _TYPE.fullmatch(plain)
    return plain if same else f"R_{plain[:90]}_{digest(normalise(relation)).upper()}".replace("__", "_")


@lru_cache(maxsize=10_000)
def property_name(relation: str) -> str:
    """``property_name("born on") == "born_on"``: the relationship type in lower case.

    What would be a property of ours or a unit gets a ``_`` at its end, where no type has one.
    """
    name = relationship_type(relation).lower()
    return f"{name}_" if name in _OURS or name.startswith(_OUR_BEGINNINGS) or name.endswith("_unit") else name


def unit_property(name: str) -> str:
    """The property that holds the unit of another."""
    return f"{name}_unit"


@lru_cache(maxsize=10_000)
def label(kind: str) -> str:
    """``label("chemical element") == "ChemicalElement"``; never one of ours, which begin with ``Kg``."""
    words = re.findall(r"[A-Za-z0-9]+", unicodedata.normalize("NFKD", kind).encode("ascii", "ignore").decode())
    plain = "".join(w[:1].upper() + w[1:].lower() for w in words)
    same = normalise(kind) == " ".join(w.lower() for w in words) and _LABEL.fullmatch(plain)
    return plain if same and not plain.startswith("Kg") and plain != "Entity" else f"K{digest(normalise(kind))}{plain[:90]}"


def key_part(text: str) -> str:
    """A text as it stands between the ``|`` of a key."""
    return text.replace("%", "%25").replace("|", "%7C")


def _uncomponent(text: str) -> str:
    return text.replace("%7C", "|").replace("%25", "%")


def literal_key(literal: Literal) -> str:
    """How a literal stands in a fact key: ``=date:::1867-11-07``; a long value is cut and hashed."""
    return "=" + ":".join((*(_escaped(part) for part in (literal.datatype, literal.unit, literal.language)), _bounded(literal.value)))


def reference(entity: str) -> str:
    """How an entity stands as a qualifier's value in keys, documents and properties: ``@city:warsaw``."""
    return f"@{entity}"


def referred(written: str) -> EntityId | None:
    """The entity that a written qualifier means, ``None`` for words."""
    return EntityId(written[1:]) if written.startswith("@") else None


def qualifier(value: str | Entity) -> str:
    """A qualifier's value as it is written; words that could be taken for an entity or for such words get a ``\\`` in front."""
    if isinstance(value, Entity):
        return reference(value.id)
    return f"\\{value}" if value.startswith(("@", "\\")) else value


def qualifiers(written: Pairs, entity: Callable[[EntityId], Entity]) -> Qualifiers:
    """The inverse of ``qualifier``, for all of a fact; ``entity`` knows the entity of an id."""
    return tuple((name, _read_qualifier(value, entity)) for name, value in written)


def _read_qualifier(written: str, entity: Callable[[EntityId], Entity]) -> str | Entity:
    if (named := referred(written)) is not None:
        return entity(named)
    return written[1:] if written.startswith("\\") else written


class KeyParts(NamedTuple):
    """A fact key taken apart. ``tail`` of a literal begins with ``=``; ``qualifiers`` are as ``qualifier`` writes them."""

    relation: str
    head: str
    tail: str
    qualifiers: Pairs


def fact_key(relation: str, head: str, tail: str | Literal, qualifiers: Pairs = ()) -> FactKey:
    """The key of a claim: ``born in|person:marie_curie|city:warsaw``, then any key qualifiers as ``name=value``.

    Their values are as ``qualifier`` writes them.
    """
    end = literal_key(tail) if isinstance(tail, Literal) else tail
    parts = [relation, head, end, *(f"{_escaped(name)}={value}" for name, value in sorted(qualifiers))]
    return FactKey("|".join(map(key_part, parts)))


def parse_key(key: str) -> KeyParts:
    """The inverse of ``fact_key``. Raises ``NotFound`` when the text is no key."""
    parts = [_uncomponent(part) for part in text(key, "the key of a fact").split("|")]
    if len(parts) < 3 or not all(parts[:3]) or any("=" not in part for part in parts[3:]):
        raise NotFound(f"{key[:120]!r} is not the key of a fact: expected  relation|head id|tail id")
    named = tuple((_unescaped(name), value) for name, _, value in (part.partition("=") for part in parts[3:]))
    return KeyParts(parts[0], parts[1], parts[2], named)


def is_key(text: str) -> bool:
    """Whether the text has the form of a fact's key."""
    try:
        parse_key(text)
    except NotFound:
        return False
    return True


def evidence_id(key: FactKey, piece: Evidence) -> EvidenceId:
    """Identity of a piece of evidence: who says what from where, not how strongly or when."""
    return EvidenceId(digest(key, piece.source.id, f"{piece.start}-{piece.end}", piece.method, piece.model, size=12))
