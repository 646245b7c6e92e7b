"""Which entities of a graph items are: as a file says, by their ids, or by their names where these mean one entity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kgplatform.linking import by_own_name
from kgplatform.names import normalise
from kgplatform.types import EntityId

if TYPE_CHECKING:
    from kgplatform.graph import KnowledgeGraph

_PART = 1_000


@dataclass(frozen=True, slots=True)
class Aligned:
    """``entities``: the id of its entity for each item that is one; ``ambiguous``: items whose words several bear."""

    entities: Mapping[str, str]
    ambiguous: tuple[str, ...] = field(default=())


def align(kg: KnowledgeGraph, items: Mapping[str, str], links: Mapping[str, str]) -> Aligned:
    """``items``: the name of each, or an empty one; ``links``: what a file calls their entities, by id or name.

    A link outweighs the item's own id, that its name. Ids that are mere numbers name nothing. Where several entities bear the words,
    none is taken.
    """
    found: dict[str, str] = {}
    several: set[str] = set()
    for words in (links, {item: item for item in items}, items):
        asked = {item: word for item, word in words.items() if word and item in items and item not in found}
        entities, unclear = _meant(kg, asked)
        found |= entities
        several |= unclear
    return Aligned(found, tuple(sorted(several - found.keys())))


def _meant(kg: KnowledgeGraph, asked: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """The entities that have these words as their id or name, and the items whose words several bear."""
    found: dict[str, str] = {}
    several: set[str] = set()
    everything = list(asked.items())
    for start in range(0, len(everything), _PART):
        part = dict(everything[start : start + _PART])
        by_id = kg.store.entities([EntityId(word) for word in part.values()])
        named = {word: normalise(word) for word in part.values() if not word.isdecimal()}
        by_name = kg.store.named(sorted(set(named.values()) - {""}))
        for item, word in part.items():
            if there := by_id.get(EntityId(word)):
                found[item] = there.id
                continue
            match by_own_name(word, by_name.get(named.get(word, ""), [])):
                case []:
                    pass
                case [one]:
                    found[item] = one.id
                case _:
                    several.add(item)
    return found, several
