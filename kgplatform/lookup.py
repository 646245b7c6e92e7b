"""From what a person types to the entity or the fact that is meant, or a sentence that says why there is none."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

from kgplatform import cards, names
from kgplatform.errors import Ambiguous, BadRequest, NotFound
from kgplatform.literals import canonical
from kgplatform.ports import Store
from kgplatform.types import Entity, EntityId, Fact, FactKey, FactQuery, Literal, Relation


def entity(store: Store, name: str) -> Entity:
    """The entity with that id, name or alias. Raises ``NotFound`` (with near names) or ``Ambiguous``."""
    if isinstance(name, str) and not name.strip():
        raise NotFound("the name of an entity is empty: give its id, its name or an alias")
    if found := store.entities([EntityId(names.text(name, "the name of an entity"))]):
        return found[EntityId(name)]
    bearers = store.named([name]).get(name) or store.named([names.normalise(name)]).get(names.normalise(name), [])
    by_own_name = [one for one in bearers if names.normalise(one.name) == names.normalise(name)]
    match _current(store, by_own_name or bearers):
        case [one]:
            return one
        case []:
            near = ", ".join(dict.fromkeys(hit.entity.name for hit in store.search(name, limit=3)))
            raise NotFound(f"no entity is called {name[:80]!r}" + (f"; near it: {near}" if near else ""))
        case several:
            raise Ambiguous(f"{name[:80]!r} names several: give the id, one of {', '.join(sorted(one.id for one in several)[:5])}")


def _current(store: Store, bearers: list[Entity]) -> list[Entity]:
    """Of several those that anything is believed of, if there are such: what was only proposed, or is rejected, makes no name ambiguous."""
    if len(bearers) < 2:
        return bearers
    return [one for one in bearers if store.neighbours([one.id], FactQuery(limit=1))] or bearers


def fact(store: Store, text: str) -> Fact:
    """The fact with that key, or ``head | relation | tail`` by names. Raises ``NotFound`` or ``Ambiguous``."""
    if names.is_key(names.text(text, "a fact")) and (found := store.fact(FactKey(text))):
        return found
    parts = [part.strip() for part in text.split(" | ")]
    if len(parts) != 3 or not all(parts):
        raise NotFound(f"no fact has the key {text[:120]!r}: give a key, or  head | relation | tail  by names")
    head, relation, tail = parts
    known = store.relations()
    if relation not in known and (turned := inverse_of(relation, known)):
        head, relation, tail = tail, turned.name, head
    match list(_by_names(store, head, relation, tail, known.get(relation))):
        case [found]:
            return found
        case []:
            raise NotFound(f"the graph does not hold  {head} | {relation} | {tail}")
        case several:
            keys = "  ".join(one.key for one in several[:5])
            raise Ambiguous(f"several facts are  {head} | {relation} | {tail}: give the key, one of  {keys}")


def check_relation(store: Store, name: str) -> None:
    """Raises ``NotFound`` (with near names) for a relation of neither a card nor a fact, ``BadRequest`` for the name of an inverse."""
    known = store.relations()
    if names.text(name, "the name of a relation") in known:
        return
    if not name.strip():
        raise NotFound("the name of a relation is empty: give one in its own words, or leave it out to mean all")
    if card := inverse_of(name, known):
        raise BadRequest(f"{name!r} is the inverse of {card.name!r}: ask for that, with head and tail exchanged")
    if not store.relates(name):
        like = near(name, known) or near(name, {one.relation for one in store.signatures()})  # these read the whole graph
        raise NotFound(f"the graph has no relation {name[:80]!r}{like}")


def near(wanted: str, there: Collection[str]) -> str:
    """The end of a sentence that names those of ``there`` which are written much like what was wanted, if any are."""
    found = difflib.get_close_matches(wanted[:200], sorted(there), n=3) or [one for one in sorted(there) if _bare(one) == _bare(wanted)]
    return f"; near it: {', '.join(found[:3])}" if found else ""


def _bare(name: str) -> str:
    return names.normalise(name.replace("_", " "))


def inverse_of(relation: str, known: dict[str, Relation]) -> Relation | None:
    """The card under which facts told by this inverse's name are stored."""
    return next((card for card in known.values() if card.inverse == relation), None)


def _by_names(store: Store, head: str, relation: str, tail: str, card: Relation | None) -> Iterator[Fact]:
    start = entity(store, head).id
    if card is not None and cards.datatype(card):
        yield from _by_value(store.facts(FactQuery(head=start, relation=relation, status="all")), tail)
        return
    try:
        end = entity(store, tail).id
    except NotFound:
        found = list(_by_value(store.facts(FactQuery(head=start, relation=relation, status="all")), tail))
        if not found:
            raise
        yield from found
        return
    yield from store.facts(FactQuery(head=start, relation=relation, tail=end, status="all"))
    if card is not None and card.symmetric and start != end:
        yield from store.facts(FactQuery(head=end, relation=relation, tail=start, status="all"))


def _by_value(facts: Iterable[Fact], words: str) -> Iterator[Fact]:
    return (found for found in facts if isinstance(found.tail, Literal) and _means(words, found.tail))


def _means(words: str, value: Literal) -> bool:
    """Whether a person's words are this value, with or without its unit."""
    bare = words.removesuffix(value.unit).rstrip() if value.unit else words
    return value.value in (words, canonical(words, value.datatype), canonical(bare, value.datatype))
